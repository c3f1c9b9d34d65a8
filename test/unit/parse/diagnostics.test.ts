/** Parse errors: each `//! message` is found on its line, and nothing else is. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import { lineColumn } from "../../../base/position.js";
import { parseText, readCases } from "./support.js";

const s = suite("parse/diagnostics");

for (const { name, text, args } of readCases("diagnostics", "parse-"))
  s(name, () => {
    const { errors } = parseText(text, { args });
    assert.equal(errors.map(showFound).sort(), expected(text).sort());
  });

/** `line: message` of every expectation in `text`. */
function expected(text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    const found = /\/\/! (.*)$/.exec(line)?.[1];
    return found === undefined ? [] : [`${index + 1}: ${found}`];
  });
}

/** The same of an error; what is wrong at the end of the file belongs to its last line. */
function showFound({ message, span, token }: Diagnostic): string {
  if (span === null) return message;
  const { line } = lineColumn(span.file, token === "EOF" ? span.start - 1 : span.start);
  return `${line}: ${message}`;
}

s.run();
