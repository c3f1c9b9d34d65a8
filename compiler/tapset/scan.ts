/**
 * Names that a tapset file may define, found without parsing it: text that looks like a
 * definition, also in comments and in branches that are not taken. A superset of what it defines.
 */

/** Names by what they name. */
export interface PossibleNames {
  readonly functions: ReadonlySet<string>;
  readonly globals: ReadonlySet<string>;
  /** Dotted names. */
  readonly aliases: ReadonlySet<string>;
}

const FUNCTION = /\bfunction\s+([A-Za-z_]\w*)/g;
const GLOBALS = /\bglobal\s+/g;
const GLOBAL_NAME =
  /\s*([A-Za-z_]\w*)\s*%?\s*(?:\[[^\]]*\])?\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|-?\s*\w+))?\s*(,?)/y;
const ALIAS = /\bprobe\s+((?:[\w.]+\s*\+?=\s*)+)/g;

/** Looks through `text`. */
export function scanNames(text: string): PossibleNames {
  const aliases = new Set<string>();
  for (const found of text.matchAll(ALIAS))
    for (const name of (found[1] ?? "").split(/\s*\+?=\s*/)) if (name !== "") aliases.add(name);
  return {
    functions: firstGroups(text, FUNCTION),
    globals: scanGlobals(text),
    aliases,
  };
}

function firstGroups(text: string, pattern: RegExp): ReadonlySet<string> {
  return new Set([...text.matchAll(pattern)].map((found) => found[1] ?? ""));
}

function scanGlobals(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const found of text.matchAll(GLOBALS)) {
    GLOBAL_NAME.lastIndex = found.index + found[0].length;
    for (let name = GLOBAL_NAME.exec(text); name !== null; name = GLOBAL_NAME.exec(text)) {
      names.add(name[1] ?? "");
      if (name[2] === "") break;
    }
  }
  return names;
}
