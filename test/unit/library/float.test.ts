/** Numbers of binary64 in integers: compared with those of JavaScript, on random and hard ones. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../support/random.js";
import { createHarness, type Harness } from "./harness.js";

const s = suite("library/float");
const random = createRandom();
const view = new DataView(new ArrayBuffer(8));

function below(limit: number): number {
  return Math.floor(random() * limit);
}

function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigInt64(0);
}

function numberOf(bits: bigint): number {
  view.setBigInt64(0, bits);
  return view.getFloat64(0);
}

/** 0, the ends of the normal and the subnormal numbers, infinity, NaN, and neighbours. */
const HARD: readonly bigint[] = [
  0n,
  1n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x3fefffffffffffffn,
  0x3ff0000000000000n,
  0x3ff0000000000001n,
  0x4340000000000001n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0x7ff8000000000000n,
].flatMap((bits) => [bits, BigInt.asIntN(64, bits | (1n << 63n))]);

/** Pairs of all hard numbers, then of random ones with near and far exponents. */
function* pairs(): Generator<readonly [bigint, bigint]> {
  for (const a of HARD) for (const b of HARD) yield [a, b];
  const any = (): bigint =>
    BigInt.asIntN(64, (BigInt(below(2 ** 32)) << 32n) | BigInt(below(2 ** 32)));
  for (let i = 0; i < 20000; i++) {
    const a = any();
    yield [a, any()];
    yield [a, BigInt.asIntN(64, (a & (0xfffn << 52n)) ^ (any() & 0x803fffffffffffffn))];
  }
}

function check(name: string, bits: unknown, expected: number): void {
  if (Number.isNaN(expected)) assert.ok(Number.isNaN(numberOf(bits as bigint)), name);
  else if (bits !== bitsOf(expected)) assert.is(numberOf(bits as bigint), expected, name);
}

/** IEEE 754 remainder, from the exact one of `%`. */
function remainder(a: number, b: number): number {
  const rest = a % b;
  const size = Math.abs(b);
  const isOdd = Math.abs(a % (2 * size)) >= size && Number.isFinite(2 * size);
  const twice = Math.abs(rest) * 2;
  if (!(twice > size || (twice === size && isOdd))) return rest;
  return rest > 0 ? rest - size : rest + size;
}

s("sums, differences, products, quotients and comparisons", () => {
  const { lib, context } = createHarness();
  for (const [left, right] of pairs()) {
    const a = numberOf(left);
    const b = numberOf(right);
    const name = `${a} and ${b}`;
    check(`sum of ${name}`, lib.fp_add(context, left, right), a + b);
    check(`difference of ${name}`, lib.fp_sub(context, left, right), a - b);
    check(`product of ${name}`, lib.fp_mul(context, left, right), a * b);
    check(`quotient of ${name}`, lib.fp_div(context, left, right), a / b);
    assert.is(lib.fp_eq(context, left, right), a === b ? 1n : 0n, name);
    assert.is(lib.fp_lt(context, left, right), a < b ? 1n : 0n, name);
    assert.is(lib.fp_le(context, left, right), a <= b ? 1n : 0n, name);
  }
});

s("square roots", () => {
  const { lib, context } = createHarness();
  for (const [bits] of pairs()) {
    const value = numberOf(bits);
    check(`root of ${value}`, lib.fp_sqrt(context, bits), Math.sqrt(value));
  }
});

s("remainders", () => {
  const { lib, context } = createHarness();
  for (const [left, right] of pairs()) {
    const a = numberOf(left);
    const b = numberOf(right);
    if (Math.abs(b) > 1e307 && Number.isFinite(b)) continue;
    check(`remainder of ${a} by ${b}`, lib.fp_rem(context, left, right), remainder(a, b));
  }
});

s("a NaN goes through, quiet; 0/0 gives the default one", () => {
  const { lib, context } = createHarness();
  const signalling = 0x7ff0000000000123n;
  assert.is(lib.fp_add(context, bitsOf(1), signalling), 0x7ff8000000000123n);
  assert.is(lib.fp_sub(context, bitsOf(1), signalling), 0x7ff8000000000123n);
  assert.is(lib.fp_sqrt(context, signalling), 0x7ff8000000000123n);
  assert.is(lib.fp_div(context, 0n, 0n), 0x7ff8000000000000n);
});

s("integers and back", () => {
  const { lib, context } = createHarness();
  for (const [value] of pairs()) {
    check(`${value}`, lib.long_to_fp(context, value), Number(value));
  }
  const long = (value: number, mode: number): unknown =>
    lib.fp_to_long(context, bitsOf(value), BigInt(mode), 0n);
  const rounded = (value: number): unknown[] => [0, 1, 2, 3, 4, 6].map((m) => long(value, m));
  assert.equal(rounded(2.5), [2n, 2n, 2n, 3n, 3n, 3n]);
  assert.equal(rounded(-2.5), [-2n, -2n, -3n, -2n, -3n, -3n]);
  assert.equal(rounded(0.5), [0n, 0n, 0n, 1n, 1n, 1n]);
  assert.equal(rounded(-1e-300), [0n, 0n, -1n, 0n, 0n, -1n]);
  assert.equal(rounded(7), [7n, 7n, 7n, 7n, 7n, 7n]);
  assert.is(long(2 ** 62 + 1024, 0), 2n ** 62n + 1024n);
  assert.is(long(1e30, 0), 2n ** 63n - 1n);
  assert.is(long(-(2 ** 63), 0), -(2n ** 63n));
  assert.is(long(Number.NEGATIVE_INFINITY, 0), -(2n ** 63n));
  assert.is(long(Number.NaN, 0), 0n);
});

s("binary32", () => {
  const { lib, context } = createHarness();
  for (const bits of [0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0x7fc00000])
    for (const sign of [0, 0x80000000]) {
      view.setUint32(0, (bits | sign) >>> 0);
      const expected = view.getFloat32(0);
      check(`${bits}`, lib.fp32_to_fp64(context, BigInt((bits | sign) >>> 0)), expected);
    }
});

/** Digits of `value` with `precision` behind the point, halves away from 0, from exact integers. */
function decimal(value: number, precision: number): string {
  const bits = bitsOf(value);
  const field = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const significand = field === 0 ? fraction : fraction | (1n << 52n);
  const exponent = Math.max(field, 1) - 1075;
  const scale = 10n ** BigInt(precision);
  const twice =
    exponent >= 0
      ? (significand * scale * 2n) << BigInt(exponent)
      : (significand * scale * 2n) >> BigInt(-exponent);
  const digits = ((twice + 1n) >> 1n).toString().padStart(precision + 1, "0");
  const at = digits.length - precision;
  return `${bits < 0n ? "-" : ""}${digits.slice(0, at)}.${digits.slice(at)}`;
}

function text(h: Harness, bits: bigint, precision: number): string {
  return h.result((out) => h.lib.fp_to_string(h.context, bits, BigInt(precision), out));
}

s("decimal text is exact", () => {
  const h = createHarness();
  const show = (value: number, precision: number): string => text(h, bitsOf(value), precision);
  assert.is(show(0.1, 20), "0.10000000000000000555");
  assert.is(show(2.375, 2), "2.38");
  assert.is(show(9.996, 2), "10.00");
  assert.is(show(-0.125, 2), "-0.13");
  assert.is(show(0.5, 0), "0.5");
  assert.is(show(-0, 3), "-0.000");
  assert.is(show(Number.POSITIVE_INFINITY, 3), "inf");
  assert.is(show(Number.NEGATIVE_INFINITY, 3), "-inf");
  assert.is(show(Number.NaN, 3), "nan");
  assert.is(show(123456789012345680000, 1), "123456789012345683968.0");
  for (const [bits] of pairs()) {
    const value = numberOf(bits);
    if (!Number.isFinite(value) || Number(bits & 15n) !== 3) continue;
    for (const precision of [1, 6, 9, 40])
      assert.is(text(h, bits, precision), decimal(value, precision).slice(0, 63));
  }
  assert.is(h.error(), "");
});

s("text gives the nearest number", () => {
  const h = createHarness();
  const parse = (text: string): unknown => h.lib.string_to_fp(h.context, h.text(text));
  for (const text of [
    "0",
    "-0",
    "1",
    "+2.5",
    ".5",
    "5.",
    "1e3",
    "1E-3",
    "00012.50",
    "1e400",
    "1e-400",
  ])
    check(text, parse(text), Number(text));
  const hard = [
    "9007199254740993",
    "9007199254740992.99999999999999999999999999999999",
    "2.2250738585072011e-308",
    "2.4703282292062327208e-324",
    "2.4703282292062328e-324",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "0.000000000000000000000000000000000000000000000001e48",
    "1000000000000000000000000000000000000000000000000e-48",
  ];
  for (const text of hard) check(text, parse(text), Number(text));
  for (let i = 0; i < 1000; i++) {
    const digits = `${below(2 ** 32)}${below(2 ** 32)}`;
    const text = `${digits.slice(0, 5)}.${digits.slice(5)}e${below(660) - 340}`;
    check(text, parse(text), Number(text));
  }
  assert.is(h.error(), "");
  check("nothing", parse(""), 0);
  check("no digits", parse("-."), -0);
  check("no digits of an exponent", parse("7e+"), 7);
  for (const bad of ["x", "1x", "1.2.3", "--1", "1e2e3", " 1", "inf"]) {
    parse(bad);
    assert.is(h.error(), "invalid format");
  }
});

s("what stands in scratch memory is given back", () => {
  const h = createHarness();
  for (let i = 0; i < 100; i++) text(h, bitsOf(1 / 3), 5);
  assert.is(h.error(), "");
});

s.run();
