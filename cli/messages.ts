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
  const withoutEnd = (text: string): string => (text.endsWith("\n") ? text.slice(0, -1) : text);
  return {
    error: (text) => {
      failed = true;
      tell(withoutEnd(`ERROR: ${text}`));
    },
    warning: (text) => {
      const line = withoutEnd(`WARNING: ${text}`);
      if (options.noWarnings || (said.has(line) && !options.repeat)) return;
      said.add(line);
      tell(line);
    },
    hasErrors: () => failed,
  };
}
