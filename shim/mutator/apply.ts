/**
 * Performs a PatchPlan on a process and undoes it.
 *
 * Order of patching (ARCHITECTURE.md, "Death of the mutator"): trampolines are complete before the
 * first jump is written, and no thread is left between the start and the end of a region: threads,
 * system calls that will restart, and signal handlers that will return there go on in the relocated
 * copy, which means the same. Undoing writes the original bytes first; threads leave our code by
 * themselves. So death between any two steps leaves a process that computes the same.
 */
import { viewOf } from "../../base/elf/image.js";
import { rememberWeakly } from "../../base/remember.js";
import { findSavedPointers, isInside, type Range } from "./frames.js";
import { codeOnStacks } from "./goroutines.js";
import { isMapped, type Mapping } from "./maps.js";
import type { PatchPlan, PatchRegion } from "./plan.js";
import { keepPages, openMemory, type ProcessMemory, readMappings } from "./process.js";
import { type MemoryWrite, REGISTER, type Registers, type Tracer } from "./ptrace.js";
import { lowerSemaphores, raiseSemaphores, type Semaphores } from "./semaphores.js";

/** Milliseconds in which a process must stop. */
export const STOP_MS = 10_000;

/** What was done to a module of a process. */
export interface Applied {
  /** Regions that were patched, in the order of the plan. */
  readonly regions: readonly PatchRegion[];
  /** Those that were raised. */
  readonly semaphores: readonly Semaphores[];
}

/** The same with the place of the module's code. */
export interface AppliedModule extends Applied {
  readonly mapping: Mapping;
}

/** A region that was left as it is, or could not be restored. */
export interface Conflict {
  readonly region: PatchRegion;
  readonly reason: string;
}

const GOROUTINE_INSIDE = "a goroutine may be stopped in it";
const JUMPS_NOT_MOVED = "code that may jump into it was changed by another tool";

const SYSCALL_BYTES = 2;
/** Restart codes of the kernel, -512 … -516 (include/linux/errno.h). */
const RESTART_FIRST = -512n;
const RESTART_LAST = -516n;

/**
 * Patches a process whose trampoline areas are mapped; it is stopped meanwhile. `earlier` are the
 * modules with what is patched there already.
 */
export async function applyPlan(
  tracer: Tracer,
  pid: number,
  plan: PatchPlan,
  semaphores: readonly Semaphores[],
  earlier: readonly Pick<AppliedModule, "regions">[] = [],
): Promise<{ readonly applied: Applied; readonly conflicts: readonly Conflict[] }> {
  await tracer.write(pid, plan.areas);
  const tids = await tracer.stop(pid, STOP_MS);
  try {
    const conflicts: Conflict[] = [];
    const unchanged = withMemory(pid, (memory) => {
      const parked = parkedCode(memory, plan);
      return plan.regions.filter((region) => {
        const isParked = region.moves.some(({ from }) => parked.has(from));
        const reason = isParked ? GOROUTINE_INSIDE : whyNotOriginal(memory, region);
        if (reason !== null) conflicts.push({ region, reason });
        return reason === null;
      });
    });
    const regions = unchanged.filter((region) => {
      const isUnsafe = region.isEntered && conflicts.length > 0;
      if (isUnsafe) conflicts.push({ region, reason: JUMPS_NOT_MOVED });
      return !isUnsafe;
    });
    const moves = entering(regions);
    const mappings = readMappings(pid);
    for (const tid of tids) await moveThread(tracer, pid, tid, moves, mappings);
    const all = [...earlier.map((module) => module.regions), regions];
    await tracer.setBreakpoints(pid, all.flatMap(breakpoints));
    await tracer.write(
      pid,
      regions.flatMap((region) =>
        region.writes.map(({ address, patch }) => ({ address, bytes: patch })),
      ),
    );
    await raiseSemaphores(tracer, pid, semaphores);
    return { applied: { regions, semaphores }, conflicts };
  } finally {
    await tracer.resume(pid);
  }
}

/**
 * Restores the bytes of the modules of a process that are still mapped; it is stopped meanwhile.
 * Threads may still be in our code.
 */
export async function undoPlan(
  tracer: Tracer,
  pid: number,
  modules: readonly AppliedModule[],
): Promise<readonly Conflict[]> {
  const tids = await tracer.stop(pid, STOP_MS);
  try {
    const conflicts: Conflict[] = [];
    const writes: MemoryWrite[] = [];
    const semaphores: Semaphores[] = [];
    const mappings = readMappings(pid);
    const mapped = modules.filter(({ mapping }) => isMapped(mapping, mappings));
    withMemory(pid, (memory) => {
      for (const module of mapped) {
        const found = module.regions.map((region) => ({
          region,
          reason: whyNotOurs(memory, region),
        }));
        const ours = found.filter(({ reason }) => reason === null);
        writes.push(...ours.flatMap(({ region }) => originals(region)));
        if (ours.length > 0) semaphores.push(...module.semaphores);
        for (const { region, reason } of found)
          if (reason !== null && reason !== "restored") conflicts.push({ region, reason });
      }
    });
    const entered = mapped.flatMap(({ regions }) => regions.filter(({ isEntered }) => isEntered));
    await tracer.write(pid, inUndoOrder(writes, new Set(entered.map(({ start }) => start))));
    await lowerSemaphores(tracer, pid, semaphores);
    const moves = leaving(mapped.flatMap(({ regions }) => regions));
    for (const tid of tids) await moveThread(tracer, pid, tid, moves, mappings);
    return conflicts;
  } finally {
    await tracer.resume(pid);
  }
}

/** Memory of ours that a thread may be in. */
export interface Footprint {
  /** Shim, handlers and trampolines. */
  readonly code: readonly Range[];
  /** Private stacks: a thread on one is in a handler, also while it runs code of the vDSO. */
  readonly stacks: readonly Range[];
}

/** True if a thread of a stopped process is in `ours` or will return there from a handler. */
export async function isUsed(
  tracer: Tracer,
  pid: number,
  tids: readonly number[],
  ours: Footprint,
): Promise<boolean> {
  const mappings = readMappings(pid);
  const isOurs = (rip: number, rsp: number): boolean =>
    isInside(ours.code, rip) || isInside(ours.stacks, rsp);
  for (const tid of tids) {
    const registers = await tracer.registers(tid);
    const rsp = value(registers, REGISTER.rsp);
    if (isOurs(value(registers, REGISTER.rip), rsp)) return true;
    const saved = findSavedPointers(pid, mappings, rsp);
    if (saved.some((pointer) => isOurs(pointer.rip, pointer.rsp))) return true;
  }
  return false;
}

/** How threads are to be moved. */
interface Moves {
  /** Next instruction → where to go on instead. */
  readonly targets: ReadonlyMap<number, number>;
  /** System call instruction → its copy, for threads that wait in it. */
  readonly restarts: ReadonlyMap<number, number>;
}

/** From the original to the trampoline. */
function entering(regions: readonly PatchRegion[]): Moves {
  const targets = new Map<number, number>();
  const restarts = new Map<number, number>();
  for (const region of regions) {
    for (const { from, to } of region.moves) targets.set(from, to);
    for (const { from, to } of region.leaves) if (to !== region.start) restarts.set(to, from);
  }
  return { targets, restarts };
}

/** From the trampoline back to the original. */
function leaving(regions: readonly PatchRegion[]): Moves {
  const targets = new Map<number, number>();
  for (const region of regions) for (const { from, to } of region.leaves) targets.set(from, to);
  return { targets, restarts: targets };
}

async function moveThread(
  tracer: Tracer,
  pid: number,
  tid: number,
  moves: Moves,
  mappings: readonly Mapping[],
): Promise<void> {
  const registers = await tracer.registers(tid);
  const target = targetOf(registers, moves);
  if (target !== null) {
    registers[REGISTER.rip] = BigInt(target);
    await tracer.setRegisters(tid, registers);
  }
  const rsp = value(registers, REGISTER.rsp);
  for (const saved of findSavedPointers(pid, mappings, rsp)) {
    const to = moves.targets.get(saved.rip);
    if (to === undefined) continue;
    const bytes = new Uint8Array(8);
    viewOf(bytes).setBigUint64(0, BigInt(to), true);
    await tracer.write(pid, [{ address: saved.address, bytes }]);
  }
}

/** Where a thread is to go on, null if it may stay. */
function targetOf(registers: Registers, moves: Moves): number | null {
  const rip = value(registers, REGISTER.rip);
  if (restarts(registers)) {
    const copy = moves.restarts.get(rip - SYSCALL_BYTES);
    if (copy !== undefined) return copy + SYSCALL_BYTES;
  }
  return moves.targets.get(rip) ?? null;
}

/** True if the kernel is to make the thread repeat the system call instruction before rip. */
function restarts(registers: Registers): boolean {
  const number = BigInt.asIntN(64, registers[REGISTER.originalRax] ?? 0n);
  const result = BigInt.asIntN(64, registers[REGISTER.rax] ?? 0n);
  return number >= 0n && result <= RESTART_FIRST && result >= RESTART_LAST;
}

function value(registers: Registers, index: number): number {
  return Number(registers[index] ?? 0n);
}

/** Where int3 are, and where they lead. */
const breakpoints = rememberWeakly((regions: readonly PatchRegion[]): [number, number][] =>
  regions
    .filter((region) => region.technique === "breakpoint")
    .map((region) => [region.start, region.trampoline]),
);

function originals(region: PatchRegion): MemoryWrite[] {
  return region.writes.map(({ address, original }) => ({ address, bytes: original }));
}

/**
 * Original bytes in an order in which each step alone is right: what is entered in its middle, at the
 * addresses `entered`, before the jumps that lead there; short jumps and int3 before the islands
 * they lead to, islands before the jump that keeps control out of them (it is in front).
 */
export function inUndoOrder(
  writes: readonly MemoryWrite[],
  entered: ReadonlySet<number>,
): MemoryWrite[] {
  const turn = ({ address, bytes }: MemoryWrite): number => {
    if (entered.has(address)) return 0;
    return bytes.length >= LONG_JUMP_BYTES ? 2 : 1;
  };
  return [...writes].sort((a, b) => turn(a) - turn(b) || b.address - a.address);
}

const LONG_JUMP_BYTES = 5;

/** Has the memory of a stopped process looked at. */
function withMemory<T>(pid: number, use: (memory: ProcessMemory) => T): T {
  const memory = keepPages(openMemory(pid));
  try {
    return use(memory);
  } finally {
    memory.close();
  }
}

/** Addresses in the regions of `plan` that goroutines may go on at. */
function parkedCode(memory: ProcessMemory, { regions, goroutines }: PatchPlan): Set<number> {
  const range = {
    start: regions.reduce((least, { start }) => Math.min(least, start), Number.MAX_SAFE_INTEGER),
    end: regions.reduce((most, { end }) => Math.max(most, end), 0),
  };
  const found = new Set<number>();
  for (const list of goroutines) {
    for (const address of codeOnStacks(memory, list, range)) found.add(address);
  }
  return found;
}

function whyNotOriginal(memory: ProcessMemory, region: PatchRegion): string | null {
  for (const { address, original } of region.writes) {
    if (!isEqual(memory.read(address, original.length), original)) {
      return "its code in memory is not that of its file: another tool has changed it";
    }
  }
  return null;
}

/** Null if what is there is our patch; "restored" if the original is back already. */
function whyNotOurs(memory: ProcessMemory, region: PatchRegion): string | null {
  const states = region.writes.map(({ address, original, patch }) => {
    const now = memory.read(address, patch.length);
    if (isEqual(now, patch)) return "ours";
    return isEqual(now, original) ? "restored" : "foreign";
  });
  if (states.every((state) => state === "ours")) return null;
  if (states.every((state) => state === "restored")) return "restored";
  return "its code was changed by another tool meanwhile";
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
