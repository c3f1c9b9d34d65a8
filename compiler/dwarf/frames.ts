/**
 * Call frame information (DWARF 5 §6.4): how the frame of the caller is found. The rules are the
 * same for a range of addresses, and read once for it.
 */
import { callNative, type NativeFile } from "./native.js";
import { type Operation, toOperations } from "./operations.js";
import type { AddressRange } from "./ranges.js";

/** A register of the caller: a location, or a value if it ends in stack_value. */
export type RegisterRule = readonly Operation[] | "same" | "undefined";

/** The rules for a range of addresses. */
export interface FrameRules extends AddressRange {
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

/** Call frame information of `file`. */
export function openFrames(file: NativeFile): Frames {
  /** By addresses; they do not overlap. */
  const known: FrameRules[] = [];
  return {
    frameRules(address) {
      const index = indexBehind(known, address);
      const before = known[index - 1];
      if (before !== undefined && address < before.end) return before;
      const found = readRules(file, address);
      if (found !== null) known.splice(index, 0, found);
      return found;
    },
  };
}

/** Index of the first of `rules` that begin behind `address`. */
function indexBehind(rules: readonly FrameRules[], address: number): number {
  let low = 0;
  let high = rules.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rules[middle]?.begin ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readRules(file: NativeFile, address: number): FrameRules | null {
  const row = callNative("frameAt", file, address);
  if (row === null) return null;
  const [begin, end, operations] = row;
  const isAround = begin <= address && address < end;
  const registers = new Map<number, RegisterRule>();
  const read = (number: number): RegisterRule => {
    const rule = callNative("registerRuleAt", file, address, number) ?? "undefined";
    return typeof rule === "string" ? rule : toOperations(rule);
  };
  return {
    begin: isAround ? begin : address,
    end: isAround ? end : address + 1,
    cfa: operations.length === 0 ? null : toOperations(operations),
    register(number) {
      const rule = registers.get(number) ?? read(number);
      registers.set(number, rule);
      return rule;
    },
  };
}
