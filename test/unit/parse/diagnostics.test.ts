/** Parse errors: each `//! message` is found on its line, several `//! message //! message` too. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import { lineColumn } from "../../../base/position.js";
import { parseText, readCases } from "./support.js";

const s = suite("parse/diagnostics");

for (const { name, text, args } of readCases("diagnostics", "parse-"))
  s(name, () => {
    const { errors } = parseText(text, { args });
    const found = new Set(errors.map(showFound));
    assert.equal([...found].sort(), expected(text).sort());
  });

/** `line: message` of every expectation in `text`. */
function expected(text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    const [, ...messages] = line.split("//! ");
    return messages.map((message) => `${index + 1}: ${message.trim()}`);
  });
}

/** The same of an error; what is wrong at the end of the file belongs to its last line. */
function showFound({ message, span, token }: Diagnostic): string {
  if (span === null) return message;
  const { line } = lineColumn(span.file, token === "EOF" ? span.start - 1 : span.start);
  return `${line}: ${message}`;
}

s.run();
