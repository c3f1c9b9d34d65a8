/**
 * Life of a handler: enter, body, leave; recover after a trap. Soft errors are a pending text in
 * the context; generated code tests it after each call that can fail.
 */
import {
  ABORT_ERROR,
  CONTEXT_ACTIONS,
  CONTEXT_ERROR,
  CONTEXT_FRAME_COUNT,
  CONTEXT_LOCK_INTENT,
  CONTEXT_LOCKS,
  CONTEXT_LOCKS_TAKEN,
  CONTEXT_MATCH,
  CONTEXT_NESTING,
  CONTEXT_PROBE,
  CONTEXT_RECORD_BYTES,
  CONTEXT_SCRATCH_END,
  CONTEXT_SCRATCH_TOP,
  CONTEXT_TOKEN,
  CONTEXT_TRAIL,
  CONTEXT_TRAIL_COUNT,
  ITEM_ERROR,
  ITEM_SYSTEM,
  ITEM_WARNING,
  SESSION_ADDRESS,
  SESSION_CONTEXT_STRIDE,
  SESSION_ERRORS,
  SESSION_MAX_ERRORS,
  SESSION_MAX_STRING,
  SESSION_SCRATCH_OFFSET,
  SESSION_STATE,
  SESSION_STATE_ERROR,
  SESSION_STATE_STOPPING,
  SESSION_SUPPRESS_ERRORS,
} from "./gen/layout";
import { TEXT_SCRATCH_EXHAUSTED } from "./gen/texts";
import { locks_release } from "./lock";
import { messageText, raise } from "./message";
import { record_item, record_long, record_string } from "./record";
import { commitRecord } from "./ring";
import { string_copy } from "./string";

/** Prepares `context` for the handler of `probe`, which may run `actions` statements. */
export function enter(context: usize, probe: i32, actions: i32): void {
  const maxString = load<usize>(SESSION_ADDRESS, SESSION_MAX_STRING);
  const end = context + load<usize>(SESSION_ADDRESS, SESSION_CONTEXT_STRIDE);
  const scratch = context + load<usize>(SESSION_ADDRESS, SESSION_SCRATCH_OFFSET);
  store<i32>(context, 0, CONTEXT_ERROR);
  store<i32>(context, 0, CONTEXT_TRAIL_COUNT);
  store<i32>(context, actions, CONTEXT_ACTIONS);
  store<usize>(context, scratch, CONTEXT_SCRATCH_TOP);
  store<usize>(context, end - 2 * ((maxString + 7) & ~7), CONTEXT_SCRATCH_END);
  store<i32>(context, 0, CONTEXT_RECORD_BYTES);
  store<i32>(context, probe, CONTEXT_PROBE);
  store<i32>(context, 0, CONTEXT_NESTING);
  store<i32>(context, 0, CONTEXT_FRAME_COUNT);
  store<i32>(context, 0, CONTEXT_TOKEN);
  store<i32>(context, 0, CONTEXT_MATCH);
  store<i32>(context, 0, CONTEXT_LOCKS);
  store<i32>(context, 0, CONTEXT_LOCKS_TAKEN);
  store<i32>(context, 0, CONTEXT_LOCK_INTENT);
}

/** Reports a pending error, publishes the open record, then releases the locks. */
export function leave(context: usize): void {
  const error = load<usize>(context, CONTEXT_ERROR);
  if (error !== 0 && error !== ABORT_ERROR) reportError(context, error);
  commitRecord(context);
  locks_release(context);
}

/** Undoes what a handler that trapped left behind; its open record is dropped. */
export function recover(context: usize): void {
  store<i32>(context, 0, CONTEXT_RECORD_BYTES);
  store<i32>(context, 0, CONTEXT_ERROR);
  locks_release(context);
}

/** Address of `bytes` of scratch memory, a multiple of 8; 0 and an error if none are left. */
export function scratch(context: usize, bytes: i32): usize {
  const top = load<usize>(context, CONTEXT_SCRATCH_TOP);
  const left = load<usize>(context, CONTEXT_SCRATCH_END) - top;
  if (<u32>bytes > <u32>left) {
    raise(context, TEXT_SCRATCH_EXHAUSTED);
    return 0;
  }
  store<usize>(context, (top + bytes + 7) & ~7, CONTEXT_SCRATCH_TOP);
  return top;
}

/** error(): like raise, but keeps a copy of `text`, which may be overwritten. */
export function error(context: usize, text: usize): void {
  if (load<usize>(context, CONTEXT_ERROR) !== 0) return;
  const message = messageText(context);
  string_copy(message, text);
  store<usize>(context, message, CONTEXT_ERROR);
}

/** warn(): leaves with the record of the handler. */
export function warn(context: usize, text: usize): void {
  record_item(context, ITEM_WARNING, 1);
  record_string(context, text);
}

/** system(): the reader runs the command. */
export function system(context: usize, command: usize): void {
  record_item(context, ITEM_SYSTEM, 1);
  record_string(context, command);
}

/** exit(): no further handlers start; in an error probe no further error probes. */
export function exit(_context: usize): void {
  atomic.store<i32>(SESSION_ADDRESS + SESSION_STATE, SESSION_STATE_STOPPING);
}

/** abort(): exit() that also ends this handler, which no `catch` stops. */
export function abort(context: usize): void {
  exit(context);
  store<i32>(context, ABORT_ERROR, CONTEXT_ERROR);
}

function reportError(context: usize, text: usize): void {
  // The report goes out even where the handler's own output was too long to.
  if (load<i32>(context, CONTEXT_RECORD_BYTES) >= 0) recordError(context, text);
  if (load<i32>(context, CONTEXT_RECORD_BYTES) < 0) {
    store<i32>(context, 0, CONTEXT_RECORD_BYTES);
    recordError(context, text);
  }
  const errors = atomic.add<i32>(SESSION_ADDRESS + SESSION_ERRORS, 1) + 1;
  if (load<i32>(SESSION_ADDRESS, SESSION_SUPPRESS_ERRORS) !== 0) return;
  if (errors > load<i32>(SESSION_ADDRESS, SESSION_MAX_ERRORS)) {
    atomic.store<i32>(SESSION_ADDRESS + SESSION_STATE, SESSION_STATE_ERROR);
  }
}

function recordError(context: usize, text: usize): void {
  const places = load<i32>(context, CONTEXT_TRAIL_COUNT);
  record_item(context, ITEM_ERROR, 1 + places);
  record_string(context, text);
  for (let i = 0; i < places; i++) {
    record_long(context, load<i32>(context + ((<usize>i) << 2), CONTEXT_TRAIL));
  }
}
