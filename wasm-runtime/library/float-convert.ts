/** Conversions between binary64 and integers, and from binary32 (see float.ts). */
import { exponentOf, isNan, pack, significandOf, signOf } from "./float";

/** Rounding modes of fp_to_long(), numbered as in Berkeley SoftFloat 3; the others truncate. */
const NEAR_EVEN = 0;
const DOWN = 2;
const UP = 3;
const NEAR_AWAY = 4;
const ODD = 6;

/** long_to_fp() */
export function long_to_fp(_context: usize, value: i64): i64 {
  if (value === 0) return 0;
  const magnitude = <u64>(value < 0 ? -value : value);
  const zeros = <i32>clz<u64>(magnitude);
  return pack(signOf(value), 63 - zeros, magnitude << zeros, false);
}

/** fp_to_long(): the nearest long on overflow, 0 for NaN. Nothing records what is inexact. */
export function fp_to_long(_context: usize, bits: i64, mode: i64, _exact: i64): i64 {
  if (isNan(bits) || bits << 1 === 0) return 0;
  const isNegative = bits < 0;
  const exponent = exponentOf(bits);
  if (exponent > 62) return isNegative ? i64.MIN_VALUE : i64.MAX_VALUE;
  const significand = significandOf(bits);
  const shift = 63 - exponent;
  const whole = shift > 63 ? 0 : significand >> shift;
  // What follows the point: its first bit at the top, the last one for all that is lost.
  const rest = shift > 64 ? 1 : shift === 64 ? significand : significand << (64 - shift);
  const magnitude = whole + (roundsUp(whole, rest, isNegative, mode) ? 1 : 0);
  return isNegative ? -(<i64>magnitude) : <i64>magnitude;
}

function roundsUp(whole: u64, rest: u64, isNegative: bool, mode: i64): bool {
  const half = (<u64>1) << 63;
  if (rest === 0) return false;
  switch (<i32>mode) {
    case NEAR_EVEN:
      return rest > half || (rest === half && (whole & 1) !== 0);
    case NEAR_AWAY:
      return rest >= half;
    case DOWN:
      return isNegative;
    case UP:
      return !isNegative;
    case ODD:
      return (whole & 1) === 0;
    default:
      return false;
  }
}

/** fp32_to_fp64(): of the low 32 bits. */
export function fp32_to_fp64(_context: usize, input: i64): i64 {
  const sign = ((<u64>input >> 31) & 1) << 63;
  const field = <i32>(input >> 23) & 0xff;
  const fraction = <u64>input & 0x7fffff;
  if (field === 0xff) {
    const quiet: u64 = fraction === 0 ? 0 : (<u64>1) << 51;
    return sign | ((<u64>0x7ff) << 52) | quiet | (fraction << 29);
  }
  if (field !== 0) return pack(sign, field - 127, (fraction | 0x800000) << 40, false);
  if (fraction === 0) return sign;
  const zeros = <i32>clz<u64>(fraction);
  return pack(sign, 63 - zeros - 149, fraction << zeros, false);
}
