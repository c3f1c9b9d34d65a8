/**
 * Where goroutines are stopped that no thread runs: Go's scheduler preempts them by a signal
 * between any two instructions and parks them with the address on their own stacks. The list is
 * runtime.allgs; a `g` begins with the bounds of its stack (Go's runtime/runtime2.go).
 */
import { viewOf } from "../../base/elf/image.js";
import type { ProcessMemory } from "./process.js";

/** Offsets in `g`: stack.lo, stack.hi, sched.sp, which is 0 while a thread runs it. */
const G = { low: 0, high: 8, sp: 56, bytes: 64 } as const;
/** More is no list of goroutines, or no stack of one. */
const MOST_GOROUTINES = 10_000_000;
const MOST_STACK_BYTES = 1 << 30;
const POINTER_BYTES = 8;

/**
 * Words on the stacks of the goroutines in the list at `list` that are addresses from `start` up to
 * `end`. Some may be left there from earlier.
 */
export function codeOnStacks(
  memory: ProcessMemory,
  list: number,
  { start, end }: { readonly start: number; readonly end: number },
): ReadonlySet<number> {
  const found = new Set<number>();
  for (const g of readWords(memory, ...sliceAt(memory, list))) {
    const [low, high] = stackOf(memory, g);
    for (const word of readWords(memory, low, high - low)) {
      if (word >= start && word < end) found.add(word);
    }
  }
  return found;
}

/** Address and size in bytes of what the slice at `address` holds. */
function sliceAt(memory: ProcessMemory, address: number): [number, number] {
  const [data = 0, count = 0] = readWords(memory, address, 2 * POINTER_BYTES);
  return [data, count > MOST_GOROUTINES ? 0 : count * POINTER_BYTES];
}

/** The part of the stack of the goroutine at `g` that is in use; [0, 0] if it has none. */
function stackOf(memory: ProcessMemory, g: number): [number, number] {
  const view = viewOf(memory.read(g, G.bytes));
  const at = (offset: number): number => Number(view.getBigUint64(offset, true));
  const low = at(G.low);
  const high = at(G.high);
  const sp = at(G.sp);
  if (low === 0 || high <= low || high - low > MOST_STACK_BYTES) return [0, 0];
  return [sp >= low && sp <= high ? sp : low, high];
}

function readWords(memory: ProcessMemory, address: number, size: number): number[] {
  if (size === 0) return [];
  const view = viewOf(memory.read(address, size));
  const count = Math.floor(view.byteLength / POINTER_BYTES);
  return Array.from({ length: count }, (_, i) =>
    Number(view.getBigUint64(POINTER_BYTES * i, true)),
  );
}
