/** Errors that end a command, as users see them. */
import { InternalError } from "../base/assert.js";
import { TargetError } from "../base/target-error.js";
import { UsageError } from "./getopt.js";
import { say } from "./output.js";

/** Tells what went wrong; gives the exit status. */
export function explain(error: unknown, tell: (line: string) => void = say): number {
  if (error instanceof UsageError) {
    tell(error.message);
    if (error.hint) tell("Try '--help' for more information. [man stap]");
    return 1;
  }
  if (error instanceof TargetError) {
    tell(`ERROR: ${error.message}`);
    return 1;
  }
  const kind = error instanceof InternalError ? "internal error" : "internal error (unexpected)";
  tell(
    `wastap: ${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  tell("This is a defect of wastap; please report it with the script and this text.");
  return 70;
}
