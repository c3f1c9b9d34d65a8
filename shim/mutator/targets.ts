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
import { type ExitsOf, followTail, rememberExits, type Tail } from "./tails.js";

const AT_EXIT: number = SITE_FLAG.returnAtSp | SITE_FLAG.exit;

/**
 * What happens at an instruction: handlers run; or those of a return probe wait, as the function
 * ends by a tail jump; or those that wait run (tails.ts).
 */
export type Action = "run" | "defer" | "settle";

/** An instruction to be probed, with the probes in the order they run. */
export interface Target {
  readonly address: number;
  readonly action: Action;
  /** Where what is deferred here is settled; none of other actions. */
  readonly ends: readonly number[];
  /** The tail jumps that lead here, ascending: what was deferred elsewhere was left by an exception. */
  readonly origins: readonly number[];
  readonly onlyTaken: boolean;
  /** Only when a call that ends before it has returned to it. */
  readonly onlyReturned: boolean;
  /** Bits of SITE_FLAG. */
  readonly siteFlags: number;
  readonly sites: PlanSite[];
}

/** Instructions to probe, ascending; plain sites of an address come before its exit. */
export function collectTargets(
  index: FunctionIndex,
  sites: readonly PlanSite[],
  { refused, followsTails }: { readonly refused: RefusedSite[]; readonly followsTails: boolean },
): Target[] {
  const targets = new Map<string, Target>();
  const add = (place: TargetPlace, site: PlanSite): void => {
    const key = `${place.address} ${place.kind} ${place.action ?? "run"}`;
    const known = targets.get(key);
    if (known === undefined) targets.set(key, newTarget(index, place, site));
    else if (!known.sites.includes(site)) known.sites.push(site);
  };
  const called = sites.filter(({ place }) => place === "calls").map(({ address }) => address);
  const uses = findUses(index, new Set(called));
  const exitsOf = rememberExits(index);
  const follow = (address: number): Tail | null =>
    followsTails ? followTail(index, address, exitsOf) : null;
  const origins = new Map<number, Set<number>>();
  for (const site of sites) {
    const places = placesOf(site, { uses, exitsOf, follow, origins });
    if (typeof places === "string") refused.push(refusal(index, site, places));
    else for (const place of places) add(place, site);
    if (site.place !== "calls") continue;
    for (const address of uses.get(site.address)?.jumps ?? []) {
      refused.push(
        refusal(index, site, "a jump to it ends a function and returns elsewhere", address),
      );
    }
  }
  return [...targets.values()]
    .map((target) => withOrigins(target, origins))
    .sort((a, b) => a.address - b.address || rank(a) - rank(b));
}

type TargetKind = "instruction" | "exit" | "taken" | "returned";

/** An instruction that a site stands for. */
interface TargetPlace {
  readonly address: number;
  readonly kind: TargetKind;
  /** Left out where handlers run. */
  readonly action?: Action;
  readonly ends?: readonly number[];
  /** A tail jump that is not followed: nobody knows the result. */
  readonly isUnknown?: boolean;
}

function newTarget(index: FunctionIndex, place: TargetPlace, site: PlanSite): Target {
  const { address, kind, action = "run", ends = [], isUnknown = false } = place;
  const isExit = kind === "exit" || kind === "taken";
  const isEntry = (rangeAt(index.module, address)?.address ?? address) === address;
  const plainFlags = isEntry ? SITE_FLAG.returnAtSp : 0;
  return {
    address,
    action,
    ends,
    origins: [],
    siteFlags: isExit ? AT_EXIT | (isUnknown ? SITE_FLAG.unknownResult : 0) : plainFlags,
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
}

/** The instructions that `site` stands for; a text if there are none. */
function placesOf(site: PlanSite, flow: Flow): readonly TargetPlace[] | string {
  switch (site.place) {
    case "instruction":
      return [{ address: site.address, kind: "instruction" }];
    case "calls": {
      const found = flow.uses.get(site.address);
      if (found === undefined) return "nothing in this module calls it directly";
      return found.returns.map((address) => ({ address, kind: "returned" }));
    }
    case "exits": {
      const found = flow.exitsOf(site.address);
      if (found.length === 0) return "the function never returns";
      return found.flatMap((exit) => placesOfExit(exit, flow));
    }
    default:
      return unreachable(site.place);
  }
}

/** The exit itself; of a tail jump also where the functions that it leads to are left. */
function placesOfExit(exit: Exit, { follow, origins }: Flow): readonly TargetPlace[] {
  const { address, to } = exit;
  const kind = kindOf(exit);
  if (to === "caller") return [{ address, kind }];
  const tail = to === null ? null : follow(to);
  if (tail === null) return [{ address, kind, isUnknown: true }];
  const { through, ends } = tail;
  for (const reached of [...through, ...ends.map((end) => end.address)]) {
    origins.set(reached, (origins.get(reached) ?? new Set()).add(address));
  }
  return [
    { address, kind, action: "defer", ends: ends.map((end) => end.address) },
    ...ends.map((end): TargetPlace => {
      const isUnknown = end.to !== "caller";
      return { address: end.address, kind: kindOf(end), action: "settle", isUnknown };
    }),
  ];
}

function kindOf({ onlyTaken }: Exit): TargetKind {
  return onlyTaken ? "taken" : "exit";
}

function rank(target: Target): number {
  if (target.onlyReturned) return -1;
  if (target.action === "settle") return 3;
  if (target.onlyTaken) return 2;
  return isExit(target) ? 1 : 0;
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
