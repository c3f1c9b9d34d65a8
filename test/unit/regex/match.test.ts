/**
 * What patterns match and capture. Judges: the regular expressions of JavaScript, asked for each
 * place where a match could be, for random patterns; and, for captures, examples that were compared
 * with the matchers that `stap -p3` writes. JavaScript lets no repeated group match nothing.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileRegex } from "../../../compiler/regex/regex.js";
import { createRandom } from "../../support/random.js";
import { createMatcher, type Matcher, messageOf, randomPattern, randomText } from "./harness.js";

const s = suite("regex/match");

/** Leftmost and longest match of `pattern`, by trying each begin and end. */
function judge(pattern: string, text: string): readonly number[] | null {
  for (let begin = 0; begin <= text.length; begin++) {
    for (let end = text.length; end >= begin; end--) {
      const exact = new RegExp(`(?:${pattern})(?<=^[^]{${end}})`, "sy");
      exact.lastIndex = begin;
      if (exact.test(text)) return [begin, end];
    }
  }
  return null;
}

/** A pattern that `next` gives; two in turn are not too large. */
function fitting(next: () => string): { pattern: string; matcher: Matcher } {
  const pattern = next();
  if (!messageOf(() => createMatcher(pattern)).includes("too large")) {
    return { pattern, matcher: createMatcher(pattern) };
  }
  const other = next();
  return { pattern: other, matcher: createMatcher(other) };
}

s("random patterns match as in JavaScript, at the leftmost longest place", () => {
  const random = createRandom();
  const texts = Array.from({ length: 25 }, () => randomText(random));
  for (let round = 0; round < 80; round++) {
    const { pattern, matcher } = fitting(() => randomPattern(random, round % 2 === 0));
    for (const text of texts) {
      const expected = judge(pattern, text);
      const where = `"${text}" =~ "${pattern}"`;
      assert.equal(matcher.match(text)?.slice(0, 2) ?? null, expected, where);
      assert.is(matcher.test(text), expected !== null, where);
    }
  }
});

s("captures of random patterns without repeated groups are those of JavaScript", () => {
  const random = createRandom();
  for (let round = 0; round < 120; round++) {
    const { pattern, matcher } = fitting(() =>
      randomPattern(random, false).replace(/\)(\{\d,?\d?\}|[*+?])/g, ")"),
    );
    for (let count = 0; count < 12; count++) {
      const text = randomText(random);
      const place = judge(pattern, text);
      if (place === null) continue;
      const exact = new RegExp(`(?:${pattern})(?<=^[^]{${place[1]}})`, "dsy");
      exact.lastIndex = place[0] ?? 0;
      const indices = exact.exec(text)?.indices ?? [];
      const expected = Array.from(indices, (pair) => pair ?? [-1, -1]).flat();
      assert.equal(matcher.match(text), expected, `"${text}" =~ "${pattern}"`);
    }
  }
});

/** Pattern, string, and the begin and end of each group. */
const CAPTURES: readonly (readonly [string, string, readonly number[]])[] = [
  ["(a|ab)(c|bcd)(d*)", "abcd", [0, 4, 0, 1, 1, 4, 4, 4]],
  ["(a*)*", "xaa", [0, 0, 0, 0]],
  ["(a*)*", "aa", [0, 2, 0, 2]],
  ["(a*)+", "", [0, 0, 0, 0]],
  ["(a|b)*", "ab", [0, 2, 1, 2]],
  ["(a|b)*", "", [0, 0, -1, -1]],
  ["((a)|b)*", "aab", [0, 3, 2, 3, 1, 2]],
  ["((a)|(b))*", "aaa", [0, 3, 2, 3, 2, 3, -1, -1]],
  ["(a*)(a*)", "aaa", [0, 3, 0, 3, 3, 3]],
  ["(a*)(ab)*", "aab", [0, 3, 0, 1, 1, 3]],
  ["(a|ab|abc)(bcd|cd|d)?", "abcd", [0, 4, 0, 1, 1, 4]],
  ["(a){2}", "xaaa", [1, 3, 2, 3]],
  ["(a){0}b", "ab", [1, 2, -1, -1]],
  ["(a$|b)*", "ba", [0, 2, 1, 2]],
  ["($)?", "cca", [0, 0, -1, -1]],
  ["(.$)?", "ab", [0, 0, -1, -1]],
  ["(a)$|(a)", "a", [0, 1, 0, 1, -1, -1]],
  ["(?:a|(b))c", "bc", [0, 2, 0, 1]],
  ["(x)|y(z)?", "yz", [0, 2, -1, -1, 1, 2]],
  // A shorter match leaves nothing behind.
  ["ab|(.)", "ab", [0, 2, -1, -1]],
  ["abcd|(c)", "abcd", [0, 4, -1, -1]],
];

for (const [pattern, text, expected] of CAPTURES) {
  s(`captures of ${pattern} in "${text}"`, () => {
    assert.equal(createMatcher(pattern).match(text), expected);
  });
}

/** Pattern as in a literal, strings it matches, strings it does not. */
const BYTES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["^.$", ["a", "\n", "\xff"], ["", "ab"]],
  ["^[^a]$", ["b", "\n", "\x80"], ["a", ""]],
  ["^[]a]$", ["]", "a"], ["b"]],
  ["^[a-]$", ["a", "-"], ["b"]],
  ["^[--/]$", ["-", ".", "/"], ["0"]],
  ["^[a\\\\-z]$", ["a", "-", "z"], ["b", "\\"]],
  ["^[[.a.]]$", ["[]", ".]", "a]"], ["a"]],
  ["^[[:alpha:]_]$", ["a", "Z", "_"], ["0", "\xe4"]],
  ["^[[:punct:]]{4}$", ["!`[~"], ["!a[~"]],
  ["^[[:space:]]$", ["\t", "\v", " "], ["a", "\b"]],
  ["^[[:cntrl:][:xdigit:]]$", ["\x01", "\x7f", "F", "0"], ["g", " "]],
  ["^\\x414\\n$", ["A4\n"], ["A4", "\x14"]],
  ["^\\101\\\\.$", ["A."], ["Ab"]],
  ["^\\\\n$", ["n"], ["\n"]],
  ["^a{0,1}}]$", ["}]", "a}]"], ["a]"]],
  ["$^", [""], ["a"]],
  ["a^b|b$a", [], ["ab", "ba"]],
  ["^^a$$", ["a"], ["aa"]],
  ["(^|x)a", ["a", "xa", "bxa"], ["ba"]],
];

for (const [pattern, matching, failing] of BYTES) {
  s(`what ${pattern} matches`, () => {
    const matcher = createMatcher(pattern);
    for (const text of matching) assert.ok(matcher.test(text) && matcher.match(text), text);
    for (const text of failing) assert.not(matcher.test(text) || matcher.match(text), text);
  });
}

s("large patterns compile, those that explode are refused", () => {
  for (const pattern of ["(a|b){1000}", "(a?){200}a{200}", "((((a*)*)*)*)*b", "(x+x+)+y"]) {
    assert.is(
      messageOf(() => compileRegex(pattern, true)),
      "",
      pattern,
    );
  }
  const refused = ["(a|b)*a(a|b){14}", "((a{100}){100}){100}", "(.{0,20}){0,20}z"];
  for (const pattern of refused) {
    assert.match(
      messageOf(() => compileRegex(pattern, true)),
      /^: too large, it needs more than \d+/,
    );
  }
});

s.run();
