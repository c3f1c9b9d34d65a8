/** What is wrong with a regular expression, and where (texts and positions of `stap -p2`). */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseRegex } from "../../../compiler/regex/parse.js";
import { RegexError } from "../../../compiler/regex/syntax.js";
import { messageOf } from "./harness.js";

const s = suite("regex/parse");

/** Text of a literal, and what is said about it. */
const MALFORMED: readonly (readonly [string, string])[] = [
  // parentheses
  ["(", " (at position 0): expected ), found end of regex"],
  ["a(b", " (at position 2): expected ), found end of regex"],
  ["(a|(b)", " (at position 5): expected ), found end of regex"],
  ["(a{2)", " (at position 4): expected ',' or '}'"],
  [")(", " (at position 1): unbalanced ')'"],
  ["(?=a)", " (at position 2): unexpected '(?='"],
  ["(?", " (at position 1): unexpected '(?"],
  // repetition
  ["*", " (at position 0): unexpected '*'"],
  ["a|*b", " (at position 2): unexpected '*'"],
  ["(+a)", " (at position 1): unexpected '+'"],
  ["{1}", " (at position 0): unexpected '{'"],
  ["^*", " (at position 1): postfix closure '*' applied to anchoring operator"],
  ["ab$+", " (at position 3): postfix closure '+' applied to anchoring operator"],
  ["a{", " (at position 2): expected number"],
  ["a{x}", " (at position 3): expected number"],
  ["a{,2}", " (at position 3): expected number"],
  ["a{1", " (at position 3): unexpected end of regex"],
  ["a{1 }", " (at position 3): expected ',' or '}'"],
  ["a{1,", " (at position 4): expected '}' or number"],
  ["a{1,-2}", " (at position 5): expected '}' or number"],
  ["a{1,2", " (at position 4): expected }, found end of regex"],
  ["a{1,2x}", " (at position 5): expected }, found x"],
  ["a{99999}", " (at position 8): 99999 is too large"],
  ["a{0,99999}", " (at position 10): 99999 is too large"],
  ["a{2,1}", " (at position 6): inverted repetition range {2,1}"],
  // brackets
  ["[", " (at position 0): unclosed character class"],
  ["[]", " (at position 1): unclosed character class"],
  ["[^]", " (at position 2): unclosed character class"],
  ["[a-", " (at position 2): unclosed character class"],
  ["[\\\\]", " (at position 3): unclosed character class"],
  ["[z-a]", " (at position 4): Inverted character range z-a"],
  ["[a-[:alpha:]]", " (at position 4): Inverted character range a-["],
  ["[[:foo:]]", ": unknown character class 'foo'"],
  ["[[:^alpha:]]", ": unknown character class '^alpha'"],
  ["[[::]]", ": unknown character class ''"],
  ["[[:", " (at position 3): unclosed character class '[:'"],
  ["[[:al", " (at position 5): unclosed character class '[:a'"],
  ["[[:alpha]", " (at position 9): unclosed character class '[:alpha'"],
  ["[[:alpha:]", " (at position 10): unclosed character class '[:alpha:'"],
  // escapes
  ["\\\\", " (at position 2): unexpected end of regex"],
  ["\\x4", " (at position 1): two hex digits required in escape sequence"],
  ["\\xg1", " (at position 3): two hex digits required in escape sequence"],
  ["\\x4g", " (at position 2): two hex digits required in escape sequence"],
  ["(a)\\1", " (at position 4): three octal digits required in escape sequence"],
  ["\\18a", " (at position 3): three octal digits required in escape sequence"],
  ["\\118", " (at position 2): three octal digits required in escape sequence"],
  ["[\\400]", " (at position 2): octal escape sequence out of range"],
  ["[a-\\x40]", " (at position 7): Inverted character range a-@"],
];

for (const [pattern, message] of MALFORMED) {
  s(`refuses ${pattern}`, () =>
    assert.is(
      messageOf(() => parseRegex(pattern)),
      message,
    ),
  );
}

s("accepts what is empty, and a parenthesis too many at the end", () => {
  for (const pattern of ["", "()", "a|", "(|a)", "a||b", ")", "(a))", "a**", "(^)*", "a{0}"]) {
    assert.is(
      messageOf(() => parseRegex(pattern)),
      "",
    );
  }
});

s("counts groups", () => {
  assert.is(parseRegex("((a)|(?:b)(c))*").groups, 4);
});

s("bounds the nesting", () => {
  const nested = (depth: number): string => `${"(".repeat(depth)}${")".repeat(depth)}`;
  assert.is(parseRegex(nested(200)).groups, 201);
  assert.throws(
    () => parseRegex(nested(100_000)),
    (error: unknown) => error instanceof RegexError,
  );
});

s.run();
