/** Values in linear memory: arrays, statistics, automata of regular expressions. */

/** Associative array in linear memory: this header, buckets (i32 each), then entries. */
export const MAP = {
  /** i32, entries in use; i32 capacity; i32 number of buckets (a power of two). */
  count: 0,
  capacity: 4,
  buckets: 8,
  /** i32, number of keys; i32 bit i set = key i is a string. */
  keyCount: 12,
  stringKeys: 16,
  /** i32, one of MAP_VALUE; i32, bits of MAP_WRAP. */
  valueKind: 20,
  wrap: 24,
  /** i32, bytes of one entry; i32 offset of the value in an entry. */
  entryBytes: 28,
  valueOffset: 32,
  /** i32, addresses of the first and last entry of the list order, and of the free list. */
  first: 36,
  last: 40,
  free: 44,
  /** i32, entries never used so far; i32 address of entry 0. */
  fresh: 48,
  entries: 52,
  bytes: 64,
} as const;

export const MAP_VALUE = { long: 0, string: 1, stat: 2 } as const;

/** `wrap` = `%`: a full array recycles its oldest entry; `sized` = the script states the capacity. */
export const MAP_WRAP = { wrap: 1, sized: 2 } as const;

/** Entry of a map: links, then keys (8 bytes, or maxString rounded up to 8), then the value. */
export const MAP_ENTRY = {
  /** i32 each: hash chain, list order, hash. */
  chain: 0,
  previous: 4,
  next: 8,
  hash: 12,
  keys: 16,
} as const;

/** Statistics descriptor (static data of the bundle): what one `<<<` maintains. */
export const STAT_DESCRIPTOR = {
  /** i32, one of HISTOGRAM. */
  histogram: 0,
  /** i32, bit shift of @variance, 0 … 62; -1 = @variance is not used and not maintained. */
  shift: 4,
  /** i64 each, parameters of @hist_linear. */
  low: 8,
  high: 16,
  width: 24,
  /** i32, number of buckets, 0 without histogram. */
  buckets: 32,
  /** i32, bytes of one statistics value. */
  statBytes: 36,
  /** i32 each: columns of bars; empty rows shown around those in use, negative = all. */
  barWidth: 40,
  elision: 44,
  bytes: 48,
} as const;

export const HISTOGRAM = { none: 0, linear: 1, log: 2 } as const;

/** One statistics value (a shard or a merged one); all zero = empty. i64 each. */
export const STAT = {
  count: 0,
  sum: 8,
  min: 16,
  max: 24,
  /** Running mean and sum of squared deviations, shifted left by the bit shift (Welford 1962). */
  mean: 32,
  squares: 40,
  /** i64[buckets] */
  buckets: 48,
} as const;

export const LOG_BUCKETS = 128;

export const MAX_LINEAR_BUCKETS = 128;

/** Most columns that bars of histograms may have (HIST_WIDTH). */
export const MAX_BAR_WIDTH = 1000;

/** Buckets of a linear histogram with those for underflow and overflow, 0 if these are too many. */
export function linearBuckets(low: bigint, high: bigint, width: bigint): number {
  if (width <= 0n || high < low) return 0;
  const wanted = (high - low) / width + 3n;
  return wanted > BigInt(MAX_LINEAR_BUCKETS) ? 0 : Number(wanted);
}

/** Bit of an entry of a REGEX_SEARCH: a match ends right there; the other bits are a state. */
export const REGEX_MATCHES = 0x8000;

/** Static automaton that finds whether and where a regular expression matches. */
export const REGEX_SEARCH = {
  /** u8[256], class of each byte; class 0 is NUL, the end of the string. */
  classes: 0,
  /** i32, bytes of a row; i32, entry before the first byte. */
  rowBytes: 256,
  start: 260,
  /** u16[state][class], entries; state 0 has an empty row: nothing more can match. */
  rows: 264,
} as const;

/** Static automaton that finds the longest match from a given place, and what its groups capture. */
export const REGEX_CAPTURE = {
  /** u8[256], class of each byte; class 0 is NUL, the end of the string. */
  classes: 0,
  /** i32, bytes of a row. */
  rowBytes: 256,
  /** u32, entries at the begin of the string and elsewhere. */
  startAtBegin: 260,
  startInside: 264,
  /** i32, offset of the lists of moves: i32 count, then as many u16 pairs to, from. */
  moves: 268,
  /** i32, number of groups, group 0 included. */
  groups: 272,
  /** u32[state][class]: state, and index of an i32 of the moves << 16, 0 = no moves. */
  rows: 276,
} as const;

/** `from` of a move that is no register: the current position; none. */
export const REGEX_HERE = 0xffff;

export const REGEX_NOWHERE = 0xfffe;

/** The last match of a thread's handler, in its context. */
export const MATCH = {
  /** i32, number of groups, group 0 included; negative once a match failed after that. */
  groups: 0,
  /**
   * char[align8(maxString)], copy of the string; then i32 each: begin and end of each group as
   * offsets in it, or -1; then registers of the automaton.
   */
  text: 8,
} as const;

/** `bytes` rounded up to a multiple of 8. */
export function align8(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** Bytes of one statistics value with `buckets` histogram buckets. */
export function statBytes(buckets: number): number {
  return STAT.buckets + 8 * buckets;
}

/** Shape of an associative array, known when a script is compiled. */
export interface MapShape {
  readonly keys: readonly ("long" | "string")[];
  readonly valueBytes: number;
  readonly capacity: number;
  readonly maxString: number;
}

/** Offset of key `index` in an entry. */
export function mapKeyOffset(shape: MapShape, index: number): number {
  let offset: number = MAP_ENTRY.keys;
  for (const key of shape.keys.slice(0, index)) {
    offset += key === "long" ? 8 : align8(shape.maxString);
  }
  return offset;
}

/** Offset of the value in an entry. */
export function mapValueOffset(shape: MapShape): number {
  return mapKeyOffset(shape, shape.keys.length);
}

/** Bytes of one entry. */
export function mapEntryBytes(shape: MapShape): number {
  return mapValueOffset(shape) + align8(shape.valueBytes);
}

/** Number of hash buckets for `capacity` entries: the next power of two, at least 16. */
export function mapBuckets(capacity: number): number {
  let buckets = 16;
  while (buckets < capacity) buckets *= 2;
  return buckets;
}

/** Bytes of a whole map: header, buckets, entries. */
export function mapBytes(shape: MapShape): number {
  return MAP.bytes + align8(4 * mapBuckets(shape.capacity)) + shape.capacity * mapEntryBytes(shape);
}
