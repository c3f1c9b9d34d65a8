/**
 * A script open in an editor: its text as bytes (Latin-1 code units, as all sources), and places in
 * it as the Language Server Protocol counts them: lines from 0, characters in UTF-16 code units.
 */
import { lineColumn, type SourceFile } from "../base/position.js";
import { toBytes } from "../compiler/syntax/strings.js";

/** A place in a document; Language Server Protocol 3.17, Position. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** One state of a document. */
export interface ScriptDocument {
  readonly file: SourceFile;
  readonly version: number;
}

/** The document `name` with `text`. */
export function scriptDocument(name: string, version: number, text: string): ScriptDocument {
  return { file: { name, text: toBytes(text), library: false }, version };
}

/** What stands before `position`, as the editor has it. */
export function textBefore({ file }: ScriptDocument, { line, character }: Position): string {
  const lines = file.text.split("\n");
  const before = lines.slice(0, line).map((each) => `${each}\n`);
  const current = fromBytes(lines[line] ?? "").slice(0, character);
  return fromBytes(before.join("")) + current;
}

/** The place of the byte `offset`. */
export function positionOf(file: SourceFile, offset: number): Position {
  const { line, column } = lineColumn(file, offset);
  const start = offset - (column - 1);
  return { line: line - 1, character: fromBytes(file.text.slice(start, offset)).length };
}

function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
