/**
 * Inputs for the parser that nobody would write: random bytes, random tokens, deep nesting, and the
 * scripts of this repository with parts cut out, doubled and exchanged. All from one generator of
 * random numbers, so the same seed gives the same inputs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";

/** A text with the options that it is parsed under. */
export interface FuzzInput {
  readonly text: string;
  readonly args: readonly string[];
  readonly guru: boolean;
  /** Read as a library file; else as a script. */
  readonly library: boolean;
}

/** Longest text; deep enough to pass every limit on nesting. */
const MAX_LENGTH = 1200;

/** Longest piece of a script that is changed. */
const MAX_PIECE = 400;

const WORDS =
  "probe global private function if else for foreach in limit return delete while break continue " +
  "next string long try catch begin end timer process kernel_v kernel_vr arch runtime guru_mode " +
  "systemtap_v systemtap_privilege CONFIG_X a b c x y print println printf sprintf printd " +
  "print_char sprintdln toString constructor $a $b->c $$vars $1 $2 $9 $# @1 @2 @# $ $$ _";

const OPERATORS =
  "<<< >>> <<= >>= == != <= >= =~ !~ += -= *= /= %= &= ^= |= .= && || ++ -- -> << >> %( %? %: %) " +
  "( ) [ ] { } , ; : ? ! . = < > + - * / % & | ^ ~ @ # \\ `";

const AT_WORDS =
  "@define @define @x @y @x(1) @y(a,b) @cast @defined @probewrite @entry @perf @var @avg @count " +
  "@sum @min @max @variance @hist_linear @hist_log @const @kregister @uregister @kderef @uderef " +
  "@enum @enumname @choose_defined @this1";

const LITERALS =
  '0 1 5 08 0x1f 0xzz 18446744073709551616 9223372036854775808 "" "a" "%d %s" "\\x41\\0" "\\" ' +
  '"unterminated %{ %} }% /* */ // é';

const VOCABULARY = [WORDS, OPERATORS, AT_WORDS, LITERALS].map((list) => list.split(" "));

/** Openings that nest, each with what makes the text before the innermost one complete. */
const NESTINGS = [
  "probe begin { x = (",
  "( ",
  "[ ",
  "{ ",
  "- ",
  "!",
  "a ? ",
  "1 ? 2 : ",
  "x = ",
  "if (1) ",
  "else ",
  "while (x) ",
  "for (;;) ",
  "foreach (a in b) ",
  "try { ",
  "f( ",
  "a[ ",
  "$a->b[ ",
  "@cast( ",
  "@defined( ",
  "%( 1 == 1 %? ",
  "%( 1 == 2 %? ",
  "@define x %( @x @x %) @x ",
  "@define y(a,b) %( @a @b @x @x %) @y( ",
  "probe {a.{b,",
  "{a,b}.",
  "& ",
  "++ ",
];

const SCRIPTS = readScripts();

/** Every script of the repository. */
function readScripts(): readonly string[] {
  const folders = ["tapsets", "test", "docs"];
  return folders.flatMap((folder) => {
    const root = join(PACKAGE_ROOT, folder);
    return readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.stpm?$/.test(name))
      .sort()
      .map((name) => readFileSync(join(root, name), "latin1"));
  });
}

/** The next input of `random`, a generator of numbers in [0, 1). */
export function nextInput(random: () => number): FuzzInput {
  const pick = (limit: number): number => Math.floor(random() * limit);
  const choose = <T>(list: readonly T[], fallback: T): T => list[pick(list.length)] ?? fallback;
  const kinds = [mutation, mutation, mutation, mutation, soup, soup, soup, bytes];
  const kind = pick(40) === 0 ? nesting : choose(kinds, bytes);
  const text = kind({ pick, choose });
  return {
    text: text.slice(0, MAX_LENGTH),
    args: choose<readonly string[]>([[], ["1"], ["x y", '"'], ["@define", "%(", "/*"]], []),
    guru: random() < 0.3,
    library: random() < 0.1,
  };
}

interface Source {
  pick(limit: number): number;
  choose<T>(list: readonly T[], fallback: T): T;
}

function bytes({ pick }: Source): string {
  return Array.from({ length: pick(200) }, () => String.fromCharCode(pick(256))).join("");
}

function soup({ pick, choose }: Source): string {
  const separators = [" ", " ", " ", " ", "\n", "", "/**/", " #\n"];
  const count = 1 + pick(40);
  let text = pick(2) === 0 ? "probe begin { " : "";
  for (let index = 0; index < count; index++)
    text += choose(choose(VOCABULARY, []), "x") + choose(separators, " ");
  return text;
}

function nesting({ pick, choose }: Source): string {
  const opening = choose(NESTINGS, "(");
  const other = choose(NESTINGS, "(");
  const times = 1 + pick(600);
  const start = pick(2) === 0 ? "probe begin { " : "";
  return start + (pick(2) === 0 ? opening : opening + other).repeat(times);
}

/** A piece of a script with up to four changes. */
function mutation(source: Source): string {
  const { pick, choose } = source;
  const script = choose(SCRIPTS, "");
  const start = pick(3) === 0 ? 0 : pick(script.length);
  let text = script.slice(start, start + pick(MAX_PIECE));
  for (let count = 1 + pick(4); count > 0; count--) text = change(text, source);
  return text;
}

function change(text: string, source: Source): string {
  const { pick, choose } = source;
  const from = pick(text.length + 1);
  const to = Math.min(text.length, from + pick(20));
  const head = text.slice(0, from);
  const tail = text.slice(to);
  switch (pick(5)) {
    case 0:
      return head + tail;
    case 1:
      return `${head}${choose(choose(VOCABULARY, []), "x")} ${text.slice(from)}`;
    case 2:
      return head + text.slice(from, to) + text.slice(from);
    case 3: {
      const other = choose(SCRIPTS, "");
      const start = pick(other.length);
      return head + other.slice(start, start + pick(40)) + tail;
    }
    default:
      return head + String.fromCharCode(pick(256)) + text.slice(from + 1);
  }
}
