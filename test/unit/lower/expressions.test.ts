import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import { compile } from "../../../compiler/pipeline.js";
import { compileErrors, contextWith, LIBRARY_PATH, outputOf, run, start } from "./support.js";

const s = suite("lower/expressions");
const test = LIBRARY_PATH === null ? s.skip : s;

/** Values of `expressions` after the statements `before`, one a line. */
function values(before: string, ...expressions: readonly string[]): readonly string[] {
  const prints = expressions.map((e) => `println(${e})`).join("; ");
  return outputOf(`probe begin { ${before}; ${prints} }`).trimEnd().split("\n");
}

test("integers wrap, divide toward zero, shift by the count modulo 64", () => {
  const before = "a = 7; b = -7; m = -9223372036854775807 - 1; one = -1; s = 65";
  assert.equal(
    values(before, "a / 2", "b / 2", "b % 3", "a % -3", "m / one", "m % one", "m - 1", "m * one"),
    [
      "3",
      "-3",
      "-1",
      "1",
      "-9223372036854775808",
      "0",
      "9223372036854775807",
      "-9223372036854775808",
    ],
  );
  assert.equal(
    values(
      before,
      "a << s",
      "one >> 3",
      "one >>> 60",
      "a & 3",
      "a | 8",
      "a ^ 1",
      "~a",
      "-a",
      "+a",
      "!a",
    ),
    ["14", "-1", "15", "3", "15", "6", "-8", "-7", "7", "0"],
  );
});

test("division by a variable -1 does not trap", () => {
  assert.equal(values("m = -9223372036854775807 - 1; n = -1; m /= n", "m"), [
    "-9223372036854775808",
  ]);
});

test("constants fold to the same values", () => {
  assert.equal(
    values("", "7 / 2", "-7 % 3", "1 << 65", "-1 >>> 60", "3 < 4", "2 == 2 && 0", "5 / -1"),
    ["3", "-1", "2", "15", "1", "0", "-5"],
  );
});

test("comparisons and logic give 0 or 1 and stop early", () => {
  const before = "a = 3; b = 4";
  assert.equal(
    values(before, "a < b", "a >= b", "a == 3 && b == 4", "a || b", "a && !b", "!(a > b)"),
    ["1", "0", "1", "1", "0", "1"],
  );
  assert.equal(values("x = 0 && n++; y = 1 || n++", "n", "x", "y"), ["0", "0", "1"]);
  assert.equal(values("z = 0", "z != 0 && 1 / z", "z == 0 || 1 / z"), ["0", "1"]);
});

test("operands are evaluated left to right and keep their value", () => {
  assert.equal(values("n = 1", "n + n++ + n", "n++ * 10 + n", "n - (n = 1)", "n"), [
    "4",
    "23",
    "2",
    "1",
  ]);
  assert.equal(values('s = "a"', 's . (s = "b") . s', "s"), ["abb", "b"]);
});

test("assignments have values", () => {
  assert.equal(values("x = y = 3; z = (x += 2) * 2", "x", "y", "z", "x++", "++x", "x--", "--x"), [
    "5",
    "3",
    "10",
    "5",
    "7",
    "7",
    "5",
  ]);
  assert.equal(
    values(
      "n = 2; n += 3; n *= 4; n -= 2; n /= 3; n %= 4; n <<= 4; n >>= 1; n |= 3; n ^= 1; n &= 14",
      "n",
    ),
    ["2"],
  );
});

test("strings concatenate, compare by unsigned bytes, and are cut", () => {
  const before = 'a = "ab"; b = "b"; c = a . b . "c"; c .= "!"; d = c; d .= d';
  assert.equal(values(before, "c", "d", "a < b", 'a == "ab"', "a != b", '"\\377" > "a"'), [
    "abbc!",
    "abbc!abbc!",
    "1",
    "1",
    "1",
    "1",
  ]);
  assert.equal(values('x = "0123456789"; for (i = 0; i < 7; i++) x .= x', "strlen(x)"), ["511"]);
});

test("a string assigned from itself keeps its value", () => {
  assert.equal(values('s = "abc"; s = s . s; s = substr(s, 1, 4) . s', "s"), ["bcababcabc"]);
  assert.equal(values('s = "x"; s = sprintf("<%s>", s)', "s"), ["<x>"]);
});

test("ternary evaluates one side", () => {
  assert.equal(values("n = 0", "n ? 1 / n : 5", '1 ? "y" : "n"', 'strlen(n ? "abc" : "de")'), [
    "5",
    "y",
    "2",
  ]);
});

test("$variables come from registers and memory", () => {
  const text = "probe begin { x = @uregister(0) println(x) }";
  assert.is(outputOf(text), "0\n");
});

test("literals that are too long are cut with a warning", () => {
  const warnings: string[] = [];
  const defines = new Map([["MAXSTRINGLEN", "16"]]);
  const context = {
    ...contextWith({ defines }),
    warn: (d: Diagnostic) => void warnings.push(d.message),
  };
  const text = 'probe begin { s = "0123456789abcdefghij"; println(s, strlen(s)) }';
  const compiled = compile([{ name: "<input>", text, library: false }], context);
  assert.is(run(start(compiled)), "0123456789abcde15\n");
  assert.equal(warnings, ["string of 20 bytes is cut to 15 (MAXSTRINGLEN)"]);
});

test("what is not supported is said", () => {
  assert.match(
    compileErrors("probe begin { x = @kregister(0) println(x) }"),
    "not supported yet: @kreg",
  );
});

s.run();
