/**
 * Associative arrays on the layout MAP, MAP_ENTRY: chained hash, a doubly linked list in order of
 * insertion, a free list. Keys come in CONTEXT.keys; the caller holds the array's lock, except
 * where entries only come (map_grow): they are found without it.
 *
 *     map ┌ header ┬ i32 bucket[buckets] ┬ entry 0 ┬ entry 1 ┬ … capacity
 *     entry: chain previous next hash │ key, key … │ value
 */
import {
  MAP_BUCKETS,
  MAP_BYTES,
  MAP_CAPACITY,
  MAP_COUNT,
  MAP_ENTRIES,
  MAP_ENTRY_BYTES,
  MAP_ENTRY_CHAIN,
  MAP_ENTRY_HASH,
  MAP_ENTRY_KEYS,
  MAP_ENTRY_NEXT,
  MAP_ENTRY_PREVIOUS,
  MAP_FIRST,
  MAP_FREE,
  MAP_FRESH,
  MAP_KEY_COUNT,
  MAP_LAST,
  MAP_STRING_KEYS,
  MAP_VALUE_KIND,
  MAP_VALUE_OFFSET,
  MAP_WRAP,
  MAP_WRAP_SIZED,
  MAP_WRAP_WRAP,
} from "./gen/layout";
import { TEXT_OVERFLOW } from "./gen/texts";
import { copyKeys, hashKeys, keyBytes, keysEqual } from "./key";
import { locks_acquire, locks_release } from "./lock";
import { raise, raiseOverflow } from "./message";

/** Makes an empty array at `map`; see library-abi.ts for the parameters. */
export function map_init(
  map: usize,
  capacity: i32,
  buckets: i32,
  keyCount: i32,
  stringKeys: i32,
  valueKind: i32,
  valueBytes: i32,
  wrap: i32,
): void {
  let valueOffset = MAP_ENTRY_KEYS;
  for (let i = 0; i < keyCount; i++) valueOffset += keyBytes((stringKeys >> i) & 1);
  store<i32>(map, capacity, MAP_CAPACITY);
  store<i32>(map, buckets, MAP_BUCKETS);
  store<i32>(map, keyCount, MAP_KEY_COUNT);
  store<i32>(map, stringKeys, MAP_STRING_KEYS);
  store<i32>(map, valueKind, MAP_VALUE_KIND);
  store<i32>(map, wrap, MAP_WRAP);
  store<i32>(map, valueOffset + align8(valueBytes), MAP_ENTRY_BYTES);
  store<i32>(map, valueOffset, MAP_VALUE_OFFSET);
  store<usize>(map, map + MAP_BYTES + align8(4 * buckets), MAP_ENTRIES);
  map_clear(map);
}

/** Removes all entries. */
export function map_clear(map: usize): void {
  store<i32>(map, 0, MAP_COUNT);
  store<i32>(map, 0, MAP_FIRST);
  store<i32>(map, 0, MAP_LAST);
  store<i32>(map, 0, MAP_FREE);
  store<i32>(map, 0, MAP_FRESH);
  memory.fill(map + MAP_BYTES, 0, load<usize>(map, MAP_BUCKETS) << 2);
}

/** Entry of the keys, 0 if there is none. */
export function map_find(context: usize, map: usize): usize {
  return lookUp(context, map, hashKeys(context, map));
}

/** Entry of the keys, new with a value of zero if there was none; 0 and an error if it is full. */
export function map_insert(context: usize, map: usize): usize {
  return insertHashed(context, map, hashKeys(context, map));
}

/**
 * As map_insert for an array whose entries stay, with no lock held: takes those of `locks` only to
 * make an entry; 0 without an error if it cannot have them.
 */
export function map_grow(context: usize, map: usize, locks: usize): usize {
  const hash = hashKeys(context, map);
  const found = lookUp(context, map, hash);
  if (found !== 0 || !locks_acquire(context, locks)) return found;
  const entry = insertHashed(context, map, hash);
  locks_release(context);
  return entry;
}

/** Adds `amount` to the number at `address`, which others may change; its value before. */
export function long_add(address: usize, amount: i64): i64 {
  return atomic.add<i64>(address, amount);
}

function insertHashed(context: usize, map: usize, hash: u32): usize {
  const found = lookUp(context, map, hash);
  if (found !== 0) return found;
  const entry = allocate(context, map);
  if (entry === 0) return 0;
  store<u32>(entry, hash, MAP_ENTRY_HASH);
  copyKeys(context, map, entry);
  const valueOffset = load<usize>(map, MAP_VALUE_OFFSET);
  memory.fill(entry + valueOffset, 0, load<usize>(map, MAP_ENTRY_BYTES) - valueOffset);
  const bucket = bucketOf(map, hash);
  store<usize>(entry, load<usize>(bucket), MAP_ENTRY_CHAIN);
  // Whoever looks without a lock finds it whole.
  atomic.store<usize>(bucket, entry);
  insertAfter(map, entry, load<usize>(map, MAP_LAST));
  store<i32>(map, load<i32>(map, MAP_COUNT) + 1, MAP_COUNT);
  return entry;
}

/** Removes the entry of the keys, if there is one. */
export function map_remove(context: usize, map: usize): void {
  const entry = map_find(context, map);
  if (entry === 0) return;
  drop(map, entry);
  store<usize>(entry, load<usize>(map, MAP_FREE), MAP_ENTRY_NEXT);
  store<usize>(map, entry, MAP_FREE);
}

/** First entry in list order, or 0. */
export function map_first(map: usize): usize {
  return load<usize>(map, MAP_FIRST);
}

/** Entry after `entry`, or 0. */
export function map_next(entry: usize): usize {
  return load<usize>(entry, MAP_ENTRY_NEXT);
}

/** 1 if the keys of `entry` whose bit is set in `mask` equal those in the context. */
export function map_matches(context: usize, map: usize, entry: usize, mask: i32): i32 {
  return keysEqual(context, map, entry, mask) ? 1 : 0;
}

/** Takes `entry` out of the list order. */
export function unlinkEntry(map: usize, entry: usize): void {
  const previous = load<usize>(entry, MAP_ENTRY_PREVIOUS);
  const next = load<usize>(entry, MAP_ENTRY_NEXT);
  if (previous !== 0) store<usize>(previous, next, MAP_ENTRY_NEXT);
  else store<usize>(map, next, MAP_FIRST);
  if (next !== 0) store<usize>(next, previous, MAP_ENTRY_PREVIOUS);
  else store<usize>(map, previous, MAP_LAST);
}

/** Puts `entry`, which is in no list, behind `previous` (0 = at the front). */
export function insertAfter(map: usize, entry: usize, previous: usize): void {
  const next = previous !== 0 ? load<usize>(previous, MAP_ENTRY_NEXT) : load<usize>(map, MAP_FIRST);
  store<usize>(entry, previous, MAP_ENTRY_PREVIOUS);
  store<usize>(entry, next, MAP_ENTRY_NEXT);
  if (previous !== 0) store<usize>(previous, entry, MAP_ENTRY_NEXT);
  else store<usize>(map, entry, MAP_FIRST);
  if (next !== 0) store<usize>(next, entry, MAP_ENTRY_PREVIOUS);
  else store<usize>(map, entry, MAP_LAST);
}

function align8(bytes: i32): i32 {
  return (bytes + 7) & ~7;
}

function bucketOf(map: usize, hash: u32): usize {
  return map + MAP_BYTES + ((hash & (load<u32>(map, MAP_BUCKETS) - 1)) << 2);
}

function lookUp(context: usize, map: usize, hash: u32): usize {
  let entry = load<usize>(bucketOf(map, hash));
  while (entry !== 0) {
    if (load<u32>(entry, MAP_ENTRY_HASH) === hash && keysEqual(context, map, entry, -1)) break;
    entry = load<usize>(entry, MAP_ENTRY_CHAIN);
  }
  return entry;
}

/** An entry in no list: a freed one, a fresh one, or the oldest of a wrapping array. */
function allocate(context: usize, map: usize): usize {
  const free = load<usize>(map, MAP_FREE);
  if (free !== 0) {
    store<usize>(map, load<usize>(free, MAP_ENTRY_NEXT), MAP_FREE);
    return free;
  }
  const fresh = load<i32>(map, MAP_FRESH);
  const capacity = load<i32>(map, MAP_CAPACITY);
  if (fresh < capacity) {
    store<i32>(map, fresh + 1, MAP_FRESH);
    return load<usize>(map, MAP_ENTRIES) + <usize>fresh * load<usize>(map, MAP_ENTRY_BYTES);
  }
  const wrap = load<i32>(map, MAP_WRAP);
  if (wrap & MAP_WRAP_WRAP) {
    const oldest = load<usize>(map, MAP_FIRST);
    drop(map, oldest);
    return oldest;
  }
  if (wrap & MAP_WRAP_SIZED) raiseOverflow(context, capacity);
  else raise(context, TEXT_OVERFLOW);
  return 0;
}

/** Takes `entry` out of its hash chain and the list order. */
function drop(map: usize, entry: usize): void {
  let link = bucketOf(map, load<u32>(entry, MAP_ENTRY_HASH));
  while (load<usize>(link) !== entry) link = load<usize>(link) + MAP_ENTRY_CHAIN;
  store<usize>(link, load<usize>(entry, MAP_ENTRY_CHAIN));
  unlinkEntry(map, entry);
  store<i32>(map, load<i32>(map, MAP_COUNT) - 1, MAP_COUNT);
}
