/**
 * Floating point in location expressions (DWARF 5 §2.5.1.4, §2.5.1.6). Values are their bits.
 * Handlers have no floating point: numbers are computed where they are known when compiling, else
 * only what changes bits (sign, widening) is possible.
 */
import { ResolutionError } from "../elaborate/report.js";
import { bits, constant, type Location } from "../types/location.js";
import type { NumberShape } from "./place.js";

/** A base type of at most 8 bytes. */
export interface BaseType extends NumberShape {
  /** IEEE 754 binary32 or binary64; not `signed`. */
  readonly isFloat: boolean;
}

/** `value` of type `from` (null = the generic type) as a number of type `to`. */
export function convertNumber(value: Location, from: BaseType | null, to: BaseType): Location {
  const isMove = from?.isFloat === true && to.isFloat && from.bytes <= to.bytes;
  if (isMove) return from.bytes === to.bytes ? value : widened(value);
  if (from?.isFloat !== true && !to.isFloat) return typedBits(value, to);
  const known = value.kind === "constant" ? value : refuse();
  const number = numberOf(known.value, from);
  return to.isFloat ? constant(bitsOf(number, to.bytes)) : constant(integerOf(number, to));
}

/** The low bits of `value` that a number of type `type` has. */
export function typedBits(value: Location, type: NumberShape): Location {
  return bits(value, 0, 8 * type.bytes, type.signed);
}

const ARITHMETIC: { readonly [atom: string]: (left: number, right: number) => number } = {
  plus: (left, right) => left + right,
  minus: (left, right) => left - right,
  mul: (left, right) => left * right,
  div: (left, right) => left / right,
};
const COMPARISONS: { readonly [atom: string]: (left: number, right: number) => boolean } = {
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
  lt: (left, right) => left < right,
  le: (left, right) => left <= right,
  gt: (left, right) => left > right,
  ge: (left, right) => left >= right,
};

/** The operation `atom` on two numbers of the floating-point type `type`; comparisons give 0 or 1. */
export function computeFloats(
  atom: string,
  left: Location,
  right: Location,
  type: BaseType,
): Location {
  if (left.kind !== "constant" || right.kind !== "constant") return refuse();
  const numbers = [numberOf(left.value, type), numberOf(right.value, type)] as const;
  const arithmetic = ARITHMETIC[atom];
  if (arithmetic !== undefined) return constant(bitsOf(arithmetic(...numbers), type.bytes));
  const compare = COMPARISONS[atom] ?? refuse();
  return constant(compare(...numbers) ? 1 : 0);
}

/** -`value` or |`value`|, which change only the sign bit; null if `atom` is neither. */
export function changeSign(atom: string, value: Location, type: BaseType): Location | null {
  const sign = 1n << BigInt(8 * type.bytes - 1);
  if (atom === "neg") return { kind: "xor", left: value, right: constant(sign) };
  return atom === "abs" ? { kind: "and", left: value, right: constant(sign - 1n) } : null;
}

/** A binary32 number as binary64. */
function widened(value: Location): Location {
  if (value.kind !== "constant") return { kind: "widen-float", value };
  return constant(bitsOf(floatOf(value.value, 4), 8));
}

function numberOf(value: bigint, type: BaseType | null): number {
  if (type?.isFloat === true) return floatOf(value, type.bytes);
  return Number(type?.signed === false ? BigInt.asUintN(64, value) : value);
}

function floatOf(value: bigint, bytes: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, value, true);
  return bytes === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

function bitsOf(number: number, bytes: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (bytes === 4) view.setFloat32(0, number, true);
  else view.setFloat64(0, number, true);
  return view.getBigUint64(0, true);
}

/** The integer next to `number` towards 0. */
function integerOf(number: number, { bytes, signed }: NumberShape): bigint {
  if (!Number.isFinite(number)) return refuse();
  const whole = BigInt(Math.trunc(number));
  return signed ? BigInt.asIntN(8 * bytes, whole) : BigInt.asUintN(8 * bytes, whole);
}

function refuse(): never {
  throw new ResolutionError("not-accessible", "floating point is computed in its location");
}
