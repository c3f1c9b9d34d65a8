/**
 * Call frame information (DWARF 5 §6.4): how the frame of the caller is found. The rules are the
 * same for a range of addresses, and read once for it.
 */
import { firstAbove } from "../../base/search.js";
import { callNative, type NativeFile } from "./native.js";
import { type Operation, toOperations } from "./operations.js";

/** A register of the caller: a location, or a value if it ends in stack_value. */
export type RegisterRule = readonly Operation[] | "same" | "undefined";

/** The rules for a range of addresses. */
export interface FrameRules {
  /** How the canonical frame address is computed, null if nothing says it. */
  readonly cfa: readonly Operation[] | null;
  /** How a register (DWARF number) of the caller is found. */
  register(number: number): RegisterRule;
}

/** Access to the call frame information of a file. */
export interface Frames {
  /** The rules at the ELF `address`, the same object for the same rules; null without CFI. */
  frameRules(address: number): FrameRules | null;
}

/**
 * Rules that hold from `begin`, or from before it, to `end`: libdw does not say where rules begin
 * that were restored (DW_CFA_restore_state), it takes the place where they were remembered.
 */
interface Known {
  begin: number;
  readonly end: number;
  readonly rules: FrameRules;
}

/** Call frame information of `file`. */
export function openFrames(file: NativeFile): Frames {
  /** By addresses; they do not overlap. */
  const known: Known[] = [];
  return {
    frameRules(address) {
      const index = firstAbove(known.length, (i) => known[i]?.begin ?? 0, address);
      const before = known[index - 1];
      if (before !== undefined && address < before.end) return before.rules;
      const found = readRules(file, address);
      if (found === null) return null;
      const next = known[index];
      if (next?.end !== found.end) {
        known.splice(index, 0, found);
        return found.rules;
      }
      next.begin = address;
      return next.rules;
    },
  };
}

function readRules(file: NativeFile, address: number): Known | null {
  const row = callNative("frameAt", file, address);
  if (row === null) return null;
  const [end, operations] = row;
  const registers = new Map<number, RegisterRule>();
  const read = (number: number): RegisterRule => {
    const rule = callNative("registerRuleAt", file, address, number) ?? "undefined";
    return typeof rule === "string" ? rule : toOperations(rule);
  };
  const rules: FrameRules = {
    cfa: operations.length === 0 ? null : toOperations(operations),
    register(number) {
      const rule = registers.get(number) ?? read(number);
      registers.set(number, rule);
      return rule;
    },
  };
  return { begin: address, end: Math.max(end, address + 1), rules };
}
