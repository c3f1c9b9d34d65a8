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

/**
 * Exits of the functions that a jump to `target` leads through, which leave this module's known
 * code; null if none of them returns, or if there are too many.
 */
export function followTail(
  index: FunctionIndex,
  target: number,
  exitsOf: ExitsOf,
): readonly Exit[] | null {
  const first = functionStart(index, target);
  if (first === null) return null;
  const ends: Exit[] = [];
  const functions = new Set([first]);
  for (const address of functions) {
    if (functions.size > MOST_FUNCTIONS) return null;
    for (const exit of exitsOf(address)) {
      const next = typeof exit.to === "number" ? functionStart(index, exit.to) : null;
      if (next === null) ends.push(exit);
      else functions.add(next);
    }
  }
  return ends.some(({ to }) => to === "caller") ? ends : null;
}

/** `address` if a function is known to start there. Stubs of the linker are entered in a range's middle. */
function functionStart({ module }: FunctionIndex, address: number): number | null {
  const range = rangeAt(module, address);
  return range?.isBounded && range.address === address ? address : null;
}
