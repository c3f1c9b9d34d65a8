/**
 * Assembles x86-64: appends instructions by form (table.ts) to a growing buffer, with labels for
 * jumps inside it and symbols for what the linker resolves. Position independent: displacements
 * are relative to the next instruction (Intel SDM vol. 2 §2.2.1.6).
 */
import { assert, bug } from "../../base/assert.js";
import type { Memory } from "./regs.js";
import { type Form, type FormLayout, LAYOUTS } from "./table.js";

/** Register number, immediate or memory operand. */
export type Operand = number | bigint | Memory;

/** A place in the buffer, known once bound. Make it with `newLabel`. */
export interface Label {
  offset: number;
  readonly uses: number[];
}

/** Four bytes at `at` that shall hold `symbol` minus the offset behind them plus `addend`. */
export interface Reference<Symbol> {
  readonly at: number;
  readonly symbol: Symbol;
}

/** An unbound label. */
export function newLabel(): Label {
  return { offset: -1, uses: [] };
}

/** Buffer of machine code with references to symbols of type `S`. */
export class Assembler<S> {
  private buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  private view: DataView = new DataView(this.buffer.buffer);
  /** Bytes emitted so far. */
  length = 0;
  /** Bit n = some instruction names register n, other than in an address; vector registers count. */
  registers = 0;
  /** What the linker has to fill in. */
  readonly references: Reference<S>[] = [];

  /** Appends one instruction. */
  emit(form: Form, ...operands: readonly Operand[]): void {
    const layout = LAYOUTS.get(form) ?? bug(`no form ${form}`);
    if (this.length + 32 > this.buffer.length) this.grow(this.length + 32);
    const rm = layout.inRm < 0 ? undefined : operands[layout.inRm];
    const reg = layout.inReg < 0 ? Math.max(layout.digit, 0) : Number(operands[layout.inReg]);
    for (const [index, operand] of operands.entries()) {
      if (typeof operand === "number" && index !== layout.immediate) {
        this.registers |= 1 << (operand & 15);
      }
    }
    for (const prefix of layout.prefixes) this.byte(prefix);
    this.rex(layout, operands, reg, rm);
    const inOpcode = layout.inOpcode < 0 ? 0 : Number(operands[layout.inOpcode]) & 7;
    for (const byte of layout.opcode) this.byte(byte + inOpcode);
    if (layout.hasModRm) this.modRm(reg & 7, rm);
    if (layout.immediateBytes > 0) this.immediate(layout, operands[layout.immediate]);
  }

  /** Appends a jump, conditional jump or call of form `… rel32` to `label`. */
  jump(form: Form, label: Label): void {
    this.emit(form, 0);
    if (label.offset >= 0) this.view.setInt32(this.length - 4, label.offset - this.length, true);
    else label.uses.push(this.length - 4);
  }

  /** Appends an instruction whose last four bytes are a displacement to `symbol`. */
  refer(form: Form, symbol: S, ...before: readonly Operand[]): void {
    const memory = form.endsWith("rel32") ? 0 : ({ base: "rip", displacement: 0 } as const);
    this.emit(form, ...before, memory);
    this.references.push({ at: this.length - 4, symbol });
  }

  /** Appends `lea register, [rip + label]`. */
  addressOf(register: number, label: Label): void {
    this.emit("lea r64,m", register, { base: "rip", displacement: 0 });
    if (label.offset >= 0) this.view.setInt32(this.length - 4, label.offset - this.length, true);
    else label.uses.push(this.length - 4);
  }

  /** Appends 32-bit distances from `origin` (bound) to each label. */
  distances(origin: Label, labels: readonly Label[]): void {
    this.grow(this.length + 4 * labels.length);
    for (const label of labels) {
      // A use patches target - (at + 4); the constant turns that into target - origin.
      if (label.offset >= 0) this.view.setInt32(this.length, label.offset - origin.offset, true);
      else {
        this.view.setInt32(this.length, this.length + 4 - origin.offset, true);
        label.uses.push(this.length);
      }
      this.length += 4;
    }
  }

  /** Makes `label` mean here. */
  bind(label: Label): void {
    assert(label.offset < 0, "label bound twice");
    label.offset = this.length;
    for (const at of label.uses) {
      const addend = this.view.getInt32(at, true);
      this.view.setInt32(at, label.offset - (at + 4) + addend, true);
    }
  }

  /** Overwrites four bytes. */
  patch32(at: number, value: number): void {
    this.view.setInt32(at, value, true);
  }

  /** Appends raw bytes, e.g. another buffer's code or data. */
  bytes(bytes: Uint8Array): void {
    this.grow(this.length + bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Appends `value` until the length is a multiple of `alignment`. */
  align(alignment: number, value: number): void {
    this.grow(this.length + alignment);
    while (this.length % alignment !== 0) this.byte(value);
  }

  /** Copy of the code. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }

  private byte(value: number): void {
    this.buffer[this.length++] = value;
  }

  private grow(needed: number): void {
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  private rex(
    layout: FormLayout,
    operands: readonly Operand[],
    reg: number,
    rm: Operand | undefined,
  ): void {
    let rex = layout.wide ? 0x48 : 0;
    if (reg >= 8) rex |= 0x44;
    if (typeof rm === "object") {
      if (rm.base !== "rip" && rm.base >= 8) rex |= 0x41;
      if (rm.index !== undefined && rm.index >= 8) rex |= 0x42;
    } else if (rm !== undefined && rm >= 8) rex |= 0x41;
    if (layout.inOpcode >= 0 && Number(operands[layout.inOpcode]) >= 8) rex |= 0x41;
    for (const index of layout.byteRegisters) {
      const operand = operands[index];
      if (typeof operand === "number" && operand >= 4) rex |= 0x40;
    }
    if (rex !== 0) this.byte(rex);
  }

  /** ModRM, SIB and displacement (Intel SDM vol. 2 tables 2-2 and 2-3). */
  private modRm(reg: number, rm: Operand | undefined): void {
    if (typeof rm !== "object") {
      this.byte(0xc0 | (reg << 3) | (Number(rm ?? 0) & 7));
      return;
    }
    const { base, index, displacement } = rm;
    if (base === "rip") {
      this.byte((reg << 3) | 5);
      this.int32(displacement);
      return;
    }
    const low = base & 7;
    const mode = displacement === 0 && low !== 5 ? 0 : isInt8(displacement) ? 1 : 2;
    if (index === undefined && low !== 4) this.byte((mode << 6) | (reg << 3) | low);
    else {
      assert(index !== 4, "rsp cannot be an index");
      const scale = [1, 2, 4, 8].indexOf(rm.scale ?? 1);
      this.byte((mode << 6) | (reg << 3) | 4);
      this.byte((scale << 6) | (((index ?? 4) & 7) << 3) | low);
    }
    if (mode === 1) this.byte(displacement & 0xff);
    else if (mode === 2) this.int32(displacement);
  }

  private immediate(layout: FormLayout, operand: Operand | undefined): void {
    assert(typeof operand !== "object" && operand !== undefined, "immediate expected");
    const bytes = layout.immediateBytes;
    if (bytes === 8) {
      this.view.setBigUint64(this.length, BigInt.asUintN(64, BigInt(operand)), true);
      this.length += 8;
    } else if (bytes === 4) this.int32(Number(operand));
    else {
      for (let i = 0; i < bytes; i++) this.byte((Number(operand) >> (8 * i)) & 0xff);
    }
  }

  private int32(value: number): void {
    this.view.setInt32(this.length, value, true);
    this.length += 4;
  }
}

/** Whether `value` fits a sign-extended byte. */
export function isInt8(value: number): boolean {
  return value >= -128 && value <= 127;
}

/** Whether `value` fits a sign-extended 32-bit immediate. */
export function isInt32(value: number | bigint): boolean {
  return value >= -0x80000000 && value <= 0x7fffffff;
}
