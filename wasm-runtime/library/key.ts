/** Keys of an associative array: hashed and compared from CONTEXT.keys, copied into an entry. */
import {
  CONTEXT_KEYS,
  MAP_ENTRY_KEYS,
  MAP_KEY_COUNT,
  MAP_STRING_KEYS,
  SESSION_ADDRESS,
  SESSION_MAX_STRING,
} from "./gen/layout";
import { copyText, sameText, stringEnd } from "./string";

/** FNV-1a for 64 bits, and 2^64 divided by the golden ratio. */
const FNV_BASIS: u64 = ((<u64>0xcbf29ce4) << 32) | 0x84222325;
const FNV_PRIME: u64 = 0x100000001b3;
const KEY_FACTOR: u64 = ((<u64>0x9e3779b9) << 32) | 0x7f4a7c15;

/** Bytes that a key takes in an entry. */
export function keyBytes(isString: i32): i32 {
  return isString ? (load<i32>(SESSION_ADDRESS, SESSION_MAX_STRING) + 7) & ~7 : 8;
}

/** Hash of the keys: multiplicative mixing of 64-bit words; strings byte by byte (FNV-1a, 64 bits). */
export function hashKeys(context: usize, map: usize): u32 {
  const count = load<i32>(map, MAP_KEY_COUNT);
  const strings = load<i32>(map, MAP_STRING_KEYS);
  let hash: u64 = FNV_BASIS;
  for (let i = 0; i < count; i++) {
    const key = load<u64>(keyAddress(context, i));
    hash = (strings >> i) & 1 ? hashText(hash, <usize>key) : hash ^ key;
    hash *= KEY_FACTOR;
    hash ^= hash >> 32;
  }
  return <u32>hash;
}

function hashText(hash: u64, text: usize): u64 {
  const end = stringEnd(text);
  for (let byte = load<u8>(text); byte !== 0 && text < end; byte = load<u8>(++text)) {
    hash = (hash ^ byte) * FNV_PRIME;
  }
  return hash;
}

/** True if the keys of `entry` whose bit is set in `mask` equal those in the context. */
export function keysEqual(context: usize, map: usize, entry: usize, mask: i32): bool {
  const count = load<i32>(map, MAP_KEY_COUNT);
  const strings = load<i32>(map, MAP_STRING_KEYS);
  let stored = entry + MAP_ENTRY_KEYS;
  for (let i = 0; i < count; i++) {
    const isString = (strings >> i) & 1;
    if ((mask >> i) & 1) {
      const key = load<u64>(keyAddress(context, i));
      if (isString ? !sameText(stored, <usize>key) : load<u64>(stored) !== key) return false;
    }
    stored += keyBytes(isString);
  }
  return true;
}

/** Copies the keys into `entry`, strings cut to their capacity. */
export function copyKeys(context: usize, map: usize, entry: usize): void {
  const count = load<i32>(map, MAP_KEY_COUNT);
  const strings = load<i32>(map, MAP_STRING_KEYS);
  const maxString = load<i32>(SESSION_ADDRESS, SESSION_MAX_STRING);
  let stored = entry + MAP_ENTRY_KEYS;
  for (let i = 0; i < count; i++) {
    const isString = (strings >> i) & 1;
    const key = load<u64>(keyAddress(context, i));
    if (isString) copyText(stored, <usize>key, maxString);
    else store<u64>(stored, key);
    stored += keyBytes(isString);
  }
}

function keyAddress(context: usize, index: i32): usize {
  return context + CONTEXT_KEYS + ((<usize>index) << 3);
}
