/**
 * Plans which bytes of a process to overwrite for a set of probes, without touching it.
 *
 * Two phases, because trampolines must lie near their module and only the process knows what is
 * free there: `planPatches` chooses regions and says how many bytes each module's trampolines
 * take and where they may lie; `layPatches` gives the bytes once those areas have addresses.
 * What no technique fits is refused, with the reason and the nearest place that would do.
 */
import { isDeepStrictEqual } from "node:util";
import { assert, bug } from "../../base/assert.js";
import type { ElfImage } from "../../base/elf/image.js";
import type { BundleSite } from "../../wasm-runtime/bundle.js";
import { Assembler } from "./assembler.js";
import { type Choice, chooseRegions, settledChoices } from "./choices.js";
import { liveFlags } from "./flags.js";
import {
  bytesOf,
  type FunctionCode,
  type FunctionIndex,
  indexFunctions,
  type ModuleCode,
} from "./functions.js";
import { PAGE_BYTES } from "./maps.js";
import { type MovedCode, movedCode } from "./moved-code.js";
import { type Region, SHORT_JUMP_BYTES } from "./regions.js";
import { chooseSeen } from "./seen-returns.js";
import type { Target } from "./targets.js";
import {
  emitTrampoline,
  type ProbeCall,
  type Redirects,
  type TrampolineShape,
} from "./trampoline.js";

/** One probe at one place of a module. */
export interface PlanSite {
  /** Index of the probe in the bundle. */
  readonly probe: number;
  /** ELF address: the instruction, or the start of the function. */
  readonly address: number;
  /**
   * As of BundleSite; "returns" of a function with exits that nothing fits: its callers tell of them;
   * "return": where a call goes on whose result is waited for.
   */
  readonly place: BundleSite["place"] | "returns" | "return";
  /** For messages. */
  readonly symbol: string;
  /** The handler uses SSE registers. */
  readonly floats: boolean;
  /** As CodeImage.clobbers. */
  readonly clobbers: number | null;
  /** ELF address of the mark's semaphore, 0 if none. */
  readonly semaphore: number;
}

/** A module with the probes in it. */
export interface PlanModule {
  readonly code: ModuleCode;
  /** Functions of its file if it was looked at before. */
  readonly index?: FunctionIndex;
  /** Its file, if the plan is to be remembered as long as that. */
  readonly image?: ElfImage;
  readonly sites: readonly PlanSite[];
  /** ELF addresses of the bytes near sites that are in use; left out if nothing is patched yet. */
  readonly taken?: ReadonlySet<number>;
}

/** What the process allows. */
export interface PlanOptions {
  /** Put int3 where no jump fits: costs 12 µs a hit and kills the process if we die. */
  readonly allowBreakpoints: boolean;
  /** The process runs with shadow stacks (x86_Thread_features in /proc/PID/status). */
  readonly shadowStacks: boolean;
}

/** A region with its trampoline, at no address yet. */
export interface PlannedRegion {
  readonly region: Region;
  readonly shape: TrampolineShape;
  /** Offset of the trampoline in the module's area. */
  readonly offset: number;
  readonly bytes: number;
}

/** Patches of one module, and what its trampoline area must be. */
export interface PlannedModule {
  readonly code: ModuleCode;
  readonly regions: readonly PlannedRegion[];
  /** Addresses in the process of the semaphores to raise, each once per probe that uses it. */
  readonly semaphores: readonly number[];
  /** ELF addresses of the regions that are entered in their middle. */
  readonly entered: readonly number[];
  /** Size of the area, 0 if nothing is to be patched. */
  readonly areaBytes: number;
  /** Lowest and highest address in the process at which the area may start, a page each. */
  readonly lowest: number;
  readonly highest: number;
}

/** A site that is not patched. */
export interface RefusedSite {
  readonly path: string;
  readonly site: PlanSite;
  /** ELF address of the instruction; the function's for a function without exits. */
  readonly address: number;
  readonly reason: string;
  /** ELF address of an instruction nearby that can be probed, null if none was found. */
  readonly nearest: number | null;
}

/** Result of the first phase. */
export interface PatchDraft {
  readonly modules: readonly PlannedModule[];
  readonly refused: readonly RefusedSite[];
}

/**
 * Header of a trampoline area, 64-bit words, followed by the addresses of the semaphores and those
 * of the regions that are entered in their middle.
 */
export const AREA = {
  /** Address of wt_enter. */
  enter: 0,
  /** 1 while the semaphores are raised. */
  raised: 8,
  semaphoreCount: 16,
  enteredCount: 24,
  bytes: 32,
} as const;
const TRAMPOLINE_ALIGNMENT = 16;
/** Farthest that a 32-bit displacement reaches, less the longest instruction. */
const REACH = 0x7fffffff - 16;

/** Phase 1: regions and sizes. */
export function planPatches(modules: readonly PlanModule[], options: PlanOptions): PatchDraft {
  const plans = modules.map((module) => planKnown(module, options));
  return {
    modules: modules.map(({ code }, i) => placed(plans[i] ?? bug("a module without a plan"), code)),
    refused: plans.flatMap(({ refused }) => refused),
  };
}

/** What is planned for a file, wherever it is mapped; ELF addresses. */
interface ModulePlan extends Pick<PlannedModule, "regions" | "entered" | "areaBytes"> {
  readonly semaphores: readonly number[];
  /** Range of what trampolines refer to. */
  readonly extent: readonly [low: number, high: number];
  readonly refused: readonly RefusedSite[];
}

interface KnownPlan {
  readonly sites: readonly PlanSite[];
  readonly options: PlanOptions;
  readonly plan: ModulePlan;
}

/** The last plan of each file: of other processes, which mostly want the same. */
const knownPlans = new WeakMap<ElfImage, KnownPlan>();

function planKnown(module: PlanModule, options: PlanOptions): ModulePlan {
  const { image, sites, taken } = module;
  if (image === undefined || taken !== undefined) return planModule(module, options);
  const known = knownPlans.get(image);
  if (isDeepStrictEqual([known?.sites, known?.options], [sites, options])) {
    return known?.plan ?? bug("a plan without a plan");
  }
  const plan = planModule(module, options);
  knownPlans.set(image, { sites, options, plan });
  return plan;
}

function planModule(module: PlanModule, options: PlanOptions): ModulePlan {
  const index = module.index ?? indexFunctions(module.code);
  const found = chooseSeen(index, module, { ...options, allowBreakpoints: false });
  const chosen = options.allowBreakpoints ? chooseRegions(index, found.module, options) : found;
  return { ...layOut(module.code, settledChoices(chosen)), refused: chosen.refused };
}

/** A plan for the module that `code` is of. */
function placed(plan: ModulePlan, code: ModuleCode): PlannedModule {
  const { loadBias } = code;
  const { regions, entered, areaBytes, semaphores, extent } = plan;
  const [low, high] = extent;
  return {
    code,
    regions,
    entered,
    areaBytes,
    semaphores: semaphores.map((address) => address + loadBias),
    lowest: PAGE_BYTES * Math.ceil(Math.max(0, high + loadBias - REACH) / PAGE_BYTES),
    highest: PAGE_BYTES * Math.floor((low + loadBias + REACH - areaBytes) / PAGE_BYTES),
  };
}

function layOut(code: ModuleCode, choices: readonly Choice[]): Omit<ModulePlan, "refused"> {
  const extent = extentOf(code, choices);
  const [, high] = extent;
  const semaphores = semaphoresOf(choices);
  const entered = choices.flatMap(({ region }) =>
    region.entries.length > 0 ? [region.start] : [],
  );
  let offset = aligned(AREA.bytes + (semaphores.length + entered.length) * 8);
  const regions = choices.map(({ region, targets }): PlannedRegion => {
    const shape = shapeOf(region, targets);
    // Any address in reach gives the same size.
    const place = { address: high, loadBias: 0, enterWord: high, entryOf: () => 0 };
    const bytes = emitTrampoline(shape, place).bytes.length;
    const planned = { region, shape, offset, bytes };
    offset += aligned(bytes);
    return planned;
  });
  const areaBytes = regions.length === 0 ? 0 : offset;
  return { regions, semaphores, entered, areaBytes, extent };
}

function aligned(offset: number): number {
  return Math.ceil(offset / TRAMPOLINE_ALIGNMENT) * TRAMPOLINE_ALIGNMENT;
}

function semaphoresOf(choices: readonly Choice[]): number[] {
  const sites = choices.flatMap(({ targets }) => targets.flatMap((target) => target.sites));
  const byProbe = new Map(sites.map(({ probe, semaphore }) => [probe, semaphore]));
  return [...byProbe.values()].filter((address) => address !== 0);
}

/** Range of addresses that trampolines refer to: code, and operands of displaced instructions. */
function extentOf(code: ModuleCode, choices: readonly Choice[]): [number, number] {
  let low = Number.MAX_SAFE_INTEGER;
  let high = 0;
  const include = (address: number): void => {
    low = Math.min(low, address);
    high = Math.max(high, address);
  };
  for (const range of code.code) {
    include(range.address);
    include(range.address + range.bytes.length);
  }
  for (const { region } of choices) {
    for (const { target, ripTarget } of region.code.insns.slice(region.first, region.last)) {
      if (target >= 0) include(target);
      if (ripTarget >= 0) include(ripTarget);
    }
  }
  return [low, aligned(high)];
}

function shapeOf(region: Region, targets: readonly Target[]): TrampolineShape {
  const { code } = region;
  const displaced = code.insns.slice(region.first, region.last);
  return {
    displaced: displaced.map((insn) => ({ insn, bytes: bytesOf(code, insn) })),
    calls: targets.map((target): ProbeCall => {
      const insn = displaced.find((d) => d.address === target.address);
      assert(insn, "a region holds its targets");
      return {
        address: target.address,
        action: target.action,
        origins: target.origins,
        probes: target.sites.map((site) => site.probe),
        flags: target.onlyTaken && !code.usesDirection ? "dead" : liveFlags(code, insn),
        siteFlags: target.siteFlags,
        floats: target.sites.some((site) => site.floats),
        clobbers: clobbersOf(target),
        onlyTaken: target.onlyTaken,
        onlyReturned: target.onlyReturned,
      };
    }),
    next: region.next,
  };
}

/** What handlers change; null where they, or who keeps them waiting, look at the frame. */
function clobbersOf({ action, sites }: Target): number | null {
  if (action !== "run") return null;
  return sites
    .map((site) => site.clobbers)
    .reduce((all, one) => (all === null || one === null ? null : all | one), 0);
}

/** Addresses in the process that the second phase needs. */
export interface Placement {
  /** Start of the trampoline area of each module of the draft, in the same order. */
  readonly areas: readonly number[];
  /** Address of wt_enter. */
  readonly enter: number;
  /** Address of the compiled entry thunk of a probe's handler, or of DEFERRED and the like. */
  readonly entryOf: (probe: number) => number;
  /** Say what the code of trampolines stands for. */
  readonly describesCode: boolean;
}

/** Bytes to write over others; the originals undo it. */
export interface PatchWrite {
  /** Address in the process. */
  readonly address: number;
  readonly original: Uint8Array;
  readonly patch: Uint8Array;
}

/** One patched region. All addresses are those of the process. */
export interface PatchRegion {
  readonly path: string;
  readonly start: number;
  /** Behind the last byte that is written or whose instruction is displaced. */
  readonly end: number;
  readonly technique: Region["technique"];
  /** Jumps lead into it that only lead elsewhere where the other regions of the module are patched. */
  readonly isEntered: boolean;
  /** In this order; undone in the opposite one. The last begins at `start`. */
  readonly writes: readonly PatchWrite[];
  /** Where the jump leads, or where the tracer is to send a thread that hit the int3. */
  readonly trampoline: number;
  readonly trampolineEnd: number;
  /**
   * For threads that must not be inside the region while it changes: a thread at `from`, the
   * address of an instruction behind the first one, goes on at `to`. It has not executed that
   * instruction, so `to` lies before a probe call for it. A thread at `start` may stay: it meets
   * either the original or the jump.
   */
  readonly moves: readonly { readonly from: number; readonly to: number }[];
  /**
   * For threads that are to leave the trampoline: at `from`, and nowhere else, registers and stack
   * are those of the original at `to`, and its probe call has been made.
   */
  readonly leaves: readonly { readonly from: number; readonly to: number }[];
  /** Where a thread of the program is that stands at `from` between instructions: at `to`. */
  readonly origins: readonly { readonly from: number; readonly to: number }[];
  readonly probes: readonly number[];
}

/** Bytes of the trampolines of one module. */
export interface TrampolineArea {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** What the code there stands for, by ascending address; nothing unless it was asked for. */
  readonly moved: readonly MovedCode[];
}

/** What is to be done to a process: write the areas, then the regions. */
export interface PatchPlan {
  readonly areas: readonly TrampolineArea[];
  readonly regions: readonly PatchRegion[];
  readonly refused: readonly RefusedSite[];
  /** Addresses of the lists of goroutines of Go programs. */
  readonly goroutines: readonly number[];
}

/** Phase 2: bytes at their addresses. */
export function layPatches(draft: PatchDraft, placement: Placement): PatchPlan {
  const areas: TrampolineArea[] = [];
  const regions: PatchRegion[] = [];
  draft.modules.forEach((module, i) => {
    if (module.areaBytes === 0) return;
    const address = placement.areas[i] ?? bug(`no area for '${module.code.path}'`);
    assert(
      address >= module.lowest && address <= module.highest,
      `the area of '${module.code.path}' is out of reach`,
    );
    const moved: MovedCode[] = [];
    const area = { address, bytes: new Uint8Array(module.areaBytes).fill(INT3), moved };
    fillHeader(area.bytes, placement, module);
    areas.push(area);
    const offsets = new Map(module.regions.map((r) => [r.region.start, r.offset]));
    const trampolineOf = (region: Region): number =>
      address + (offsets.get(region.start) ?? bug("a region without a trampoline"));
    const parts = { area, placement, redirects: redirectsOf(module, area, placement) };
    for (const planned of module.regions) {
      const writes = writesOf(planned.region, module.code.loadBias, trampolineOf);
      regions.push(layRegion(module.code, planned, { ...parts, writes }));
    }
  });
  const goroutines = draft.modules.flatMap(({ code }) =>
    code.goroutines === undefined ? [] : [code.goroutines + code.loadBias],
  );
  return { areas, regions, refused: draft.refused, goroutines };
}

function fillHeader(
  area: Uint8Array,
  { enter }: Placement,
  { semaphores, entered, code }: PlannedModule,
): void {
  const header = new DataView(area.buffer);
  header.setBigUint64(AREA.enter, BigInt(enter), true);
  header.setBigUint64(AREA.raised, 0n, true);
  header.setBigUint64(AREA.semaphoreCount, BigInt(semaphores.length), true);
  header.setBigUint64(AREA.enteredCount, BigInt(entered.length), true);
  const words = [...semaphores, ...entered.map((address) => address + code.loadBias)];
  for (const [i, address] of words.entries()) {
    header.setBigUint64(AREA.bytes + i * 8, BigInt(address), true);
  }
}

interface LaidParts {
  readonly area: TrampolineArea & { readonly moved: MovedCode[] };
  readonly placement: Placement;
  readonly redirects: Redirects;
  readonly writes: readonly PatchWrite[];
}

/** Copies that moved jumps into regions lead to: those of the entries of all regions. */
function redirectsOf(
  { code, regions }: PlannedModule,
  area: TrampolineArea,
  { entryOf }: Placement,
): Redirects {
  const found = new Map<number, number>();
  const { loadBias } = code;
  for (const { region, shape, offset } of regions) {
    if (region.entries.length === 0) continue;
    const address = area.address + offset;
    const enterWord = area.address + AREA.enter;
    const { map } = emitTrampoline(shape, { address, loadBias, enterWord, entryOf });
    for (const { original, before } of map) {
      if (region.entries.includes(original - loadBias)) found.set(original - loadBias, before);
    }
  }
  return found;
}

function layRegion(
  code: ModuleCode,
  { region, shape, offset, bytes }: PlannedRegion,
  { area, placement, redirects, writes }: LaidParts,
): PatchRegion {
  const { loadBias } = code;
  const address = area.address + offset;
  const enterWord = area.address + AREA.enter;
  const place = { address, loadBias, enterWord, redirects, entryOf: placement.entryOf };
  const trampoline = emitTrampoline(shape, place);
  assert(trampoline.bytes.length === bytes, "the size of a trampoline depends on its address");
  area.bytes.set(trampoline.bytes, offset);
  if (placement.describesCode) area.moved.push(...movedCode(shape, trampoline, place));
  return {
    path: code.path,
    start: region.start + loadBias,
    end: region.end + loadBias,
    technique: region.technique,
    isEntered: region.entries.length > 0,
    writes,
    trampoline: address,
    trampolineEnd: address + bytes,
    moves: trampoline.map.slice(1).map(({ original, before }) => ({ from: original, to: before })),
    leaves: trampoline.map.map(({ original, copy }) => ({ from: copy, to: original })),
    origins: [
      ...trampoline.map.flatMap(({ original, before, copy }) => [
        { from: before, to: original },
        { from: copy, to: original },
      ]),
      ...(trampoline.back === null ? [] : [{ from: trampoline.back, to: shape.next + loadBias }]),
    ],
    probes: shape.calls.flatMap((call) => call.probes),
  };
}

function writesOf(
  region: Region,
  loadBias: number,
  trampolineOf: (region: Region) => number,
): PatchWrite[] {
  const { code, start, technique, island } = region;
  const write = (at: FunctionCode, elfAddress: number, patch: Uint8Array): PatchWrite => {
    const offset = elfAddress - at.start;
    const original = Uint8Array.from(at.bytes.subarray(offset, offset + patch.length));
    return { address: elfAddress + loadBias, original, patch };
  };
  const jump = (at: FunctionCode, from: number, to: Region): PatchWrite =>
    write(at, from, jumpTo(from + loadBias, trampolineOf(to)));
  if (technique === "breakpoint") return [write(code, start, Uint8Array.of(INT3))];
  if (island === null) return [jump(code, start, region)];
  const { host } = island;
  const hop = (island.address - (start + SHORT_JUMP_BYTES)) & 255;
  return [
    // The host's own region writes its jump too; here it keeps the three together.
    ...(host ? [jump(host.code, host.start, host)] : []),
    jump(island.code, island.address, region),
    write(code, start, Uint8Array.of(0xeb, hop)),
  ];
}

const INT3 = 0xcc;

/** jmp rel32 at `from` */
function jumpTo(from: number, target: number): Uint8Array {
  const jump = new Assembler(from);
  jump.jump(target);
  return jump.finish();
}
