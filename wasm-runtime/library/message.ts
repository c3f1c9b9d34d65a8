/**
 * Raising soft errors: the first pending one is kept. Texts that are made up have maxString bytes
 * of the context to themselves; they are cut to what a string can hold.
 */
import {
  CONTEXT_ERROR,
  CONTEXT_SCRATCH_END,
  CONTEXT_TRAIL,
  CONTEXT_TRAIL_COUNT,
  CONTEXT_TRAIL_END,
  SESSION_ADDRESS,
  SESSION_MAX_STRING,
} from "./gen/layout";
import {
  TEXT_AT,
  TEXT_OVERFLOW_SIZED,
  TEXT_OVERFLOW_SIZED_END,
  TEXT_READ_FAULT,
  TEXT_STRING_FAULT,
  TEXT_STRING_FAULT_END,
  TEXT_TOO_MANY_BYTES,
  TEXT_WIDE_FAULT,
  TEXT_WRITE_FAULT,
} from "./gen/texts";
import { digitCount, putDigitsWith, putHex, putSigned, putText } from "./put";

/** Makes the static `text` the pending error unless there is one. */
export function raise(context: usize, text: usize): void {
  if (load<usize>(context, CONTEXT_ERROR) === 0) store<usize>(context, text, CONTEXT_ERROR);
}

/** Raises `text` if that is not 0, and notes `location` as the next place on the error's trail. */
export function error_at(context: usize, text: usize, location: i32): void {
  if (text !== 0) raise(context, text);
  const count = load<i32>(context, CONTEXT_TRAIL_COUNT);
  const place = CONTEXT_TRAIL + (count << 2);
  if (place >= CONTEXT_TRAIL_END) return;
  store<i32>(context + place, location);
  store<i32>(context, count + 1, CONTEXT_TRAIL_COUNT);
}

/** Where the text of an error of `context` is made: maxString bytes. */
export function messageText(context: usize): usize {
  const bytes = (load<usize>(SESSION_ADDRESS, SESSION_MAX_STRING) + 7) & ~7;
  return load<usize>(context, CONTEXT_SCRATCH_END) + bytes;
}

/** "read fault [man error::fault] at 0x…" */
export function raiseReadFault(context: usize, address: u64): void {
  raiseNumber(context, TEXT_READ_FAULT, address, 0);
}

/** "write fault [man error::fault] at 0x…" */
export function raiseWriteFault(context: usize, address: u64): void {
  raiseNumber(context, TEXT_WRITE_FAULT, address, 0);
}

/** "user string copy fault -14 at 0x… [man error::fault]" */
export function raiseStringFault(context: usize, address: u64): void {
  raiseNumber(context, TEXT_STRING_FAULT, address, TEXT_STRING_FAULT_END);
}

/** "user string copy fault at 0x… [man error::fault]" */
export function raiseWideFault(context: usize, address: u64): void {
  raiseNumber(context, TEXT_WIDE_FAULT, address, TEXT_STRING_FAULT_END);
}

/** `before`, then the code of a character and its address: "D800 at 0x…" */
export function raiseCharacter(context: usize, before: usize, code: u64, address: u64): void {
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  const message = messageText(context);
  const end = messageEnd(message);
  let cursor = putText(message, end, before);
  cursor = putDigitsWith(cursor, end, code, 16, (digitCount(code, 16) << 8) | 0x41);
  finish(context, putHex(putText(cursor, end, TEXT_AT), end, address));
}

/** "Array overflow, check size limit (N)" */
export function raiseOverflow(context: usize, capacity: i32): void {
  raiseDecimal(context, TEXT_OVERFLOW_SIZED, capacity, TEXT_OVERFLOW_SIZED_END);
}

/** "N is too many bytes for a memory dump" */
export function raiseTooManyBytes(context: usize, bytes: i64): void {
  raiseDecimal(context, 0, bytes, TEXT_TOO_MANY_BYTES);
}

/** The text `before`, the decimal `value` and the text `after`, without those that are 0. */
export function raiseDecimal(context: usize, before: usize, value: i64, after: usize): void {
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  const message = messageText(context);
  const end = messageEnd(message);
  let cursor = before === 0 ? message : putText(message, end, before);
  cursor = putSigned(cursor, end, value);
  if (after !== 0) cursor = putText(cursor, end, after);
  finish(context, cursor);
}

function raiseNumber(context: usize, before: usize, address: u64, after: usize): void {
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  const message = messageText(context);
  const end = messageEnd(message);
  let cursor = putText(message, end, before);
  cursor = putHex(cursor, end, address);
  if (after !== 0) cursor = putText(cursor, end, after);
  finish(context, cursor);
}

function finish(context: usize, cursor: usize): void {
  store<u8>(cursor, 0);
  store<usize>(context, messageText(context), CONTEXT_ERROR);
}

function messageEnd(message: usize): usize {
  return message + load<usize>(SESSION_ADDRESS, SESSION_MAX_STRING) - 1;
}
