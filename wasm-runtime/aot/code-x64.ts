/** What all of the assembler on x86-64 writes with: the buffer and a few forms of instructions. */
import { VM_CONTEXT } from "../layout/private.js";
import { type Assembler, isInt8 } from "../x64/encode.js";
import { FLOAT_REGISTER, type LinkSymbol, type Register } from "./masm.js";
import { vmField } from "./registers-x64.js";

/** Assembler of compiled functions. */
export type CodeAssembler = Assembler<LinkSymbol>;

/** Number to encode for `register` of either class. */
export function encoded(register: Register): number {
  return register & 15;
}

/** True for a register of the second class. */
export function isFloat(register: Register): boolean {
  return register >= FLOAT_REGISTER;
}

/** Emits `op r/m, imm` in the shorter form. */
export function immediateForm(
  out: CodeAssembler,
  op: "add" | "or" | "and" | "sub" | "xor" | "cmp",
  bits: 32 | 64,
  to: Register,
  imm: number,
): void {
  const short = isInt8(imm);
  out.emit(short ? `${op} r/m${bits},imm8` : `${op} r/m${bits},imm32`, to, imm);
}

/** Takes one from the budget of the handler, and ends it when that is used up. */
export function charge(out: CodeAssembler): void {
  out.emit("sub r/m64,imm8", vmField(VM_CONTEXT.fuel), 1);
  out.refer("js rel32", { kind: "trap", reason: "budget exhausted" });
}
