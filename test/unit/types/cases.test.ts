/**
 * Scripts of test/cases/elaborate and test/cases/types: `NAME.txt` holds the program with its
 * bodies as -p2 -v shows it, after the warnings; or the errors.
 */
import { suite } from "uvu";
import { showProgram } from "../../../compiler/types/show.js";
import { analyzeText, golden, readCases, showFound } from "./support.js";

const s = suite("types/cases");

for (const folder of ["elaborate", "types"]) {
  for (const { name, text, goldenPath } of readCases(folder)) {
    s(`${folder}/${name}`, () => {
      const { program, errors, warnings } = analyzeText(text);
      const lines = [
        ...warnings.map((warning) => `warning ${showFound(warning)}\n`),
        ...errors.map((error) => `error ${showFound(error)}\n`),
      ];
      golden(goldenPath, lines.join("") + (program ? showProgram(program, true) : ""));
    });
  }
}

s.run();
