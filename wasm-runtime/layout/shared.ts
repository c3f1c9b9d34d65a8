/**
 * Every offset that the compiler, the AssemblyScript library, the injected C shim, compiled handlers
 * and the mutator share is in this folder and nowhere else. `scripts/generate-layout.ts` writes it
 * out as `shim/inject/gen/layout.h` and `wasm-runtime/library/gen/layout.ts`.
 *
 * Four places hold state at run time:
 *
 *   shared control area   SHARED mapping, outside every sandbox: guard word, counters, thread slots
 *   linear memory         SHARED mapping right behind it: all a handler can reach by load and store
 *   private area          PRIVATE mapping, one per process: handler stacks, VmContext, page cache
 *   module area           PRIVATE mapping, read-only, one per process if handlers ask for modules
 *
 * All values are bytes unless the name says otherwise; all integers are little-endian. Here: the
 * shared control area.
 */

/** Raised whenever anything in this file changes meaning; shim, library and bundle must agree. */
export const ABI_VERSION = 17;

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
   * u32, requests of processes to be looked at; u32, answers given; both are futexes (futex(2)).
   * u32, 0 while nobody answers requests, 1 while nothing is to be done, more while processes are
   * looked at.
   */
  requests: 12,
  answers: 16,
  listener: 20,
  /** u64 counters, added to atomically by the shim. */
  skippedReentrant: 64,
  skippedNoSlot: 72,
  /** u64, returns that were waited for in vain. */
  missedReturns: 80,
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
