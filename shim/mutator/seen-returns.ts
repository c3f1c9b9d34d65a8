/**
 * Chooses the regions of a module so that returns are seen: callers tell of those of functions with
 * an exit that nothing fits, if their entry can be probed (tails.ts).
 */
import { type ChosenRegions, canWait, chooseRegions } from "./choices.js";
import type { FunctionIndex } from "./functions.js";
import type { PlanModule, PlanOptions, PlanSite, RefusedSite } from "./plan.js";

/** Regions, and the sites that they are for. */
export interface ChosenModule extends ChosenRegions {
  readonly module: PlanModule;
}

/** Regions for the sites of a module; callers tell of what was left unseen. */
export function chooseSeen(
  index: FunctionIndex,
  module: PlanModule,
  options: PlanOptions,
): ChosenModule {
  const first = { module, ...chooseRegions(index, module, options) };
  const choose = (sites: readonly PlanSite[]): ChosenModule => {
    const changed = withReturns(module, sites);
    return { module: changed, ...chooseRegions(index, changed, options, first) };
  };
  const stuck = first.refused.filter(isStuck).map(({ site }) => site);
  if (stuck.length === 0 || !canWait(index)) return first;
  const second = choose(stuck);
  const isRefused = ({ address }: PlanSite): boolean =>
    second.refused.some(({ site }) => site.place === "returns" && site.address === address);
  const rest = stuck.filter((site) => !isRefused(site));
  return rest.length === stuck.length ? second : choose(rest);
}

/** Whether it is an exit of a function, not its first instruction. */
function isStuck({ site, address }: RefusedSite): boolean {
  return site.place === "exits" && address !== site.address;
}

function withReturns(module: PlanModule, sites: readonly PlanSite[]): PlanModule {
  const stuck = new Set(sites);
  const place = "returns";
  const all = module.sites.map((site) => (stuck.has(site) ? ({ ...site, place } as const) : site));
  return { ...module, sites: all };
}
