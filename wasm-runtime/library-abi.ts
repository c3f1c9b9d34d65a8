/**
 * Every function that the AssemblyScript library exports, with its Wasm signature: the contract
 * between generated handlers (compiler/emit), the library (wasm-runtime/library) and the linker.
 *
 * Letters: i = i32, l = i64. `context` is the address of the thread's CONTEXT. A string is the
 * address of a NUL-terminated byte string; `out` parameters receive at most SESSION.maxString
 * bytes including the NUL. A function that can fail sets CONTEXT.error and returns 0.
 */

/** `parameters>results`, one letter each. */
export const LIBRARY = {
  // -- life of a handler ---------------------------------------------------------------------
  /** (context, probe, actions): resets error, scratch, record; the caller checked the state. */
  enter: "iii>",
  /** (context): reports a pending error, commits the open record, releases locks. */
  leave: "i>",
  /** (context): after a trap: drops the open record and releases locks. */
  recover: "i>",
  /** (context, list) > 1 if all locks were taken, else 0 and the skip is counted. */
  // list = i32 n, then n × i32: lock word address | 1 for write; sorted by address
  locks_acquire: "ii>i",
  /** (context): releases what locks_acquire took. */
  locks_release: "i>",
  /** (context, bytes) > address of uninitialised scratch memory, or 0 and an error. */
  scratch: "ii>i",
  /** (context, text): raises a soft error. Only the first one is kept. */
  raise: "ii>",
  /** (context, text or 0, location): as raise, then notes one more place on the error's trail. */
  error_at: "iii>",
  /** (context, string): error(), warn(), and exit(), abort(), system(). */
  error: "ii>",
  warn: "ii>",
  exit: "i>",
  abort: "i>",
  system: "ii>",

  // -- strings -------------------------------------------------------------------------------
  string_copy: "ii>", // (out, from)
  string_append: "ii>", // (out, from)
  string_compare: "ii>i", // (a, b) > negative, 0, positive, by unsigned bytes
  strlen: "ii>l",
  substr: "iilli>", // (context, s, start, length, out)
  stringat: "iil>l",
  isinstr: "iii>l",
  strpos: "iii>l",
  strtol: "iil>l",
  isdigit: "ii>l",
  str_replace: "iiiii>", // (context, s, search, replacement, out)
  text_strn: "iilli>", // (context, s, length, quoted, out)
  tokenize: "iiii>", // (context, input, delimiters, out)
  string_widen: "ii>", // (to, from): bytes as UTF-16 code units, for embedded code
  string_narrow: "iii>", // (to, from, count of code units): back to bytes and a NUL

  // -- binary64 numbers as bit patterns --------------------------------------------------------
  fp_add: "ill>l",
  fp_sub: "ill>l",
  fp_mul: "ill>l",
  fp_div: "ill>l",
  fp_rem: "ill>l",
  fp_sqrt: "il>l",
  fp_eq: "ill>l",
  fp_le: "ill>l",
  fp_lt: "ill>l",
  long_to_fp: "il>l",
  fp_to_long: "illl>l", // (context, bits, rounding mode, exact)
  fp32_to_fp64: "il>l",
  fp_to_string: "illi>", // (context, bits, digits behind the point, out)
  string_to_fp: "ii>l", // error "invalid format"

  // -- text under construction (sprintf): spec = TEXT_SPEC bits -------------------------------
  text_begin: "ii>", // (context, out)
  text_literal: "ii>", // (context, string)
  text_long: "iliii>", // (context, value, spec, width or -1, precision or -1)
  text_string: "iiiii>", // (context, string, spec, width or -1, precision or -1)
  text_memory: "iliii>", // (context, address, spec, width, precision): %m and %M, may raise
  text_histogram: "iii>", // (context, descriptor, merged stat)
  text_end: "i>", // (context)

  // -- regular expressions -----------------------------------------------------------------------
  /** (text, REGEX_SEARCH that stops at the first match) > 1 if it matches, else 0. */
  regex_test: "ii>i",
  /**
   * (context, text, backwards REGEX_SEARCH, REGEX_CAPTURE, room for text and MATCH): as regex_test,
   * and keeps what matched for the next three.
   */
  regex_match: "iiiii>i",
  matched: "ili>", // (context, group, out)
  ngroups: "i>l",

  // -- records: items of the handler's open record ---------------------------------------------
  record_item: "iii>", // (context, format, number of arguments that follow)
  record_long: "il>",
  record_string: "ii>",
  /** (context, address, length): an error if record_memory could not have all of it. */
  check_memory: "ill>",
  record_memory: "ill>", // (context, address, length): process memory as msgpack bin (%m)
  record_histogram: "iii>", // (context, descriptor, merged stat): msgpack array of all buckets

  // -- arrays: keys are in CONTEXT.keys ----------------------------------------------------------
  /** (map, capacity, buckets, keyCount, stringKeys, valueKind, valueBytes, bits of MAP_WRAP) */
  map_init: "iiiiiiii>",
  map_find: "ii>i", // (context, map) > entry or 0
  map_insert: "ii>i", // (context, map) > entry (found or new, value zeroed), or 0 and an error
  /**
   * (context, map, locks) of an array that only grows, without a lock held: as map_insert, but the
   * locks are taken for a new entry only; 0 and no error if they could not be had.
   */
  map_grow: "iii>i",
  map_remove: "ii>", // (context, map)
  map_clear: "i>",
  long_add: "il>l", // (address, amount) > the value before, in one atomic step
  /** (map, by, descending): by = -1 value, -2-n statistic n of STAT_FIELD, ≥ 0 key; stable. */
  // (map, by, descending, limit, descriptor of a stat map or 0): limit ≤ 0 = sort all
  map_sort: "iiiii>",
  map_first: "i>i", // (map) > entry or 0
  map_next: "i>i", // (entry) > entry or 0
  /** (context, map, entry, mask): 1 if the keys named by mask equal CONTEXT.keys (slices). */
  map_matches: "iiii>i",

  // -- statistics --------------------------------------------------------------------------------
  stat_add: "iil>", // (descriptor, stat, value)
  /** (descriptor, out, first shard, stride, number of shards) */
  stat_merge: "iiiii>",
  stat_clear: "ii>", // (descriptor, stat)
  stat_count: "ii>l", // (context, stat)
  stat_sum: "ii>l",
  stat_min: "ii>l", // error "empty aggregate" as SystemTap, also the next three
  stat_max: "ii>l",
  stat_avg: "ii>l",
  stat_variance: "iii>l", // (context, descriptor, stat)
  stat_bucket: "iiil>l", // (context, descriptor, stat, index), error "histogram index out of range"

  // -- what a handler asks about its surroundings ------------------------------------------------
  pid: "i>l",
  tid: "i>l",
  ppid: "i>l",
  pgrp: "i>l",
  sid: "i>l",
  uid: "i>l",
  euid: "i>l",
  gid: "i>l",
  egid: "i>l",
  cpu: "i>l",
  target: "i>l",
  stp_pid: "i>l",
  /** (context, 0 start | 1 end of the arguments | 2 start | 3 end of the environment) */
  start_area: "il>l",
  /** (context, what of host.usage) */
  thread_usage: "il>l",
  /** (context, 0 comm | 1 statm | 2 stat | 3 loadavg, process or thread, out): "" on failure */
  proc_file: "illi>",
  execname: "ii>", // (context, out)
  /** (context, 0 pp | 1 pn | 2 probe_type, out) */
  probe_text: "ili>",
  is_return: "i>l",
  module_name: "ii>",
  tz_name: "ii>",
  gettimeofday_ns: "i>l",
  gettimeofday_us: "i>l",
  gettimeofday_ms: "i>l",
  gettimeofday_s: "i>l",
  monotonic_ns: "i>l",
  get_cycles: "i>l",
  udelay: "il>", // (context, microseconds)
  tz_gmtoff: "i>l",
  ctime: "ili>", // (context, epoch seconds, out)
  randint: "il>l",
  register_value: "il>l", // (context, DWARF number)
  /** (context, n): address n of the call chain, the place of the hit being 0; 0 behind its end */
  stack_address: "il>l",
  stack_start: "illl>", // (context, rip, rsp, rbp): the chain from there; 0, 0, 0: that of the hit
  /** (context, out): the addresses "0x… 0x… ", innermost first */
  ubacktrace: "ii>",
  /** (context, address, form of library/place.ts, out): symbol, offset, size, module */
  address_text: "illi>",
  frame_text: "illi>", // (context, n, form, out): the same for stack_address(n)
  frame_source: "ili>", // (context, n, out): with source and line
  source_text: "illi>", // (context, address, 0 file | 1 line | 2 both, out)
  module_text: "illi>", // (context, address, 0 path | 3 build-id, out): "" if there is none
  module_offset: "il>l", // (context, address): from the start of its module, -1 if it is in none
  /** (context, index of BundleMeta.modules, ELF address): 0 if it is not loaded. */
  module_address: "ill>l",
  /** (context, address, bytes 1|2|4|8, signed) with error "read fault …" */
  user_load: "illl>l",
  /** same, 0 on a fault */
  user_load_nofault: "illl>l",
  /** (context, address, n or -1, fallback, out): fallback on a fault */
  user_string_or: "illii>",
  /** (context, address, n or -1, out): error "user string copy fault -14 at 0x…" */
  user_string: "illi>",
  user_string_quoted: "illi>",
  /** (context, address, bytes, bytes of result, out): "" on a fault */
  user_buffer_quoted: "illli>",
  user_string_utf16: "ili>",
  user_string_utf32: "ili>",
  user_store: "illl>", // (context, address, bytes, value) with error "write fault …"
  /** (context, PROCFS, text, 1 to append it to what is there): error "buffer size exceeded, …" */
  procfs_put: "iiii>",
  /** (context, signal): the probed thread gets it after the handler; an error where there is none. */
  send_signal: "il>",
  set_register: "ill>", // (context, DWARF number, value) with error "register access fault …"
} as const;

/** Name of a library function. */
export type LibraryFunction = keyof typeof LIBRARY;

/** Bits of `spec` in text_long and text_string, and of FormatPiece flags. */
export const TEXT_SPEC = {
  /** Low byte: the conversion character, ASCII. */
  conversion: 0xff,
  left: 0x100,
  zero: 0x200,
  plus: 0x400,
  space: 0x800,
  alternate: 0x1000,
} as const;

/** Statistics in the order used by map_sort. */
export const STAT_FIELD = ["count", "sum", "min", "max", "avg", "variance"] as const;
