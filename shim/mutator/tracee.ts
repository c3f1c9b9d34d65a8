/**
 * One traced process: its state, and how it is let go.
 *
 * `Tracee` is plain state, changed only here, by arm.ts and by follow.ts on events of the tracing
 * thread. A forked child has everything its parent had at that moment; execve(2) leaves nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import { viewOf } from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import { PARAMS } from "../../wasm-runtime/layout/private.js";
import { type Applied, type Footprint, isUsed, STOP_MS, undoPlan } from "./apply.js";
import { type Area, unmapArea } from "./area.js";
import type { Range } from "./frames.js";
import { findTidOffset, type Injection, type SessionImage } from "./inject.js";
import type { Mapping } from "./maps.js";
import { updateModules } from "./modules.js";
import type { OwnModule } from "./own-modules.js";
import { isSystemFailure, type Tracer } from "./ptrace.js";
import { recoverDead } from "./recover.js";
import { openRemote, unmap } from "./remote.js";
import type { Watched } from "./watch.js";

/** A module of a process that was looked at for probes. */
export interface ArmedModule extends Applied {
  /** Where its code is. */
  readonly mapping: Mapping;
  /** Trampolines; null if it has none. */
  readonly area: Area | null;
}

/** State of one process. */
export interface Tracee {
  readonly pid: number;
  /** Held after execve(2) until it is released. */
  held: boolean;
  /** Counts execve(2). */
  programs: number;
  /** The session's memory object if it is mapped here. */
  shared: Area | null;
  injection: Injection | null;
  /** What was mapped when it was last looked at. */
  modules: readonly ArmedModule[];
  /** Trampolines of no module any more. */
  areas: readonly Area[];
  /** Code of ours, for handlers that look at where threads were. */
  own: readonly OwnModule[];
  /** Code that others changed may still lead to our memory, which must stay then. */
  changedByOthers: boolean;
  /** What is watched, in the order of the tracing thread. */
  watched: readonly Watched[];
  /** More is to be watched when its loader is done. */
  awaitsLoader: boolean;
}

/** Memory that had to be left in a process. */
export interface Leaked {
  readonly pid: number;
  readonly bytes: number;
  readonly reason: string;
}

/** A process without anything of ours. */
export function newTracee(pid: number): Tracee {
  return { pid, held: false, programs: 0, ...NOTHING };
}

const NOTHING = {
  shared: null,
  injection: null,
  modules: [],
  areas: [],
  own: [],
  changedByOthers: false,
  watched: [],
  awaitsLoader: false,
} as const;

/** The state of a child that process `parent` just forked. */
export function forkedTracee(parent: Tracee | undefined, pid: number): Tracee {
  const fresh = newTracee(pid);
  if (parent === undefined) return fresh;
  const { shared, injection, modules, areas, own, watched } = parent;
  return { ...fresh, shared, injection, modules, areas, own, watched };
}

/** Forgets what execve(2) took away. */
export function forgetImage(tracee: Tracee): void {
  Object.assign(tracee, NOTHING);
  tracee.programs++;
}

/** Restores the code of a process. Gives the regions that are not ours any more. */
export async function disarm(tracer: Tracer, tracee: Tracee): Promise<string[]> {
  const patched = tracee.modules.filter(({ regions }) => regions.length > 0);
  if (patched.length === 0) return [];
  const conflicts = await undoPlan(tracer, tracee.pid, patched);
  tracee.modules = tracee.modules.map((module) => ({ ...module, semaphores: [] }));
  tracee.changedByOthers = conflicts.length > 0;
  return conflicts.map(
    ({ region, reason }) => `0x${region.start.toString(16)} of ${region.path}: ${reason}`,
  );
}

/**
 * Tells the shim of a process where its threads keep their ids, if that could not be known when it
 * was injected (before the first instruction of a static program).
 */
export async function learnThreadId(tracer: Tracer, tracee: Tracee): Promise<void> {
  const { pid, injection } = tracee;
  if (injection === null || injection.knowsTid) return;
  const offset = await findTidOffset(tracer, pid);
  if (offset === -1 || tracee.injection !== injection) return;
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigInt64(0, BigInt(offset), true);
  await tracer.write(pid, [{ address: injection.image + PARAMS.tidOffset, bytes }]);
  tracee.injection = { ...injection, knowsTid: true };
}

/** Tells the handlers of a process which libraries, and code of ours, have come and gone meanwhile. */
export async function learnModules(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
): Promise<void> {
  const { pid, injection, own } = tracee;
  if (injection === null || injection.modules === null) return;
  const area = injection.modules;
  const modules = await updateModules(tracer, pid, { area, needs: image, own });
  if (tracee.injection === injection) tracee.injection = { ...injection, modules };
}

/** Milliseconds in which threads must have left our code, and between two looks. */
const LEAVE_MS = 2000;
const LOOK_MS = 5;

/** Waits until no thread is in our code, unmaps it and lets go of the process. */
export async function letGo(tracer: Tracer, tracee: Tracee): Promise<Leaked | null> {
  const { pid } = tracee;
  const deadline = performance.now() + LEAVE_MS;
  const footprint = footprintOf(tracee);
  for (;;) {
    const tids = await tracer.stop(pid, STOP_MS);
    const used = footprint !== null && (await isUsed(tracer, pid, tids, footprint));
    if (!used || performance.now() >= deadline) {
      const leaked = await clear(tracer, tracee, used ? "a thread is still in a probe" : null);
      if (tracee.injection !== null) await recoverDead(tracer, pid, tids, 0).catch(ignore);
      await tracer.detach(pid);
      return leaked;
    }
    await tracer.resume(pid);
    await delay(LOOK_MS);
  }
}

/** What an earlier session left is no concern of this one's user. */
function ignore(): void {}

function footprintOf({ injection, areas, modules }: Tracee): Footprint | null {
  if (injection === null) return null;
  const range = ({ address, bytes }: Area): Range => ({ start: address, end: address + bytes });
  // A thread that has executed an int3 of ours stands behind it until its SIGTRAP is dealt with.
  const traps = modules
    .flatMap(({ regions }) => regions)
    .filter((region) => region.technique === "breakpoint")
    .map((region) => ({ start: region.start + 1, end: region.start + 2 }));
  return {
    code: [range(injection.code), ...trampolinesOf(modules, areas).map(range), ...traps],
    stacks: [range(injection.private)],
  };
}

function trampolinesOf(modules: readonly ArmedModule[], areas: readonly Area[]): Area[] {
  return [...modules.flatMap(({ area }) => (area === null ? [] : [area])), ...areas];
}

/** Unmaps all that is ours, in the order that recover.ts asks for. */
async function clear(
  tracer: Tracer,
  tracee: Tracee,
  obstacle: string | null,
): Promise<Leaked | null> {
  const { pid, areas, modules, injection, shared } = tracee;
  const mine = [
    ...trampolinesOf(modules, areas),
    ...(injection === null ? [] : [injection.private, injection.modules, injection.code]),
  ].filter((area) => area !== null);
  if (shared === null) return null;
  const bytes = mine.reduce((sum, area) => sum + area.bytes, shared.bytes);
  const reason = tracee.changedByOthers ? "code changed by others leads there" : obstacle;
  if (reason !== null) return { pid, bytes, reason };
  try {
    const remote = openRemote(tracer, pid);
    for (const area of mine) await unmapArea(remote, area);
    await unmap(remote, shared.address, shared.bytes);
    return null;
  } catch (error) {
    if (isSystemFailure(error) || error instanceof TargetError) {
      return { pid, bytes, reason: error.message };
    }
    throw error;
  }
}
