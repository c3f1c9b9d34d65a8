/**
 * What may stand at the end of a piece of script text: keywords, built-in operators, macros and
 * functions, words of probe points, files, and by debug information the names of functions, marks
 * and target variables. For Tab in the shell of -i and for editors.
 */
import { readdirSync } from "node:fs";
import { CompileFailed } from "../base/diagnostic.js";
import type { CompileContext } from "../base/stage.js";
import { TargetError } from "../base/target-error.js";
import type { LibraryNames } from "../compiler/list-library.js";
import { OPERATOR_WORDS } from "../compiler/parse/token.js";
import { KEYWORDS } from "../compiler/syntax/keywords.js";

/** What may stand at the end of a text, and the part of the text that it stands for. */
export type Completion = readonly [names: readonly string[], start: string];

/** Where names come from; asked only for what a text needs. */
export interface NameSource {
  library(): Promise<LibraryNames>;
  /** Lines of -l, or with variables of -L, for `pattern`; none if it matches nothing. */
  places(pattern: string, listing: { readonly variables: boolean }): Promise<readonly string[]>;
}

/** Names in the tapsets and the programs that a compilation in `context` finds. */
export function createNameSource(context: CompileContext): NameSource {
  let library: LibraryNames | null = null;
  const readLibrary = async (): Promise<LibraryNames> => {
    const { libraryNames } = await import("../compiler/list-library.js");
    return libraryNames(context);
  };
  return {
    library: async () => {
      library ??= await orElse(null, readLibrary);
      return library ?? { functions: [], points: [], macros: [] };
    },
    places: async (pattern, { variables }) => {
      const { listProbes } = await import("../compiler/list-probes.js");
      return orElse([], () => listProbes(pattern, context, { variables, verbose: false }));
    },
  };
}

/** What `get` gives. Text that is being typed is seldom right: if it has errors, `none`, in silence. */
async function orElse<T>(none: T, get: () => T | Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (error) {
    if (error instanceof CompileFailed || error instanceof TargetError) return none;
    throw error;
  }
}

/** Completes the last word of `text`. */
export async function completeScript(text: string, source: NameSource): Promise<Completion> {
  const argument = /((?:\w+(?:\([^()\n]*\))?\.)*\w+)\("([^"\n]*)$/.exec(text);
  if (argument !== null) {
    const [, point = "", start = ""] = argument;
    return completeArgument(point, start, source);
  }
  const [target] = /\$\w*$/.exec(text) ?? [];
  if (target !== undefined) return begun(await targetVariables(text, source), target);
  const [operator] = /@\w*$/.exec(text) ?? [];
  if (operator !== undefined) {
    const { macros } = await source.library();
    return begun(
      [...OPERATOR_WORDS, ...macros].map((name) => `@${name}`),
      operator,
    );
  }
  return completeWord(text, await source.library());
}

const DECLARED = /\b(?:private\s+)?(?:function|global|private)\s+(\w+(?:\s*,\s*\w+)*)/g;

/** Behind a dot a word of a probe point, else whatever may begin there. */
function completeWord(text: string, { functions, points }: LibraryNames): Completion {
  const [, before, word = ""] = /(?:(\w+)(?:\([^()]*\))?\.)?(\w*)$/.exec(text) ?? [];
  const paths = points.map((point) => point.split("."));
  if (before === undefined) {
    const own = [...text.matchAll(DECLARED)];
    const declared = own.flatMap(([, names = ""]) => names.split(/\s*,\s*/));
    return begun(
      [...KEYWORDS, ...functions, ...declared, ...paths.map(([first = ""]) => first)],
      word,
    );
  }
  const next = paths.map((path) => path.find((_word, index) => path[index - 1] === before));
  return begun(
    next.filter((name) => name !== undefined),
    word,
  );
}

/** The argument of the last word of `point`: a file, or a name in the program before it. */
async function completeArgument(
  point: string,
  start: string,
  source: NameSource,
): Promise<Completion> {
  if (/(?:^|\.)(?:process|library)$/.test(point)) return begun(filesAt(start), start);
  if (!point.includes(".")) return [[], start];
  const lines = await source.places(`${point}("${start}*")`, { variables: false });
  const last = point.slice(point.lastIndexOf(".") + 1);
  const named = new RegExp(`\\.${last}\\("([^"@]*)`);
  return begun(
    lines.map((line) => named.exec(line)?.[1]).filter((name) => name !== undefined),
    start,
  );
}

const HEADS = /\bprobe\s+((?:[^{}"]|"[^"\n]*")+?)\s*\{/g;

/** Variables at the first point of the probe that `text` ends in. */
async function targetVariables(text: string, source: NameSource): Promise<readonly string[]> {
  const [, points] = [...text.matchAll(HEADS)].at(-1) ?? [];
  if (points === undefined) return [];
  const lines = await source.places(points, { variables: true });
  const names = lines.flatMap((line) => [...line.matchAll(/ (\$\w+):/g)]);
  return names.map(([, name = ""]) => name);
}

/** Paths of the files in the directory that `start` is in; directories end in a slash. */
export function filesAt(start: string): readonly string[] {
  const directory = start.slice(0, start.lastIndexOf("/") + 1);
  try {
    const entries = readdirSync(directory === "" ? "." : directory, { withFileTypes: true });
    return entries.map((entry) => directory + entry.name + (entry.isDirectory() ? "/" : ""));
  } catch {
    return [];
  }
}

/** Those of `names` that begin with `start`, sorted. */
export function begun(names: readonly string[], start: string): Completion {
  return [[...new Set(names.filter((name) => name.startsWith(start)))].sort(), start];
}
