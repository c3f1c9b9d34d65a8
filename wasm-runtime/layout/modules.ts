/** The module area: which files are mapped in a process, and the tables of each. */
import { RULE } from "../../base/elf/cfi-rows.js";

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
  /** u32, 1 for code of ours: shim and handlers, or trampolines. */
  isOwn: 56,
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
  /**
   * Of trampolines: offset of i32[rowCount], where the program has the instruction that a row is
   * about, relative to MODULE.start; `rules` then has offsets of UNWIND_STATES. Else 0.
   */
  originals: 20,
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

/** Rules inside of a row, by ascending offset in it; the first is 0. */
export const UNWIND_STATES = {
  /** u32, number of states. */
  count: 0,
  /** { u32 offset, u32 offset of the UNWIND_RULE from there on }[count] */
  states: 4,
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

/** Load bias of a module that is not there; real ones are multiples of the page size. */
export const NOT_LOADED = -1;
