/** Raising soft errors: the first pending one is kept. Texts with a number are made in CONTEXT.message. */
import { CONTEXT_ERROR, CONTEXT_MESSAGE, CONTEXT_MESSAGE_END } from "./gen/layout";
import {
  TEXT_OVERFLOW_SIZED,
  TEXT_READ_FAULT,
  TEXT_STRING_FAULT,
  TEXT_STRING_FAULT_END,
  TEXT_WRITE_FAULT,
} from "./gen/texts";
import { putByte, putHex, putSigned, putText } from "./put";

/** Makes the static `text` the pending error unless there is one. */
export function raise(context: usize, text: usize): void {
  if (load<usize>(context, CONTEXT_ERROR) === 0) store<usize>(context, text, CONTEXT_ERROR);
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

/** "Array overflow, check size limit (N)" */
export function raiseOverflow(context: usize, capacity: i32): void {
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  const end = context + CONTEXT_MESSAGE_END - 1;
  let cursor = putText(context + CONTEXT_MESSAGE, end, TEXT_OVERFLOW_SIZED);
  cursor = putSigned(cursor, end, capacity);
  finish(context, putByte(cursor, end, 0x29));
}

function raiseNumber(context: usize, before: usize, address: u64, after: usize): void {
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  const end = context + CONTEXT_MESSAGE_END - 1;
  let cursor = putText(context + CONTEXT_MESSAGE, end, before);
  cursor = putHex(cursor, end, address);
  if (after !== 0) cursor = putText(cursor, end, after);
  finish(context, cursor);
}

function finish(context: usize, cursor: usize): void {
  store<u8>(cursor, 0);
  store<usize>(context, context + CONTEXT_MESSAGE, CONTEXT_ERROR);
}
