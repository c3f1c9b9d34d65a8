/**
 * A script open in an editor: its text as bytes (Latin-1 code units, as all sources), and places in
 * it as the Language Server Protocol counts them: lines from 0, characters in UTF-16 code units.
 */
import { fileURLToPath } from "node:url";
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
  /** Its name in the protocol. */
  readonly uri: string;
}

/** The document `uri` with `text`. Throws TypeError for a file of another machine. */
export function scriptDocument(uri: string, text: string): ScriptDocument {
  const name = uri.startsWith("file:") ? fileURLToPath(uri) : uri;
  return { file: { name, text: toBytes(text), library: false }, uri };
}

/** What stands before `position`, as the editor has it. */
export function textBefore({ file }: ScriptDocument, { line, character }: Position): string {
  const lines = fromBytes(file.text).split("\n");
  return [...lines.slice(0, line), (lines[line] ?? "").slice(0, character)].join("\n");
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
