/** The private area of a process, the registers of a hit, and what the shim is told. */

/**
 * Private area: one stack per slot, then the state. Mapped PRIVATE, so fork copies it; the
 * state has MADV_WIPEONFORK, so that a child owns no slot. In the mutator: one stack, state.
 */
export const PRIVATE = {
  /** Handler stack of one slot; its VmContext lies at the very top. */
  stackBytes: 262144,
  /** At the bottom of each stack: returns that are waited for (TAIL). */
  tailCount: 512,
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
  /** In it: u32, requests of this process so far (CONTROL.requests), and the last answered. */
  asked: 4424,
  answered: 4428,
  /** In it: u32, the last request that was not waited for until it was answered. */
  missed: 4432,
  /** In it: u32, the last of these that was about libraries. */
  librariesMissed: 4436,
  /**
   * Behind the state: u64[returnSiteCount], an open hash table of the instructions to which functions
   * return whose results are waited for: four times the address, plus RETURN_SITE; 0 = empty. The
   * first entry for an address is u32 address * returnSiteHash >> returnSiteHashShift; in it or
   * one of those that follow it is found, or there is no room.
   */
  returnSites: 8192,
  returnSiteCount: 262144,
  returnSiteHash: 0x9e3779b1,
  returnSiteHashShift: 14,
  returnSiteTries: 32,
} as const;

/**
 * State of an instruction that functions return to: to be patched, patched, not to be patched, not in
 * the process any more.
 */
export const RETURN_SITE = { asked: 0, ready: 1, refused: 2, gone: 3, addressShift: 2 } as const;

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
  /** i64, as PARAMS.target. */
  target: 216,
  bytes: 224,
} as const;

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
  /** u32, index into TRAP_REASONS after a trap, or SIGNAL_REASON + a signal to be sent; whoever calls a handler sees to it that it is 0. */
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
  /** u32, how many returns it waits for (TAIL). */
  tails: 160,
  /** u32, 1 while a handler runs that cannot wait: there are too many, or there is nowhere to. */
  cannotWait: 164,
  bytes: 192,
} as const;

/** A return that is waited for since the function ended by a tail jump. */
export const TAIL = {
  /** u64, stack pointer there, where the return address lies, and that address. */
  sp: 0,
  returnAddress: 8,
  /** u64, address of the jump. */
  rip: 16,
  /** u32, 1 if it is settled at the return address, 0 if where the callee returns. */
  inCaller: 24,
  /** u32, 1 if it is settled at the function's own exits, but not at all of them. */
  mayMiss: 28,
  /** SITE_HANDLER of the return probe. */
  handler: 32,
  bytes: 48,
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
  /**
   * i64, id of the target of the session in the pid namespace of the process: 0 = the one that the
   * session was given, -1 = it has none there.
   */
  target: 4040,
  /** Where the arguments and the environment of the process lie, 0 = unknown. */
  argumentsStart: 4048,
  argumentsEnd: 4056,
  environmentStart: 4064,
  environmentEnd: 4072,
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

/**
 * The return address lies at rsp: function entries and exits; only exits; an exit by a jump to
 * another function, whose result is not waited for, or is waited for in the caller; the same at an
 * entry, where most exits settle it, too.
 */
export const SITE_FLAG = {
  returnAtSp: 1,
  exit: 2,
  unknownResult: 4,
  inCaller: 8,
  atEntry: 16,
} as const;

export const SITE_HANDLER = {
  /** u64, address of the compiled entry thunk: u32 entry(struct wt_vm_context *, u32 context). */
  entry: 0,
  /** u32, probe index. */
  probe: 8,
  bytes: 16,
} as const;
