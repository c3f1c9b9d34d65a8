/**
 * Bytes appended at a cursor that never passes `end`: what does not fit is dropped. Every function
 * returns the new cursor.
 */

/** Appends one byte. */
export function putByte(cursor: usize, end: usize, byte: i32): usize {
  if (cursor >= end) return cursor;
  store<u8>(cursor, <u8>byte);
  return cursor + 1;
}

/** Appends `byte` `count` times, not at all if that is not positive. */
export function putFill(cursor: usize, end: usize, byte: i32, count: i32): usize {
  if (count <= 0) return cursor;
  const fitting = min(<usize>count, end - cursor);
  memory.fill(cursor, <u8>byte, fitting);
  return cursor + fitting;
}

/** Appends the NUL-terminated `text`. */
export function putText(cursor: usize, end: usize, text: usize): usize {
  while (cursor < end) {
    const byte = load<u8>(text++);
    if (byte === 0) break;
    store<u8>(cursor++, byte);
  }
  return cursor;
}

/** Number of digits of `value` in `base`, at least 1. */
export function digitCount(value: u64, base: u64): i32 {
  let count = 1;
  for (value /= base; value !== 0; value /= base) count++;
  return count;
}

/** Appends the last `count` digits of `value` in `base`, lower case. */
export function putDigits(cursor: usize, end: usize, value: u64, base: u64, count: i32): usize {
  return putDigitsWith(cursor, end, value, base, (count << 8) | 0x61);
}

/** As putDigits, with count << 8 | the byte of digit ten. */
export function putDigitsWith(cursor: usize, end: usize, value: u64, base: u64, shape: i32): usize {
  const count = shape >> 8;
  const letters = (shape & 0xff) - 10;
  for (let i = count - 1; i >= 0; i--) {
    const digit = <i32>(value % base);
    value /= base;
    const to = cursor + i;
    if (to < end) store<u8>(to, <u8>(digit < 10 ? 0x30 + digit : letters + digit));
  }
  return min(cursor + count, end);
}

/** Appends 0x and `value` in lower-case hexadecimal. */
export function putHex(cursor: usize, end: usize, value: u64): usize {
  cursor = putByte(putByte(cursor, end, 0x30), end, 0x78);
  return putDigits(cursor, end, value, 16, digitCount(value, 16));
}

/** Appends `value` in decimal. */
export function putSigned(cursor: usize, end: usize, value: i64): usize {
  let magnitude = <u64>value;
  if (value < 0) {
    cursor = putByte(cursor, end, 0x2d);
    magnitude = <u64>-value;
  }
  return putDigits(cursor, end, magnitude, 10, digitCount(magnitude, 10));
}
