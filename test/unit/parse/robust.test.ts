/** No text makes the parser fail in another way than with a diagnostic that has a place. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { showDiagnostic } from "../../../cli/show-diagnostic.js";
import { showScript } from "../../../compiler/syntax/print.js";
import { createRandom } from "../../support/random.js";
import { parseText, readCases } from "./support.js";

const s = suite("parse/robust");

s("cases with parts cut out, doubled and exchanged", () => {
  const random = createRandom();
  const texts = [...readCases("parse"), ...readCases("diagnostics", "parse-")].map(
    ({ text }) => text,
  );
  const pick = (limit: number): number => Math.floor(random() * limit);
  for (let round = 0; round < 600; round++) {
    const text = texts[pick(texts.length)] ?? "";
    const other = texts[pick(texts.length)] ?? "";
    const [from, to] = [pick(text.length), pick(text.length)].sort((a, b) => a - b);
    const start = pick(other.length);
    const inserted = other.slice(start, start + pick(20));
    const mutated = text.slice(0, from) + inserted + text.slice(to);
    const { script, errors } = parseText(mutated, { args: ["1", "x y"] });
    for (const error of errors) {
      assert.ok(error.span === null || error.span.end <= mutated.length);
      assert.ok(showDiagnostic(error, { color: false }).startsWith("parse error: ") || !error.span);
    }
    assert.ok(showScript(script).startsWith("# file"));
  }
});

for (const [name, text] of [
  ["parentheses", `x = ${"(".repeat(5000)}1`],
  ["signs", `x = ${"- ".repeat(5000)}1`],
  ["blocks", "{".repeat(5000)],
  ["conditions", "if (1) ".repeat(5000)],
  ["ternaries", `x = ${"1 ? 2 : ".repeat(5000)}3`],
  ["assignments", "x = ".repeat(5000)],
] as const)
  s(`too deep: ${name}`, () => {
    const [error] = parseText(`probe begin { ${text} }`).errors;
    assert.is(error?.message, "more than 256 levels of nesting");
  });

s("a chain of else if may be long", () => {
  const { errors } = parseText(`probe begin { ${"if (a) b else ".repeat(1000)} c }`);
  assert.is(errors.length, 0);
});

s("too deep: braces of probe points", () => {
  assert.is(parseText(`probe ${"{".repeat(5000)}`).errors[0]?.code, "too-deep");
});

s.run();
