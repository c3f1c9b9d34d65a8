/** ERROR and WARNING lines of a run (cli.md of SystemTap: stap(1) "DIAGNOSTICS"). */
import { say } from "./output.js";

/** Where messages of a run go. */
export interface Messages {
  error(text: string): void;
  warning(text: string): void;
  /** True once there was an error: the run has failed. */
  hasErrors(): boolean;
}

/** What a user asked about messages. */
export interface MessageOptions {
  /** -v: repeat equal warnings. */
  readonly repeat: boolean;
  /** -w: no warnings. */
  readonly noWarnings: boolean;
  /** Takes each line; default: standard error. */
  readonly say?: (line: string) => void;
}

/** Messages on standard error, each distinct warning once unless told otherwise. */
export function createMessages(options: MessageOptions): Messages {
  const said = new Set<string>();
  const tell = options.say ?? say;
  let failed = false;
  const sayLine = (line: string): void => tell(line.endsWith("\n") ? line.slice(0, -1) : line);
  return {
    error: (text) => {
      failed = true;
      sayLine(`ERROR: ${text}`);
    },
    warning: (text) => {
      if (options.noWarnings || (said.has(text) && !options.repeat)) return;
      said.add(text);
      sayLine(`WARNING: ${text}`);
    },
    hasErrors: () => failed,
  };
}
