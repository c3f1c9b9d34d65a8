/**
 * Who called: a `$variable` for conditions that is 1 if the return addresses on the stack are
 * those of given calls, else 0. Frames are found by call frame information (DWARF 5 §6.4), as far
 * as it makes them out of the stack and frame pointers; frames beyond are not looked at.
 */
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Operation } from "../dwarf/operations.js";
import type { Location } from "../types/location.js";
import type { TargetScope } from "./site.js";

/** Calls that lead to a place. */
export interface CallChain {
  /** ELF address of the place: the start of a function, or the place where one is inlined. */
  readonly address: number;
  /** The place is where the function returns. */
  readonly isReturn: boolean;
  /** ELF addresses behind the calls, innermost first. */
  readonly returns: readonly number[];
}

/** The condition that the calls of a chain have been made, over `callChainTargets`. */
export const CALL_CHAIN_CONDITION = "$__called_from";

/** `own` with the variable of CALL_CHAIN_CONDITION. */
export function callChainTargets(info: DebugInfo, chain: CallChain, own: TargetScope): TargetScope {
  return {
    ...own,
    isFromEntry: (symbol) =>
      symbol.name !== CALL_CHAIN_CONDITION && own.isFromEntry?.(symbol) === true,
    resolve(symbol, use) {
      if (symbol.name !== CALL_CHAIN_CONDITION) return own.resolve(symbol, use);
      return { type: "long", location: chainLocation(info, chain) };
    },
  };
}

/** DWARF numbers of rbp and rsp (SysV AMD64 ABI figure 3.36). */
const RBP = 6;
const RSP = 7;
const WORD_BYTES = 8n;

/** Registers of a frame that others are found by. */
interface Frame {
  readonly rsp: Location;
  readonly rbp: Location;
}

function chainLocation(info: DebugInfo, { address, isReturn, returns }: CallChain): Location {
  let frame: Frame | null = { rsp: register(RSP), rbp: register(RBP) };
  let pc = address;
  let all: Location = { kind: "constant", value: 1n };
  for (const [level, back] of returns.entries()) {
    const atReturn = level === 0 && isReturn;
    const cfa: Location | null = atReturn ? plus(frame.rsp, WORD_BYTES) : cfaOf(info, pc, frame);
    if (cfa === null) break;
    const expected: Location = { kind: "module-address", address: BigInt(back), module: null };
    const isBack: Location = { kind: "equal", left: load(plus(cfa, -WORD_BYTES)), right: expected };
    all = level === 0 ? isBack : { kind: "and", left: all, right: isBack };
    frame = { rsp: cfa, rbp: atReturn ? frame.rbp : callerRbp(info, pc, frame, cfa) };
    // Inside the call, whose rules hold until it returns.
    pc = back - 1;
  }
  return all;
}

/** The canonical frame address at `pc`, null if it is made of other registers. */
function cfaOf(info: DebugInfo, pc: number, frame: Frame): Location | null {
  const [operation, ...others] = info.frameRules(pc)?.cfa ?? [];
  if (operation?.atom !== "breg" || others.length > 0) return null;
  const number = Number(operation.number);
  if (number !== RBP && number !== RSP) return null;
  return plus(number === RSP ? frame.rsp : frame.rbp, operation.number2);
}

/** rbp of the caller: saved in the frame, or as it is. */
function callerRbp(info: DebugInfo, pc: number, frame: Frame, cfa: Location): Location {
  const rule = info.frameRules(pc)?.register(RBP) ?? "undefined";
  const offset = typeof rule === "string" ? null : offsetFromCfa(rule);
  return offset === null ? frame.rbp : load(plus(cfa, offset));
}

function offsetFromCfa([cfa, offset, ...others]: readonly Operation[]): bigint | null {
  if (cfa?.atom !== "call_frame_cfa" || others.length > 0) return null;
  if (offset === undefined) return 0n;
  return offset.atom === "plus_uconst" ? BigInt.asIntN(64, offset.number) : null;
}

function register(number: number): Location {
  return { kind: "register", register: number, bytes: 8, shift: 0, signed: false };
}

function load(address: Location): Location {
  return { kind: "load", address, bytes: 8, signed: false };
}

function plus(left: Location, offset: bigint): Location {
  return { kind: "add", left, right: { kind: "constant", value: offset } };
}
