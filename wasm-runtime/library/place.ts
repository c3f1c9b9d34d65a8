/**
 * Text for what lies at an address of the process: symbol, module, source line, in the forms in
 * which SystemTap shows them. What is not known is left out; the address stands where nothing is.
 */
import { chainElement, isExact, stack_address } from "./backtrace";
import { CONTEXT_BUFFER, LOCATE_LINE, LOCATE_MODULE, LOCATE_SYMBOL } from "./gen/layout";
import { locate } from "./host";
import { putByte, putHex, putSigned } from "./put";
import { stringEnd } from "./string";

/** name */
const FORM_NAME = 0;
/** name+0xOFFSET [FILE], and without the file 1 */
const FORM_SIMPLE = 2;
/** name+0xOFFSET/0xSIZE [PATH] */
const FORM_DATA = 3;
/** 0xADDRESS : name+0xOFFSET/0xSIZE [PATH] */
const FORM_FULL = 4;
/** 0xADDRESS : name+0xOFFSET/0xSIZE at SOURCE:LINE [PATH] */
const FORM_FULLER = 5;
/** Bit of a form: the address is behind a call, and it is the call that is named. */
const FORM_CALL = 0x100;

const BLANK = 0x20;
const PLUS = 0x2b;
const SLASH = 0x2f;
const COLON = 0x3a;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Appends the name of what lies at `address`, with two numbers at `numbers`; 0 if it has none. */
function putPlace(what: u32, address: u64, cursor: usize, end: usize, numbers: usize): usize {
  const length = locate(what, address, cursor, <u32>(end - cursor + 1), numbers);
  return length < 0 ? 0 : cursor + length;
}

/** Appends `sign` and `value` in hexadecimal. */
function putOffset(cursor: usize, end: usize, sign: i32, value: u64): usize {
  return putHex(putByte(cursor, end, sign), end, value);
}

/** Moves what is behind the last slash of [start, end) to `start`. */
function keepFileName(start: usize, end: usize): usize {
  let name = end;
  while (name > start && load<u8>(name - 1) !== SLASH) name--;
  memory.copy(start, name, end - name);
  return start + (end - name);
}

/** Appends ` [PATH]`, with the offset in the module if `form` has FORM_CALL; nothing if unknown. */
function putModule(context: usize, cursor: usize, end: usize, address: u64, form: i32): usize {
  const numbers = context + CONTEXT_BUFFER;
  const start = putByte(putByte(cursor, end, BLANK), end, OPEN);
  let at = putPlace(LOCATE_MODULE, address, start, end, numbers);
  if (at === 0) return cursor;
  const base = form & ~FORM_CALL;
  if (base === FORM_SIMPLE) at = keepFileName(start, at);
  if (form !== base) {
    at = putOffset(at, end, PLUS, load<u64>(numbers));
    if (base >= FORM_DATA) at = putOffset(at, end, SLASH, load<u64>(numbers, 8));
  }
  return putByte(at, end, CLOSE);
}

/** Appends ` at SOURCE:LINE`; nothing if that is not known. */
function putSource(context: usize, cursor: usize, end: usize, address: u64): usize {
  const numbers = context + CONTEXT_BUFFER;
  let start = putByte(putByte(cursor, end, BLANK), end, 0x61);
  start = putByte(putByte(start, end, 0x74), end, BLANK);
  const at = putPlace(LOCATE_LINE, address, start, end, numbers);
  if (at === 0) return cursor;
  const line = load<i64>(numbers);
  return line === 0 ? at : putSigned(putByte(at, end, COLON), end, line);
}

/** Appends the symbol at `address` and what `form` says of it; 0 if there is no symbol. */
function putSymbol(context: usize, cursor: usize, end: usize, address: u64, form: i32): usize {
  const numbers = context + CONTEXT_BUFFER;
  const base = form & ~FORM_CALL;
  const back: u64 = form === base ? 0 : 1;
  if (base >= FORM_FULL) {
    cursor = putByte(putByte(cursor, end, BLANK), end, COLON);
    cursor = putByte(cursor, end, BLANK);
  }
  let at = putPlace(LOCATE_SYMBOL, address - back, cursor, end, numbers);
  if (at === 0 || base === FORM_NAME) return at;
  at = putOffset(at, end, PLUS, load<u64>(numbers) + back);
  if (base >= FORM_DATA) at = putOffset(at, end, SLASH, load<u64>(numbers, 8));
  if (base === FORM_FULLER) at = putSource(context, at, end, address - back);
  return base >= FORM_SIMPLE ? putModule(context, at, end, address - back, base) : at;
}

function putAddress(context: usize, cursor: usize, end: usize, address: u64, form: i32): usize {
  const base = form & ~FORM_CALL;
  if (base >= FORM_FULL) cursor = putHex(putByte(cursor, end, BLANK), end, address);
  let at = putSymbol(context, cursor, end, address, form);
  // What a signal handler returns to is not behind a call: nothing called it.
  if (at === 0 && form !== base) at = putSymbol(context, cursor, end, address, base);
  if (at !== 0) return at;
  if (base < FORM_FULL) cursor = putHex(cursor, end, address);
  if (base >= FORM_SIMPLE) cursor = putModule(context, cursor, end, address, base | FORM_CALL);
  return base === FORM_FULLER ? putSource(context, cursor, end, address) : cursor;
}

/** What lies at `address`, in a form above. */
export function address_text(context: usize, address: i64, form: i64, out: usize): void {
  store<u8>(putAddress(context, out, stringEnd(out), <u64>address, <i32>form), 0);
}

/** The same for address `n` of the call chain; "" behind its end. */
export function frame_text(context: usize, n: i64, form: i64, out: usize): void {
  const address = <u64>stack_address(context, n);
  const call = isExact(chainElement(context, n)) ? 0 : FORM_CALL;
  const end = stringEnd(out);
  const at = address === 0 ? out : putAddress(context, out, end, address, <i32>form | call);
  store<u8>(at, 0);
}

/** As frame_text with source lines. */
export function frame_source(context: usize, n: i64, out: usize): void {
  frame_text(context, n, FORM_FULLER, out);
}

/** Path (0) or build-id (3) of the module at `address`; "" if there is none. */
export function module_text(context: usize, address: i64, what: i64, out: usize): void {
  const numbers = context + CONTEXT_BUFFER;
  const at = putPlace(<u32>what, <u64>address, out, stringEnd(out), numbers);
  store<u8>(at === 0 ? out : at, 0);
}

/** How far `address` is behind the start of its module; -1 if it is in none. */
export function module_offset(context: usize, address: i64): i64 {
  const buffer = context + CONTEXT_BUFFER;
  const length = locate(LOCATE_MODULE, <u64>address, buffer + 16, 8, buffer);
  return length < 0 ? -1 : load<i64>(buffer);
}

/** Source of `address`: 0 file, 1 line, 2 file:line; the address if it is not known. */
export function source_text(context: usize, address: i64, form: i64, out: usize): void {
  const numbers = context + CONTEXT_BUFFER;
  const end = stringEnd(out);
  let at = putPlace(LOCATE_LINE, <u64>address, out, end, numbers);
  const line = load<i64>(numbers);
  if (at === 0 || (form === 1 && line === 0)) at = putHex(out, end, <u64>address);
  else if (form === 1) at = putSigned(out, end, line);
  else if (form === 2 && line !== 0) at = putSigned(putByte(at, end, COLON), end, line);
  store<u8>(at, 0);
}
