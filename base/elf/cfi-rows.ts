/**
 * Runs call frame instructions: takes an entry of .eh_frame or .debug_frame, gives its table, one
 * row for each address where the rules change. Source: DWARF 5 §6.4.2 (instructions), §6.4.3
 * (meaning), LSB core 5.0 §10.6 (DW_CFA_GNU_args_size and others).
 */
import {
  byte,
  type Cursor,
  type FrameCommon,
  type FrameEntry,
  type FrameSection,
  signed,
  unsigned,
} from "./cfi.js";
import { viewOf } from "./image.js";

/** Columns of a table: DWARF registers 0 … 15 and the return address (SysV AMD64 ABI fig. 3.36). */
export const FRAME_COLUMNS = 17;
/** Column of the return address. */
export const RETURN_COLUMN = 16;

/** How the value of a column, or the CFA, is found. */
export const RULE = {
  /** As it was; the CFA: there is none. */
  same: 0,
  undefined: 1,
  /** At CFA + value. */
  offset: 2,
  /** CFA + value; the CFA: register + value. */
  value: 3,
  /** In register `value`. */
  register: 4,
  /** At the address that expression `value` gives; the CFA: what it gives. */
  expression: 5,
  /** What expression `value` gives. */
  expressionValue: 6,
} as const;

/** One row. */
export interface FrameRow {
  cfaKind: number;
  cfaRegister: number;
  cfaValue: number;
  /** RULE of each column, and what it needs. */
  readonly kinds: number[];
  readonly values: number[];
}

/** Takes what is found. */
export interface RowSink {
  /** The rules of `entry` from `address` on; `row` is changed later. */
  row(address: number, row: FrameRow, entry: FrameEntry): void;
  /** A number for a DWARF expression. */
  expression(bytes: Uint8Array): number;
}

/** A row that says nothing. */
export function emptyRow(): FrameRow {
  const kinds = new Array<number>(FRAME_COLUMNS).fill(RULE.same);
  const values = new Array<number>(FRAME_COLUMNS).fill(0);
  return { cfaKind: RULE.same, cfaRegister: 0, cfaValue: 0, kinds, values };
}

interface Machine {
  readonly cursor: Cursor;
  readonly sink: RowSink;
  readonly row: FrameRow;
  readonly stack: FrameRow[];
  entry: FrameEntry;
  /** After the instructions of the CIE. */
  initial: FrameRow;
  location: number;
}

/**
 * Gives `sink` all rows of each of `entries` of `section`: those of one entry by ascending address
 * from its start.
 */
export function runFrameEntries(
  section: FrameSection,
  entries: readonly FrameEntry[],
  sink: RowSink,
): void {
  const [first] = entries;
  if (first === undefined) return;
  const { bytes } = section;
  const cursor = { bytes, view: viewOf(bytes), at: 0 };
  const row = emptyRow();
  const machine: Machine = {
    cursor,
    sink,
    row,
    stack: [],
    entry: first,
    initial: row,
    location: 0,
  };
  const initials = new Map<FrameCommon, FrameRow>();
  for (const entry of entries) {
    const { common } = entry;
    machine.entry = entry;
    machine.location = entry.start;
    const known = initials.get(common) ?? runCommon(machine, common);
    initials.set(common, known);
    machine.initial = known;
    copyRow(row, known);
    machine.stack.length = 0;
    cursor.at = entry.from;
    while (cursor.at < entry.to) step(machine);
    if (machine.location < entry.end) sink.row(machine.location, row, entry);
  }
}

function runCommon(machine: Machine, common: FrameCommon): FrameRow {
  copyRow(machine.row, emptyRow());
  machine.cursor.at = common.from;
  while (machine.cursor.at < common.to) step(machine);
  const initial = emptyRow();
  copyRow(initial, machine.row);
  return initial;
}

function copyRow(to: FrameRow, from: FrameRow): void {
  to.cfaKind = from.cfaKind;
  to.cfaRegister = from.cfaRegister;
  to.cfaValue = from.cfaValue;
  for (let column = 0; column < FRAME_COLUMNS; column++) {
    to.kinds[column] = from.kinds[column] ?? 0;
    to.values[column] = from.values[column] ?? 0;
  }
}

function advance(machine: Machine, delta: number): void {
  moveTo(machine, machine.location + delta * machine.entry.common.codeFactor);
}

function moveTo(machine: Machine, location: number): void {
  const { entry, sink, row } = machine;
  if (location > machine.location && machine.location < entry.end)
    sink.row(machine.location, row, entry);
  machine.location = location;
}

function setRule({ row }: Machine, column: number, kind: number, value: number): void {
  if (column >= FRAME_COLUMNS) return;
  row.kinds[column] = kind;
  row.values[column] = value;
}

function restore(machine: Machine, column: number): void {
  const { kinds, values } = machine.initial;
  setRule(machine, column, kinds[column] ?? 0, values[column] ?? 0);
}

function setCfa({ row }: Machine, kind: number, register: number, value: number): void {
  row.cfaKind = kind;
  row.cfaRegister = register;
  row.cfaValue = value;
}

function block({ cursor, sink }: Machine): number {
  const size = unsigned(cursor);
  const from = cursor.at;
  cursor.at = from + size;
  return sink.expression(cursor.bytes.subarray(from, from + size));
}

/** Runs one instruction: its high two bits name it, or its low six (DWARF 5 §7.24). */
function step(machine: Machine): void {
  const { cursor, entry } = machine;
  const opcode = byte(cursor);
  const operand = opcode & 0x3f;
  switch (opcode & 0xc0) {
    case 0x40: // DW_CFA_advance_loc
      advance(machine, operand);
      break;
    case 0x80: // DW_CFA_offset
      setRule(machine, operand, RULE.offset, unsigned(cursor) * entry.common.dataFactor);
      break;
    case 0xc0: // DW_CFA_restore
      restore(machine, operand);
      break;
    default:
      if (opcode < 0x0c) stepLocation(machine, opcode);
      else stepRule(machine, opcode);
  }
}

/** Instructions 0x00 to 0x0b. */
function stepLocation(machine: Machine, opcode: number): void {
  const { cursor, entry, stack, row } = machine;
  const { view, at } = cursor;
  const left = view.byteLength - at;
  switch (opcode) {
    case 0x01: // DW_CFA_set_loc: an absolute address here, which compilers do not use
      cursor.at += 8;
      if (left >= 8) moveTo(machine, Number(view.getBigUint64(at, true)));
      break;
    case 0x02: // DW_CFA_advance_loc1
      advance(machine, byte(cursor));
      break;
    case 0x03: // DW_CFA_advance_loc2
      cursor.at += 2;
      if (left >= 2) advance(machine, view.getUint16(at, true));
      break;
    case 0x04: // DW_CFA_advance_loc4
      cursor.at += 4;
      if (left >= 4) advance(machine, view.getUint32(at, true));
      break;
    case 0x05: {
      // DW_CFA_offset_extended
      const column = unsigned(cursor);
      setRule(machine, column, RULE.offset, unsigned(cursor) * entry.common.dataFactor);
      break;
    }
    case 0x06: // DW_CFA_restore_extended
      restore(machine, unsigned(cursor));
      break;
    case 0x07: // DW_CFA_undefined
      setRule(machine, unsigned(cursor), RULE.undefined, 0);
      break;
    case 0x08: // DW_CFA_same_value
      setRule(machine, unsigned(cursor), RULE.same, 0);
      break;
    case 0x09: {
      // DW_CFA_register
      const column = unsigned(cursor);
      setRule(machine, column, RULE.register, unsigned(cursor));
      break;
    }
    case 0x0a: {
      // DW_CFA_remember_state
      const saved = emptyRow();
      copyRow(saved, row);
      stack.push(saved);
      break;
    }
    case 0x0b: {
      // DW_CFA_restore_state
      const saved = stack.pop();
      if (saved !== undefined) copyRow(row, saved);
      break;
    }
    default: // DW_CFA_nop
      break;
  }
}

/** Instructions from 0x0c on. */
function stepRule(machine: Machine, opcode: number): void {
  const { cursor, entry, row } = machine;
  const { dataFactor } = entry.common;
  switch (opcode) {
    case 0x0c: {
      // DW_CFA_def_cfa
      const register = unsigned(cursor);
      setCfa(machine, RULE.value, register, unsigned(cursor));
      break;
    }
    case 0x0d: // DW_CFA_def_cfa_register
      setCfa(machine, RULE.value, unsigned(cursor), row.cfaValue);
      break;
    case 0x0e: // DW_CFA_def_cfa_offset
      setCfa(machine, RULE.value, row.cfaRegister, unsigned(cursor));
      break;
    case 0x0f: // DW_CFA_def_cfa_expression
      setCfa(machine, RULE.expression, 0, block(machine));
      break;
    case 0x12: {
      // DW_CFA_def_cfa_sf
      const register = unsigned(cursor);
      setCfa(machine, RULE.value, register, signed(cursor) * dataFactor);
      break;
    }
    case 0x13: // DW_CFA_def_cfa_offset_sf
      setCfa(machine, RULE.value, row.cfaRegister, signed(cursor) * dataFactor);
      break;
    case 0x2e: // DW_CFA_GNU_args_size: what a landing pad has to take off the stack
      unsigned(cursor);
      break;
    default:
      stepColumn(machine, opcode);
  }
}

function stepColumn(machine: Machine, opcode: number): void {
  const { cursor, entry } = machine;
  const { dataFactor } = entry.common;
  const kind = COLUMN_KINDS[opcode];
  if (kind === undefined) {
    // An unknown instruction has operands of unknown size: what follows cannot be told.
    cursor.at = cursor.bytes.length;
    return;
  }
  const column = unsigned(cursor);
  switch (opcode) {
    case 0x10:
    case 0x16:
      setRule(machine, column, kind, block(machine));
      break;
    case 0x14:
      setRule(machine, column, kind, unsigned(cursor) * dataFactor);
      break;
    case 0x2f:
      setRule(machine, column, kind, -unsigned(cursor) * dataFactor);
      break;
    default:
      setRule(machine, column, kind, signed(cursor) * dataFactor);
  }
}

/** Instructions with a column and one more operand. */
const COLUMN_KINDS: { readonly [opcode: number]: number } = {
  16: RULE.expression, // DW_CFA_expression
  17: RULE.offset, // DW_CFA_offset_extended_sf
  20: RULE.value, // DW_CFA_val_offset
  21: RULE.value, // DW_CFA_val_offset_sf
  22: RULE.expressionValue, // DW_CFA_val_expression
  47: RULE.offset, // DW_CFA_GNU_negative_offset_extended
};
