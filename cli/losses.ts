/** What a run lost: skipped probes, errors, handlers that the engine ended. Counted, never silent. */
import { TRAP_REASONS } from "../wasm-runtime/layout/host.js";
import { SESSION } from "../wasm-runtime/layout/memory.js";
import { CONTROL } from "../wasm-runtime/layout/shared.js";

/** Shared memory of a session: linear memory and the control area. */
export interface Memories {
  readonly memory: Uint8Array;
  readonly control: DataView;
}

/** Handlers that did not run, and those that the engine ended. */
export interface Losses {
  readonly skipped: number;
  readonly errors: number;
  /** Returns of functions that were not seen. */
  readonly missedReturns: number;
  readonly traps: readonly (readonly [string, number])[];
  readonly lastTrapProbe: number;
}

/** What `session` lost so far. */
export function countLosses({ control, memory }: Memories): Losses {
  const view = new DataView(memory.buffer, memory.byteOffset + SESSION.address, SESSION.bytes);
  const count = (offset: number): number => Number(control.getBigUint64(offset, true));
  return {
    skipped:
      count(CONTROL.skippedReentrant) +
      count(CONTROL.skippedNoSlot) +
      Number(view.getBigInt64(SESSION.skippedLocks, true)),
    missedReturns: count(CONTROL.missedReturns),
    errors: view.getInt32(SESSION.errors, true),
    traps: TRAP_REASONS.map(
      (name, reason) => [name, count(CONTROL.traps + 8 * reason)] as const,
    ).filter(([, hits]) => hits > 0),
    lastTrapProbe: control.getUint32(CONTROL.lastTrapProbe, true) - 1,
  };
}
