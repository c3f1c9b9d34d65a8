/** Patterns run by the library in V8, and random patterns to run. */
import { compileRegex } from "../../../compiler/regex/regex.js";
import { RegexError } from "../../../compiler/regex/syntax.js";
import { align8, MATCH } from "../../../wasm-runtime/layout/values.js";
import { createHarness, type Harness, PLACES } from "../library/harness.js";

/** Begin and end of each group, -1 where it took no part; null = no match. */
export type Groups = readonly number[] | null;

/** Runs one pattern on strings. */
export interface Matcher {
  /** Whether it matches, by the automaton without captures. */
  test(text: string): boolean;
  /** What it matches, by the two automata with captures. */
  match(text: string): Groups;
}

/** Compiles `pattern` (the text of a literal); throws RegexError. */
export function createMatcher(pattern: string): Matcher {
  const harness = createHarness();
  const { lib, context } = harness;
  const tables = compileRegex(pattern, true);
  const test = place(harness, PLACES.data, compileRegex(pattern, false).search);
  const search = place(harness, test.end, tables.search);
  const capture = place(harness, search.end, tables.capture ?? new Uint8Array());
  const match = capture.end;
  return {
    test: (text) => lib.regex_test(write(harness, text), test.start) === 1,
    match(text) {
      const at = write(harness, text);
      const found = lib.regex_match(context, at, search.start, capture.start, match);
      if (found !== (harness.view.getInt32(match + MATCH.groups, true) > 0 ? 1 : 0)) {
        throw new Error("result and context differ");
      }
      if (found === 0) return null;
      const registers = match + MATCH.text + align8(PLACES.maxString);
      const count = 2 * Number(lib.ngroups(context));
      return Array.from({ length: count }, (_, i) =>
        harness.view.getInt32(registers + 4 * i, true),
      );
    },
  };
}

/** What the RegexError says that `run` throws, "" if it throws none. */
export function messageOf(run: () => unknown): string {
  try {
    run();
    return "";
  } catch (error) {
    if (error instanceof RegexError) return error.message;
    throw error;
  }
}

interface Area {
  readonly start: number;
  readonly end: number;
}

function place({ bytes }: Harness, start: number, table: Uint8Array): Area {
  bytes.set(table, start);
  return { start, end: align8(start + table.length) };
}

function write({ bytes }: Harness, text: string): number {
  bytes.set(Buffer.from(`${text}\0`, "latin1"), PLACES.strings);
  return PLACES.strings;
}

/** A random pattern over `a`, `b`, `c`; anchors only if `withAnchors`. */
export function randomPattern(random: () => number, withAnchors: boolean, depth = 1): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = (choices: readonly string[]): string => choices[below(choices.length)] ?? "";
  const atom = (level: number): string => {
    if (level > 0 && random() < 0.4) return `(${choice(level - 1)})`;
    return pick(["a", "b", "c", "a", "b", ".", "[ab]", "[^a]", "[b-c]"]);
  };
  const piece = (level: number): string => {
    if (withAnchors && random() < 0.1) return pick(["^", "$"]);
    const sign = random() < 0.4 ? pick(["*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}"]) : "";
    return atom(level) + sign;
  };
  const sequence = (level: number): string =>
    Array.from({ length: 1 + below(3) }, () => piece(level)).join("");
  const choice = (level: number): string =>
    Array.from({ length: random() < 0.35 ? 2 + below(2) : 1 }, () => sequence(level)).join("|");
  return choice(depth);
}

/** A random string over `a`, `b`, `c`, `d`. */
export function randomText(random: () => number): string {
  const length = Math.floor(random() * 9);
  return Array.from({ length }, () => "abcabcd"[Math.floor(random() * 7)]).join("");
}
