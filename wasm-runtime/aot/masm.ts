/**
 * The machine as the code generator sees it: an abstract assembler with two register classes, a
 * frame, linear memory behind a pinned base register and the VmContext behind another. compile
 * code names no machine register; it takes them from `MachineRegisters`.
 *
 * Rules of all operations: an i32 in a register or frame slot is zero-extended to 64 bits; moves,
 * constants, frame loads and stores leave the condition flags alone; destinations may equal
 * sources; nothing but the destination and the scratch registers changes unless it says so.
 */
import type { Mnemonic } from "../module/opcodes.js";
import type { TrapReason } from "./traps.js";

/** A register: below FLOAT_REGISTER of the integer class, from there on of the float class. */
export type Register = number;
/** Number of the first float register. */
export const FLOAT_REGISTER = 16;

/** Machine type of a value; references are i64. */
export type MachineType = "i32" | "i64" | "f32" | "f64";
/** Integer types. */
export type IntegerType = "i32" | "i64";
/** Floating point types. */
export type FloatType = "f32" | "f64";

/** What the flags are asked, after a comparison; float orders use the unsigned ones. */
export type Condition =
  | "eq"
  | "ne"
  | "lt_s"
  | "lt_u"
  | "gt_s"
  | "gt_u"
  | "le_s"
  | "le_u"
  | "ge_s"
  | "ge_u";

/** Two-operand integer operations with any operands. */
export type IntegerBinary = "add" | "sub" | "mul" | "and" | "or" | "xor";
/** Shifts and rotations. */
export type Shift = "shl" | "shr_s" | "shr_u" | "rotl" | "rotr";
/** Integer operations of one operand. */
export type IntegerUnary = "clz" | "ctz" | "popcnt" | "extend8_s" | "extend16_s" | "extend32_s";
/** Float operations of two operands. */
export type FloatBinary = "add" | "sub" | "mul" | "div" | "min" | "max" | "copysign";
/** Float operations of one operand. */
export type FloatUnary = "abs" | "neg" | "ceil" | "floor" | "trunc" | "nearest" | "sqrt";
/** Read-modify-write operations. */
export type AtomicOperation = "add" | "sub" | "and" | "or" | "xor" | "xchg";

/** Where in linear memory: byte `offset` (0 ≤ offset < 2^31) plus `index` if there is one. */
export interface Address {
  readonly index: Register | null;
  readonly offset: number;
}

/** A jump target in the function being compiled. */
export interface JumpLabel {
  readonly offset: number;
}

/** What code refers to outside its own function. */
export type LinkSymbol =
  | { readonly kind: "function"; readonly module: number; readonly index: number }
  | { readonly kind: "trap"; readonly reason: TrapReason }
  | { readonly kind: "routine"; readonly name: string }
  | { readonly kind: "table"; readonly module: number; readonly index: number };

/** Which registers serve what. */
export interface MachineRegisters {
  /** Operands; the first three are never given to locals. */
  readonly temporaries: readonly Register[];
  readonly floatTemporaries: readonly Register[];
  /** For locals that live across calls; a function saves those it uses. */
  readonly preserved: readonly Register[];
  /** For locals that do not; integer ones that no local takes serve as temporaries. */
  readonly volatile: readonly Register[];
  readonly floatLocals: readonly Register[];
  /** Arguments of compiled functions, by class; the rest go to the stack. */
  readonly parameters: readonly Register[];
  readonly floatParameters: readonly Register[];
  /** Arguments of host functions after the context. */
  readonly hostParameters: readonly Register[];
  readonly result: Register;
  readonly floatResult: Register;
  /** Never allocated: free for moves between frame slots. */
  readonly scratch: Register;
  readonly floatScratch: Register;
  /** Where a variable shift count has to be; where division takes and leaves its values. */
  readonly shiftCount: Register;
  readonly dividend: Register;
  readonly remainder: Register;
}

/** Shape of a function's frame, known when its body is compiled. */
export interface FrameShape {
  readonly saved: readonly Register[];
  readonly bytes: number;
  /** Check the stack and charge the budget. */
  readonly guarded: boolean;
}

/** Abstract assembler; key to suffixes: Frame = frame slot, Memory = linear memory. */
export interface Masm {
  readonly registers: MachineRegisters;

  newLabel(): JumpLabel;
  bind(label: JumpLabel): void;
  jump(label: JumpLabel): void;
  branch(condition: Condition, label: JumpLabel): void;
  /** Jumps to `labels[index]`; `index` is below their number and is lost. */
  jumpTable(index: Register, labels: readonly JumpLabel[]): void;
  trap(reason: TrapReason): void;
  trapIf(condition: Condition, reason: TrapReason): void;
  /** Takes one unit of budget; traps when there is none left. */
  charge(): void;

  move(type: MachineType, to: Register, from: Register): void;
  constant(type: MachineType, to: Register, bits: bigint): void;
  loadFrame(type: MachineType, to: Register, offset: number): void;
  storeFrame(type: MachineType, offset: number, from: Register): void;
  exchange(a: Register, b: Register): void;

  binary(
    op: IntegerBinary,
    type: IntegerType,
    to: Register,
    a: Register,
    b: Register | { imm: number },
  ): void;
  /** A variable count is in `registers.shiftCount`; `to` is not that register. */
  shift(op: Shift, type: IntegerType, to: Register, a: Register, count: number | null): void;
  unary(op: IntegerUnary, type: IntegerType, to: Register, from: Register): void;
  /** Sign-extends or truncates between the integer types. */
  extendSigned(to: Register, from: Register): void;
  wrap(to: Register, from: Register): void;
  /**
   * Divides `registers.dividend` by `divisor` (neither of the fixed registers); quotient replaces
   * the dividend, the rest is in `registers.remainder`. Traps as Wasm core 2.0 §4.3.2 says.
   */
  divide(op: "div_s" | "div_u" | "rem_s" | "rem_u", type: IntegerType, divisor: Register): void;
  compare(type: IntegerType, a: Register, b: Register | { imm: number }): void;
  /** Flags of `a` against zero, for eq and ne. */
  testZero(type: IntegerType, a: Register): void;
  /** 1 or 0. */
  setIf(condition: Condition, to: Register): void;
  /** `to` = `from` if the condition holds. */
  moveIf(condition: Condition, type: MachineType, to: Register, from: Register): void;

  floatBinary(op: FloatBinary, type: FloatType, to: Register, a: Register, b: Register): void;
  floatUnary(op: FloatUnary, type: FloatType, to: Register, from: Register): void;
  /** Orders: sets flags so that gt_u, ge_u hold for a > b, a ≥ b and never for NaN. */
  floatCompare(type: FloatType, a: Register, b: Register): void;
  /** 1 or 0 for a = b (`equal`) or its opposite. */
  floatEquality(type: FloatType, equal: boolean, to: Register, a: Register, b: Register): void;
  /** Any conversion named by `op`; float to integer changes no other register. */
  convert(op: Mnemonic, to: Register, from: Register): void;

  /**
   * Traps unless `bytes` at `index` + `offset` are inside memory. `limit` is the size of memory in
   * bytes if it never changes, else null.
   */
  checkBounds(index: Register, offset: number, bytes: number, limit: number | null): void;
  /** Traps unless `index` + `offset` is a multiple of `bytes`. */
  checkAlignment(index: Register, offset: number, bytes: number): void;
  /** `to` = `index` + `offset` as a 64-bit sum. */
  sum(to: Register, index: Register, offset: number): void;
  load(op: Mnemonic, to: Register, address: Address): void;
  store(op: Mnemonic, address: Address, from: Register | { imm: number }): void;
  atomicStore(bytes: number, address: Address, from: Register): void;
  /** The old value replaces `operand`; `registers.dividend` is lost and neither of the two. */
  atomicUpdate(op: AtomicOperation, bytes: number, address: Address, operand: Register): void;
  /** Expected value and result are in `registers.dividend`. */
  atomicCompareExchange(bytes: number, address: Address, replacement: Register): void;
  fence(): void;
  memoryPages(to: Register): void;
  /** memory.copy or memory.fill: target, source or value, and length in the first temporaries. */
  bulk(op: "copy" | "fill"): void;

  loadInstance(type: MachineType, to: Register, offset: number): void;
  storeInstance(type: MachineType, offset: number, from: Register): void;
  /** Through the cell whose address is in the instance data at `offset`. */
  loadCell(type: MachineType, to: Register, offset: number): void;
  storeCell(type: MachineType, offset: number, from: Register): void;
  addressOfInstance(to: Register, offset: number): void;

  call(symbol: LinkSymbol): void;
  /** Calls element `registers.result` of a constant table; checks index and signature. */
  callStaticTable(table: LinkSymbol, size: number, signature: number): void;
  /** Replaces the index in `registers.result` by the descriptor in that place of a table. */
  lookUpTable(tableOffset: number, signature: number): void;
  /** Calls the descriptor in `registers.result`; `slot` is a frame slot for our instance. */
  callDescriptor(slot: number): void;
  /** Calls host function `index`; its arguments are in `registers.hostParameters`. */
  callHost(index: number): void;
  /** Saved register `index` of the probe hit, or 0. */
  probeRegister(to: Register, index: number): void;
  /** Time stamp counter, in `registers.result`; `registers.remainder` is lost. */
  ticks(): void;
  /** Enters a function: saves registers, makes the frame, checks the stack, charges. */
  prologue(frame: FrameShape): void;
  /** Leaves the function: restores what `frame.saved` names. */
  epilogue(frame: FrameShape): void;
}
