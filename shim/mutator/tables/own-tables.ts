/**
 * Tables for unwinding from code of ours that a signal has interrupted: the shim with the handlers,
 * and trampolines. Take where things are in one process; trampolines' tables do not depend on it.
 */
import { type FrameSection, readFrameEntries } from "../../../base/elf/cfi.js";
import { emptyRow, type FrameRow, RETURN_COLUMN, RULE } from "../../../base/elf/cfi-rows.js";
import { FRAME, PRIVATE, THREAD } from "../../../wasm-runtime/layout/private.js";
import type { MovedCode, StackState } from "../moved-code.js";
import { createRules, encodeUnwindTable, type Rules } from "./unwind-rules.js";
import { addEntries, createRows } from "./unwind-table.js";

/** The shim and the handlers behind it; offsets from the start of the shim. */
export interface OwnCode {
  /** Call frame information of the shim. */
  readonly frames: FrameSection;
  /** Where the handlers begin and end. */
  readonly handlers: number;
  readonly end: number;
  /** Address of the private area of the process. */
  readonly privateBase: number;
}

const RSP = FRAME.registers.indexOf("rsp");
const WORD_BYTES = 8;

/**
 * Rules of the shim, and one for all handlers: they run on a private stack (PRIVATE), called with
 * THREAD.entrySp. What they change, the trampoline restores.
 */
export function buildOwnTable({ frames, handlers, end, privateBase }: OwnCode): Uint8Array {
  const rules = createRules();
  const rows = createRows(0);
  addEntries(rows, rules, frames, readFrameEntries(frames));
  rows.end();
  const row = emptyRow();
  row.cfaKind = RULE.expression;
  row.cfaValue = rules.expression(callerOfHandlers(privateBase));
  row.kinds[RETURN_COLUMN] = RULE.offset;
  row.values[RETURN_COLUMN] = -WORD_BYTES;
  rows.addresses.push(handlers, end);
  rows.rules.push(rules.offsetOf(row, false), 0);
  return encodeUnwindTable(rows, rules);
}

/**
 * DWARF expression (DWARF 5 §7.7.1): the thread lies at the top of the stack that rsp is in; the
 * CFA is a word above its entrySp.
 */
function callerOfHandlers(privateBase: number): Uint8Array {
  const base = [CONST8U, ...littleEndian(BigInt(privateBase))];
  const stacks = [CONST8U, ...littleEndian(BigInt.asUintN(64, BigInt(-PRIVATE.stackBytes)))];
  const inThread = PRIVATE.stackBytes - THREAD.bytes + THREAD.entrySp;
  const thread = [CONST8U, ...littleEndian(BigInt(inThread))];
  return Uint8Array.from([
    ...[BREG_RSP, 0, ...base, MINUS, ...stacks, AND, ...base, PLUS],
    ...[...thread, PLUS, DEREF, PLUS_UCONST, WORD_BYTES],
  ]);
}

const DEREF = 0x06;
const CONST8U = 0x0e;
const AND = 0x1a;
const MINUS = 0x1c;
const PLUS = 0x22;
const PLUS_UCONST = 0x23;
const BREG_RSP = 0x70 + RSP;

function littleEndian(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** Rules of the trampolines in the area at `start`, pieces by ascending address. */
export function buildTrampolineTable(start: number, pieces: readonly MovedCode[]): Uint8Array {
  const rules = createRules();
  const known = new Map<readonly StackState[], number>();
  const offsetOf = (states: readonly StackState[]): number => {
    const offset = known.get(states) ?? rules.states(statesWords(states, rules));
    known.set(states, offset);
    return offset;
  };
  return encodeUnwindTable(
    {
      addresses: pieces.map(({ address }) => address - start),
      rules: pieces.map(({ states }) => offsetOf(states)),
      originals: pieces.map(({ original }) => (original - start) >>> 0),
    },
    rules,
  );
}

function statesWords(states: readonly StackState[], rules: Rules): number[] {
  return [
    states.length,
    ...states.flatMap((state) => [state.offset, rules.offsetOf(rowOf(state), true)]),
  ];
}

function rowOf({ depth, saved }: StackState): FrameRow {
  const row = emptyRow();
  row.cfaKind = RULE.value;
  row.cfaRegister = RSP;
  row.cfaValue = depth;
  for (const [column, below] of saved) {
    row.kinds[column] = RULE.offset;
    row.values[column] = -below;
  }
  return row;
}
