/**
 * What Tab offers in the shell of -i: commands, options, files and examples, and in text of scripts
 * keywords, functions of the tapsets and words of probe points.
 */
import { readdirSync } from "node:fs";
import type { LibraryNames } from "../compiler/list-library.js";
import { KEYWORDS } from "../compiler/parse/token.js";
import { exampleFiles } from "./compile-input.js";
import { COMMAND_NAMES } from "./shell-commands.js";
import { SETTING_NAMES } from "./shell-settings.js";

/** What may stand at the end of a line, and the part of the line that it stands for. */
export type Completion = readonly [names: readonly string[], start: string];

/** Completes `line`; `library` is asked only where names of scripts are wanted. */
export async function complete(
  line: string,
  library: () => Promise<LibraryNames>,
): Promise<Completion> {
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
      return completeScript(rest, await library());
    default:
      return [[], rest];
  }
}

/** The last word of `text`: behind a dot a word of a probe point, else whatever may begin there. */
function completeScript(text: string, { functions, points }: LibraryNames): Completion {
  const [, before, word = ""] = /(?:(\w+)(?:\([^()]*\))?\.)?(\w*)$/.exec(text) ?? [];
  const paths = points.map((point) => point.split("."));
  if (before === undefined) {
    return begun([...KEYWORDS, ...functions, ...paths.map(([first = ""]) => first)], word);
  }
  const next = paths.map((path) => path.find((_word, index) => path[index - 1] === before));
  return begun(
    next.filter((name) => name !== undefined),
    word,
  );
}

function begun(names: readonly string[], start: string): Completion {
  return [[...new Set(names.filter((name) => name.startsWith(start)))].sort(), start];
}

/** Paths of the files in the directory that `start` is in; directories end in a slash. */
function filesAt(start: string): readonly string[] {
  const directory = start.slice(0, start.lastIndexOf("/") + 1);
  try {
    const entries = readdirSync(directory === "" ? "." : directory, { withFileTypes: true });
    return entries.map((entry) => directory + entry.name + (entry.isDirectory() ? "/" : ""));
  } catch {
    return [];
  }
}
