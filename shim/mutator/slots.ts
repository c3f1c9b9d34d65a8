/**
 * Frees the thread slots of threads and processes that have ended (CONTROL.slotTids).
 *
 * A slot belongs to a process that marks it in its private area (PRIVATE.slotOwners). A slot that no
 * process marks may be one that is being claimed this moment, so it is freed only when it was found
 * so twice, with the same thread id, in sweeps far enough apart.
 */
import { viewOf } from "../../base/elf/image.js";
import { PRIVATE } from "../../wasm-runtime/layout/private.js";
import { CONTROL, SLOT_RETIRED } from "../../wasm-runtime/layout/shared.js";
import type { Injection } from "./inject.js";
import { innerTid, readMemory, threadIds } from "./process.js";
import type { Tracer } from "./ptrace.js";

/** A process that may own slots. */
export interface SlotOwner {
  readonly pid: number;
  readonly injection: Injection;
}

/** Remembers what earlier sweeps saw. */
export interface SlotSweeper {
  sweep(owners: readonly SlotOwner[]): Promise<void>;
}

/** Sweeps `slotCount` slots of the control area in `control`. */
export function createSweeper(
  tracer: Tracer,
  control: ArrayBuffer,
  slotCount: number,
): SlotSweeper {
  const tids = new Uint32Array(control, CONTROL.slotTids, slotCount);
  let ownerless = new Map<number, number>();
  const sweep = async (owners: readonly SlotOwner[]): Promise<void> => {
    const owned = new Set<number>();
    for (const owner of owners) await freeEnded(owner, owned);
    const seen = new Map<number, number>();
    for (let slot = 0; slot < slotCount; slot++) {
      const tid = Atomics.load(tids, slot);
      if (tid === 0 || owned.has(slot)) continue;
      if (ownerless.get(slot) === tid) Atomics.compareExchange(tids, slot, tid, 0);
      else seen.set(slot, tid);
    }
    ownerless = seen;
  };
  const freeEnded = async (owner: SlotOwner, owned: Set<number>): Promise<void> => {
    const { pid, injection } = owner;
    const marks = injection.private.address + slotCount * PRIVATE.stackBytes + PRIVATE.slotOwners;
    // Marks before threads: a thread that claims in between is not taken for an ended one.
    const held = viewOf(readMemory(pid, marks, 4 * slotCount));
    const before = Array.from(tids);
    const live = new Set(threadIds(pid).map((tid) => innerTid(pid, tid)));
    for (let slot = 0; slot < slotCount; slot++) {
      if (held.getUint32(4 * slot, true) === 0) continue;
      owned.add(slot);
      const tid = before[slot] ?? 0;
      if (tid === 0 || live.has(tid & ~SLOT_RETIRED)) continue;
      await tracer.write(pid, [{ address: marks + 4 * slot, bytes: new Uint8Array(4) }]);
      Atomics.compareExchange(tids, slot, tid, 0);
    }
  };
  return { sweep };
}
