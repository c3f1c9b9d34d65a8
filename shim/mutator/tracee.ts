/**
 * One traced process: finds the modules that probes name, injects, patches; and takes all back.
 *
 * `Tracee` is plain state, changed only here and by session.ts on events of the tracing thread. A
 * forked child has everything its parent had at that moment; execve(2) leaves nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import { viewOf } from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import type { BundleSite } from "../../wasm-runtime/bundle.js";
import { PARAMS } from "../../wasm-runtime/layout.js";
import { absoluteSite } from "./absolute.js";
import { type Applied, applyPlan, type Footprint, isUsed, STOP_MS, undoPlan } from "./apply.js";
import { targetError } from "./errors.js";
import type { Range } from "./frames.js";
import { type Area, findTidOffset, type Injection, inject, type SessionImage } from "./inject.js";
import { findGap, type Mapping, PAGE_BYTES, roundUp } from "./maps.js";
import { moduleCode } from "./module-code.js";
import { findModule, updateModules } from "./modules.js";
import {
  layPatches,
  type PatchDraft,
  type PatchPlan,
  type PlanModule,
  type PlannedModule,
  planPatches,
  type RefusedSite,
} from "./plan.js";
import { hasShadowStacks, type Module, readMappings, readModules } from "./process.js";
import { isSystemFailure, type Tracer } from "./ptrace.js";
import { recoverDead } from "./recover.js";
import { mapAnonymous, openRemote, PROTECTION, type Remote, unmap } from "./remote.js";
import { entryOffset, type RunnableBundle } from "./runnable.js";
import type { WatchedData } from "./watch.js";

/** State of one process. */
export interface Tracee {
  readonly pid: number;
  /** Held after execve(2) until it is released. */
  held: boolean;
  /** The session's memory object if it is mapped here. */
  shared: Area | null;
  injection: Injection | null;
  /** Trampolines. */
  areas: readonly Area[];
  applied: Applied | null;
  /** Code that others changed may still lead to our memory, which must stay then. */
  changedByOthers: boolean;
  /** Data whose accesses are told, in the order of the tracing thread. */
  watched: readonly WatchedData[];
}

/** What a session decides about patching. */
export interface ArmOptions {
  readonly allowBreakpoints: boolean;
  /** Takes the index of each probe that is put into some process. */
  readonly armed: Set<number>;
  /** Told of each plan before it is applied. */
  readonly onPlan?: (draft: PatchDraft) => void;
}

/** A probe that is not in a process, and why. */
export interface Unpatched {
  readonly pid: number;
  readonly probe: number;
  readonly module: string;
  readonly symbol: string;
  /** ELF address. */
  readonly address: number;
  readonly reason: string;
  /** ELF address of an instruction nearby that could be probed, null if none is known. */
  readonly nearest: number | null;
}

/** Memory that had to be left in a process. */
export interface Leaked {
  readonly pid: number;
  readonly bytes: number;
  readonly reason: string;
}

/** A process without anything of ours. */
export function newTracee(pid: number): Tracee {
  const nothing = { shared: null, injection: null, areas: [], applied: null };
  return { pid, held: false, ...nothing, changedByOthers: false, watched: [] };
}

/** The state of a child that process `parent` just forked. */
export function forkedTracee(parent: Tracee | undefined, pid: number): Tracee {
  const fresh = newTracee(pid);
  if (parent === undefined) return fresh;
  const { shared, injection, areas, applied, watched } = parent;
  return { ...fresh, shared, injection, areas, applied, watched };
}

/** Forgets what execve(2) took away. */
export function forgetImage(tracee: Tracee): void {
  tracee.shared = null;
  tracee.injection = null;
  tracee.areas = [];
  tracee.applied = null;
  tracee.changedByOthers = false;
  tracee.watched = [];
}

/** Sites of a bundle with the probes they belong to. */
export interface ProbedSite {
  readonly probe: number;
  readonly site: BundleSite;
}

/** All places in code that a bundle wants to probe. */
export function sitesOf(bundle: RunnableBundle): ProbedSite[] {
  return bundle.meta.probes.flatMap(({ point }, probe) =>
    point.kind === "site" ? [{ probe, site: point }] : [],
  );
}

/** The addresses of process `pid` that a bundle wants to probe. */
function absoluteSites(
  { meta }: RunnableBundle,
  pid: number,
  modules: readonly Module[],
): ProbedSite[] {
  return meta.probes.flatMap(({ point }, probe) =>
    point.kind === "absolute" && point.pid === pid
      ? [{ probe, site: absoluteSite(point, modules) }]
      : [],
  );
}

/** A module of the process and the probes in it. */
interface ProbedModule {
  readonly module: Module;
  readonly sites: readonly ProbedSite[];
}

/**
 * Injects into a process and patches what is mapped of the probed modules. Gives the probes that
 * are not in it. Throws TargetError if it cannot be worked on, or runs another build of a module.
 */
export async function arm(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
  options: ArmOptions,
): Promise<Unpatched[]> {
  const { pid } = tracee;
  const mappings = readMappings(pid);
  const modules = readModules(pid, mappings);
  const sites = [...sitesOf(image.bundle), ...absoluteSites(image.bundle, pid, modules)];
  const [probed, missing] = matchModules(pid, modules, sites);
  const unpatched = missing.map(({ probe, site }) =>
    notPatched(pid, probe, site, `${site.module} is not loaded`),
  );
  if (probed.length === 0) return unpatched;
  const draft = planPatches(
    probed.map((module) => planModule(module, image.bundle)),
    { allowBreakpoints: options.allowBreakpoints, shadowStacks: hasShadowStacks(pid) },
  );
  options.onPlan?.(draft);
  unpatched.push(...draft.refused.map((refused) => refusedSite(pid, refused)));
  try {
    const tids = await tracer.stop(pid, STOP_MS);
    try {
      await recoverDead(tracer, pid, tids, tracee.shared?.address ?? 0);
      const plan = await put(tracer, tracee, image, draft, unpatched);
      for (const { probes } of plan.regions) for (const probe of probes) options.armed.add(probe);
    } finally {
      await tracer.resume(pid);
    }
  } catch (cause) {
    throw targetError("patch code", pid, cause);
  }
  return unpatched;
}

async function put(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
  draft: PatchDraft,
  unpatched: Unpatched[],
): Promise<PatchPlan> {
  const { pid } = tracee;
  const { shim, bundle } = image;
  const remote = openRemote(tracer, pid);
  const injection = await inject(tracer, remote, image, tracee.shared);
  tracee.injection = injection;
  tracee.shared = injection.shared;
  const areas: Area[] = [];
  tracee.areas = areas;
  const addresses: number[] = [];
  for (const module of draft.modules) {
    const address = module.areaBytes === 0 ? 0 : await mapNear(remote, module);
    if (address !== 0) areas.push({ address, bytes: roundUp(module.areaBytes) });
    addresses.push(address);
  }
  const plan = layPatches(draft, {
    areas: addresses,
    enter: injection.image + shim.enter,
    control: injection.shared.address,
    entryOf: (probe) =>
      injection.handlers + entryOffset(bundle, bundle.meta.probes[probe]?.handler ?? ""),
  });
  const at = injection.image;
  await tracer.setFixups(pid, [[at + shim.copyStart, at + shim.copyEnd, at + shim.copyFixup]]);
  const { applied, conflicts } = await applyPlan(tracer, pid, plan, semaphores(draft, bundle));
  tracee.applied = applied;
  for (const { region, reason } of conflicts) {
    for (const probe of region.probes) {
      const point = bundle.meta.probes[probe]?.point;
      if (point?.kind === "site") unpatched.push(notPatched(pid, probe, point, reason));
    }
  }
  return plan;
}

/** Maps a module's trampoline area within reach of it. */
async function mapNear(remote: Remote, module: PlannedModule): Promise<number> {
  const { lowest, highest, code } = module;
  const near = code.loadBias + Math.min(...code.code.map((range) => range.address));
  const protection = PROTECTION.read | PROTECTION.execute;
  const bytes = roundUp(module.areaBytes);
  const taken: Mapping[] = readMappings(remote.pid);
  for (let attempt = 0; attempt < GAP_ATTEMPTS; attempt++) {
    const at = findGap(taken, bytes, { lowest, highest, near: near - bytes - PAGE_BYTES });
    if (at === null) break;
    try {
      return await mapAnonymous(remote, bytes, protection, at);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      if (attempt + 1 === GAP_ATTEMPTS) throw error;
      taken.push(blocked(at, bytes));
      taken.sort((a, b) => a.start - b.start);
    }
  }
  throw new TargetError(`process ${remote.pid} has no free memory near ${code.path}`, {
    operation: "inject",
    subject: remote.pid,
  });
}

const GAP_ATTEMPTS = 16;

/** A range that the kernel refused. */
function blocked(start: number, bytes: number): Mapping {
  const none = { readable: false, writable: false, executable: false, shared: false };
  return { ...none, start, end: start + bytes, offset: 0, device: "", inode: 0, path: "" };
}

/** Semaphores of the marks that are patched, each once per probe that uses it. */
function semaphores(draft: PatchDraft, bundle: RunnableBundle): number[] {
  return draft.modules.flatMap(({ regions, code }) => {
    const probes = new Set(regions.flatMap((r) => r.shape.calls.flatMap((call) => call.probes)));
    return [...probes].flatMap((probe) => {
      const point = bundle.meta.probes[probe]?.point;
      return point?.kind === "site" && point.semaphore !== 0
        ? [point.semaphore + code.loadBias]
        : [];
    });
  });
}

function planModule({ module, sites }: ProbedModule, bundle: RunnableBundle): PlanModule {
  return {
    code: moduleCode(module.image, module.path, module.loadBias),
    sites: sites.map(({ probe, site }) => ({
      probe,
      address: site.address,
      place: site.place,
      symbol: site.symbol,
      floats: bundle.code.usesFloat.has(bundle.meta.probes[probe]?.handler ?? ""),
      clobbers: bundle.code.clobbers.get(bundle.meta.probes[probe]?.handler ?? "") ?? null,
    })),
  };
}

function notPatched(pid: number, probe: number, site: BundleSite, reason: string): Unpatched {
  const { module, symbol, address } = site;
  return { pid, probe, module, symbol, address, reason, nearest: null };
}

function refusedSite(pid: number, refused: RefusedSite): Unpatched {
  const { path, site, address, reason, nearest } = refused;
  return { pid, probe: site.probe, module: path, symbol: site.symbol, address, reason, nearest };
}

/** Which sites lie in which module; by path, else by file, else by build-id. */
function matchModules(
  pid: number,
  modules: readonly Module[],
  sites: readonly ProbedSite[],
): [ProbedModule[], ProbedSite[]] {
  const found = new Map<Module, ProbedSite[]>();
  const missing: ProbedSite[] = [];
  for (const probed of sites) {
    const { module: path, buildId } = probed.site;
    const module = findModule(pid, modules, { path, buildId });
    if (module === null) missing.push(probed);
    else found.set(module, [...(found.get(module) ?? []), probed]);
  }
  return [[...found].map(([module, list]) => ({ module, sites: list })), missing];
}

/** Restores the code of a process. Gives the regions that are not ours any more. */
export async function disarm(tracer: Tracer, tracee: Tracee): Promise<string[]> {
  if (tracee.applied === null) return [];
  const conflicts = await undoPlan(tracer, tracee.pid, tracee.applied);
  tracee.applied = { ...tracee.applied, semaphores: [] };
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

/** Tells the handlers of a process which libraries have come and gone meanwhile. */
export async function learnModules(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
): Promise<void> {
  const { pid, injection } = tracee;
  if (injection === null || injection.modules === null) return;
  const modules = await updateModules(tracer, pid, injection.modules, image);
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

function footprintOf({ injection, areas, applied }: Tracee): Footprint | null {
  if (injection === null) return null;
  const range = ({ address, bytes }: Area): Range => ({ start: address, end: address + bytes });
  // A thread that has executed an int3 of ours stands behind it until its SIGTRAP is dealt with.
  const traps = (applied?.regions ?? [])
    .filter((region) => region.technique === "breakpoint")
    .map((region) => ({ start: region.start + 1, end: region.start + 2 }));
  return {
    code: [range(injection.code), ...areas.map(range), ...traps],
    stacks: [range(injection.private)],
  };
}

/** Unmaps all that is ours, in the order that recover.ts asks for. */
async function clear(
  tracer: Tracer,
  tracee: Tracee,
  obstacle: string | null,
): Promise<Leaked | null> {
  const { pid, areas, injection, shared } = tracee;
  const mine = [
    ...areas,
    ...(injection === null ? [] : [injection.private, injection.modules, injection.code]),
    shared,
  ].filter((area) => area !== null);
  if (mine.length === 0) return null;
  const bytes = mine.reduce((sum, area) => sum + area.bytes, 0);
  const reason = tracee.changedByOthers ? "code changed by others leads there" : obstacle;
  if (reason !== null) return { pid, bytes, reason };
  try {
    const remote = openRemote(tracer, pid);
    for (const { address, bytes: size } of mine) await unmap(remote, address, size);
    return null;
  } catch (error) {
    if (isSystemFailure(error) || error instanceof TargetError) {
      return { pid, bytes, reason: error.message };
    }
    throw error;
  }
}
