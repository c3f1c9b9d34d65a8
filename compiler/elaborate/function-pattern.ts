/**
 * What `.function("…")` and `.statement("…")` are given: `[scope::]name[@file[:lines]]`
 * (language.md §14.2). Text in, its parts out; which code they mean is for others to find.
 */
import { isPattern, wildcard } from "../elf/glob.js";

/** Which lines of a function are meant. */
export type LineChoice =
  | { readonly kind: "absolute"; readonly line: number }
  /** So many lines behind the function's declaration. */
  | { readonly kind: "relative"; readonly offset: number }
  | { readonly kind: "all" }
  /** First and last lines, ascending. */
  | { readonly kind: "ranges"; readonly ranges: readonly (readonly [number, number])[] };

/** A parsed pattern. */
export interface FunctionPattern {
  /** Namespaces and classes, outermost first; "" is the global one. */
  readonly scopes: readonly string[];
  readonly name: string;
  /** Pattern of a source file, null if none was given. */
  readonly file: string | null;
  readonly lines: LineChoice | null;
}

/** The parts of `text`; null if it is malformed. */
export function parseFunctionPattern(text: string): FunctionPattern | null {
  const at = text.indexOf("@");
  const scopes = splitScopes(at < 0 ? text : text.slice(0, at));
  const name = scopes.pop() ?? "";
  if (name === "") return null;
  if (at < 0) return { scopes, name, file: null, lines: null };
  const source = text.slice(at + 1);
  // A separator of lines is in the last part of the path: directories may have a `+` in their names.
  const separator = source.slice(source.lastIndexOf("/") + 1).search(/[:+]/);
  if (separator < 0) return source === "" ? null : { scopes, name, file: source, lines: null };
  const end = source.lastIndexOf("/") + 1 + separator;
  const file = source.slice(0, end);
  const lines = parseLines(source.charAt(end), source.slice(end + 1));
  return file === "" || lines === null ? null : { scopes, name, file, lines };
}

/** True if `name` is `pattern`, or is matched by it as by fnmatch(3). */
export function matcher(pattern: string): (name: string) => boolean {
  if (!isPattern(pattern)) return (name) => name === pattern;
  const expression = wildcard(pattern);
  return (name) => expression.test(name);
}

/** Tells whether a source file is meant by `pattern`, which may leave out leading directories. */
export function fileMatcher(pattern: string): (file: string) => boolean {
  const whole = wildcard(pattern);
  const below = wildcard(`*/${pattern}`);
  return (file) => whole.test(file) || below.test(file);
}

/** Splits at each `::` that is not between brackets; an operator's name is not looked into. */
function splitScopes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "<" || char === "(") depth++;
    else if ((char === ">" || char === ")") && depth > 0) depth--;
    else if (depth > 0) continue;
    else if (at === start && /^operator\W/.test(text.slice(at))) break;
    else if (text.startsWith("::", at)) {
      parts.push(text.slice(start, at));
      start = at + 2;
      at++;
    }
  }
  return [...parts, text.slice(start)];
}

function parseLines(separator: string, text: string): LineChoice | null {
  if (separator === ":" && text === "*") return { kind: "all" };
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return separator === "+"
      ? { kind: "relative", offset: number }
      : { kind: "absolute", line: number };
  }
  const ranges: [number, number][] = [];
  for (const part of text.split(",")) {
    const [, low, high] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (low === undefined) return null;
    ranges.push([Number(low), Number(high ?? low)]);
  }
  return { kind: "ranges", ranges: ranges.sort((a, b) => a[0] - b[0]) };
}
