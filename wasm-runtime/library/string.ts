/**
 * Functions on NUL-terminated byte strings. An `out` of a script string takes SESSION.maxString
 * bytes with the NUL; what is longer is cut. `out` may be one of the inputs only where it says so.
 */
import {
  CONTEXT_SCRATCH_END,
  CONTEXT_TOKEN,
  SESSION_ADDRESS,
  SESSION_MAX_STRING,
} from "./gen/layout";
import { TEXT_POSITION } from "./gen/texts";
import { raise } from "./message";
import { putByte, putText } from "./put";

/** Last byte that a script string at `out` may use, for its NUL. */
export function stringEnd(out: usize): usize {
  return out + load<usize>(SESSION_ADDRESS, SESSION_MAX_STRING) - 1;
}

/** Bytes before the NUL. */
export function textLength(text: usize): i32 {
  let at = text;
  while (load<u8>(at) !== 0) at++;
  return <i32>(at - text);
}

/** Copies at most `capacity` - 1 bytes and a NUL. */
export function copyText(out: usize, from: usize, capacity: i32): void {
  store<u8>(putText(out, out + capacity - 1, from), 0);
}

/** True if script string `a` is `b` cut to the capacity of a string. */
export function sameText(a: usize, b: usize): bool {
  const end = stringEnd(a);
  while (a < end && load<u8>(a) === load<u8>(b)) {
    if (load<u8>(a) === 0) return true;
    a++;
    b++;
  }
  return a === end;
}

/** out = from; they may be the same. */
export function string_copy(out: usize, from: usize): void {
  store<u8>(putText(out, stringEnd(out), from), 0);
}

/** out .= from; they may be the same. */
export function string_append(out: usize, from: usize): void {
  const length = textLength(from);
  const cursor = out + textLength(out);
  const end = stringEnd(out);
  const room = end > cursor ? end - cursor : 0;
  const copied = min(<usize>length, room);
  memory.copy(cursor, from, copied);
  store<u8>(cursor + copied, 0);
}

/** Order of the first bytes that differ, unsigned. */
export function string_compare(a: usize, b: usize): i32 {
  while (true) {
    const left = <i32>load<u8>(a++);
    const right = <i32>load<u8>(b++);
    if (left !== right || left === 0) return left - right;
  }
}

/** strlen() */
export function strlen(_context: usize, text: usize): i64 {
  return textLength(text);
}

/** substr(): at most `length` bytes from `start`; "" if that is outside. `out` may be `text`. */
export function substr(_context: usize, text: usize, start: i64, length: i64, out: usize): void {
  const limit = load<i64>(SESSION_ADDRESS, SESSION_MAX_STRING) & 0xffffffff;
  if (start < 0 || length <= 0 || start >= textLength(text)) {
    store<u8>(out, 0);
    return;
  }
  const bytes = min(length, limit - 1);
  store<u8>(putText(out, out + <usize>bytes, text + <usize>start), 0);
}

/** stringat(): the signed byte at `position`, or an error. */
export function stringat(context: usize, text: usize, position: i64): i64 {
  if (position >= 0 && position < textLength(text)) return load<i8>(text + <usize>position);
  raise(context, TEXT_POSITION);
  return 0;
}

/** isinstr(): 1 if `search` occurs in `text`. */
export function isinstr(_context: usize, text: usize, search: usize): i64 {
  return findText(text, search) === 0 ? 0 : 1;
}

/** strpos(): byte index of the first `search` in `text`, or -1. */
export function strpos(_context: usize, text: usize, search: usize): i64 {
  const found = findText(text, search);
  return found === 0 ? -1 : found - text;
}

/** isdigit(): 1 if the first byte is a decimal digit. */
export function isdigit(_context: usize, text: usize): i64 {
  return isDigit(load<u8>(text)) ? 1 : 0;
}

/** str_replace(): every `search` replaced, from the left; an empty one never occurs. */
export function str_replace(
  _context: usize,
  text: usize,
  search: usize,
  replacement: usize,
  out: usize,
): void {
  const end = stringEnd(out);
  const searched = textLength(search);
  let cursor = out;
  while (load<u8>(text) !== 0) {
    if (searched > 0 && startsWith(text, search)) {
      cursor = putText(cursor, end, replacement);
      text += searched;
    } else cursor = putByte(cursor, end, load<u8>(text++));
  }
  store<u8>(cursor, 0);
}

/** strtol() as in C: blanks, sign, prefix, then digits of `base`; the extremes on overflow. */
export function strtol(_context: usize, text: usize, base: i64): i64 {
  let at = text;
  while (load<u8>(at) === 0x20 || load<u8>(at) - 9 < 5) at++;
  const negative = load<u8>(at) === 0x2d;
  if (negative || load<u8>(at) === 0x2b) at++;
  if (base !== 0 && (base < 2 || base > 36)) return 0;
  if ((base === 0 || base === 16) && hasHexPrefix(at)) {
    at += 2;
    base = 16;
  }
  if (base === 0) base = load<u8>(at) === 0x30 ? 8 : 10;
  const limit: u64 = <u64>i64.MAX_VALUE + (negative ? 1 : 0);
  let value: u64 = 0;
  for (let digit = digitValue(load<u8>(at)); digit < <u32>base; digit = digitValue(load<u8>(at))) {
    value = value > (limit - digit) / <u64>base ? limit : value * <u64>base + digit;
    at++;
  }
  return negative ? -(<i64>value) : <i64>value;
}

/**
 * tokenize(): the next token that is not empty, or "". A non-empty `input` starts anew on a copy
 * of it, which lies behind the scratch area.
 */
export function tokenize(context: usize, input: usize, delimiters: usize, out: usize): void {
  if (load<u8>(input) !== 0) {
    const copy = load<usize>(context, CONTEXT_SCRATCH_END);
    string_copy(copy, input);
    store<usize>(context, copy, CONTEXT_TOKEN);
  }
  let at = load<usize>(context, CONTEXT_TOKEN);
  store<u8>(out, 0);
  if (at === 0) return;
  while (load<u8>(at) !== 0 && contains(delimiters, load<u8>(at))) at++;
  const end = stringEnd(out);
  let cursor = out;
  while (load<u8>(at) !== 0 && !contains(delimiters, load<u8>(at))) {
    cursor = putByte(cursor, end, load<u8>(at++));
  }
  store<u8>(cursor, 0);
  if (load<u8>(at) !== 0) at++;
  store<usize>(context, at, CONTEXT_TOKEN);
}

function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

function digitValue(byte: u32): u32 {
  if (isDigit(byte)) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter < 26 ? letter + 10 : 255;
}

function hasHexPrefix(at: usize): bool {
  if (load<u8>(at) !== 0x30 || (load<u8>(at, 1) | 0x20) !== 0x78) return false;
  return digitValue(load<u8>(at, 2)) < 16;
}

function contains(text: usize, byte: u32): bool {
  for (let each = <u32>load<u8>(text); each !== 0; each = load<u8>(++text)) {
    if (each === byte) return true;
  }
  return false;
}

function startsWith(text: usize, prefix: usize): bool {
  while (load<u8>(prefix) !== 0) {
    if (load<u8>(text++) !== load<u8>(prefix++)) return false;
  }
  return true;
}

function findText(text: usize, search: usize): usize {
  while (!startsWith(text, search)) {
    if (load<u8>(text++) === 0) return 0;
  }
  return text;
}
