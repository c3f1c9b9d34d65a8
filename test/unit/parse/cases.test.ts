/** Every construct: its tree as text, and that this text gives the same tree. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { showScript } from "../../../compiler/syntax/print.js";
import { golden, parseText, readCases } from "./support.js";

const s = suite("parse/cases");

for (const { name, path, text, guru, args } of readCases("parse")) {
  s(name, () => {
    const { script, errors } = parseText(text, { guru, args });
    assert.equal(
      errors.map(({ message }) => message),
      [],
    );
    golden(path.replace(/stp$/, "txt"), showScript(script));
  });

  s(`${name}: the text of the tree parses to the same tree`, () => {
    const shown = showScript(parseText(text, { guru, args }).script);
    const again = parseText(shown, { guru: true });
    assert.equal(
      again.errors.map(({ message }) => message),
      [],
    );
    assert.is(normal(showScript(again.script)), normal(shown));
  });
}

/** Without what reading again adds: null statements, blocks in blocks, a sign's parentheses. */
function normal(shown: string): string {
  return shown.replace(/\(*-[-(]*(\d+)\)*/g, "-$1").replace(/[{};\s]+/g, " ");
}

s.run();
