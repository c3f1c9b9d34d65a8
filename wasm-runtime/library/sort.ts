/**
 * Orders the list of an array for foreach, as SystemTap does: a stable merge sort of all, or, with
 * a limit of 1 … 30, only the best `limit` entries at the front. The new order stays.
 */
import {
  MAP_ENTRY_KEYS,
  MAP_ENTRY_NEXT,
  MAP_ENTRY_PREVIOUS,
  MAP_FIRST,
  MAP_LAST,
  MAP_STRING_KEYS,
  MAP_VALUE_KIND,
  MAP_VALUE_OFFSET,
  MAP_VALUE_STAT,
  MAP_VALUE_STRING,
  STAT_COUNT,
  STAT_MAX,
  STAT_MIN,
  STAT_SUM,
} from "./gen/layout";
import { keyBytes } from "./key";
import { insertAfter, unlinkEntry } from "./map";
import { average, variance } from "./stat";
import { string_compare } from "./string";

/** Largest limit that gets a partial selection. */
const SELECT_LIMIT = 30;
/** What is compared: a long, a string, or statistic number mode - STATISTIC. */
const LONG = 0;
const STRING = 1;
const STATISTIC = 2;
/** Added to the mode for descending order. */
const DESCENDING = 0x100;

/** Sorts by value (-1), statistic n (-2-n) or key (≥ 0); see library-abi.ts. */
export function map_sort(
  map: usize,
  by: i32,
  descending: i32,
  limit: i32,
  descriptor: usize,
): void {
  if (load<usize>(map, MAP_FIRST) === 0) return;
  const offset = by >= 0 ? keyOffset(map, by) : load<i32>(map, MAP_VALUE_OFFSET);
  const mode = compareMode(map, by) + (descending ? DESCENDING : 0);
  if (limit > 0 && limit <= SELECT_LIMIT) select(map, offset, mode, limit, descriptor);
  else mergeSort(map, offset, mode, descriptor);
}

function keyOffset(map: usize, index: i32): i32 {
  const strings = load<i32>(map, MAP_STRING_KEYS);
  let offset = MAP_ENTRY_KEYS;
  for (let i = 0; i < index; i++) offset += keyBytes((strings >> i) & 1);
  return offset;
}

function compareMode(map: usize, by: i32): i32 {
  if (by >= 0) return (load<i32>(map, MAP_STRING_KEYS) >> by) & 1 ? STRING : LONG;
  const kind = load<i32>(map, MAP_VALUE_KIND);
  if (kind === MAP_VALUE_STAT) return STATISTIC + max(-2 - by, 0);
  return kind === MAP_VALUE_STRING ? STRING : LONG;
}

/** True if `a` belongs strictly behind `b`. */
function isBehind(a: usize, b: usize, offset: i32, mode: i32, descriptor: usize): bool {
  const descending = (mode & DESCENDING) !== 0;
  const what = mode & ~DESCENDING;
  if (what === STRING) {
    const order = string_compare(a + offset, b + offset);
    return descending ? order < 0 : order > 0;
  }
  const left = sortValue(a + offset, what, descriptor);
  const right = sortValue(b + offset, what, descriptor);
  return descending ? left < right : left > right;
}

function sortValue(at: usize, what: i32, descriptor: usize): i64 {
  if (what === LONG) return load<i64>(at);
  switch (what - STATISTIC) {
    case 1:
      return load<i64>(at, STAT_SUM);
    case 2:
      return load<i64>(at, STAT_MIN);
    case 3:
      return load<i64>(at, STAT_MAX);
    case 4:
      return average(at);
    case 5:
      return descriptor === 0 ? 0 : variance(descriptor, at);
    default:
      return load<i64>(at, STAT_COUNT);
  }
}

/** Bottom-up merge sort of the `next` links, pass by pass over runs of 1, 2, 4, … */
function mergeSort(map: usize, offset: i32, mode: i32, descriptor: usize): void {
  let merges = 2;
  for (let run = 1; merges > 1; run <<= 1) {
    merges = 0;
    let left = load<usize>(map, MAP_FIRST);
    let tail: usize = 0;
    while (left !== 0) {
      merges++;
      let right = left;
      let leftCount = 0;
      while (leftCount < run && right !== 0) {
        leftCount++;
        right = load<usize>(right, MAP_ENTRY_NEXT);
      }
      let rightCount = run;
      while (leftCount > 0 || (rightCount > 0 && right !== 0)) {
        let taken = left;
        const rightEmpty = rightCount === 0 || right === 0;
        if (leftCount > 0 && (rightEmpty || !isBehind(left, right, offset, mode, descriptor))) {
          left = load<usize>(left, MAP_ENTRY_NEXT);
          leftCount--;
        } else {
          taken = right;
          right = load<usize>(right, MAP_ENTRY_NEXT);
          rightCount--;
        }
        append(map, tail, taken);
        tail = taken;
      }
      left = right;
    }
    store<usize>(tail, 0, MAP_ENTRY_NEXT);
    store<usize>(map, tail, MAP_LAST);
  }
}

function append(map: usize, tail: usize, entry: usize): void {
  if (tail === 0) store<usize>(map, entry, MAP_FIRST);
  else store<usize>(tail, entry, MAP_ENTRY_NEXT);
  store<usize>(entry, tail, MAP_ENTRY_PREVIOUS);
}

/**
 * Keeps the best `limit` entries sorted at the front: each further entry that beats the last of
 * them takes its place among them, and that last one becomes the first of the others.
 */
function select(map: usize, offset: i32, mode: i32, limit: i32, descriptor: usize): void {
  let last: usize = 0;
  let entry = load<usize>(map, MAP_FIRST);
  for (let seen = 0; entry !== 0; seen++) {
    const next = load<usize>(entry, MAP_ENTRY_NEXT);
    let before = last;
    while (before !== 0 && isBehind(before, entry, offset, mode, descriptor)) {
      before = load<usize>(before, MAP_ENTRY_PREVIOUS);
    }
    if (before !== last) {
      unlinkEntry(map, entry);
      insertAfter(map, entry, before);
      if (seen >= limit) last = load<usize>(last, MAP_ENTRY_PREVIOUS);
    } else if (seen < limit) last = entry;
    entry = next;
  }
}
