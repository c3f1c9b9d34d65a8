/**
 * Operations of location expressions (DWARF 5 §2.5, §7.7.1), with the many ways to write one thing
 * made one: literals and constants are `const`, register numbers are operands, indexed addresses
 * are looked up, GNU's forerunners have the names of DWARF 5.
 */
import type { DieId, NativeOperation } from "./native.js";

/** Name without DW_OP_ → code, after which several codes share a name. */
export const OPERATIONS = {
  /** number: ELF address */
  addr: 0x03,
  deref: 0x06,
  /** number: the value */
  const: 0x10,
  dup: 0x12,
  drop: 0x13,
  over: 0x14,
  pick: 0x15,
  swap: 0x16,
  rot: 0x17,
  xderef: 0x18,
  abs: 0x19,
  and: 0x1a,
  div: 0x1b,
  minus: 0x1c,
  mod: 0x1d,
  mul: 0x1e,
  neg: 0x1f,
  not: 0x20,
  or: 0x21,
  plus: 0x22,
  plus_uconst: 0x23,
  shl: 0x24,
  shr: 0x25,
  shra: 0x26,
  xor: 0x27,
  /** number: bytes from the end of this operation (3 bytes long) to the target */
  bra: 0x28,
  eq: 0x29,
  ge: 0x2a,
  gt: 0x2b,
  le: 0x2c,
  lt: 0x2d,
  ne: 0x2e,
  /** as bra */
  skip: 0x2f,
  /** number: register */
  reg: 0x50,
  /** number: register, number2: offset */
  breg: 0x70,
  /** number: offset */
  fbreg: 0x91,
  /** number: bytes */
  piece: 0x93,
  /** number: bytes */
  deref_size: 0x94,
  xderef_size: 0x95,
  nop: 0x96,
  push_object_address: 0x97,
  /** die: whose location is evaluated */
  call2: 0x98,
  call4: 0x99,
  call_ref: 0x9a,
  form_tls_address: 0x9b,
  call_frame_cfa: 0x9c,
  /** number: bits, number2: offset in bits */
  bit_piece: 0x9d,
  /** block: the value */
  implicit_value: 0x9e,
  stack_value: 0x9f,
  /** die: the variable pointed to, number2: offset in it */
  implicit_pointer: 0xa0,
  /** expression: evaluated in the state at the function's entry */
  entry_value: 0xa3,
  /** die: base type, block: value */
  const_type: 0xa4,
  /** number: register, die: base type */
  regval_type: 0xa5,
  /** number: bytes, die: base type */
  deref_type: 0xa6,
  xderef_type: 0xa7,
  /** die: base type, null for the generic type */
  convert: 0xa8,
  reinterpret: 0xa9,
  GNU_uninit: 0xf0,
  GNU_encoded_addr: 0xf1,
  /** die: the formal parameter */
  GNU_parameter_ref: 0xfa,
  /** die: whose value is meant */
  GNU_variable_value: 0xfd,
} as const;

/** An operation by its name, "operation 0xNN" if it has none. */
export type OperationName = keyof typeof OPERATIONS | `operation 0x${string}`;

/** One operation. Numbers are signed 64-bit; what they mean is said in OPERATIONS. */
export interface Operation {
  readonly atom: OperationName;
  readonly number: bigint;
  readonly number2: bigint;
  /** Bytes from the start of the expression. */
  readonly offset: number;
  readonly block: Uint8Array | null;
  readonly die: DieId | null;
  readonly expression: readonly Operation[] | null;
}

/** Codes that mean what another one means with the same operands. */
const SYNONYMS: ReadonlyMap<number, number> = new Map([
  ...[0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x11].map((code): [number, number] => [
    code, // DW_OP_const1u … DW_OP_consts
    OPERATIONS.const,
  ]),
  [0x90, OPERATIONS.reg], // DW_OP_regx
  [0x92, OPERATIONS.breg], // DW_OP_bregx
  [0xa1, OPERATIONS.addr], // DW_OP_addrx
  [0xa2, OPERATIONS.const], // DW_OP_constx
  [0xe0, OPERATIONS.form_tls_address], // DW_OP_GNU_push_tls_address
  [0xf2, OPERATIONS.implicit_pointer], // DW_OP_GNU_…, and so on
  [0xf3, OPERATIONS.entry_value],
  [0xf4, OPERATIONS.const_type],
  [0xf5, OPERATIONS.regval_type],
  [0xf6, OPERATIONS.deref_type],
  [0xf7, OPERATIONS.convert],
  [0xf9, OPERATIONS.reinterpret],
  [0xfb, OPERATIONS.addr], // DW_OP_GNU_addr_index
  [0xfc, OPERATIONS.const], // DW_OP_GNU_const_index
]);

const NAMES: ReadonlyMap<number, OperationName> = new Map(
  Object.entries(OPERATIONS).map(([name, code]) => [code, name as keyof typeof OPERATIONS]),
);

/** First codes of the runs of 32 that have their operand in the code. */
const DW_OP_LIT0 = 0x30;
const DW_OP_REG0 = 0x50;
const DW_OP_BREG0 = 0x70;

/** The operations that libdw gives, in the one form. */
export function toOperations(native: readonly NativeOperation[]): readonly Operation[] {
  return native.map(toOperation);
}

function toOperation(native: NativeOperation): Operation {
  const { atom: code, offset, block = null, die = null, expression } = native;
  const inner = expression === undefined ? null : toOperations(expression);
  return { ...named(native, code), offset, block, die, expression: inner };
}

function named(
  { number, number2 }: NativeOperation,
  code: number,
): Pick<Operation, "atom" | "number" | "number2"> {
  const inRun = (first: number): boolean => code >= first && code < first + 32;
  if (inRun(DW_OP_LIT0)) return { atom: "const", number: BigInt(code - DW_OP_LIT0), number2: 0n };
  if (inRun(DW_OP_REG0)) return { atom: "reg", number: BigInt(code - DW_OP_REG0), number2: 0n };
  if (inRun(DW_OP_BREG0)) {
    return { atom: "breg", number: BigInt(code - DW_OP_BREG0), number2: number };
  }
  const atom = NAMES.get(SYNONYMS.get(code) ?? code) ?? `operation 0x${code.toString(16)}`;
  return { atom, number, number2 };
}
