/** IR of small scripts: test/cases/lower/NAME.stp → NAME.txt, without `init`. */
import { suite } from "uvu";
import { compile } from "../../../compiler/pipeline.js";
import { contextWith, golden, readCases } from "./support.js";

const s = suite("lower/cases");

for (const { name, text, goldenPath } of readCases()) {
  s(name, () => golden(goldenPath, showHandlers(text)));
}

/** Text of the IR without the function `init` and the data. */
function showHandlers(text: string): string {
  let shown = "";
  compile([{ name: "<input>", text, library: false }], contextWith(), (report) => {
    if (report.name === "ir") shown = report.show();
  });
  return shown
    .split("\n\n")
    .filter((part) => !/^(function init|data )/.test(part))
    .join("\n\n")
    .concat("\n");
}

s.run();
