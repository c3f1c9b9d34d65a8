/**
 * Where a function that ends by a jump to another one returns in the end: its result is known only
 * there.
 *
 *     f:  … jmp g        deferred: the handlers of f's return wait (shim/inject/tails.c)
 *     g:  … je h         a tail jump again
 *         … ret          settled: those that wait for a return to the same frame run
 *         … jmp *rax     settled, too, but with an unknown result
 *     h:  … ret          settled
 *
 * Returns of g are probed for that whoever calls it. The stack pointer at a tail jump is the same
 * as at the return, for the callee's frame takes the place of the function's own.
 */
import { type Exit, findExits } from "./exits.js";
import { type FunctionIndex, rangeAt } from "./functions.js";

/** Stand for the index of a probe where handlers of returns are kept waiting, and where they run. */
export const DEFERRED = 0xffff_fffe;
export const SETTLED = 0xffff_fffd;

/** Most functions that one tail jump is followed through. */
const MOST_FUNCTIONS = 64;

/** Exits of functions, each found once. */
export type ExitsOf = (address: number) => readonly Exit[];

/** Finds exits in `index` and remembers them. */
export function rememberExits(index: FunctionIndex): ExitsOf {
  const known = new Map<number, readonly Exit[]>();
  return (address) => {
    const exits = known.get(address) ?? findExits(index, address);
    known.set(address, exits);
    return exits;
  };
}

/** Where a tail jump leads. */
export interface Tail {
  /** Tail jumps that lead on: ELF addresses. */
  readonly through: readonly number[];
  /** Exits that return, or that leave the code which is known. */
  readonly ends: readonly Exit[];
}

/** Where a jump to `target` leads; null if nothing there returns, or if it is too much. */
export function followTail(index: FunctionIndex, target: number, exitsOf: ExitsOf): Tail | null {
  const first = functionStart(index, target);
  if (first === null) return null;
  const ends: Exit[] = [];
  const through: number[] = [];
  const functions = new Set([first]);
  for (const address of functions) {
    if (functions.size > MOST_FUNCTIONS) return null;
    for (const exit of exitsOf(address)) {
      const next = typeof exit.to === "number" ? functionStart(index, exit.to) : null;
      if (next === null) ends.push(exit);
      else {
        through.push(exit.address);
        functions.add(next);
      }
    }
  }
  return ends.some(({ to }) => to === "caller") ? { through, ends } : null;
}

/** `address` if a function is known to start there. Stubs of the linker are entered in a range's middle. */
function functionStart({ module }: FunctionIndex, address: number): number | null {
  const range = rangeAt(module, address);
  return range?.isBounded && range.address === address ? address : null;
}
