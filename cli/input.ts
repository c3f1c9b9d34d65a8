/** Files that the command line names. */
import { readFileSync } from "node:fs";
import { TargetError } from "../base/target-error.js";

/** Bytes of the script or bundle at `path`, `-` for standard input. Throws TargetError. */
export function readInput(path: string): Uint8Array {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "is missing" : `cannot be read (${code})`;
    const about = { operation: "read script", subject: path };
    throw new TargetError(`Input file "${path}" ${reason}.`, about, { cause });
  }
}
