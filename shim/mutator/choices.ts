/**
 * Assigns each instruction to be probed to a region of bytes: regions that overlap become one,
 * and an instruction that another region displaces anyway joins it.
 */
import { type FunctionCode, type FunctionIndex, functionAt, isJump, rangeAt } from "./functions.js";
import { goStackRule, type StackRule } from "./go-code.js";
import type { PlanModule, PlanOptions, RefusedSite } from "./plan.js";
import {
  candidates,
  JUMP_BYTES,
  type Region,
  type RegionRules,
  regionFrom,
  runsAround,
  shortRegion,
  TOO_CLOSE,
} from "./regions.js";
import { collectTargets, isExit, isSettled, keyOf, refusal, type Target } from "./targets.js";

/** A region with the targets that it holds; a host of an island may hold none. */
export interface Choice {
  readonly region: Region;
  readonly targets: Target[];
}

/** Regions of a module, and sites that none fits. */
export interface ChosenRegions {
  readonly choices: readonly Choice[];
  readonly refused: readonly RefusedSite[];
  /** Where nothing can be settled. */
  readonly unsettled: ReadonlySet<number>;
}

interface Planner {
  readonly index: FunctionIndex;
  readonly rules: RegionRules;
  /** Bytes near sites of regions that are patched already. */
  readonly taken: ReadonlySet<number>;
  /** Nothing of the module is patched yet. */
  readonly isFirst: boolean;
  /** Bytes of islands and of filler in use: no other region may hold them. */
  readonly filler: Set<number>;
  /** Which region has a byte. */
  readonly owners: Map<number, Choice>;
  readonly refused: RefusedSite[];
  /** Of a Go program. */
  readonly stackRule: StackRule | null;
  /** Where nothing can be settled. */
  readonly unsettled: Set<number>;
}

/** Functions whose code is returned into or looked at, so that it must stay as it is. */
const UNTOUCHABLE: ReadonlyMap<string, string> = new Map([
  ["__restore_rt", "unwinders recognise its bytes"],
  ["__restore", "unwinders recognise its bytes"],
  ["runtime.goexit", "goroutines return into its middle"],
  ["runtime.sigreturn__sigaction", "unwinders recognise its bytes"],
  ["__syscall_cancel_arch", "thread cancellation compares addresses in it"],
]);

/**
 * Regions for the sites of a module, hosts of islands first, and what fits nowhere. Those of
 * `before`, chosen for other sites of it, stay where they are if something in them is still wanted.
 */
export function chooseRegions(
  index: FunctionIndex,
  { sites, taken: patched }: PlanModule,
  options: PlanOptions,
  before: ChosenRegions | null = null,
): ChosenRegions {
  const taken = patched ?? new Set();
  const refused: RefusedSite[] = [];
  const stackRule = goStackRule(index.module);
  const wanted = collectTargets(index, sites, { refused, waits: stackRule === null });
  const filler = new Set<number>();
  const owners = new Map<number, Choice>();
  const planner: Planner = {
    index,
    rules: {
      ...options,
      isTarget: ({ targets }, address) => targets.has(address),
      around: (address) => functionsAround(index, address),
      isFillerUsed: (start, end) => hasAny(filler, start, end) || hasAny(taken, start, end),
      isTaken: (start, end) =>
        hasAny(owners, start, end) || hasAny(filler, start, end) || hasAny(taken, start, end),
    },
    taken,
    isFirst: patched === undefined,
    filler,
    owners,
    refused,
    stackRule,
    unsettled: new Set(),
  };
  const targets = before === null ? wanted : keep(planner, before.choices, wanted);
  // What is only settled gives way to what was asked for.
  for (const target of targets) if (!isSettled(target)) planTarget(planner, target);
  for (const target of targets) if (isSettled(target)) planTarget(planner, target);
  return { choices: inOrder(owners), refused, unsettled: planner.unsettled };
}

/** Takes the regions of `choices` that are still of use; gives the targets that they do not hold. */
function keep(
  planner: Planner,
  choices: readonly Choice[],
  wanted: readonly Target[],
): readonly Target[] {
  const left = new Map(wanted.map((target) => [keyOf(target), target]));
  const hosts = new Set(choices.map(({ region }) => region.island?.host?.start));
  const entered = new Set(
    choices.filter(({ region }) => region.entries.length > 0).map(({ region }) => region.code),
  );
  for (const { region, targets: before } of choices) {
    const targets = before.flatMap((target) => left.get(keyOf(target)) ?? []);
    if (targets.length > 0 || hosts.has(region.start) || entered.has(region.code)) {
      take(planner, { region, targets });
      for (const target of targets) left.delete(keyOf(target));
    }
  }
  return [...left.values()];
}

/** The choices; handlers do not wait for what will not be seen: the caller settles it. */
export function settledChoices({ choices, unsettled }: ChosenRegions): readonly Choice[] {
  if (unsettled.size === 0) return choices;
  return choices.map(({ region, targets }) => ({
    region,
    targets: targets.map((target) =>
      target.ends.some((end) => unsettled.has(end))
        ? { ...target, action: "defer to caller", ends: [] }
        : target,
    ),
  }));
}

/** Whether handlers may wait for results: not where goroutines move from thread to thread. */
export function canWait({ module }: FunctionIndex): boolean {
  return goStackRule(module) === null;
}

/**
 * Regions ascending, but hosts before all others: an island may only be written behind a jump. Those
 * that are entered in their middle come last: the jumps into them must have been moved.
 */
function inOrder(owners: ReadonlyMap<number, Choice>): Choice[] {
  const choices = [...new Set(owners.values())];
  const hosts = new Set(choices.map((choice) => choice.region.island?.host?.start));
  const turn = ({ region }: Choice): number => {
    if (region.entries.length > 0) return 2;
    return hosts.has(region.start) ? 0 : 1;
  };
  return choices.sort((a, b) => turn(a) - turn(b) || a.region.start - b.region.start);
}

interface Bytes {
  has(address: number): boolean;
}

function hasAny(bytes: Bytes, start: number, end: number): boolean {
  for (let address = start; address < end; address++) if (bytes.has(address)) return true;
  return false;
}

function planTarget(planner: Planner, target: Target): void {
  const { index } = planner;
  const refuse = (reason: string, nearest: number | null = null): void => {
    if (target.action === "settle") planner.unsettled.add(target.address);
    else {
      for (const site of target.sites) {
        planner.refused.push(refusal(index, site, reason, target.address, nearest));
      }
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
    if (chooseWithNext(planner, code, at, target)) return;
    const region = regionFrom(code, at, at, JUMP_BYTES, planner.rules);
    const hint = planner.rules.allowBreakpoints ? "" : "; --allow-breakpoints puts an int3 there";
    const reason = `${typeof region === "string" ? region : TOO_CLOSE}${hint}`;
    // No other instruction is an exit.
    refuse(reason, isExit(target) ? null : nearestSite(planner, code, at));
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
  const { taken, isFirst } = planner;
  for (const region of regions) {
    if (hasAny(taken, region.start, region.end)) continue;
    if (region.technique === "breakpoint" && isSettled(target)) continue;
    // Copies of jumps in trampolines that are there already, however far, cannot be moved.
    if (!isFirst && region.entries.length > 0) continue;
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

/** Moves the short jump of the next instruction before that of `target`, so that it is for both. */
function chooseWithNext(planner: Planner, code: FunctionCode, at: number, target: Target): boolean {
  const next = code.insns.item(at + 1);
  const other = next && planner.owners.get(next.address);
  if (other?.region.technique !== "island" || other.region.first !== at + 1) return false;
  drop(planner, other);
  const region = shortRegion(code, at, other.region.last - 1, planner.rules);
  const isFree = region !== null && overlapping(planner, region).length === 0;
  take(planner, isFree ? { region, targets: [...other.targets, target] } : other);
  return isFree;
}

/**
 * Regions to be added so that all jumps into `region` are moved: none for those that are moved
 * anyway. Null if one cannot be. What is entered in its middle is patched after all that is not, and
 * restored before; a jump in another such region must lie before this one (`inOrder`).
 */
function sourcesOf(planner: Planner, region: Region): readonly Region[] | null {
  const added: Region[] = [];
  const { code, entries, start, next } = region;
  if (entries.length === 0) return added;
  for (const insn of code.insns.direct()) {
    const isOutside = insn.address < start || insn.address >= next;
    if (!isOutside || !isJump(insn) || !entries.includes(insn.target)) continue;
    const owner = planner.owners.get(insn.address)?.region;
    const found = [owner, ...added].find((each) => each && displaces(each, insn.address));
    if (found === undefined && owner === undefined) {
      const at = code.insns.indexOf(insn.address);
      const source = runsAround(code, at, planner.rules).find((run) =>
        isApart(planner, run, [region, ...added]),
      );
      if (source === undefined) return null;
      added.push(source);
    } else if (found === undefined || !mayLeadInto(region, found)) return null;
  }
  return added;
}

function mayLeadInto({ start }: Region, { technique, entries, end }: Region): boolean {
  return technique !== "breakpoint" && (entries.length === 0 || end <= start);
}

function displaces({ start, next }: Region, address: number): boolean {
  return address >= start && address < next;
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
  const isFree = (each: Region): boolean =>
    overlapping(planner, each).length === 0 && !hasAny(planner.taken, each.start, each.end);
  return typeof joined !== "string" && isFree(joined) ? joined : null;
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
