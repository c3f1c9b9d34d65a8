/**
 * Which status flags are live at a probe, so that trampolines restore them only where someone
 * reads them: popfq costs 7 ns, lahf-like restoring 1.5 ns, nothing is free. In doubt they live.
 */
import { flagsUsed, type Insn, STATUS_FLAGS } from "./decode.js";
import { bytesOf, type FunctionCode, insnAt } from "./functions.js";

/** What a trampoline must do about rflags after the handlers. */
export type FlagsKind =
  /** Nothing: every status flag is written before it is read. */
  | "dead"
  /** Restore the six status flags. */
  | "status"
  /** Restore all of rflags: the direction flag may be set, which handlers must not see. */
  | "all";

/** Instructions looked at before giving up. */
const HORIZON = 24;

/** Decides for a probe before the instruction `start`. */
export function liveFlags(code: FunctionCode, start: Insn): FlagsKind {
  if (code.usesDirection || !code.isKnown) return "all";
  // SysV AMD64 ABI §3.2.3: status flags carry no arguments.
  if (start.address === code.start) return "dead";
  return areDead(code, start) ? "dead" : "status";
}

function areDead(code: FunctionCode, start: Insn): boolean {
  let unwritten = STATUS_FLAGS;
  let insn: Insn | undefined = start;
  for (let step = 0; step < HORIZON && insn !== undefined; step++) {
    if (insn.flow === "call" || insn.flow === "indirect-call") return true;
    if (insn.flow === "jump") {
      insn = insnAt(code, insn.target);
      continue;
    }
    if (insn.flow !== "next") return false;
    const { read, written } = flagsUsed(bytesOf(code, insn));
    if ((read & unwritten) !== 0) return false;
    unwritten &= ~written;
    if (unwritten === 0) return true;
    insn = insnAt(code, insn.address + insn.length);
  }
  return false;
}
