/**
 * Text under construction: what sprintf and sprint build up. CONTEXT.textCursor moves from `out`
 * to the place of the final NUL. Spec is TEXT_SPEC bits; width and precision are -1 where not
 * given; a width below -1 is a dynamic negative one: left-justified. Numbers are in number.ts.
 */
import { CONTEXT_BUFFER, CONTEXT_ERROR, CONTEXT_TEXT_CURSOR, CONTEXT_TEXT_END } from "./gen/layout";
import { TEXT_SPEC_CONVERSION, TEXT_SPEC_LEFT, TEXT_SPEC_ZERO } from "./gen/texts";
import { putChart } from "./histogram";
import { read } from "./host";
import { putBinary, putCharacter, putNumber } from "./number";
import { putByte, putDigits, putFill, putText } from "./put";
import { check_memory } from "./record";
import { isEmpty } from "./stat";
import { stringEnd, textLength } from "./string";

/** Starts a text at `out`, which takes SESSION.maxString bytes. */
export function text_begin(context: usize, out: usize): void {
  store<usize>(context, out, CONTEXT_TEXT_CURSOR);
  store<usize>(context, stringEnd(out), CONTEXT_TEXT_END);
}

/** Appends `text` as it is. */
export function text_literal(context: usize, text: usize): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const cursor = load<usize>(context, CONTEXT_TEXT_CURSOR);
  store<usize>(context, putText(cursor, end, text), CONTEXT_TEXT_CURSOR);
}

/** Appends a long: conversions d i u o x X p c b. */
export function text_long(context: usize, value: i64, spec: i32, width: i32, precision: i32): void {
  const conversion = spec & TEXT_SPEC_CONVERSION;
  const most = roomFor(context);
  if (conversion === 0x63) putCharacter(context, <u8>value, spec, min(width, most));
  else if (conversion === 0x62) putBinary(context, value, spec, width, precision);
  else putNumber(context, value, spec, min(width, most), min(precision, most));
}

/** Bytes left with that of the final NUL: a field is not made wider (SystemTap). */
function roomFor(context: usize): i32 {
  const left = load<usize>(context, CONTEXT_TEXT_END) - load<usize>(context, CONTEXT_TEXT_CURSOR);
  return <i32>left + 1;
}

/** Appends at most `precision` bytes of a string. */
export function text_string(
  context: usize,
  text: usize,
  spec: i32,
  width: i32,
  precision: i32,
): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const length = textLength(text);
  const shown = precision === -1 ? length : min(length, max(precision, 0));
  let cursor = padBefore(context, spec, width, shown);
  const stop = min(end, cursor + shown);
  while (cursor < stop) store<u8>(cursor++, load<u8>(text++));
  padAfter(context, cursor, spec, width, shown);
}

/** Appends `precision` bytes (1 if not positive) of process memory, %M in hexadecimal. */
export function text_memory(
  context: usize,
  address: i64,
  spec: i32,
  width: i32,
  precision: i32,
): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const hex = (spec & TEXT_SPEC_CONVERSION) === 0x4d;
  const bytes = max(precision, 1);
  const shown = hex ? 2 * bytes : bytes;
  const buffer = context + CONTEXT_BUFFER;
  check_memory(context, address, bytes);
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  let cursor = padBefore(context, spec, width, shown);
  for (let i = 0; i < bytes && cursor < end; i++) {
    const byte = read(address + i, buffer, 1) === 0 ? load<u8>(buffer) : 0;
    cursor = hex ? putDigits(cursor, end, byte, 16, 2) : putByte(cursor, end, byte);
  }
  padAfter(context, cursor, spec, width, shown);
}

/** Appends the chart of a merged statistic; an error if it is empty. */
export function text_histogram(context: usize, descriptor: usize, stat: usize): void {
  if (isEmpty(context, stat)) return;
  const end = load<usize>(context, CONTEXT_TEXT_END);
  const cursor = load<usize>(context, CONTEXT_TEXT_CURSOR);
  store<usize>(context, putChart(cursor, end, descriptor, stat), CONTEXT_TEXT_CURSOR);
}

/** Ends the text. */
export function text_end(context: usize): void {
  store<u8>(load<usize>(context, CONTEXT_TEXT_CURSOR), 0);
}

/** Blanks before something of `shown` bytes unless it is left-justified; the new cursor. */
function padBefore(context: usize, spec: i32, width: i32, shown: i32): usize {
  const cursor = load<usize>(context, CONTEXT_TEXT_CURSOR);
  if (spec & TEXT_SPEC_LEFT) return cursor;
  const padding = min(width, roomFor(context)) - shown;
  return putFill(cursor, load<usize>(context, CONTEXT_TEXT_END), 0x20, padding);
}

/** Blanks behind it if it is, then a NUL for the flag 0 (SystemTap); stores the cursor. */
function padAfter(context: usize, cursor: usize, spec: i32, width: i32, shown: i32): void {
  const end = load<usize>(context, CONTEXT_TEXT_END);
  if (spec & TEXT_SPEC_LEFT) cursor = putFill(cursor, end, 0x20, width - shown);
  if (spec & TEXT_SPEC_ZERO) cursor = putByte(cursor, end, 0);
  store<usize>(context, cursor, CONTEXT_TEXT_CURSOR);
}
