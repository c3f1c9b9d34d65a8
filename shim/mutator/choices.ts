/**
 * Assigns each instruction to be probed to a region of bytes: regions that overlap become one,
 * and an instruction that another region displaces anyway joins it.
 */
import { unreachable } from "../../base/assert.js";
import { SITE_FLAG } from "../../wasm-runtime/layout/private.js";
import { findUses, type Uses } from "./calls.js";
import { findExits } from "./exits.js";
import {
  type FunctionCode,
  type FunctionIndex,
  functionAt,
  indexFunctions,
  isJump,
  type ModuleCode,
  rangeAt,
  withForeignTargets,
} from "./functions.js";
import { goStackRule, type StackRule } from "./go-code.js";
import type { PlanOptions, PlanSite, RefusedSite } from "./plan.js";
import {
  candidates,
  JUMP_BYTES,
  type Region,
  type RegionRules,
  regionFrom,
  runsAround,
  TOO_CLOSE,
} from "./regions.js";

const AT_EXIT: number = SITE_FLAG.returnAtSp | SITE_FLAG.exit;

/** An instruction to be probed, with the probes in the order they run. */
export interface Target {
  readonly address: number;
  readonly onlyTaken: boolean;
  /** Only when a call that ends before it has returned to it. */
  readonly onlyReturned: boolean;
  /** Bits of SITE_FLAG. */
  readonly siteFlags: number;
  readonly sites: PlanSite[];
}

/** A region with the targets that it holds; a host of an island may hold none. */
export interface Choice {
  readonly region: Region;
  readonly targets: Target[];
}

interface Planner {
  readonly index: FunctionIndex;
  readonly rules: RegionRules;
  /** Bytes of islands and of filler in use: no other region may hold them. */
  readonly filler: Set<number>;
  /** Which region has a byte. */
  readonly owners: Map<number, Choice>;
  readonly refused: RefusedSite[];
  /** Of a Go program. */
  readonly stackRule: StackRule | null;
}

/** Functions whose code is returned into or looked at, so that it must stay as it is. */
const UNTOUCHABLE: ReadonlyMap<string, string> = new Map([
  ["__restore_rt", "unwinders recognise its bytes"],
  ["__restore", "unwinders recognise its bytes"],
  ["runtime.goexit", "goroutines return into its middle"],
  ["runtime.sigreturn__sigaction", "unwinders recognise its bytes"],
  ["__syscall_cancel_arch", "thread cancellation compares addresses in it"],
]);

/** Regions for `sites`, hosts of islands first; what fits nowhere is added to `refused`. */
export function chooseRegions(
  code: ModuleCode,
  sites: readonly PlanSite[],
  options: PlanOptions,
  refused: RefusedSite[],
): Choice[] {
  const index = indexFunctions(code);
  const targets = collectTargets(index, sites, refused);
  const addresses = targets.map((target) => target.address);
  const filler = new Set<number>();
  const owners = new Map<number, Choice>();
  const near = withForeignTargets(index, addresses);
  const planner: Planner = {
    index: near,
    rules: {
      ...options,
      isTarget: ({ targets }, address) => targets.has(address),
      around: (address) => functionsAround(near, address),
      isFillerUsed: (start, end) => hasAny(filler, start, end),
      isTaken: (start, end) => hasAny(owners, start, end) || hasAny(filler, start, end),
    },
    filler,
    owners,
    refused,
    stackRule: goStackRule(code),
  };
  for (const target of targets) planTarget(planner, target);
  return inOrder(owners);
}

/** Regions ascending, but hosts before all others: an island may only be written behind a jump. */
function inOrder(owners: ReadonlyMap<number, Choice>): Choice[] {
  const choices = [...new Set(owners.values())];
  const hosts = new Set(choices.map((choice) => choice.region.island?.host?.start));
  const isHost = (choice: Choice): number => (hosts.has(choice.region.start) ? 0 : 1);
  return choices.sort((a, b) => isHost(a) - isHost(b) || a.region.start - b.region.start);
}

interface Bytes {
  has(address: number): boolean;
}

function hasAny(bytes: Bytes, start: number, end: number): boolean {
  for (let address = start; address < end; address++) if (bytes.has(address)) return true;
  return false;
}

/** Instructions to probe, ascending; plain sites of an address come before its exit. */
function collectTargets(
  index: FunctionIndex,
  sites: readonly PlanSite[],
  refused: RefusedSite[],
): Target[] {
  const targets = new Map<string, Target>();
  const add = (address: number, kind: TargetKind, site: PlanSite): void => {
    const key = `${address} ${kind}`;
    const known = targets.get(key);
    if (known) known.sites.push(site);
    else {
      const isExit = kind === "exit" || kind === "taken";
      const isEntry = (rangeAt(index.module, address)?.address ?? address) === address;
      const siteFlags = isExit ? AT_EXIT : isEntry ? SITE_FLAG.returnAtSp : 0;
      const onlyReturned = kind === "returned";
      const onlyTaken = kind === "taken";
      targets.set(key, { address, onlyTaken, onlyReturned, siteFlags, sites: [site] });
    }
  };
  const called = sites.filter(({ place }) => place === "calls").map(({ address }) => address);
  const uses = findUses(index, new Set(called));
  for (const site of sites) {
    const places = placesOf(index, site, uses);
    if (typeof places === "string") refused.push(refusal(index, site, places));
    else for (const { address, kind } of places) add(address, kind, site);
    if (site.place !== "calls") continue;
    for (const address of uses.get(site.address)?.jumps ?? []) {
      refused.push(
        refusal(index, site, "a jump to it ends a function and returns elsewhere", address),
      );
    }
  }
  return [...targets.values()].sort((a, b) => a.address - b.address || rank(a) - rank(b));
}

type TargetKind = "instruction" | "exit" | "taken" | "returned";

/** The instructions that `site` stands for; a text if there are none. */
function placesOf(
  index: FunctionIndex,
  site: PlanSite,
  uses: ReadonlyMap<number, Uses>,
): readonly { readonly address: number; readonly kind: TargetKind }[] | string {
  switch (site.place) {
    case "instruction":
      return [{ address: site.address, kind: "instruction" }];
    case "calls": {
      const found = uses.get(site.address);
      if (found === undefined) return "nothing in this module calls it directly";
      return found.returns.map((address) => ({ address, kind: "returned" }));
    }
    case "exits": {
      const found = findExits(index, site.address);
      if (found.length === 0) return "the function never returns";
      return found.map(({ address, onlyTaken }) => ({
        address,
        kind: onlyTaken ? "taken" : "exit",
      }));
    }
    default:
      return unreachable(site.place);
  }
}

function rank(target: Target): number {
  if (target.onlyReturned) return -1;
  if (target.onlyTaken) return 2;
  return target.sites.some((site) => site.place === "exits") ? 1 : 0;
}

function refusal(
  { module }: FunctionIndex,
  site: PlanSite,
  reason: string,
  address: number = site.address,
  nearest: number | null = null,
): RefusedSite {
  return { path: module.path, site, address, reason, nearest };
}

function planTarget(planner: Planner, target: Target): void {
  const { index } = planner;
  const refuse = (reason: string, nearest: number | null = null): void => {
    for (const site of target.sites) {
      planner.refused.push(refusal(index, site, reason, target.address, nearest));
    }
  };
  const code = functionAt(index, target.address);
  const at = code?.insns.indexOf(target.address) ?? -1;
  const untouchable = UNTOUCHABLE.get(code?.name ?? "");
  const floats = target.sites.some((site) => site.floats);
  const stack = (code && planner.stackRule?.(code, floats)) ?? null;
  if (!code || at < 0) refuse("no instruction starts there");
  else if (untouchable !== undefined) refuse(`'${code.name}' must not change: ${untouchable}`);
  else if (stack !== null) refuse(stack);
  else if (!join(planner, target)) {
    if (choose(planner, candidates(code, at, planner.rules), at, target)) return;
    const region = regionFrom(code, at, at, JUMP_BYTES, planner.rules);
    const hint = planner.rules.allowBreakpoints ? "" : "; --allow-breakpoints puts an int3 there";
    const reason = `${typeof region === "string" ? region : TOO_CLOSE}${hint}`;
    // No other instruction is an exit.
    const isExit = target.sites.some((site) => site.place === "exits");
    refuse(reason, isExit ? null : nearestSite(planner, code, at));
  }
}

/** Adds `target` to the region that displaces its instruction anyway, if there is one. */
function join({ owners }: Planner, target: Target): boolean {
  const choice = owners.get(target.address);
  if (!choice || target.address >= choice.region.next) return false;
  choice.targets.push(target);
  return true;
}

/** Takes the first region that is free, or can be joined with the one it overlaps. */
function choose(planner: Planner, regions: Iterable<Region>, at: number, target: Target): boolean {
  for (const region of regions) {
    const others = overlapping(planner, region);
    const [other] = others;
    if (!other) {
      const sources = sourcesOf(planner, region);
      if (sources === null) continue;
      for (const source of sources) take(planner, { region: source, targets: [] });
      take(planner, { region, targets: [target] });
      return true;
    }
    if (region.entries.length > 0 || others.length > 1 || other.region.code !== region.code)
      continue;
    drop(planner, other);
    const joined = joinedRegion(planner, region, other, at);
    take(planner, joined ? { region: joined, targets: [...other.targets, target] } : other);
    if (joined) return true;
  }
  return false;
}

/**
 * Regions to be added so that all jumps into `region` are moved: none for those that are moved
 * anyway. Null if one cannot be. They lie before it, so they are patched before it and restored
 * behind it, and hold long jumps, which are restored in the order of their addresses.
 */
function sourcesOf(planner: Planner, region: Region): readonly Region[] | null {
  const added: Region[] = [];
  const { code, entries, start } = region;
  if (entries.length === 0) return added;
  for (const insn of code.insns.direct(0, code.insns.firstFrom(start))) {
    if (!isJump(insn) || !entries.includes(insn.target)) continue;
    const owner = planner.owners.get(insn.address)?.region;
    const found = [owner, ...added].find((each) => each && displaces(each, insn.address));
    if (found === undefined && owner === undefined) {
      const at = code.insns.indexOf(insn.address);
      const source = runsAround(code, at, planner.rules).find(
        (run) => run.end <= start && isApart(planner, run, added),
      );
      if (source === undefined) return null;
      added.push(source);
    } else if (found === undefined || !isLong(found)) return null;
  }
  return added;
}

function displaces({ start, next }: Region, address: number): boolean {
  return address >= start && address < next;
}

function isLong({ technique }: Region): boolean {
  return technique !== "island" && technique !== "breakpoint";
}

function isApart(planner: Planner, run: Region, others: readonly Region[]): boolean {
  const meets = ({ start, end }: Region): boolean => run.start < end && run.end > start;
  return overlapping(planner, run).length === 0 && !others.some(meets);
}

function overlapping({ owners }: Planner, { start, end }: Region): Choice[] {
  const found = new Set<Choice>();
  for (let address = start; address < end; address++) {
    const owner = owners.get(address);
    if (owner) found.add(owner);
  }
  return [...found];
}

/** One region for what both displace, null if it would not be allowed or meet a third one. */
function joinedRegion(planner: Planner, region: Region, other: Choice, at: number): Region | null {
  const first = Math.min(other.region.first, region.first);
  const through = Math.max(other.region.last - 1, at);
  const joined = regionFrom(region.code, first, through, JUMP_BYTES, planner.rules);
  return typeof joined === "string" || overlapping(planner, joined).length > 0 ? null : joined;
}

/** The bytes of filler that a region uses. */
function fillerOf(region: Region): number[] {
  const used: number[] = [];
  for (let address = region.next; address < region.end; address++) used.push(address);
  const { island } = region;
  for (let i = 0; island !== null && i < JUMP_BYTES; i++) used.push(island.address + i);
  return used;
}

function take(planner: Planner, choice: Choice): void {
  const { region } = choice;
  const host = region.island?.host;
  if (host && !planner.owners.has(host.start)) take(planner, { region: host, targets: [] });
  for (const address of fillerOf(region)) planner.filler.add(address);
  for (let address = region.start; address < region.end; address++) {
    planner.owners.set(address, choice);
  }
}

/** Undoes `take`, but leaves a host: it may hold targets by now. */
function drop(planner: Planner, { region }: Choice): void {
  for (const address of fillerOf(region)) planner.filler.delete(address);
  for (let address = region.start; address < region.end; address++) {
    planner.owners.delete(address);
  }
}

/**
 * Functions with code in reach of a short jump at `address`, that which holds it first. Others only
 * where a symbol says what they are: stubs of the linker are entered in their middle.
 */
function functionsAround(index: FunctionIndex, address: number): readonly FunctionCode[] {
  const found = new Set<FunctionCode>();
  const own = functionAt(index, address);
  if (own) found.add(own);
  for (let at = address - SHORT_REACH; at <= address + SHORT_REACH; at++) {
    const range = rangeAt(index.module, at);
    if (range === null) continue;
    const code = range.name === "" || !range.isBounded ? null : functionAt(index, at);
    if (code && !UNTOUCHABLE.has(code.name)) found.add(code);
    at = range.address + range.size - 1;
  }
  return [...found];
}

/** A short jump reaches no further, nor does a host of its island begin there. */
const SHORT_REACH = 136;

/** Address of the next instruction of the function that a plain jump fits, null if none is near. */
function nearestSite(planner: Planner, code: FunctionCode, at: number): number | null {
  for (let distance = 1; distance <= NEAREST_INSNS; distance++) {
    for (const other of [at + distance, at - distance]) {
      const insn = code.insns.item(other);
      if (insn === undefined || insn.address >= code.end) continue;
      const region = regionFrom(code, other, other, JUMP_BYTES, planner.rules);
      if (typeof region !== "string" && region.technique === "plain") return insn.address;
    }
  }
  return null;
}

const NEAREST_INSNS = 32;
