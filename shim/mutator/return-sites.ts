/**
 * Where callers go on, for returns that are waited for there: of functions that end by a jump through
 * a pointer or into another module (tails.ts).
 *
 *     f:  … jmp *rax     f's return address is looked up in a table (return-table.ts): if it is new,
 *                        the thread waits until its process has been looked at (requests.ts)
 *         call f
 *     →   …              patched by then; settled there from now on, whatever was jumped to
 *
 * Those behind direct calls in f's own module are patched with it. Others only the process knows:
 * f may be called through pointers, and from other modules. What cannot be patched is refused;
 * results are not known there.
 */
import { readDynamic } from "../../base/elf/dynamic.js";
import { rememberWeakly } from "../../base/remember.js";
import { STOP_MS } from "./apply.js";
import { type ArmOptions, codeMapping, type FreshModule, put, stillThere } from "./arm.js";
import { callsLike } from "./calls.js";
import { targetError } from "./errors.js";
import type { SessionImage } from "./inject.js";
import { moduleFunctions } from "./module-code.js";
import { type PatchRegion, planPatches } from "./plan.js";
import { hasShadowStacks, type Module, maxMappings, readMappings, readModules } from "./process.js";
import type { Tracer } from "./ptrace.js";
import { type ReturnState, readAsked, readySites, writeReturnStates } from "./return-table.js";
import { returnSite } from "./tails.js";
import type { Tracee } from "./tracee.js";

/** Of the mappings that a process may have; each place takes two. The rest is left to the process. */
const OUR_SHARE = 1 / 2;

/**
 * How many places behind other calls of the same function are patched with one: they are likely to
 * be asked for next, and a request costs as much as a hundred of them.
 */
const MOST_ALIKE = 64;

/** Patches what threads of a process wait for, and tells them; throws TargetError. */
export async function armReturnSites(
  tracer: Tracer,
  tracee: Tracee,
  image: SessionImage,
  options: ArmOptions,
): Promise<void> {
  const { pid, programs, injection } = tracee;
  const { bundle } = image;
  if (injection === null) return;
  const asked = readAsked(pid, injection, bundle);
  if (asked.length === 0) return;
  const mappings = readMappings(pid);
  const hasRoom = mappings.length < maxMappings() * OUR_SHARE;
  const fresh = hasRoom ? planModules(tracee, asked, readModules(pid, mappings)) : [];
  const rules = { allowBreakpoints: false, shadowStacks: hasShadowStacks(pid) };
  const draft = planPatches(
    fresh.map(({ plan }) => plan),
    rules,
  );
  options.onPlan?.(draft);
  const states = new Map<number, ReturnState>(asked.map((address) => [address, "refused"]));
  try {
    await tracer.stop(pid, STOP_MS);
    try {
      if (tracee.programs !== programs) return;
      const before = new Set(tracee.modules);
      const there = stillThere(pid, draft, fresh).filter(({ planned }) => planned.areaBytes > 0);
      await put(tracer, tracee, image, there);
      const added = tracee.modules.filter((module) => !before.has(module));
      for (const address of readySites(added)) states.set(address, "ready");
    } finally {
      if (tracee.programs === programs) {
        await writeReturnStates(tracer, pid, injection, bundle, { gone: [], states });
      }
      await tracer.resume(pid);
    }
  } catch (cause) {
    throw targetError("patch code", pid, cause);
  }
}

/** The modules that addresses are in, with plans of them. */
function planModules(
  { modules }: Tracee,
  addresses: readonly number[],
  loaded: readonly Module[],
): FreshModule[] {
  return loaded.flatMap((module): FreshModule[] => {
    const { image, path, loadBias } = module;
    const inside = addresses.filter((address) => holdsCode(module, address));
    if (inside.length === 0 || readDynamic(image).relocatesCode) return [];
    const functions = moduleFunctions(image, path, loadBias);
    const asked = inside.map((address) => address - loadBias);
    const alike = asked.flatMap((address) => callsLike(functions.index, address, MOST_ALIKE));
    const isPatched = modules.some(
      ({ regions: [first] }) => first !== undefined && holdsCode(module, first.start),
    );
    const all = [...new Set([...asked, ...alike])];
    const near = all.map((address) => address + loadBias);
    const taken = isPatched ? { taken: bytesNear(near, modules, loadBias) } : {};
    const sites = all.map(returnSite);
    const plan = { ...functions, sites, ...taken };
    return [{ mapping: codeMapping(module), plan }];
  });
}

function holdsCode({ file }: Module, address: number): boolean {
  return file.mappings.some(
    ({ start, end, executable }) => executable && address >= start && address < end,
  );
}

/** ELF addresses of bytes near `addresses` (of the process) that regions of `modules` use. */
function bytesNear(
  addresses: readonly number[],
  modules: Tracee["modules"],
  loadBias: number,
): ReadonlySet<number> {
  const found = new Set<number>();
  const blocks = new Set(addresses.map(blockOf).flatMap((block) => [block - 1, block, block + 1]));
  for (const { regions } of modules) {
    const near = regionsByBlock(regions);
    for (const { start, end, writes } of [...blocks].flatMap((block) => near.get(block) ?? [])) {
      for (let at = start; at < end; at++) found.add(at - loadBias);
      for (const { address, patch } of writes) {
        for (let i = 0; i < patch.length; i++) found.add(address + i - loadBias);
      }
    }
  }
  return found;
}

/** Farther than a region and its island reach. */
const NEAR_BYTES = 512;

function blockOf(address: number): number {
  return Math.floor(address / NEAR_BYTES);
}

const regionsByBlock = rememberWeakly((regions: readonly PatchRegion[]) => {
  const found = new Map<number, PatchRegion[]>();
  for (const region of regions) {
    const block = blockOf(region.start);
    const others = found.get(block);
    if (others === undefined) found.set(block, [region]);
    else others.push(region);
  }
  return found;
});
