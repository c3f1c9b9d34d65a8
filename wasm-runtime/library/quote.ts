/**
 * text_strn(): bytes made printable, as SystemTap: C escapes, \ooo, valid UTF-8 as \uXXXX or
 * \UXXXXXXXX; optionally in double quotes, with `"...` at the end where text was cut. No escape is cut.
 */
import { SESSION_ADDRESS, SESSION_MAX_STRING } from "./gen/layout";
import { putByte, putDigitsWith } from "./put";
import { textLength } from "./string";

/** text_strn(): at most `length` bytes of result, ≤ 0 = as many as fit; quoted if not 0. */
export function text_strn(
  _context: usize,
  text: usize,
  length: i64,
  quoted: i64,
  out: usize,
): void {
  const most = load<i32>(SESSION_ADDRESS, SESSION_MAX_STRING) - 1;
  const limit = length <= 0 || length > <i64>most ? most : <i32>length;
  const isQuoted = quoted !== 0;
  quoteText(text, textLength(text), out, isQuoted ? max(limit, LEAST_QUOTED) : limit, isQuoted);
}

/** Bytes of the shortest text that is quoted and cut: `""...` */
export const LEAST_QUOTED = 5;

/**
 * Writes `bytes` bytes at `text`, escaped, as at most `limit` bytes and a NUL; true if all of them
 * fit. What is cut before a NUL has no dots, and a NUL takes the room of \000, as in SystemTap.
 */
export function quoteText(text: usize, bytes: i32, out: usize, limit: i32, quoted: bool): bool {
  const end = out + limit;
  const stop = text + bytes;
  let left = quoted ? limit - 2 : limit;
  let cursor = quoted ? putByte(out, end, 0x22) : out;
  let beforeDots = cursor;
  while (text < stop) {
    const taken = sequenceBytes(text, stop);
    const width = escapedWidth(text, taken);
    if (width > left) break;
    left -= width;
    cursor = putEscaped(cursor, text, taken, width);
    if (left >= 3) beforeDots = cursor;
    text += taken;
  }
  if (quoted) {
    const dots = text < stop && load<u8>(text) !== 0;
    cursor = putByte(dots ? beforeDots : cursor, end, 0x22);
    for (let i = 0; dots && i < 3; i++) cursor = putByte(cursor, end, 0x2e);
  }
  store<u8>(cursor, 0);
  return text >= stop;
}

/** Bytes of the UTF-8 sequence at `text`; 1 for anything that is not a valid longer one. */
function sequenceBytes(text: usize, stop: usize): i32 {
  const lead = <u32>load<u8>(text);
  const bytes = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 1;
  if (bytes === 1 || text + bytes > stop) return 1;
  for (let i = 1; i < bytes; i++) {
    if ((load<u8>(text + i) & 0xc0) !== 0x80) return 1;
  }
  const code = codePoint(text, bytes);
  const least: u32 = bytes === 2 ? 0x80 : bytes === 3 ? 0x800 : 0x10000;
  const surrogate = code - 0xd800 < 0x800;
  return code < least || surrogate || code > 0x10ffff ? 1 : bytes;
}

function codePoint(text: usize, bytes: i32): u32 {
  let code = load<u8>(text) & <u32>(0x7f >> bytes);
  for (let i = 1; i < bytes; i++) code = (code << 6) | (load<u8>(text + i) & 0x3f);
  return code;
}

function escapedWidth(text: usize, bytes: i32): i32 {
  if (bytes > 1) return codePoint(text, bytes) <= 0xffff ? 6 : 10;
  const byte = <u32>load<u8>(text);
  if (byte === 0x22 || byte === 0x5c || controlLetter(byte) !== 0) return 2;
  return byte >= 0x20 && byte < 0x7f ? 1 : 4;
}

function putEscaped(cursor: usize, text: usize, bytes: i32, width: i32): usize {
  const byte = <u32>load<u8>(text);
  const end = cursor + width;
  if (width === 1) return putByte(cursor, end, byte);
  cursor = putByte(cursor, end, 0x5c);
  if (byte === 0) return putByte(cursor, end, 0x30);
  if (bytes > 1) {
    cursor = putByte(cursor, end, width === 6 ? 0x75 : 0x55);
    return putDigitsWith(cursor, end, codePoint(text, bytes), 16, ((width - 2) << 8) | 0x41);
  }
  if (width === 4) return putDigitsWith(cursor, end, byte, 8, 0x361);
  const letter = controlLetter(byte);
  return putByte(cursor, end, letter !== 0 ? letter : byte);
}

/** Letter of the C escape of `byte`, 0 if it has none: \a \b \t \n \v \f \r. */
export function controlLetter(byte: u32): u32 {
  switch (byte) {
    case 7:
      return 0x61;
    case 8:
      return 0x62;
    case 9:
      return 0x74;
    case 10:
      return 0x6e;
    case 11:
      return 0x76;
    case 12:
      return 0x66;
    case 13:
      return 0x72;
    default:
      return 0;
  }
}
