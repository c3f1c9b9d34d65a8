/**
 * Where a function that ends by a jump to another one returns in the end: its result is known only
 * there.
 *
 *     f:  … jmp g        deferred: the handlers of f's return wait (shim/inject/tails.c)
 *     g:  … je h         a tail jump again
 *         … ret          settled: those that wait for a return to the same frame run
 *     h:  … ret          settled
 *
 * Returns of g are probed for that whoever calls it. The stack pointer at a tail jump is the same
 * as at the return, for the callee's frame takes the place of the function's own. Where a jump leads
 * through a pointer or into another module, the handlers wait for the caller to go on
 * (return-sites.ts).
 */
import { remember } from "../../base/remember.js";
import { type Exit, findExits } from "./exits.js";
import { type FunctionIndex, rangeAt } from "./functions.js";
import type { PlanSite } from "./plan.js";

/** Stand for the index of a probe where handlers of returns are kept waiting, and where they run. */
export const DEFERRED = 0xffff_fffe;
export const SETTLED = 0xffff_fffd;
export const SETTLED_IN_CALLER = 0xffff_fffc;

/** The site at ELF address `address`, where a call goes on. */
export function returnSite(address: number): PlanSite {
  const nothing = { floats: false, clobbers: null, semaphore: 0, symbol: "" };
  return { ...nothing, probe: SETTLED_IN_CALLER, address, place: "return" };
}

/** Most functions that one tail jump is followed through. */
const MOST_FUNCTIONS = 64;

/** Exits of functions, each found once. */
export type ExitsOf = (address: number) => readonly Exit[];

const known = new WeakMap<FunctionIndex, ExitsOf>();

/** Finds exits in `index` and remembers them as long as that. */
export function rememberExits(index: FunctionIndex): ExitsOf {
  const exitsOf = known.get(index) ?? remember((address: number) => findExits(index, address));
  known.set(index, exitsOf);
  return exitsOf;
}

/** Where a tail jump leads. */
export interface Tail {
  /** Tail jumps that lead on: ELF addresses. */
  readonly through: readonly number[];
  /** Returns. */
  readonly ends: readonly number[];
}

/** Where a jump to `target` leads; null if nothing returns there, if it may leave what is known, or is too much. */
export function followTail(index: FunctionIndex, target: number, exitsOf: ExitsOf): Tail | null {
  const first = functionStart(index, target);
  if (first === null) return null;
  const ends: number[] = [];
  const through: number[] = [];
  const functions = new Set([first]);
  for (const address of functions) {
    if (functions.size > MOST_FUNCTIONS) return null;
    for (const exit of exitsOf(address)) {
      if (exit.to === "caller") ends.push(exit.address);
      else {
        const next = exit.to === null ? null : functionStart(index, exit.to);
        if (next === null) return null;
        through.push(exit.address);
        functions.add(next);
      }
    }
  }
  return ends.length === 0 ? null : { through, ends };
}

/** `address` if a function is known to start there. Stubs of the linker are entered in a range's middle. */
function functionStart({ module }: FunctionIndex, address: number): number | null {
  const range = rangeAt(module, address);
  return range?.isBounded && range.address === address ? address : null;
}
