/**
 * The one source of every offset shared between the compiler, the AssemblyScript library, the
 * injected C shim, compiled handlers and the mutator. `scripts/generate-layout.ts` writes it out
 * as `shim/inject/gen/layout.h` and `wasm-runtime/library/gen/layout.ts`.
 *
 * Three places hold state at run time:
 *
 *   shared control area   SHARED mapping, outside every sandbox: guard word, counters, thread slots
 *   linear memory         SHARED mapping right behind it: all a handler can reach by load and store
 *   private area          PRIVATE mapping, one per process: handler stacks, VmContext, page cache
 *   module area           PRIVATE mapping, read-only, one per process if handlers ask for modules
 *
 * All values are bytes unless the name says otherwise; all integers are little-endian.
 */

import { RULE } from "../base/elf/cfi-rows.js";

/** Raised whenever anything in this file changes meaning; shim, library and bundle must agree. */
export const ABI_VERSION = 7;

/** Wasm core 2.0 §4.2.8: unit of linear memory. */
export const WASM_PAGE_BYTES = 65536;

/** Shared control area, at the start of the shared memory object. */
export const CONTROL = {
  /** u32, the robust futex (set_robust_list(2)): tid of the tracing thread, 0 when disarmed. */
  guard: 0,
  /** u32, ABI_VERSION. */
  abi: 4,
  /** u32, number of thread slots. */
  slotCount: 8,
  /**
   * u32, requests of processes whose libraries have changed; u32, answers given; both are futexes
   * (futex(2)). u32, 1 while requests are answered.
   */
  libraryRequests: 12,
  libraryAnswers: 16,
  libraryListener: 20,
  /** u64 counters, added to atomically by the shim. */
  skippedReentrant: 64,
  skippedNoSlot: 72,
  /** u64[TRAP_REASONS.length], handlers ended by each trap reason. */
  traps: 128,
  /** u32, probe index of the last handler that trapped, plus one. */
  lastTrapProbe: 256,
  /**
   * u32[slotCount], thread id that owns each slot, 0 when free; with SLOT_RETIRED set when the
   * thread left a handler by longjmp. The mutator frees the slots of threads that ended.
   */
  slotTids: 4096,
  /** Size of the whole area; linear memory follows in the same memory object. */
  bytes: 65536,
} as const;

/** Bit of CONTROL.slotTids: the thread left a handler of this slot by longjmp; not to be reused. */
export const SLOT_RETIRED = 0x80000000;

/** Most threads that can be inside probes of one session at a time. */
export const MAX_SLOTS = 512;

/**
 * Private area: one stack per slot, then the state. Mapped PRIVATE, so fork copies it; the
 * state has MADV_WIPEONFORK, so that a child owns no slot. In the mutator: one stack, state.
 */
export const PRIVATE = {
  /** Handler stack of one slot; its VmContext lies at the very top. */
  stackBytes: 262144,
  /** Part of a stack that compiled code may use (VmContext.stackLimit); the rest is for signals. */
  handlerStackBytes: 65536,
  /** Pages of state after the last stack. */
  stateBytes: 8192,
  /** In it: u64[pageCacheEntries], page numbers known to be readable, 0 = empty. */
  pageCache: 0,
  pageCacheEntries: 256,
  /** In it: u32[MAX_SLOTS], id of the thread of this process that owns the slot, 0 = none. */
  slotOwners: 2048,
  /** In it: i64, offset of the thread id from fs base once known here (PARAMS.tidOffset), else 0. */
  tidOffset: 4096,
  /** In it: u32, hits so far that had to ask the kernel for the thread id. */
  tidAsked: 4104,
  /**
   * In it, in the mutator: i64[9], ids of the thread that the handler is about, as identity 0 to 8;
   * the first is 0 if it is about none; then its name with a NUL.
   */
  subject: 4112,
  subjectName: 72,
  subjectBytes: 88,
  /** In it, in the mutator: SUBJECT_STATE, what more is known of that thread. */
  subjectState: 4200,
  /** In it: u32, requests of this process so far (CONTROL.libraryRequests), and the last answered. */
  libraryAsked: 4416,
  libraryAnswered: 4420,
} as const;

/** What handlers in the mutator can see of the thread that they are about; all 0 if nothing. */
export const SUBJECT_STATE = {
  /** u64, process whose memory is read, as the mutator knows it. */
  process: 0,
  /** u64[4], start and end of its arguments and of its environment. */
  startArea: 8,
  /** u64, 1 if there are registers: of a thread that is stopped, or as they were at an event. */
  hasFrame: 40,
  /** FRAME, then u64, number of the system call that the thread stands at, -1 for none. */
  frame: 48,
  systemCall: 192,
  /** u64, module area of the process, in the mutator's own memory; 0 if there is none. */
  modules: 200,
  /** u64, fs base of the thread. */
  threadPointer: 208,
  bytes: 216,
} as const;

/**
 * Module area: what is mapped in a process, written by the mutator only. There are two tables; the
 * one in use is number `version & 1`. The mutator fills the other one, then raises `version`. So a
 * reader copies what it needs and, if `version` is another by then, does it again. Texts and tables
 * that MODULE names lie behind, and never change.
 */
export const MODULES = {
  /** u32 */
  version: 0,
  /** u32, number of `biases`. */
  biasCount: 4,
  /** u32[2], number of modules in each table. */
  counts: 8,
  /** u64, address of i64[biasCount]: load biases of BundleMeta.modules; NOT_LOADED. */
  biases: 16,
  /** u64, address of THREAD_STORAGE[biasCount], of the same modules. */
  storages: 24,
  /** MODULE[2][capacity], each by ascending address. */
  tables: 64,
  /** Most modules of a process that are known. */
  capacity: 1024,
} as const;

/**
 * How the storage that each thread has for a module is found; u64 each. It is entry `number` of the
 * thread's vector (Drepper, ELF Handling For Thread-Local Storage §3), 0 = nothing is known.
 */
export const THREAD_STORAGE = {
  number: 0,
  /** Address of its distance below the thread pointer, 0 if every thread has its own (glibc); 0 in musl. */
  distance: 8,
  /** Address of the head of the list of generations of the entries (glibc), 0 in musl. */
  generations: 16,
  bytes: 24,
} as const;

/** What host.thread-storage gives if there is none: bit 63 alone, which is no address. */
export const NO_THREAD_STORAGE_SHIFT = 63;

/** One mapped file, or the vDSO. Addresses are u64. */
export const MODULE = {
  /** From the first to behind the last byte of its segments. */
  start: 0,
  end: 8,
  /** What is to be added to addresses of the ELF file. */
  loadBias: 16,
  /** UNWIND, SYMBOLS, LINES, then path and build-id with their NULs; 0 = not known or not asked for. */
  unwind: 24,
  symbols: 32,
  lines: 40,
  path: 48,
  bytes: 64,
} as const;

/**
 * How to unwind from the code of one module: rules by address (base/elf/cfi-rows.ts). u32 each;
 * offsets are from the start of the table, addresses from MODULE.start.
 */
export const UNWIND = {
  /** Number of rows. */
  rowCount: 0,
  /** Offset of u32[pageCount]: the last row that begins at or before each page, or 0. */
  pageCount: 4,
  pages: 8,
  /** Offset of u32[rowCount], addresses from which on the rules of a row hold, ascending. */
  addresses: 12,
  /** Offset of u32[rowCount], offset of the UNWIND_RULE of each row; 0 = nothing is known. */
  rules: 16,
  bytes: 32,
  /** log2 of the bytes of a page. */
  pageShift: 12,
} as const;

/** Rules of a row: how the CFA is found, then the columns that are not as they were. */
export const UNWIND_RULE = {
  /** u8, RULE of the CFA; u8, its register. */
  cfaKind: 0,
  cfaRegister: 1,
  /** u8, number of columns that follow; u8, bits of UNWIND_FLAG. */
  columnCount: 2,
  flags: 3,
  /** i32: an addend, or the offset of an expression: u32 bytes, then those. */
  cfaValue: 4,
  /** { u32 column | RULE << 8, i32 value }[columnCount] */
  columns: 8,
} as const;
/** Names of RULE numbers in the shim. */
export const UNWIND_KIND: typeof RULE = RULE;
/** The kernel made the frame: its return address is where the signal came, not behind a call. */
export const UNWIND_FLAG = { signal: 1 } as const;

/**
 * What lies where in one module: symbols by address. u32 each; offsets are from the start of the
 * table, addresses from MODULE.start.
 */
export const SYMBOLS = {
  /** Number of rows; offset of u32[rowCount], addresses from which on a row holds, ascending. */
  rowCount: 0,
  addresses: 4,
  /** Offset of u32[rowCount], offset of the SYMBOL of each row; 0 = there is none. */
  rows: 8,
  bytes: 16,
} as const;
/** A symbol, u32 each; the offset of its name with a NUL. */
export const SYMBOL = { address: 0, size: 4, name: 8, bytes: 12 } as const;

/** Source lines of the code of one module; u32 each, as in SYMBOLS. */
export const LINES = {
  rowCount: 0,
  addresses: 4,
  /** Offset of LINE[rowCount]. */
  rows: 8,
  bytes: 16,
} as const;
/** u32, line, 0 = unknown; u32, offset of the name of its file with a NUL, 0 = no code is there. */
export const LINE = { line: 0, file: 4, bytes: 8 } as const;

/** Bit of an address that host.unwind gives: the thread goes on there, it is not behind a call. */
export const FRAME_EXACT_SHIFT = 63;

/** What host.locate can be asked for. */
export const LOCATE = { module: 0, symbol: 1, line: 2, buildId: 3 } as const;

/** Load bias of a module that is not there; real ones are multiples of the page size. */
export const NOT_LOADED = -1;

/** What compiled code reaches through its pinned context register. */
export const VM_CONTEXT = {
  /** u64, address of linear memory byte 0 in this process. */
  memoryBase: 0,
  /** u64, size of linear memory in bytes. */
  memorySize: 8,
  /** u64, lowest value that rsp may take in compiled code. */
  stackLimit: 16,
  /** i64, budget: every loop iteration and call takes from it; below zero is a trap. */
  fuel: 24,
  /** u64, rsp to return to on a trap; written by the entry thunk. */
  trapSp: 32,
  /** u32, index into TRAP_REASONS after a trap; whoever calls a handler sees to it that it is 0. */
  trapReason: 40,
  /** u32, thread slot. */
  slot: 44,
  /** u64, address of the saved probe registers (FRAME), 0 when there are none. */
  frame: 48,
  /** u64, address of the table of host function pointers, in HOST_FUNCTIONS order. */
  hosts: 56,
  /** u64, address of instance data of compiled modules (mutable globals, tables); 0 if none. */
  instance: 64,
  /** u64, for the shim: address of its parameter block. */
  params: 72,
  bytes: 128,
} as const;

/** One thread's share of the private area, at the very top of its stack. */
export const THREAD = {
  /** Its VM_CONTEXT. */
  vm: 0,
  /** u64, stack pointer that the hit returns with, while its handlers run on this stack; else 0. */
  entrySp: 128,
  /** u64, address of the SITE of the hit that runs. */
  site: 136,
  /** u32, address of its CONTEXT in linear memory. */
  context: 144,
  /** u32, which handler of the site runs; 0 between hits. */
  index: 148,
  /** u32, thread id; u32, reason of the last trap of wt_run. */
  tid: 152,
  trap: 156,
  bytes: 192,
} as const;

/**
 * Saved vector registers, 16 bytes each, below the FRAME of a probe hit whose handlers use or ask
 * for them; then mxcsr and padding.
 */
export const FLOATS = { count: 16, mxcsr: 256, bytes: 272 } as const;

/**
 * Saved registers of a probe hit, 8 bytes each, indexed by DWARF register number
 * (SysV AMD64 ABI figure 3.36); rsp is its value before the probe's instruction.
 */
export const FRAME = {
  registers: [
    "rax",
    "rdx",
    "rcx",
    "rbx",
    "rsi",
    "rdi",
    "rbp",
    "rsp",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "r13",
    "r14",
    "r15",
    "rip",
    "rflags",
  ],
  bytes: 144,
} as const;

/** Imports of module "host" in the order of the function pointer table; see host.wit. */
export const HOST_FUNCTIONS = [
  "register",
  "read",
  "read_string",
  "write",
  "clock",
  "identity",
  "thread_name",
  "unwind",
  "ticks",
  "relax",
  "inspect",
  "load_bias",
  "set_register",
  "locate",
  "vector",
  "thread_storage",
] as const;

/** Why a handler was ended by the engine. 0 means it was not. */
export const TRAP_REASONS = [
  "none",
  "unreachable",
  "memory access out of bounds",
  "integer divide by zero",
  "integer overflow",
  "invalid conversion to integer",
  "undefined element",
  "uninitialized element",
  "indirect call type mismatch",
  "stack exhausted",
  "budget exhausted",
  "table access out of bounds",
  "unaligned atomic",
] as const;

/** Session block in linear memory, at a fixed address; written by mutator, library and handlers. */
export const SESSION = {
  address: 1024,
  /** i32, one of SESSION_STATE. */
  state: 0,
  /** i32, soft errors so far. */
  errors: 4,
  /** i64, sequence number of the next record; taken atomically when a record is committed. */
  sequence: 8,
  /** i32, capacity of a string including its NUL (MAXSTRINGLEN). */
  maxString: 16,
  /** i32, errors allowed before the session enters the error state (MAXERRORS). */
  maxErrors: 20,
  /** i32, 1 = errors are reported as warnings and never stop the session. */
  suppressErrors: 24,
  /** i32 address, i32 bytes of one ring, i32 number of rings, i32 rings handed out (atomic). */
  ringBase: 28,
  ringBytes: 32,
  ringCount: 36,
  ringNext: 40,
  /** i32, spins before a lock is given up. */
  lockTries: 44,
  /** i64, records that found no ring or no room. */
  lostRecords: 48,
  /** i64, handlers skipped because a lock was not to be had. */
  skippedLocks: 56,
  /** i64, target(): process given by -x or started by -c, 0 if none. */
  target: 64,
  /** i64, seconds west of UTC at the start of the session. */
  timeZoneOffset: 72,
  /** i64, state of randint (SplitMix64: every call adds a constant, atomically). */
  random: 80,
  /** i32, address of i32[probe][4]: addresses of pp(), pn(), probe_type() texts, then is_return(). */
  probeTable: 88,
  /** i32, address of the text of module_name(). */
  moduleName: 92,
  /** i32, address of the text of tz_name(); char[16] buffer for it follows at 128. */
  timeZoneName: 96,
  /** i32, bytes of one thread context; i32, offset of the scratch area in it (BundleMemory). */
  contextStride: 100,
  scratchOffset: 104,
  /** i32, offset in a thread context of u64[maxFrames], the call chain of the hit. */
  frames: 108,
  maxFrames: 112,
  bytes: 256,
} as const;

/** Values of SESSION.state. */
export const SESSION_STATE = { starting: 0, running: 1, stopping: 2, error: 3 } as const;

/** Thread context in linear memory, one per slot, at contextBase + slot * contextStride. */
export const CONTEXT = {
  /** i32, slot index. */
  slot: 0,
  /** i32, pending soft error: address of its NUL-terminated text, ABORT_ERROR, or 0. */
  error: 4,
  /** i32, number of places in `trail`. */
  trailCount: 8,
  /** i32, statements left for this handler (MAXACTION). */
  actions: 12,
  /** i32, first free byte of the scratch area (temporary strings). */
  scratchTop: 16,
  /** i32, end of the scratch area; behind it maxString bytes each: of tokenize, of a raised error. */
  scratchEnd: 20,
  /** i32, address of this thread's ring, 0 until it first prints. */
  ring: 24,
  /** i32, bytes of the open, not yet committed record; -1 when it did not fit and is lost. */
  recordBytes: 28,
  /** i32, address of the list of locks held (see locks_acquire), 0 if none. */
  locks: 32,
  /**
   * i32, number of locks of that list surely taken. Lock number lockIntent - 1 may be taken too if
   * lockIntent is not 0: for a write lock the word says so (it is ~slot when this thread owns it).
   */
  locksTaken: 36,
  /** i32, index of the probe that runs. */
  probe: 40,
  /** i32, nesting of script functions (MAXNESTING). */
  nesting: 44,
  /** i32, write cursor of the text under construction (text_begin … text_end), and its end. */
  textCursor: 48,
  textEnd: 52,
  /** i32, address of the rest of the string that tokenize() works on, 0 before its first use. */
  token: 56,
  /** i32, address of the MATCH of the last `=~`, 0 if it failed or there was none. */
  match: 60,
  /** i64[9], keys for map_find, map_insert, map_remove: a long or the address of a string. */
  keys: 64,
  /** i32, offsets in the ring's data of the open record and of the end of its free space. */
  recordStart: 136,
  recordEnd: 140,
  /** i32, 1 + index of the lock that is being taken or released, 0 if none. */
  lockIntent: 144,
  /** i32, addresses of the call chain at SESSION.frames of the context, 0 = not looked at yet. */
  frameCount: 148,
  /** u64[4], for values that the host writes. */
  buffer: 152,
  /**
   * i32[64], where the pending error was raised, then the calls that led there, innermost first;
   * what does not fit is left out. Indexes into BundleMeta.locations.
   */
  trail: 192,
  trailEnd: 448,
  /** First byte that the bundle may use as it likes (reductions, statistics shards). */
  bundle: 448,
} as const;

/** CONTEXT.error after abort(): unwinds like an error, cannot be caught, is not reported. */
export const ABORT_ERROR = 1;

/**
 * Ring of one thread, in linear memory. Data follows the header; a record never wraps.
 *
 * head and tail are byte offsets in the data, multiples of 8, below ringBytes - RING.data. Equal
 * means empty; the writer leaves at least 8 bytes free, so a full ring never looks empty. One
 * writer stores head, after the record's bytes and with release order; one reader stores tail,
 * after it has copied the record out.
 */
export const RING = {
  /** u32, offset of the next record the writer will publish. */
  head: 0,
  /** u32, offset of the next record to read. */
  tail: 64,
  /** u32, records lost because they did not fit. */
  lost: 68,
  /** i32, slot that owns the ring. */
  slot: 72,
  data: 128,
} as const;

/** Header of a record in a ring: then `size` bytes of msgpack, padded to 8. */
export const RECORD = {
  /** u32, bytes of msgpack; RECORD_PADDING: nothing more up to the end of the data, go on at 0. */
  size: 0,
  /** i32, probe index. */
  probe: 4,
  /** u64, place in the total order of all records. */
  sequence: 8,
  bytes: 16,
} as const;
export const RECORD_PADDING = 0xffffffff;

/** First element of an item in a record; ≥ 0 is an index into BundleMeta.formats. */
export const ITEM = { error: -1, warning: -2, system: -3 } as const;

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
  bytes: 40,
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
  /** i32, number of groups, group 0 included. */
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

/** Where the static data of the library lies in linear memory; the bundle's data starts behind. */
export const LIBRARY_DATA = { address: 4096, bytes: 61440 } as const;
/** First byte of linear memory that a bundle lays out itself. */
export const BUNDLE_DATA_ADDRESS: number = LIBRARY_DATA.address + LIBRARY_DATA.bytes;

/**
 * Parameter block at the head of the injected shim image; filled by the mutator, read-only for
 * the process. u64 each unless noted.
 */
export const PARAMS = {
  /** Addresses in this process of the control area, linear memory and the private area. */
  control: 0,
  memoryBase: 8,
  memorySize: 16,
  privateBase: 24,
  /** u32 contextBase, u32 contextStride (linear memory), u32 slotCount, u32 expected guard word. */
  contextBase: 32,
  contextStride: 36,
  slotCount: 40,
  guard: 44,
  /** i64, offset from fs base of the thread id word in the thread block; -1 = ask gettid(2). */
  tidOffset: 48,
  /** Address of the vDSO's clock_gettime, 0 = use the system call. */
  vdsoClock: 56,
  /** Address of the entry thunk of the library's `recover`, run after a trap. */
  recover: 64,
  /** i64, budget of one handler (VmContext.fuel). */
  fuel: 72,
  /** u32 bits of CAPABILITY granted; u32 1 = image runs in the mutator (no probe registers). */
  capabilities: 80,
  inMutator: 84,
  /** u32 process id of the mutator; u32 1 = a seccomp filter may kill: make no system call. */
  mutatorPid: 88,
  noSystemCalls: 92,
  /** Address for VmContext.instance. */
  instance: 96,
  /** Address of the state in the private area. */
  state: 104,
  /** Address of the module area (MODULES) or 0, and its size. */
  modules: 112,
  modulesBytes: 120,
  /** u64[HOST_FUNCTIONS.length], addresses of the host functions. */
  hosts: 128,
  /** Where the arguments and the environment of the process lie, 0 = unknown. */
  argumentsStart: 4048,
  argumentsEnd: 4056,
  environmentStart: 4064,
  environmentEnd: 4072,
  /** For a later session that clears up after a dead one: u64 sizes of code and private area. */
  codeBytes: 4080,
  privateBytes: 4088,
  bytes: 4096,
} as const;
export const CAPABILITY = {
  readMemory: 1,
  writeMemory: 2,
  clock: 4,
  identity: 8,
  unwind: 16,
  inspect: 32,
  modules: 64,
  symbols: 128,
  lines: 256,
} as const;

/** What a trampoline passes to the shim: the handlers of one site, in order. */
export const SITE = {
  /** u32 number of handlers, u32 bits of SITE_FLAG. */
  handlerCount: 0,
  flags: 4,
  handlers: 8,
} as const;
/** The return address lies at rsp: function entries and exits; only exits. */
export const SITE_FLAG = { returnAtSp: 1, exit: 2 } as const;
export const SITE_HANDLER = {
  /** u64, address of the compiled entry thunk: u32 entry(struct wt_vm_context *, u32 context). */
  entry: 0,
  /** u32, probe index. */
  probe: 8,
  bytes: 16,
} as const;
