/**
 * IEEE 754-2019 binary64 on bit patterns, in integers alone: handlers must not touch the vector
 * registers of the process. Results are rounded to nearest, ties to even; a NaN that comes in goes
 * out quiet.
 *
 * A finite number that is not 0 is worked on as sign, exponent of its first bit, and significand
 * with this bit at the top of a u64: value = significand / 2^63 × 2^exponent.
 */

const SIGN: u64 = (<u64>1) << 63;
const INFINITY: u64 = (<u64>0x7ff) << 52;
const QUIET: u64 = (<u64>1) << 51;
const FRACTION: u64 = ((<u64>1) << 52) - 1;
/** What 0/0 gives. */
const NAN: u64 = INFINITY | QUIET;
/** Exponents of the largest and the smallest number with 53 bits. */
const MOST: i32 = 1023;
const LEAST: i32 = -1022;
/** Bits of a u64 below the 53 of a significand. */
const SPARE: i32 = 11;

/** True for every NaN. */
export function isNan(bits: u64): bool {
  return (bits & ~SIGN) > INFINITY;
}

/** True for both infinities. */
export function isInfinite(bits: u64): bool {
  return (bits & ~SIGN) === INFINITY;
}

/** Bit 63 alone. */
export function signOf(bits: u64): u64 {
  return bits & SIGN;
}

/** Exponent of the first bit of a finite number that is not 0. */
export function exponentOf(bits: u64): i32 {
  const field = <i32>(bits >> 52) & 0x7ff;
  return field !== 0 ? field - MOST : LEAST + SPARE - <i32>clz<u64>(bits & FRACTION);
}

/** Significand of a finite number that is not 0, its first bit at the top. */
export function significandOf(bits: u64): u64 {
  const fraction = bits & FRACTION;
  if (((bits >> 52) & 0x7ff) === 0) return fraction << clz<u64>(fraction);
  return (fraction | (FRACTION + 1)) << SPARE;
}

/** The number nearest to these parts; `more`: bits that are not 0 follow `significand`. */
export function pack(sign: u64, exponent: i32, significand: u64, more: bool): u64 {
  if (exponent > MOST) return sign | INFINITY;
  const isNormal = exponent >= LEAST;
  const dropped = isNormal ? SPARE : SPARE + LEAST - exponent;
  if (dropped > 64) return sign;
  let kept = dropped === 64 ? 0 : significand >> dropped;
  const rest = dropped === 64 ? significand : significand & (((<u64>1) << dropped) - 1);
  const half = (<u64>1) << (dropped - 1);
  if (rest > half || (rest === half && (more || (kept & 1) !== 0))) kept++;
  // The first bit of a normal number adds 1 to the exponent field, and so does a carry.
  return sign | (((<u64>(isNormal ? exponent + MOST - 1 : 0)) << 52) + kept);
}

/** fp_add() */
export function fp_add(_context: usize, a: i64, b: i64): i64 {
  return add(a, b);
}

/** fp_sub() */
export function fp_sub(_context: usize, a: i64, b: i64): i64 {
  return isNan(b) ? add(a, b) : add(a, b ^ SIGN);
}

function add(a: u64, b: u64): u64 {
  if (isNan(a) || isNan(b)) return quiet(a, b);
  if (isInfinite(a)) return isInfinite(b) && a !== b ? NAN : a;
  if (isInfinite(b)) return b;
  const larger = (a & ~SIGN) < (b & ~SIGN) ? b : a;
  const smaller = larger === a ? b : a;
  const sign = larger & SIGN;
  const differ = sign !== (smaller & SIGN);
  if ((smaller & ~SIGN) === 0) return (larger & ~SIGN) === 0 && differ ? 0 : larger;
  const exponent = exponentOf(larger);
  const first = significandOf(larger) >> 1;
  const second = shiftedRight(significandOf(smaller) >> 1, exponent - exponentOf(smaller));
  const sum = differ ? first - second : first + second;
  if (sum === 0) return 0;
  const zeros = <i32>clz<u64>(sum);
  return pack(sign, exponent + 1 - zeros, sum << zeros, false);
}

/** `value` >> `count`; its last bit is set if any bit was lost. */
function shiftedRight(value: u64, count: i32): u64 {
  if (count > 63) return 1;
  const kept = value >> count;
  return kept << count === value ? kept : kept | 1;
}

/** fp_mul() */
export function fp_mul(_context: usize, a: i64, b: i64): i64 {
  if (isNan(a) || isNan(b)) return quiet(a, b);
  const sign = signOf(a ^ b);
  if (isInfinite(a) || isInfinite(b)) return isZero(a) || isZero(b) ? NAN : sign | INFINITY;
  if (isZero(a) || isZero(b)) return sign;
  const left = significandOf(a);
  const right = significandOf(b);
  let high = highProduct(left, right);
  let low = left * right;
  let exponent = exponentOf(a) + exponentOf(b) + 1;
  if (high >> 63 === 0) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    exponent--;
  }
  return pack(sign, exponent, high, low !== 0);
}

/** Bits 64 to 127 of a product. */
function highProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const bLow = b & 0xffffffff;
  const middle = (a >> 32) * bLow + ((aLow * bLow) >> 32);
  const other = aLow * (b >> 32) + (middle & 0xffffffff);
  return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
}

/** fp_div() */
export function fp_div(_context: usize, a: i64, b: i64): i64 {
  if (isNan(a) || isNan(b)) return quiet(a, b);
  const sign = signOf(a ^ b);
  if (isInfinite(a)) return isInfinite(b) ? NAN : sign | INFINITY;
  if (isInfinite(b)) return sign;
  if (isZero(b)) return isZero(a) ? NAN : sign | INFINITY;
  if (isZero(a)) return sign;
  let exponent = exponentOf(a) - exponentOf(b);
  let rest = significandOf(a) >> SPARE;
  const divisor = significandOf(b) >> SPARE;
  if (rest < divisor) {
    rest <<= 1;
    exponent--;
  }
  let quotient: u64 = 0;
  for (let i = 0; i < 64; i++) {
    quotient <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
    rest <<= 1;
  }
  return pack(sign, exponent, quotient, rest !== 0);
}

/** fp_rem(): a - n × b, n the integer nearest to a/b, ties to even; exact. */
export function fp_rem(_context: usize, a: i64, b: i64): i64 {
  if (isNan(a) || isNan(b)) return quiet(a, b);
  if (isInfinite(a) || isZero(b)) return NAN;
  if (isInfinite(b) || isZero(a)) return a;
  const distance = exponentOf(a) - exponentOf(b);
  if (distance < -1) return a;
  let sign = signOf(a);
  let rest = significandOf(a) >> SPARE;
  const divisor = (significandOf(b) >> SPARE) << (distance < 0 ? 1 : 0);
  let isOdd = false;
  for (let i = max(distance, 0); ; i--) {
    isOdd = rest >= divisor;
    if (isOdd) rest -= divisor;
    if (i === 0) break;
    rest <<= 1;
  }
  if (rest << 1 > divisor || (rest << 1 === divisor && isOdd)) {
    rest = divisor - rest;
    sign ^= SIGN;
  }
  if (rest === 0) return signOf(a);
  const zeros = <i32>clz<u64>(rest);
  const unit = exponentOf(b) + min(distance, 0) - 52;
  return pack(sign, unit + 63 - zeros, rest << zeros, false);
}

/** fp_sqrt(): digit by digit, two bits of the operand for one of the root. */
export function fp_sqrt(_context: usize, a: i64): i64 {
  if (isNan(a)) return quiet(a, a);
  if (isZero(a) || <u64>a === INFINITY) return a;
  if (signOf(a) !== 0) return NAN;
  const exponent = exponentOf(a);
  let operand = (significandOf(a) >> SPARE) << (SPARE - 1 + (exponent & 1));
  let root: u64 = 0;
  let rest: u64 = 0;
  for (let i = 0; i < 55; i++) {
    rest = (rest << 2) | (operand >> 62);
    operand <<= 2;
    root <<= 1;
    if (rest > root << 1) {
      rest -= (root << 1) | 1;
      root |= 1;
    }
  }
  return pack(0, exponent >> 1, root << 9, rest !== 0);
}

/** fp_eq() */
export function fp_eq(_context: usize, a: i64, b: i64): i64 {
  return !isNan(a) && !isNan(b) && (a === b || isZero(a | b)) ? 1 : 0;
}

/** fp_lt() */
export function fp_lt(_context: usize, a: i64, b: i64): i64 {
  return !isNan(a) && !isNan(b) && order(a) < order(b) ? 1 : 0;
}

/** fp_le() */
export function fp_le(_context: usize, a: i64, b: i64): i64 {
  return !isNan(a) && !isNan(b) && order(a) <= order(b) ? 1 : 0;
}

/** Numbers in the order of the values of `bits`; both zeros give 0. */
function order(bits: i64): i64 {
  return bits < 0 ? i64.MIN_VALUE - bits : bits;
}

function isZero(bits: u64): bool {
  return (bits & ~SIGN) === 0;
}

/** The first NaN of the two, quiet. */
function quiet(a: u64, b: u64): u64 {
  return (isNan(a) ? a : b) | QUIET;
}
