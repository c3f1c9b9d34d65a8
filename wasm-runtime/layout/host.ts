/** What handlers ask of the engine that runs them (host.wit), and why it ends them. */

/** What host.thread-storage gives if there is none: bit 63 alone, which is no address. */
export const NO_THREAD_STORAGE_SHIFT = 63;

/** Bit of an address that host.unwind gives: the thread goes on there, it is not behind a call. */
export const FRAME_EXACT_SHIFT = 63;

/** What host.register has beyond DWARF registers. */
export const REGISTER = { systemCall: 1024, unknownResult: 1025 } as const;

/** What host.locate can be asked for. */
export const LOCATE = { module: 0, symbol: 1, line: 2, buildId: 3 } as const;

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
  "usage",
  "send_signal",
] as const;

/** Added to the number of a signal that the thread is to get when its handler has ended: no trap. */
export const SIGNAL_REASON = 256;

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
