/**
 * Source files from disk, standard input or the command line. Texts are bytes as Latin-1 code
 * units, so that what a script prints is what it holds, byte for byte.
 */
import { readFileSync } from "node:fs";
import { CompileFailed } from "../../base/diagnostic.js";
import { message } from "../../base/messages.js";
import type { SourceFile } from "../../base/position.js";
import { toBytes } from "../syntax/strings.js";

/** Name of scripts that come from -e or standard input, in messages. */
export const INPUT_NAME = "<input>";

/** Reads a script; `-` is standard input. Throws CompileFailed if it cannot be read. */
export function readScript(path: string): SourceFile {
  try {
    const text = readFileSync(path === "-" ? 0 : path, "latin1");
    return { name: path === "-" ? INPUT_NAME : path, text, library: false };
  } catch (failure) {
    const isMissing = (failure as NodeJS.ErrnoException).code === "ENOENT";
    const code = isMissing ? "missing-file" : "unreadable-file";
    const text = message(code, [path]);
    const about = { code, message: text, span: null, token: "", notes: [] } as const;
    throw new CompileFailed([{ ...about, severity: "parse error" }]);
  }
}

/** The script `text` of -e, or that of -E with `number`, from 1. */
export function scriptOfText(text: string, number = 0): SourceFile {
  const name = number === 0 ? INPUT_NAME : `<input${number}>`;
  return { name, text: toBytes(text), library: false };
}
