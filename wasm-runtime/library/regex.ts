/**
 * Regular expressions, run from tables that the compiler made (compiler/regex). Every byte costs a
 * few loads; a search with captures reads the string backwards for where the leftmost match starts,
 * then forwards from there to the end of the longest one.
 */
import {
  CONTEXT_MATCH,
  MATCH_GROUPS,
  MATCH_TEXT,
  REGEX_CAPTURE_GROUPS,
  REGEX_CAPTURE_MOVES,
  REGEX_CAPTURE_ROW_BYTES,
  REGEX_CAPTURE_ROWS,
  REGEX_CAPTURE_START_AT_BEGIN,
  REGEX_CAPTURE_START_INSIDE,
  REGEX_HERE,
  REGEX_MATCHES,
  REGEX_NOWHERE,
  REGEX_SEARCH_ROW_BYTES,
  REGEX_SEARCH_ROWS,
  REGEX_SEARCH_START,
  SESSION_ADDRESS,
  SESSION_MAX_STRING,
} from "./gen/layout";
import {
  TEXT_NO_SUBEXPRESSION,
  TEXT_SUBEXPRESSION,
  TEXT_SUBEXPRESSION_COUNT,
  TEXT_SUBEXPRESSION_END,
} from "./gen/texts";
import { raise, raiseDecimal } from "./message";
import { putText } from "./put";
import { string_copy, stringEnd, textLength } from "./string";

/** 1 if the forwards automaton `search`, which stops at a match, finds one in `text`. */
export function regex_test(text: usize, search: usize): i32 {
  const rowBytes = load<usize>(search, REGEX_SEARCH_ROW_BYTES);
  let entry = load<usize>(search, REGEX_SEARCH_START);
  // The NUL of `text` leads to an entry that ends this.
  while (entry !== 0 && entry < <usize>REGEX_MATCHES) {
    const column = <usize>load<u8>(search + load<u8>(text++));
    entry = load<u16>(search + entry * rowBytes + (column << 1), REGEX_SEARCH_ROWS);
  }
  return entry === 0 ? 0 : 1;
}

/** The `=~` of scripts that ask for captures: keeps text and groups at `match`. */
export function regex_match(
  context: usize,
  text: usize,
  search: usize,
  capture: usize,
  match: usize,
): i32 {
  const start = findStart(text, text + textLength(text), search);
  if (start === 0) {
    if (load<usize>(context, CONTEXT_MATCH) === match && load<i32>(match, MATCH_GROUPS) > 0) {
      store<i32>(match, -load<i32>(match, MATCH_GROUPS), MATCH_GROUPS);
    }
    return 0;
  }
  const registers = registersOf(match);
  store<i32>(registers, <i32>(start - text));
  runCapture(text, start, capture, registers);
  store<i32>(match, load<i32>(capture, REGEX_CAPTURE_GROUPS), MATCH_GROUPS);
  string_copy(match + MATCH_TEXT, text);
  store<usize>(context, match, CONTEXT_MATCH);
  return 1;
}

/**
 * matched(): what group `n` of the last match captured, "" if it took no part. SystemTap looks for
 * the group in the last match there was before it says that the last attempt failed.
 */
export function matched(context: usize, n: i64, out: usize): void {
  const match = load<usize>(context, CONTEXT_MATCH);
  store<u8>(out, 0);
  const groups = match === 0 ? 0 : load<i32>(match, MATCH_GROUPS);
  if (<u64>n >= <u64>abs(groups)) {
    raiseDecimal(context, TEXT_NO_SUBEXPRESSION, n, 0);
    return;
  }
  if (groups < 0) {
    raiseDecimal(context, TEXT_SUBEXPRESSION, n, TEXT_SUBEXPRESSION_END);
    return;
  }
  const group = registersOf(match) + ((<usize>n) << 3);
  const begin = load<i32>(group);
  if (begin < 0) return;
  const end = out + (load<i32>(group, 4) - begin);
  store<u8>(putText(out, min(end, stringEnd(out)), match + MATCH_TEXT + begin), 0);
}

/** ngroups(): groups of the last match, the whole of it included. */
export function ngroups(context: usize): i64 {
  const match = load<usize>(context, CONTEXT_MATCH);
  if (match !== 0 && load<i32>(match, MATCH_GROUPS) > 0) return load<i32>(match, MATCH_GROUPS);
  raise(context, TEXT_SUBEXPRESSION_COUNT);
  return 0;
}

/** Registers of `match`, behind its text. */
function registersOf(match: usize): usize {
  return match + MATCH_TEXT + ((load<usize>(SESSION_ADDRESS, SESSION_MAX_STRING) + 7) & ~7);
}

/** Where the leftmost match in `text` … `end` starts, by the backwards automaton; 0 = none. */
function findStart(text: usize, end: usize, search: usize): usize {
  const rowBytes = load<usize>(search, REGEX_SEARCH_ROW_BYTES);
  let entry = load<usize>(search, REGEX_SEARCH_START);
  let found: usize = 0;
  while (true) {
    if ((entry & REGEX_MATCHES) !== 0) found = end;
    const state = entry & (REGEX_MATCHES - 1);
    if (state === 0) return found;
    const row = search + state * rowBytes;
    if (end === text) return load<u16>(row, REGEX_SEARCH_ROWS) !== 0 ? text : found;
    const column = <usize>load<u8>(search + load<u8>(--end));
    entry = load<u16>(row + (column << 1), REGEX_SEARCH_ROWS);
  }
}

/** Runs `capture` from `start` as far as it goes; the results of the longest match remain. */
function runCapture(text: usize, start: usize, capture: usize, registers: usize): void {
  const rowBytes = load<usize>(capture, REGEX_CAPTURE_ROW_BYTES);
  let entry =
    start === text
      ? load<usize>(capture, REGEX_CAPTURE_START_AT_BEGIN)
      : load<usize>(capture, REGEX_CAPTURE_START_INSIDE);
  let at = start;
  while (true) {
    const list = entry >>> 16;
    if (list !== 0) move(capture, list, registers, <i32>(at - text));
    const state = entry & 0xffff;
    if (state === 0) return;
    const byte = load<u8>(at);
    // The position of the end is that of the NUL.
    if (byte !== 0) at++;
    const column = <usize>load<u8>(capture + byte);
    entry = load<usize>(capture + state * rowBytes + (column << 2), REGEX_CAPTURE_ROWS);
  }
}

/** Makes the moves of `list` at position `here`. */
function move(capture: usize, list: usize, registers: usize, here: i32): void {
  let at = capture + load<usize>(capture, REGEX_CAPTURE_MOVES) + ((<usize>list) << 2);
  for (let left = load<i32>(at); left > 0; left--) {
    at += 4;
    const from = <usize>load<u16>(at, 2);
    const value =
      from === REGEX_HERE ? here : from === REGEX_NOWHERE ? -1 : load<i32>(registers + (from << 2));
    store<i32>(registers + ((<usize>load<u16>(at)) << 2), value);
  }
}
