/**
 * Brings a process up to date: finds the modules that are new in it, plans and patches the probes
 * in them, forgets what is unmapped.
 *
 * It is done when a process is attached or executes a program, and whenever its libraries change.
 * Plans are made while the process runs; what was unmapped until it stands still is left out.
 * Injection comes with the first thing there is to patch. Throws TargetError if a process cannot be
 * worked on, or has another build of a module than the bundle is for.
 */

import { bug } from "../../base/assert.js";
import { readDynamic } from "../../base/elf/dynamic.js";
import { TargetError } from "../../base/target-error.js";
import type { BundleSite } from "../../wasm-runtime/bundle.js";
import { applyPlan, type Conflict, isUsed, STOP_MS } from "./apply.js";
import { type Area, mapArea, unmapArea } from "./area.js";
import { targetError } from "./errors.js";
import { inject, type SessionImage } from "./inject.js";
import { LIBRARIES_CHANGED, libraryNotice, probesLibraries } from "./libraries.js";
import { findGap, isMapped, type Mapping, PAGE_BYTES, roundUp } from "./maps.js";
import { absoluteSites, matchModules, type ProbedSite, sitesOf } from "./matching.js";
import { moduleFunctions } from "./module-code.js";
import { needsModules } from "./modules.js";
import { describesOwnCode, injectedModule, trampolineModule } from "./own-modules.js";
import {
  layPatches,
  type PatchDraft,
  type PatchPlan,
  type PatchRegion,
  type PlanModule,
  type PlannedModule,
  type PlanSite,
  planPatches,
  type RefusedSite,
} from "./plan.js";
import { hasShadowStacks, type Module, readMappings, readModules } from "./process.js";
import type { Tracer } from "./ptrace.js";
import { recoverDead } from "./recover.js";
import { openRemote, PROTECTION, type Remote } from "./remote.js";
import {
  type ReturnChanges,
  type ReturnState,
  readySites,
  writeReturnStates,
} from "./return-table.js";
import { entryOffset, type RunnableBundle } from "./runnable.js";
import type { Semaphores } from "./semaphores.js";
import { DEFERRED, SETTLED, SETTLED_IN_CALLER } from "./tails.js";
import { type ArmedModule, learnModules, type Tracee } from "./tracee.js";
import { planData } from "./watched-data.js";

/** What a session decides about patching. */
export interface ArmOptions {
  readonly allowBreakpoints: boolean;
  /** Takes the index of each probe that is put into some process. */
  readonly armed: Set<number>;
  /** Takes the index of each probe whose module some process has. */
  readonly found: Set<number>;
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

/** Result of `arm`. */
export interface Armed {
  /** Probes in the modules that are new, but for these. */
  readonly refused: readonly Unpatched[];
  /** Probes in no module of the process. */
  readonly missing: readonly Unpatched[];
  /** Other modules are mapped than before. */
  readonly hasChanged: boolean;
}

/** A module that is new, and what is to be patched in it. */
export interface FreshModule {
  readonly mapping: Mapping;
  readonly plan: PlanModule;
}

/** What has changed since a process was last looked at. */
interface Changes {
  readonly fresh: readonly FreshModule[];
  readonly gone: readonly ArmedModule[];
  /** Modules that are new and hold no probe. */
  readonly idle: readonly Mapping[];
  /** Sites in code that its relocations change, now or soon. */
  readonly relocated: readonly ProbedSite[];
  readonly missing: readonly ProbedSite[];
}

/** Injects into a process and patches what is new of the probed modules. */
export async function arm(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
  options: ArmOptions,
): Promise<Armed> {
  const { pid, programs } = tracee;
  const changes = lookAt(tracee, image);
  for (const { plan } of changes.fresh)
    for (const { probe } of plan.sites) options.found.add(probe);
  const missing = changes.missing.map(({ probe, site }) =>
    notPatched(pid, probe, site, `${site.module} is not loaded`),
  );
  const refused = changes.relocated.map(({ probe, site }) =>
    notPatched(pid, probe, site, "relocations change the code of its module"),
  );
  const idle = changes.idle.map(unprobed);
  const areas = changes.gone.flatMap(({ area }) => (area === null ? [] : [area]));
  if (changes.fresh.length === 0 && areas.length === 0) {
    tracee.modules = [...kept(tracee, changes), ...idle];
    return { refused, missing, hasChanged: changes.gone.length + idle.length > 0 };
  }
  const draft = planPatches(
    changes.fresh.map(({ plan }) => plan),
    { allowBreakpoints: options.allowBreakpoints, shadowStacks: hasShadowStacks(pid) },
  );
  options.onPlan?.(draft);
  refused.push(
    ...draft.refused
      .filter(({ site }) => isProbe(image.bundle, site.probe))
      .map((each) => refusedSite(pid, each)),
  );
  try {
    const tids = await tracer.stop(pid, STOP_MS);
    try {
      if (tracee.programs !== programs) return { refused: [], missing: [], hasChanged: false };
      tracee.modules = [...kept(tracee, changes), ...idle];
      tracee.areas = [...tracee.areas, ...areas];
      if (tracee.injection === null) {
        await recoverDead(tracer, pid, tids, tracee.shared?.address ?? 0);
      } else await freeAreas(tracer, tracee, tids);
      const before = new Set(tracee.modules);
      const conflicts = await put(tracer, tracee, image, stillThere(pid, draft, changes.fresh));
      await noteReturnSites(tracer, tracee, image, {
        gone: changes.gone.map(({ mapping }) => mapping),
        states: returnStates(
          tracee.modules.filter((module) => !before.has(module)),
          refusedReturns(draft, changes.fresh),
        ),
      });
      refused.push(...conflicts.flatMap((each) => conflictingSites(pid, image.bundle, each)));
    } finally {
      await tracer.resume(pid);
    }
  } catch (cause) {
    throw targetError("patch code", pid, cause);
  }
  const probes = tracee.modules.flatMap(({ regions }) => regions.flatMap((each) => each.probes));
  for (const probe of probes) if (isProbe(image.bundle, probe)) options.armed.add(probe);
  return { refused, missing, hasChanged: true };
}

function lookAt(tracee: Tracee, image: SessionImage): Changes {
  const { bundle } = image;
  const { pid, modules: before } = tracee;
  const mappings = readMappings(pid);
  // All of its threads are ending.
  if (mappings.length === 0) return { fresh: [], gone: [], idle: [], missing: [], relocated: [] };
  const modules = readModules(pid, mappings);
  const gone = before.filter(({ mapping }) => !isMapped(mapping, mappings));
  const isNew = (module: Module): boolean => {
    const mapping = codeMapping(module);
    return !before.some((other) => isMapped(other.mapping, [mapping]));
  };
  const fresh = before.length === 0 ? modules : modules.filter(isNew);
  if (fresh.length === 0) return { fresh: [], gone, idle: [], missing: [], relocated: [] };
  const isFirst = before.length === 0;
  const absolute = isFirst ? absoluteSites(bundle, pid, modules) : [];
  const { found, missing } = matchModules(pid, fresh, [...sitesOf(bundle), ...absolute]);
  const isWanted =
    probesLibraries(bundle) ||
    (found.size > 0 && needsModules(bundle)) ||
    !planData(image, { pid, modules: () => modules }).isComplete;
  const notice = isWanted ? libraryNotice(pid, fresh) : null;
  const sitesIn = (module: Module): PlanSite[] => [
    ...(notice?.module === module ? [notice.site] : []),
    ...(found.get(module) ?? []).map((probed) => planSite(probed, bundle)),
  ];
  const relocated = fresh.filter(({ image }) => readDynamic(image).relocatesCode);
  const withSites = fresh.map((module) => ({
    module,
    sites: relocated.includes(module) ? [] : sitesIn(module),
  }));
  return {
    gone,
    relocated: relocated.flatMap((module) => found.get(module) ?? []),
    fresh: withSites.flatMap(({ module, sites }): FreshModule[] =>
      sites.length === 0 ? [] : [{ mapping: codeMapping(module), plan: planModule(module, sites) }],
    ),
    idle: withSites.flatMap(({ module, sites }) =>
      sites.length === 0 ? [codeMapping(module)] : [],
    ),
    missing: isFirst ? missing : [],
  };
}

/** Addresses in the process of the places where returns are waited for that are not patched. */
function refusedReturns({ refused }: PatchDraft, fresh: readonly FreshModule[]): number[] {
  const biases = new Map(fresh.map(({ plan: { code } }) => [code.path, code.loadBias]));
  return refused
    .filter(({ site }) => site.place === "return")
    .map(({ path, address }) => address + (biases.get(path) ?? bug(`no module '${path}'`)));
}

/** What came of the places at which returns are waited for in modules that were patched. */
function returnStates(
  modules: readonly ArmedModule[],
  refused: readonly number[],
): ReadonlyMap<number, ReturnState> {
  const states = new Map<number, ReturnState>();
  for (const address of refused) states.set(address, "refused");
  for (const address of readySites(modules)) states.set(address, "ready");
  return states;
}

/** Writes down, in a stopped process, at which places returns can be waited for now. */
async function noteReturnSites(
  tracer: Tracer,
  { pid, injection }: Tracee,
  { bundle }: SessionImage,
  changes: ReturnChanges,
): Promise<void> {
  if (injection !== null) await writeReturnStates(tracer, pid, injection, bundle, changes);
}

/** Where the code of a module is; there is some in each. */
export function codeMapping({ file, path }: Module): Mapping {
  const mapping = file.mappings.find(({ executable }) => executable);
  return mapping ?? bug(`'${path}' has no code`);
}

function unprobed(mapping: Mapping): ArmedModule {
  return { mapping, area: null, regions: [], semaphores: [] };
}

function kept({ modules }: Tracee, { gone }: Changes): ArmedModule[] {
  return modules.filter((module) => !gone.includes(module));
}

function planSite({ probe, site }: ProbedSite, { meta, code }: RunnableBundle): PlanSite {
  const handler = meta.probes[probe]?.handler ?? "";
  return {
    probe,
    address: site.address,
    place: site.place,
    symbol: site.symbol,
    floats: code.usesFloat.has(handler),
    clobbers: code.clobbers.get(handler) ?? null,
    semaphore: site.semaphore,
  };
}

function planModule({ image, path, loadBias }: Module, sites: readonly PlanSite[]): PlanModule {
  return { ...moduleFunctions(image, path, loadBias), image, sites };
}

/** A module to be patched now. */
export interface DraftedModule {
  readonly mapping: Mapping;
  readonly planned: PlannedModule;
}

/** Those modules of `draft` that a stopped process has not unmapped meanwhile. */
export function stillThere(
  pid: number,
  draft: PatchDraft,
  fresh: readonly FreshModule[],
): DraftedModule[] {
  const mappings = readMappings(pid);
  return draft.modules.flatMap((planned, index): DraftedModule[] => {
    const mapping = fresh[index]?.mapping;
    return mapping !== undefined && isMapped(mapping, mappings) ? [{ mapping, planned }] : [];
  });
}

/** Unmaps trampolines of modules that are gone, unless a thread is in one of them. */
async function freeAreas(tracer: Tracer, tracee: Tracee, tids: readonly number[]): Promise<void> {
  const { pid, areas } = tracee;
  if (areas.length === 0) return;
  const code = areas.map(({ address, bytes }) => ({ start: address, end: address + bytes }));
  if (await isUsed(tracer, pid, tids, { code, stacks: [] })) return;
  const remote = openRemote(tracer, pid);
  tracee.areas = [];
  tracee.own = tracee.own.filter(({ start }) => !areas.some((area) => isIn(area, start)));
  for (const area of areas) await unmapArea(remote, area);
}

/** Patches modules of a stopped process; gives the regions that were left as they are. */
export async function put(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
  modules: readonly DraftedModule[],
): Promise<readonly Conflict[]> {
  const { pid } = tracee;
  const { shim, bundle } = image;
  if (modules.length === 0) return [];
  const remote = openRemote(tracer, pid);
  const isFirst = tracee.injection === null;
  const injection = tracee.injection ?? (await inject(tracer, remote, image, tracee.shared));
  tracee.injection = injection;
  tracee.shared = injection.shared;
  const at = injection.image;
  if (isFirst) {
    await tracer.setFixups(pid, [[at + shim.copyStart, at + shim.copyEnd, at + shim.copyFixup]]);
    const { address, bytes } = injection.private;
    await tracer.setOwnMemory(pid, at, at + injection.code.bytes, address, address + bytes);
  }
  const describesCode = describesOwnCode(image);
  if (isFirst && describesCode) tracee.own = [injectedModule(image, injection)];
  const areas: (Area | null)[] = [];
  for (const { planned } of modules) {
    areas.push(await mapTrampolines(remote, tracee, image.shared.inode, planned));
  }
  const plan = layPatches(
    { modules: modules.map(({ planned }) => planned), refused: [] },
    {
      areas: areas.map((area) => area?.address ?? 0),
      enter: at + shim.enter,
      entryOf: (probe) => {
        if (probe === LIBRARIES_CHANGED) return at + shim.librariesChanged;
        if (probe === DEFERRED) return at + shim.deferReturn;
        if (probe === SETTLED) return at + shim.settleReturns;
        if (probe === SETTLED_IN_CALLER) return at + shim.settleInCaller;
        return injection.handlers + entryOffset(bundle, bundle.meta.probes[probe]?.handler ?? "");
      },
      describesCode,
    },
  );
  if (describesCode) {
    tracee.own = [...tracee.own, ...plan.areas.map(trampolineModule)];
    await learnModules(tracer, tracee, image);
  }
  return apply(tracer, tracee, plan, modules, areas);
}

/** Applies a plan. The process has its regions, for whatever undoes it, before the first is written. */
async function apply(
  tracer: Tracer,
  tracee: Tracee,
  plan: PatchPlan,
  modules: readonly DraftedModule[],
  areas: readonly (Area | null)[],
): Promise<readonly Conflict[]> {
  const before = tracee.modules;
  const note = (regions: readonly PatchRegion[], isDone: boolean): void => {
    const added = modules.map(({ mapping, planned }, index): ArmedModule => {
      const area = areas[index] ?? null;
      return {
        mapping,
        area,
        regions: regions.filter(({ trampoline }) => area !== null && isIn(area, trampoline)),
        semaphores: isDone && area !== null ? [semaphoresOf(planned, area)] : [],
      };
    });
    tracee.modules = [...before, ...added];
  };
  tracee.areas = tracee.areas.filter((area) => !areas.includes(area));
  note(plan.regions, false);
  const raised = modules.flatMap(({ planned }, index) => {
    const area = areas[index] ?? null;
    return area === null ? [] : [semaphoresOf(planned, area)];
  });
  const { applied, conflicts } = await applyPlan(tracer, tracee.pid, plan, raised, before);
  note(applied.regions, true);
  return conflicts;
}

function isIn({ address, bytes }: Area, at: number): boolean {
  return at >= address && at < address + bytes;
}

/** Maps a module's trampoline area within reach of it, and notes it; null if it needs none. */
async function mapTrampolines(
  remote: Remote,
  tracee: Tracee,
  owner: number,
  module: PlannedModule,
): Promise<Area | null> {
  if (module.areaBytes === 0) return null;
  const area = await mapNear(remote, owner, module);
  tracee.areas = [...tracee.areas, area];
  return area;
}

async function mapNear(remote: Remote, owner: number, module: PlannedModule): Promise<Area> {
  const { lowest, highest, code } = module;
  const start = code.loadBias + Math.min(...code.code.map((range) => range.address));
  const protection = PROTECTION.read | PROTECTION.execute;
  const bytes = PAGE_BYTES + roundUp(module.areaBytes);
  const near = start - bytes - PAGE_BYTES;
  const taken: Mapping[] = readMappings(remote.pid);
  for (let attempt = 0; attempt < GAP_ATTEMPTS; attempt++) {
    const gap = findGap(taken, bytes, {
      lowest: lowest - PAGE_BYTES,
      highest: highest - PAGE_BYTES,
      near,
    });
    if (gap === null) break;
    try {
      const at = gap + PAGE_BYTES;
      return await mapArea(remote, {
        owner,
        kind: "trampolines",
        bytes: module.areaBytes,
        protection,
        at,
      });
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      if (attempt + 1 === GAP_ATTEMPTS) throw error;
      taken.push(blocked(gap, bytes));
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

function semaphoresOf({ semaphores }: PlannedModule, { address }: Area): Semaphores {
  return { addresses: semaphores, area: address };
}

function notPatched(pid: number, probe: number, site: BundleSite, reason: string): Unpatched {
  const { module, symbol, address } = site;
  return { pid, probe, module, symbol, address, reason, nearest: null };
}

/** False for what stands for the index of a probe where there is none. */
function isProbe({ meta }: RunnableBundle, index: number): boolean {
  return index < meta.probes.length;
}

function refusedSite(pid: number, refused: RefusedSite): Unpatched {
  const { path, site, address, reason, nearest } = refused;
  const { probe, symbol } = site;
  return { pid, probe, module: path, symbol, address, reason, nearest };
}

function conflictingSites(
  pid: number,
  { meta }: RunnableBundle,
  { region, reason }: Conflict,
): Unpatched[] {
  return region.probes.flatMap((probe) => {
    const point = meta.probes[probe]?.point;
    return point?.kind === "site" ? [notPatched(pid, probe, point, reason)] : [];
  });
}
