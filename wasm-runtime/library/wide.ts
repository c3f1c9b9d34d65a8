/** user_string_utf16(), user_string_utf32(): strings of the process in wider characters, as UTF-8. */
import { CONTEXT_BUFFER } from "./gen/layout";
import { TEXT_INVALID_UTF16, TEXT_INVALID_UTF32 } from "./gen/texts";
import { read } from "./host";
import { raiseCharacter, raiseWideFault } from "./message";
import { stringEnd } from "./string";

/** UTF-16 up to a zero; an unpaired surrogate is an error. */
export function user_string_utf16(context: usize, address: i64, out: usize): void {
  convert(context, address, 2, out);
}

/** UTF-32 up to a zero; what is no character is an error. */
export function user_string_utf32(context: usize, address: i64, out: usize): void {
  convert(context, address, 4, out);
}

function convert(context: usize, address: i64, bytes: u32, out: usize): void {
  const end = stringEnd(out);
  let cursor = out;
  store<u8>(out, 0);
  while (cursor < end) {
    let code = unitAt(context, address, bytes);
    if (bytes === 2 && code >= 0xd800 && code < 0xdc00) {
      const low = unitAt(context, address + 2, 2);
      if (low < 0) return;
      if (low >= 0xdc00 && low < 0xe000) {
        address += 2;
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
      }
    }
    if (code <= 0) return;
    if (!isCharacter(<u32>code)) {
      raiseCharacter(context, bytes === 2 ? TEXT_INVALID_UTF16 : TEXT_INVALID_UTF32, code, address);
      return;
    }
    const next = putCharacter(cursor, end, <u32>code);
    if (next === cursor) return;
    cursor = next;
    address += bytes;
  }
}

/** Number of `bytes` bytes at `address`; -1 and an error if it cannot be read. */
function unitAt(context: usize, address: i64, bytes: u32): i64 {
  const buffer = context + CONTEXT_BUFFER;
  if (read(address, buffer, bytes) === 0) {
    return bytes === 2 ? <i64>load<u16>(buffer) : <i64>load<u32>(buffer);
  }
  raiseWideFault(context, address);
  return -1;
}

/** True for a Unicode scalar value: no surrogate. */
function isCharacter(code: u32): bool {
  return code <= 0x10ffff && code - 0xd800 >= 0x800;
}

/** Appends `code` in UTF-8 and a NUL, or nothing if that does not fit; the new cursor. */
function putCharacter(cursor: usize, end: usize, code: u32): usize {
  const bytes: i32 = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  if (cursor + bytes > end) return cursor;
  for (let i = bytes - 1; i > 0; i--) {
    store<u8>(cursor + i, <u8>(0x80 | (code & 0x3f)));
    code >>= 6;
  }
  const mark: u32 = bytes === 1 ? 0 : 0xf00 >> bytes;
  store<u8>(cursor, <u8>(mark | code));
  store<u8>(cursor + bytes, 0);
  return cursor + bytes;
}
