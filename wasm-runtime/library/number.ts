/** Conversions of a long for text_long: digits, %c, %b; records/format.ts has the same for prints. */
import { CONTEXT_TEXT_CURSOR, CONTEXT_TEXT_END } from "./gen/layout";
import {
  TEXT_SPEC_ALTERNATE,
  TEXT_SPEC_CONVERSION,
  TEXT_SPEC_LEFT,
  TEXT_SPEC_PLUS,
  TEXT_SPEC_SPACE,
  TEXT_SPEC_ZERO,
} from "./gen/texts";
import { digitCount, putByte, putDigits, putDigitsWith, putFill } from "./put";
import { controlLetter } from "./quote";

/** d i u o x X p. The flag 0 pads with zeros even where a precision is given (SystemTap). */
export function putNumber(context: usize, value: i64, spec: i32, width: i32, precision: i32): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const base = baseOf(spec);
  const sign = signOf(value, spec);
  const prefix = prefixOf(spec);
  const magnitude = sign === 0x2d ? <u64>-value : <u64>value;
  const digits = digitCount(magnitude, base);
  const shown = max(digits, precision);
  const padding = width - shown - (sign !== 0 ? 1 : 0) - prefix;
  const left = (spec & TEXT_SPEC_LEFT) !== 0;
  const zeros = !left && (spec & TEXT_SPEC_ZERO) !== 0;
  let cursor = load<usize>(context, CONTEXT_TEXT_CURSOR);
  if (!left && !zeros) cursor = putFill(cursor, end, 0x20, padding);
  if (sign !== 0) cursor = putByte(cursor, end, sign);
  const upper = (spec & TEXT_SPEC_CONVERSION) === 0x58;
  if (prefix > 0) cursor = putByte(cursor, end, 0x30);
  if (prefix > 1) cursor = putByte(cursor, end, upper ? 0x58 : 0x78);
  cursor = putFill(cursor, end, 0x30, shown - digits + (zeros ? max(padding, 0) : 0));
  cursor = putDigitsWith(cursor, end, magnitude, base, (digits << 8) | (upper ? 0x41 : 0x61));
  if (left) cursor = putFill(cursor, end, 0x20, padding);
  store<usize>(context, cursor, CONTEXT_TEXT_CURSOR);
}

/** %c; with `#` what is not printable is escaped, also ' and \. */
export function putCharacter(context: usize, byte: u32, spec: i32, width: i32): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const shown = spec & TEXT_SPEC_ALTERNATE ? characterWidth(byte) : 1;
  const left = (spec & TEXT_SPEC_LEFT) !== 0;
  let cursor = load<usize>(context, CONTEXT_TEXT_CURSOR);
  if (!left) cursor = putFill(cursor, end, 0x20, width - shown);
  if (shown > 1) cursor = putByte(cursor, end, 0x5c);
  if (shown === 1) cursor = putByte(cursor, end, byte);
  else if (shown === 4) cursor = putDigits(cursor, end, byte, 8, 3);
  else cursor = putByte(cursor, end, controlLetter(byte) !== 0 ? controlLetter(byte) : byte);
  if (left) cursor = putFill(cursor, end, 0x20, width - shown);
  store<usize>(context, cursor, CONTEXT_TEXT_CURSOR);
}

/**
 * %b: the low 1, 2, 4 or 8 bytes, little-endian, in a field padded with NUL. Nothing where they do not
 * fit with the final NUL on the last of them (SystemTap).
 */
export function putBinary(context: usize, value: i64, spec: i32, width: i32, precision: i32): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const bytes = isBinarySize(precision) ? precision : isBinarySize(width) ? width : 8;
  const left = (spec & TEXT_SPEC_LEFT) !== 0;
  let cursor = load<usize>(context, CONTEXT_TEXT_CURSOR);
  if (cursor + bytes > end + 1) return;
  if (!left) cursor = putFill(cursor, end, 0, width - bytes);
  for (let i = 0; i < bytes; i++) cursor = putByte(cursor, end, <i32>(value >> (8 * i)));
  if (left) cursor = putFill(cursor, end, 0, width - bytes);
  store<usize>(context, cursor, CONTEXT_TEXT_CURSOR);
}

function isBinarySize(bytes: i32): bool {
  return bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8;
}

function characterWidth(byte: u32): i32 {
  if (byte === 0x27 || byte === 0x5c || controlLetter(byte) !== 0) return 2;
  return byte >= 0x20 && byte < 0x7f ? 1 : 4;
}

function baseOf(spec: i32): u64 {
  switch (spec & TEXT_SPEC_CONVERSION) {
    case 0x6f:
      return 8;
    case 0x58:
    case 0x70:
    case 0x78:
      return 16;
    default:
      return 10;
  }
}

/** Byte of the sign, 0 for none: only d and i have one. */
function signOf(value: i64, spec: i32): i32 {
  const conversion = spec & TEXT_SPEC_CONVERSION;
  if (conversion !== 0x64 && conversion !== 0x69) return 0;
  if (value < 0) return 0x2d;
  return spec & TEXT_SPEC_PLUS ? 0x2b : spec & TEXT_SPEC_SPACE ? 0x20 : 0;
}

/** Length of the prefix 0, 0x or 0X, which zero gets too. */
function prefixOf(spec: i32): i32 {
  const conversion = spec & TEXT_SPEC_CONVERSION;
  if (conversion === 0x70) return 2;
  if ((spec & TEXT_SPEC_ALTERNATE) === 0) return 0;
  return conversion === 0x6f ? 1 : baseOf(spec) === 16 ? 2 : 0;
}
