/** Operands of preprocessor conditionals, versions and wildcards. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareVersions } from "../../../base/version.js";
import {
  evaluateComparison,
  globMatches,
  parseNumber,
} from "../../../compiler/parse/conditions.js";
import type { Token } from "../../../compiler/parse/token.js";

const s = suite("parse/conditions");
const span = { file: { name: "x", text: "", library: false }, start: 0, end: 0 };
const surroundings = {
  compatible: "5.6",
  guru: true,
  kernelRelease: "6.1.0-13-amd64",
  versionAsked: () => {},
};

function token(text: string): Token {
  const kind = text.startsWith('"')
    ? "string"
    : /^\d/.test(text)
      ? "number"
      : /^\w/.test(text)
        ? "identifier"
        : "operator";
  return { kind, text: text.replaceAll('"', ""), span, spaced: true };
}

function holds(condition: string): boolean {
  const [left = "", operator = "", right = ""] = condition.split(" ");
  return evaluateComparison(token(left), token(operator), token(right), surroundings);
}

for (const condition of [
  'kernel_v == "6.1.0"',
  'kernel_v >= "6.1"',
  'kernel_v < "6.10"',
  'kernel_vr == "6.1.0-*-amd64"',
  'kernel_vr > "6.1.0-9"',
  'systemtap_v >= "4.8"',
  'systemtap_v == "5.*"',
  "guru_mode == 1",
  "guru_mode != 0",
  'arch == "x86*"',
  'arch != "i?86"',
  'runtime == "dyninst"',
  'systemtap_privilege == "stapusr"',
  'CONFIG_X == ""',
  "CONFIG_X == 0",
  "CONFIG_X < 5",
  '"a" < "b"',
  "10 > 9",
])
  s(condition, () => assert.ok(holds(condition)));

s("versions are compared by runs of digits", () => {
  const sorted = ["1.9", "1.10", "1.10-rc", "2", "2.0", "10.0"];
  assert.equal([...sorted].reverse().sort(compareVersions), sorted);
  assert.is(compareVersions("4.8", "4.8"), 0);
});

s("a wildcard stands for any text, a class for one character", () => {
  assert.ok(globMatches("a*c?", "abbbcd"));
  assert.ok(globMatches("[a-c]x[!0-9]", "bxy"));
  assert.not(globMatches("[a-c]x[!0-9]", "bx5"));
  assert.ok(globMatches("a.b+(c)", "a.b+(c)"));
  assert.not(globMatches("a.b", "axb"));
});

s("numbers are strtoull(3) base 0", () => {
  assert.is(parseNumber("0x1F"), 31n);
  assert.is(parseNumber("017"), 15n);
  assert.is(parseNumber("0"), 0n);
  assert.is(parseNumber("18446744073709551615"), 2n ** 64n - 1n);
  assert.is(parseNumber("18446744073709551616"), null);
  assert.is(parseNumber("09"), null);
  assert.is(parseNumber("1x"), null);
});

s.run();
