/**
 * Decimal text of binary64 numbers, exact both ways.
 *
 * A number stands in scratch memory as words of nine decimal digits, most significant first, with
 * POINT of them before the decimal point: enough for all of binary64 and for all that a string
 * can say. A multiplication or division by 2^9 is exact there, as 2^9 divides 10^9; nine bits at a
 * time a binary fraction becomes a decimal one or the reverse.
 */

import { exponentOf, isInfinite, isNan, pack, significandOf, signOf } from "./float";
import { CONTEXT_SCRATCH_TOP } from "./gen/layout";
import { TEXT_INFINITY, TEXT_INVALID_FORMAT, TEXT_NAN } from "./gen/texts";
import { scratch } from "./handler";
import { raise } from "./message";
import { digitCount, putByte, putDigits, putText } from "./put";
import { stringEnd } from "./string";

/** 10^9, the value of a word, and its digits. */
const WORD: u64 = 1000000000;
const DIGITS: i32 = 9;
/** Words before the decimal point (10^342) and in all. */
const POINT: i32 = 38;
const WORDS: i32 = 192;
/** Bits of one step. */
const STEP: i32 = 9;
/** Decimal exponents beyond which a number is infinite or 0, whatever its digits. */
const MOST_EXPONENT: i32 = 310;
const LEAST_EXPONENT: i32 = -400;

/** fp_to_string(): at least one digit after the point; halves go away from 0. */
export function fp_to_string(context: usize, bits: i64, precision: i64, out: usize): void {
  const end = stringEnd(out);
  let cursor = signOf(bits) !== 0 && !isNan(bits) ? putByte(out, end, 0x2d) : out;
  if (isNan(bits)) cursor = putText(cursor, end, TEXT_NAN);
  else if (isInfinite(bits)) cursor = putText(cursor, end, TEXT_INFINITY);
  else {
    const words = takeWords(context);
    const digits = <i32>min(max(precision, 1), <i64>((WORDS - POINT - 1) * DIGITS));
    if (words !== 0) cursor = putDecimal(cursor, end, words, bits, digits);
  }
  store<u8>(cursor, 0);
}

/** Zeroed words, given back at once: nothing else runs meanwhile. 0 and an error if none are left. */
function takeWords(context: usize): usize {
  const top = load<usize>(context, CONTEXT_SCRATCH_TOP);
  const words = scratch(context, 4 * WORDS);
  if (words === 0) return 0;
  store<usize>(context, top, CONTEXT_SCRATCH_TOP);
  memory.fill(words, 0, 4 * WORDS);
  return words;
}

function putDecimal(cursor: usize, end: usize, words: usize, bits: i64, digits: i32): usize {
  if (bits << 1 !== 0) {
    setWhole(words, significandOf(bits) >> 11);
    for (let left = exponentOf(bits) - 52; left !== 0; ) {
      const step = min(STEP, abs(left));
      if (left > 0) multiply(words, step);
      else divide(words, step);
      left += left > 0 ? -step : step;
    }
    round(words, digits);
  }
  let first = 0;
  while (first < POINT - 1 && wordAt(words, first) === 0) first++;
  const lead = wordAt(words, first);
  cursor = putDigits(cursor, end, lead, 10, digitCount(lead, 10));
  for (let i = first + 1; i < POINT; i++) {
    cursor = putDigits(cursor, end, wordAt(words, i), 10, DIGITS);
  }
  cursor = putByte(cursor, end, 0x2e);
  for (let i = 0; i < digits; i++) cursor = putByte(cursor, end, 0x30 + digitAt(words, i));
  return cursor;
}

/** Adds half of the last of `digits` digits after the point, so that cutting there rounds. */
function round(words: usize, digits: i32): void {
  let index = POINT + digits / DIGITS;
  let carry: u64 = 5;
  for (let i = digits % DIGITS; i < DIGITS - 1; i++) carry *= 10;
  while (carry !== 0) {
    const sum = wordAt(words, index) + carry;
    setWord(words, index--, sum % WORD);
    carry = sum / WORD;
  }
}

/** Digit `index` after the point. */
function digitAt(words: usize, index: i32): i32 {
  let word = wordAt(words, POINT + index / DIGITS);
  for (let i = index % DIGITS; i < DIGITS - 1; i++) word /= 10;
  return <i32>(word % 10);
}

/** string_to_fp(): sign, digits, point, digits, e, sign, digits; each may be left out. */
export function string_to_fp(context: usize, text: usize): i64 {
  const words = takeWords(context);
  if (words === 0) return 0;
  const negative = load<u8>(text) === 0x2d;
  if (negative || load<u8>(text) === 0x2b) text++;
  const digits = text;
  let before = 0;
  while (isDigit(text)) {
    text++;
    before++;
  }
  if (load<u8>(text) === 0x2e) text++;
  while (isDigit(text)) text++;
  const digitsEnd = text;
  let exponent = 0;
  if ((load<u8>(text) | 0x20) === 0x65) {
    const down = load<u8>(++text) === 0x2d;
    if (down || load<u8>(text) === 0x2b) text++;
    for (; isDigit(text); text++) exponent = min(exponent * 10 + load<u8>(text) - 0x30, 99999);
    if (down) exponent = -exponent;
  }
  if (load<u8>(text) !== 0) {
    raise(context, TEXT_INVALID_FORMAT);
    return 0;
  }
  const sign: u64 = (<u64>(negative ? 1 : 0)) << 63;
  return sign | magnitudeOf(words, digits, digitsEnd, before + exponent);
}

function isDigit(text: usize): bool {
  return <u32>load<u8>(text) - 0x30 < 10;
}

/** Value of the digits from `at` to `end` if the decimal point were `point` digits behind `at`. */
function magnitudeOf(words: usize, at: usize, end: usize, point: i32): u64 {
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte === 0x2e) continue;
    if (byte !== 0x30) break;
    point--;
  }
  if (at === end || point < LEAST_EXPONENT) return 0;
  if (point > MOST_EXPONENT) return pack(0, 1024, 0, false);
  for (let place = POINT * DIGITS - point; at < end; at++) {
    const byte = load<u8>(at);
    if (byte === 0x2e) continue;
    let digit: u64 = byte - 0x30;
    for (let i = place % DIGITS; i < DIGITS - 1; i++) digit *= 10;
    setWord(words, place / DIGITS, wordAt(words, place / DIGITS) + digit);
    place++;
  }
  return toBinary(words);
}

/** The number in `words`, which is not 0: scaled until 55 to 64 bits are before the point. */
function toBinary(words: usize): u64 {
  let exponent = 0;
  while (!isBelow(words, 64)) {
    divide(words, STEP);
    exponent += STEP;
  }
  while (isBelow(words, 55)) {
    multiply(words, STEP);
    exponent -= STEP;
  }
  const whole = wholeOf(words);
  const zeros = <i32>clz<u64>(whole);
  let rest = false;
  for (let i = POINT; i < WORDS; i++) if (wordAt(words, i) !== 0) rest = true;
  return pack(0, exponent + 63 - zeros, whole << zeros, rest);
}

/** True if what is before the point is below 2^`bits`, 55 or 64. */
function isBelow(words: usize, bits: i32): bool {
  for (let i = 0; i < POINT - 3; i++) if (wordAt(words, i) !== 0) return false;
  // 2^64 = 18.446744073709551616 × 10^18
  const high = wordAt(words, POINT - 3) * WORD + wordAt(words, POINT - 2);
  if (high > 18446744073 || (high === 18446744073 && wordAt(words, POINT - 1) > 709551615)) {
    return false;
  }
  return bits === 64 || wholeOf(words) >> bits === 0;
}

function wholeOf(words: usize): u64 {
  const high = wordAt(words, POINT - 3) * WORD + wordAt(words, POINT - 2);
  return high * WORD + wordAt(words, POINT - 1);
}

function setWhole(words: usize, value: u64): void {
  setWord(words, POINT - 1, value % WORD);
  setWord(words, POINT - 2, value / WORD);
}

function multiply(words: usize, bits: i32): void {
  let carry: u64 = 0;
  for (let i = WORDS - 1; i >= 0; i--) {
    const product = (wordAt(words, i) << bits) + carry;
    setWord(words, i, product % WORD);
    carry = product / WORD;
  }
}

function divide(words: usize, bits: i32): void {
  let rest: u64 = 0;
  for (let i = 0; i < WORDS; i++) {
    const dividend = rest * WORD + wordAt(words, i);
    setWord(words, i, dividend >> bits);
    rest = dividend & (((<u64>1) << bits) - 1);
  }
}

function wordAt(words: usize, index: i32): u64 {
  return load<u32>(words + ((<usize>index) << 2));
}

function setWord(words: usize, index: i32, value: u64): void {
  store<u32>(words + ((<usize>index) << 2), <u32>value);
}
