/**
 * Where the calls of an address go on in its own module, for probes at the return of PLT stubs.
 *
 * Takes a module's functions; looks at every `call rel32` of its code that leads there and is an
 * instruction of some function. A call at the end of its function never returns.
 */
import { type FunctionIndex, functionAt, insnAt } from "./functions.js";

const CALL = 0xe8;
const CALL_BYTES = 5;

/** For each of `targets` that is called: the addresses behind its calls, ascending. ELF addresses. */
export function findCallReturns(
  index: FunctionIndex,
  targets: ReadonlySet<number>,
): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  if (targets.size === 0) return found;
  for (const { address, bytes } of index.module.code) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = bytes.indexOf(CALL); at >= 0; at = bytes.indexOf(CALL, at + 1)) {
      const next = at + CALL_BYTES;
      if (next > bytes.length) break;
      const target = address + next + view.getInt32(at + 1, true);
      if (!targets.has(target) || !returnsHere(index, target, address + next)) continue;
      found.set(target, [...(found.get(target) ?? []), address + next]);
    }
  }
  return found;
}

/** True if the instruction before `address` is a call of `target` that the function goes on behind. */
function returnsHere(index: FunctionIndex, target: number, address: number): boolean {
  const code = functionAt(index, address - CALL_BYTES);
  if (code === null || address >= code.end) return false;
  // A prefix (bnd) may make the call longer.
  const call = insnAt(code, address - CALL_BYTES) ?? insnAt(code, address - CALL_BYTES - 1);
  return call?.flow === "call" && call.target === target && call.address + call.length === address;
}
