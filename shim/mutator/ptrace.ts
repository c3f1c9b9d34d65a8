/**
 * The tracing thread, as promises: wraps class Tracer of the native addon (ptrace.cc).
 *
 * Every call is done in order on one thread of its own, so the event loop never blocks; replies and
 * events arrive in the order in which they happened. Failures are `SystemFailure`, which the callers
 * turn into what the user needs to know (errors.ts). Source: ptrace(2).
 */
import { loadAddon } from "../../base/addon.js";

/** Something that happened to a traced process. */
export interface TraceEvent {
  /**
   * exec: another program, held until `release`; fork: a child of process `value`, runs already
   * unless it is parked; leave: a thread is about to end, and its process if `value` is 1;
   * exit: `value` is the wait status; call, callEnd, sample, watched: the thread is parked until
   * `unpark`; recorded: it has gone on, and no more is told of it until `acknowledge`; missed:
   * `value` watched events could not be told; unwatched: a new thread is not watched, `value` is
   * the error number.
   */
  readonly kind:
    | "exec"
    | "fork"
    | "leave"
    | "exit"
    | "threadBegin"
    | "threadEnd"
    | "groupStop"
    | "call"
    | "callEnd"
    | "sample"
    | "watched"
    | "recorded"
    | "missed"
    | "unwatched";
  readonly pid: number;
  readonly tid: number;
  readonly value: number;
  /** exec, fork, threadBegin, leave: the thread waits for `unpark` before it does anything more. */
  readonly isParked: boolean;
  /** Of a parked thread, or as recorded. */
  readonly registers?: Registers;
}

/** Why a request failed: an Error with the error number. */
export interface SystemFailure extends Error {
  readonly errno: number;
}

/** Registers of a thread in the order of struct user_regs_struct (sys/user.h). */
export type Registers = BigUint64Array;

/** Index of registers in `Registers`. */
export const REGISTER = {
  r15: 0,
  r14: 1,
  r13: 2,
  r12: 3,
  rbp: 4,
  rbx: 5,
  r11: 6,
  r10: 7,
  r9: 8,
  r8: 9,
  rax: 10,
  rcx: 11,
  rdx: 12,
  rsi: 13,
  rdi: 14,
  originalRax: 15,
  rip: 16,
  rflags: 18,
  rsp: 19,
  fsBase: 21,
} as const;

/** One write to process memory. */
export interface MemoryWrite {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Bytes of the stub that a remote system call needs; data of the call follows it. */
export const REMOTE_STUB_BYTES = 112;

/**
 * What is watched, as perf_event_open(2) has it: type, config, sample_period or sample_freq, 1 if
 * it is the latter, bp_type, bp_addr, bp_len; before them, how; behind them, 1 if the address is
 * counted from the thread pointer.
 */
export type WatchRow = readonly [
  how: number,
  type: number,
  config: bigint,
  sample: number,
  isFrequency: 0 | 1,
  access: number,
  address: number,
  bytes: number,
  isInThread: 0 | 1,
];

/** How a thread is watched: it stops in its own code, or the kernel records what it did. */
export const WATCH = {
  stops: 0,
  records: 1,
  /** Without what the kernel does where that may not be seen. */
  recordsPermitted: 2,
} as const;

/** The tracing thread of one session. */
export interface Tracer {
  /** Attaches all threads of a process, which runs on. Gives their ids. */
  seize(pid: number): Promise<number[]>;
  /** Starts a program, held after its execve(2); the first of `paths` that can be executed. */
  spawn(
    paths: readonly string[],
    argv: readonly string[],
    environment: readonly string[],
    directory: string,
  ): Promise<number>;
  /** Stops all threads; calls nest. Gives the stopped threads. */
  stop(pid: number, deadlineMs: number): Promise<number[]>;
  /** Ends one `stop`. */
  resume(pid: number): Promise<void>;
  /** Lets a process go on that is held, as it is after exec. */
  release(pid: number): Promise<void>;
  /** Holds a stopped process until `release`. */
  hold(pid: number): Promise<void>;
  /** Lets go of a stopped process for good. */
  detach(pid: number): Promise<void>;
  /** From its next `resume` or `release` on, tells of every system call of a process, or no more. */
  traceCalls(pid: number, on: boolean): Promise<void>;
  /** Tells where each thread of a process is that runs; bits of `value` come back with it. */
  sample(pid: number, value: number): Promise<void>;
  /**
   * Tells of events of the threads of a process from now on; bit i of `value` stands for row i.
   * Replaces what was watched.
   */
  watch(pid: number, rows: readonly WatchRow[]): Promise<void>;
  /** Has a thread wait where it stands, or stops next, for one `unpark` more. */
  park(tid: number): void;
  /** Ends one event for which a thread is parked. */
  unpark(tid: number): void;
  /** A record has been dealt with. */
  acknowledge(tid: number): void;
  /**
   * Makes a stopped process do a system call; `slack` are executable bytes that nothing uses.
   * `tid` is the thread to use, 0 for any.
   */
  call(
    pid: number,
    slack: number,
    number: number,
    args: readonly (number | bigint)[],
    data: Uint8Array,
    tid?: number,
  ): Promise<number>;
  registers(tid: number): Promise<Registers>;
  setRegisters(tid: number, registers: Registers): Promise<void>;
  read(pid: number, address: number, size: number): Promise<Uint8Array>;
  /** Writes in this order, also to pages that the process may not write. */
  write(pid: number, writes: readonly MemoryWrite[]): Promise<void>;
  /**
   * System calls and samples of threads that are at [codeStart, codeEnd) or have their stack in
   * [stacksStart, stacksEnd) are not told.
   */
  setOwnMemory(
    pid: number,
    codeStart: number,
    codeEnd: number,
    stacksStart: number,
    stacksEnd: number,
  ): Promise<void>;
  /** Faults at [start, end) continue at target: rows of [start, end, target]. */
  setFixups(pid: number, rows: readonly (readonly [number, number, number])[]): Promise<void>;
  /** int3 at address continues at target: rows of [address, target]. */
  setBreakpoints(pid: number, rows: readonly (readonly [number, number])[]): Promise<void>;
  /** Puts the tracing thread's id into the word at `offset`, marked by the kernel if it dies. */
  holdGuard(memory: ArrayBuffer, offset: number): Promise<number>;
  releaseGuard(): Promise<void>;
  /** Ends the thread; all processes must be detached. */
  close(): Promise<void>;
  /** Lets the event loop end with processes still attached; the kernel lets go of them later. */
  abandon(): void;
}

interface NativeTracer extends Omit<Tracer, "write"> {
  write(pid: number, addresses: number[], blocks: Uint8Array[]): Promise<void>;
}

interface NativeTracing {
  readonly Tracer: new (onEvent: (event: TraceEvent) => void, waits: boolean) => NativeTracer;
  createMemory(name: string): number;
  mapShared(descriptor: number, bytes: number): SharedMemory;
  readonly Bell: new (memory: ArrayBuffer, offset: number, ring: () => void) => Bell;
  wakeWaiters(memory: ArrayBuffer, offset: number): void;
  reserveCode(bytes: number): number;
  writeCode(address: number, bytes: Uint8Array): void;
}

/** A memory object mapped into this process. */
export interface SharedMemory {
  readonly buffer: ArrayBuffer;
  /** Where it is mapped. */
  readonly address: number;
}

/** Starts a tracing thread; `onEvent` is called on the event loop. `waits`: who begins or ends is parked. */
export function startTracer(onEvent: (event: TraceEvent) => void, waits = false): Tracer {
  const native = new (tracing().Tracer)(onEvent, waits);
  return {
    seize: (pid) => native.seize(pid),
    spawn: (paths, argv, environment, directory) =>
      native.spawn(paths, argv, environment, directory),
    stop: (pid, deadlineMs) => native.stop(pid, deadlineMs),
    resume: (pid) => native.resume(pid),
    release: (pid) => native.release(pid),
    hold: (pid) => native.hold(pid),
    detach: (pid) => native.detach(pid),
    traceCalls: (pid, on) => native.traceCalls(pid, on),
    sample: (pid, value) => native.sample(pid, value),
    watch: (pid, rows) => native.watch(pid, rows),
    park: (tid) => native.park(tid),
    unpark: (tid) => native.unpark(tid),
    acknowledge: (tid) => native.acknowledge(tid),
    call: (pid, slack, number, args, data, tid = 0) =>
      native.call(pid, slack, number, args, data, tid),
    registers: (tid) => native.registers(tid),
    setRegisters: (tid, registers) => native.setRegisters(tid, registers),
    read: (pid, address, size) => native.read(pid, address, size),
    write: (pid, writes) =>
      native.write(
        pid,
        writes.map((w) => w.address),
        writes.map((w) => w.bytes),
      ),
    setOwnMemory: (pid, codeStart, codeEnd, stacksStart, stacksEnd) =>
      native.setOwnMemory(pid, codeStart, codeEnd, stacksStart, stacksEnd),
    setFixups: (pid, rows) => native.setFixups(pid, rows),
    setBreakpoints: (pid, rows) => native.setBreakpoints(pid, rows),
    holdGuard: (memory, offset) => native.holdGuard(memory, offset),
    releaseGuard: () => native.releaseGuard(),
    close: () => native.close(),
    abandon: () => native.abandon(),
  };
}

/** Descriptor of a new, empty anonymous shared memory object (memfd_create(2)). */
export function createMemory(name: string): number {
  return tracing().createMemory(name);
}

/** Maps `bytes` of the memory object behind `descriptor`, shared and writable. */
export function mapShared(descriptor: number, bytes: number): SharedMemory {
  return tracing().mapShared(descriptor, bytes);
}

/** Rings when a word changes. */
export interface Bell {
  stop(): void;
}

/** Calls `ring` soon after the word at `offset` has changed and somebody woke its waiters (futex(2)). */
export function startBell(memory: ArrayBuffer, offset: number, ring: () => void): Bell {
  return new (tracing().Bell)(memory, offset, ring);
}

/** Adds 1 to the word at `offset` and wakes all who wait for that, in any process. */
export function wakeWaiters(memory: ArrayBuffer, offset: number): void {
  tracing().wakeWaiters(memory, offset);
}

/** Reserves a range of this process for `writeCode`; gives its address. */
export function reserveCode(bytes: number): number {
  return tracing().reserveCode(bytes);
}

/** Fills a reserved range of this process with machine code. */
export function writeCode(address: number, bytes: Uint8Array): void {
  tracing().writeCode(address, bytes);
}

/** True if `error` is a failed request of the tracing thread. */
export function isSystemFailure(error: unknown): error is SystemFailure {
  return error instanceof Error && typeof (error as { errno?: unknown }).errno === "number";
}

function tracing(): NativeTracing {
  return loadAddon() as unknown as NativeTracing;
}
