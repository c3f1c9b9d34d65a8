/** Why compiled code stops: the engine's names for TRAP_REASONS of the layout. */
import { assert } from "../../base/assert.js";
import { TRAP_REASONS } from "../layout/host.js";

/** A reason as the layout spells it. */
export type TrapReason = Exclude<(typeof TRAP_REASONS)[number], "none">;

/** Number of `reason` as stored in VM_CONTEXT.trapReason. */
export function trapCode(reason: TrapReason): number {
  const code = TRAP_REASONS.indexOf(reason);
  assert(code > 0, `no trap ${reason}`);
  return code;
}

/** Text of a trap code; "none" for 0. */
export function trapName(code: number): string {
  return TRAP_REASONS[code] ?? `trap ${code}`;
}
