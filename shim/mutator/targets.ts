/**
 * Which instructions probes stand for: places themselves, exits of functions with what their tail
 * jumps lead to, and what follows calls.
 */
import { unreachable } from "../../base/assert.js";
import { SITE_FLAG } from "../../wasm-runtime/layout/private.js";
import { findUses, type Uses } from "./calls.js";
import type { Exit } from "./exits.js";
import { type FunctionIndex, rangeAt } from "./functions.js";
import type { PlanSite, RefusedSite } from "./plan.js";
import { type ExitsOf, followTail, rememberExits, returnSite, type Tail } from "./tails.js";

const AT_EXIT: number = SITE_FLAG.returnAtSp | SITE_FLAG.exit;

/**
 * What happens at an instruction: handlers run; or those of a return probe wait, as the function
 * ends by a tail jump, until it is settled where the callee returns or in the caller (tails.ts).
 */
export type Action = "run" | "defer" | "defer to caller" | "settle" | "settle in caller";

/** What is done at one instruction, and when. */
export interface TargetPlace {
  /** Address of the instruction in the ELF file. */
  readonly address: number;
  readonly action: Action;
  /** The tail jumps that lead here, ascending: what was deferred elsewhere was left by an exception. */
  readonly origins: readonly number[];
  /** It is a conditional tail jump: only when it is taken. */
  readonly onlyTaken: boolean;
  /** Only when a call that ends before it has returned to it. */
  readonly onlyReturned: boolean;
  /** Bits of SITE_FLAG. */
  readonly siteFlags: number;
}

/** An instruction to be probed, with the probes in the order they run. */
export interface Target extends TargetPlace {
  /** Where what is deferred here is settled; none of actions but "defer". */
  readonly ends: readonly number[];
  readonly sites: PlanSite[];
}

/** Instructions to probe, ascending; plain sites of an address come before its exit. */
export function collectTargets(
  index: FunctionIndex,
  sites: readonly PlanSite[],
  { refused, waits }: { readonly refused: RefusedSite[]; readonly waits: boolean },
): Target[] {
  const targets = new Map<string, Target>();
  const add = (place: FoundPlace, site: PlanSite): void => {
    const key = `${place.address} ${place.kind} ${place.action ?? "run"}`;
    const known = targets.get(key);
    if (known === undefined) targets.set(key, newTarget(index, place, site));
    else if (!known.sites.includes(site)) known.sites.push(site);
  };
  const called = sites.filter(({ place }) => place === "calls").map(({ address }) => address);
  const uses = findUses(index, new Set(called));
  const exitsOf = rememberExits(index);
  const follow = (address: number): Tail | null => followTail(index, address, exitsOf);
  const origins = new Map<number, Set<number>>();
  const left = new Set<number>();
  for (const site of sites) {
    const places = placesOf(site, { uses, exitsOf, follow, origins, waits });
    if (typeof places === "string") {
      refused.push(refusal(index, site, places));
      continue;
    }
    for (const place of places) {
      add(place, site);
      if (place.action === "defer to caller") left.add(functionOf(index, site, place));
    }
  }
  for (const { returns } of findUses(index, left).values()) {
    for (const address of returns) add(placeInCaller(address), returnSite(address));
  }
  return [...targets.values()]
    .map((target) => withOrigins(target, origins))
    .sort((a, b) => a.address - b.address || rank(a) - rank(b));
}

type TargetKind = "instruction" | "exit" | "taken" | "returned";

/** An instruction that a site stands for. */
interface FoundPlace {
  readonly address: number;
  readonly kind: TargetKind;
  /** Left out where handlers run. */
  readonly action?: Action;
  readonly ends?: readonly number[];
  /** A tail jump whose result is not waited for. */
  readonly isUnknown?: boolean;
}

function newTarget(index: FunctionIndex, place: FoundPlace, site: PlanSite): Target {
  const { address, kind, action = "run", ends = [], isUnknown = false } = place;
  const isExit = kind === "exit" || kind === "taken";
  const unknown = isUnknown ? SITE_FLAG.unknownResult : 0;
  const entered = action === "defer to caller" && site.place === "returns" ? SITE_FLAG.atEntry : 0;
  const isEntry = (rangeAt(index.module, address)?.address ?? address) === address;
  const plainFlags = isEntry ? SITE_FLAG.returnAtSp : 0;
  return {
    address,
    action,
    ends,
    origins: [],
    siteFlags: isExit ? AT_EXIT | unknown | entered : plainFlags,
    onlyReturned: kind === "returned",
    onlyTaken: kind === "taken",
    sites: [site],
  };
}

function withOrigins(target: Target, origins: ReadonlyMap<number, ReadonlySet<number>>): Target {
  if (target.action === "run") return target;
  const leadHere = [...(origins.get(target.address) ?? [])];
  return { ...target, origins: leadHere.sort((a, b) => a - b) };
}

/** What is known of the code that sites are in. */
interface Flow {
  readonly uses: ReadonlyMap<number, Uses>;
  readonly exitsOf: ExitsOf;
  readonly follow: (address: number) => Tail | null;
  /** Takes the tail jumps that lead to each exit. */
  readonly origins: Map<number, Set<number>>;
  /** Handlers may wait for results. */
  readonly waits: boolean;
}

/** The instructions that `site` stands for; a text if there are none. */
function placesOf(site: PlanSite, flow: Flow): readonly FoundPlace[] | string {
  switch (site.place) {
    case "instruction":
      return [{ address: site.address, kind: "instruction" }];
    case "return":
      return [placeInCaller(site.address)];
    case "calls": {
      const found = flow.uses.get(site.address);
      if (found === undefined) return "nothing in this module calls it directly";
      const { returns, jumps } = found;
      return [
        ...returns.map((address): FoundPlace => ({ address, kind: "returned" })),
        ...jumps.flatMap((address) => placesOfExit({ address, to: null, onlyTaken: false }, flow)),
      ];
    }
    case "exits": {
      const found = flow.exitsOf(site.address);
      if (found.length === 0) return "the function never returns";
      return found.flatMap((exit) => placesOfExit(exit, flow));
    }
    case "returns":
      return placesOfReturns(site.address, flow);
    default:
      return unreachable(site.place);
  }
}

/** The exit itself; of a tail jump also where the functions that it leads to return. */
function placesOfExit(exit: Exit, { follow, origins, waits }: Flow): readonly FoundPlace[] {
  const { address, to, onlyTaken } = exit;
  const kind = onlyTaken ? "taken" : "exit";
  if (to === "caller") return [{ address, kind }];
  if (!waits) return [{ address, kind, isUnknown: true }];
  const tail = to === null ? null : follow(to);
  if (tail === null) return [{ address, kind, action: "defer to caller" }];
  const { through, ends } = tail;
  for (const reached of [...through, ...ends]) {
    origins.set(reached, (origins.get(reached) ?? new Set()).add(address));
  }
  return [
    { address, kind, action: "defer", ends },
    ...ends.map((end): FoundPlace => ({ address: end, kind: "exit", action: "settle" })),
  ];
}

/** The entry; and the returns, which settle what waits since then. */
function placesOfReturns(entry: number, { exitsOf, origins }: Flow): readonly FoundPlace[] {
  const returns = exitsOf(entry).filter(({ to }) => to === "caller");
  for (const { address } of returns) {
    origins.set(address, (origins.get(address) ?? new Set()).add(entry));
  }
  return [
    { address: entry, kind: "exit", action: "defer to caller" },
    ...returns.map(({ address }): FoundPlace => ({ address, kind: "exit", action: "settle" })),
  ];
}

function rank(target: Target): number {
  if (target.onlyReturned) return -1;
  if (isSettled(target)) return 3;
  if (target.onlyTaken) return 2;
  return isExit(target) ? 1 : 0;
}

/** The same for what is done at an instruction for whatever sites. */
export function keyOf(target: Target): string {
  const { address, action, onlyTaken, onlyReturned } = target;
  return `${address} ${action} ${isExit(target)} ${onlyTaken} ${onlyReturned}`;
}

function placeInCaller(address: number): FoundPlace {
  return { address, kind: "exit", action: "settle in caller" };
}

/** Start of the function that ends at `place`, which `site` stands for. */
function functionOf({ module }: FunctionIndex, site: PlanSite, { address }: FoundPlace): number {
  return site.place === "exits" ? site.address : (rangeAt(module, address)?.address ?? address);
}

/** Whether what was deferred runs at `target`. */
export function isSettled({ action }: Target): boolean {
  return action === "settle" || action === "settle in caller";
}

/** Whether a function is left at `target`. */
export function isExit({ siteFlags }: Target): boolean {
  return (siteFlags & SITE_FLAG.exit) !== 0;
}

/** That `site` is not patched, and why. */
export function refusal(
  { module }: FunctionIndex,
  site: PlanSite,
  reason: string,
  address: number = site.address,
  nearest: number | null = null,
): RefusedSite {
  return { path: module.path, site, address, reason, nearest };
}
