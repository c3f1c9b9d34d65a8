/** --sysroot and --sysenv: the script is about the programs of another system (stap(1)). */
import { realpathSync } from "node:fs";
import { UsageError } from "./getopt.js";
import type { Draft } from "./options.js";

/** Takes `directory` of --sysroot. Throws UsageError. */
export function setSysroot(draft: Draft, directory: string): void {
  if (draft.sysroot !== null)
    throw new UsageError("ERROR: multiple --sysroot options not supported");
  try {
    // An empty path would be that of the working directory.
    if (directory === "") throw new Error();
    const real = realpathSync(directory);
    draft.sysroot = real === "/" ? "" : real;
  } catch {
    throw new UsageError(`ERROR: ${directory} is an invalid directory for --sysroot`);
  }
}

/** Takes `NAME=VALUE` of --sysenv. Throws UsageError. */
export function setSystemVariable(draft: Draft, assignment: string): void {
  if (draft.sysroot === null) throw new UsageError("ERROR: --sysenv must follow --sysroot");
  const equals = assignment.indexOf("=");
  if (equals < 1) throw new UsageError(`ERROR: ${assignment} is an invalid argument for --sysenv`);
  const [name, value] = [assignment.slice(0, equals), assignment.slice(equals + 1)];
  draft.systemVariables = new Map([...draft.systemVariables, [name, value]]);
}
