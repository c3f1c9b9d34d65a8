/** What Tab offers in the shell of -i: commands, options, files and examples, and text of scripts. */
import { exampleFiles } from "./compile-input.js";
import {
  begun,
  type Completion,
  completeScript,
  filesAt,
  type NameSource,
} from "./complete-script.js";
import { COMMAND_NAMES } from "./shell-commands.js";
import { SETTING_NAMES } from "./shell-settings.js";

/** Completes `line`; `source` is asked only where names of scripts are wanted. */
export async function complete(line: string, source: NameSource): Promise<Completion> {
  const [, command, rest = ""] = /^\s*(\S+)\s+(.*)$/s.exec(line) ?? [];
  if (command === undefined) return begun(COMMAND_NAMES, line.trimStart());
  switch (COMMAND_NAMES.find((name) => name.startsWith(command))) {
    case "help":
      return begun(COMMAND_NAMES, rest);
    case "set":
    case "show":
      return begun(SETTING_NAMES, rest);
    case "load":
    case "save":
      return begun(filesAt(rest), rest);
    case "sample":
      return begun(exampleFiles(), rest);
    case "add":
      return completeScript(rest, source);
    default:
      return [[], rest];
  }
}
