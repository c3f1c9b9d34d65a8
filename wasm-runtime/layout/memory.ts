/** Linear memory: session, thread contexts, rings of records. */

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

/** What the handler of a control file reads or writes as $value; one runs at a time. */
export const PROCFS = {
  /** i32, bytes that `text` may take with its NUL; i32, bytes of it without. */
  capacity: 0,
  length: 4,
  text: 8,
} as const;

/** First element of an item in a record; ≥ 0 is an index into BundleMeta.formats. */
export const ITEM = { error: -1, warning: -2, system: -3 } as const;

/** Where the static data of the library lies in linear memory; the bundle's data starts behind. */
export const LIBRARY_DATA = { address: 4096, bytes: 61440 } as const;

/** First byte of linear memory that a bundle lays out itself. */
export const BUNDLE_DATA_ADDRESS: number = LIBRARY_DATA.address + LIBRARY_DATA.bytes;
