/**
 * Which x86-64 register does what in compiled code:
 *
 *   rsp  frame            r14  address of linear memory byte 0     r15  VmContext
 *   r11  scratch          rax rcx rdx  operands                     xmm15 float scratch
 *   rsi rdi r8 r9 r10     locals that no call crosses, else operands
 *   rbx rbp r12 r13       locals that calls cross (callee-saved, also SysV AMD64 ABI §3.2.1)
 *   xmm0-xmm7 operands    xmm8-xmm14  float locals that no call crosses
 */
import { GP, type Memory } from "../x64/regs.js";
import type { Condition as MachineCondition } from "../x64/table.js";
import { type Condition, FLOAT_REGISTER, type MachineRegisters, type Register } from "./masm.js";

/** Address of linear memory byte 0. */
export const MEMORY_BASE: Register = GP.r14;
/** Address of the VmContext. */
export const VM: Register = GP.r15;
/** Scratch registers. */
export const SCRATCH: Register = GP.r11;
/** Number of the float scratch register as encoded. */
export const FLOAT_SCRATCH = 15;

const floats = (from: number, to: number): Register[] =>
  Array.from({ length: to - from + 1 }, (_, i) => FLOAT_REGISTER + from + i);

/** The register file. */
export const REGISTERS: MachineRegisters = {
  temporaries: [GP.rax, GP.rcx, GP.rdx],
  floatTemporaries: floats(0, 7),
  preserved: [GP.rbx, GP.rbp, GP.r12, GP.r13],
  volatile: [GP.rsi, GP.rdi, GP.r8, GP.r9, GP.r10],
  floatLocals: floats(8, 14),
  parameters: [GP.rdi, GP.rsi, GP.r8, GP.r9, GP.rdx, GP.rcx],
  floatParameters: floats(0, 7),
  hostParameters: [GP.rsi, GP.rdx, GP.rcx, GP.r8, GP.r9],
  result: GP.rax,
  floatResult: FLOAT_REGISTER,
  scratch: SCRATCH,
  floatScratch: FLOAT_REGISTER + FLOAT_SCRATCH,
  shiftCount: GP.rcx,
  dividend: GP.rax,
  remainder: GP.rdx,
};

/** Registers that SysV callers expect back, all of which thunks save. */
export const CALLEE_SAVED: readonly Register[] = [GP.rbx, GP.rbp, GP.r12, GP.r13, GP.r14, GP.r15];

/** Bits of the registers that SysV callees may change: rax, rcx, rdx, rsi, rdi, r8 … r11. */
export const CALLER_SAVED_BITS = 0x0fc7;

/** Bits of the registers that every inner entry may change: pinned ones and parameters. */
export const ENTRY_BITS: number =
  (1 << VM) | (1 << MEMORY_BASE) | (1 << GP.rdi) | (1 << GP.rsi) | (1 << GP.rax);

/** Field of the VmContext as an operand. */
export function vmField(displacement: number): Memory {
  return { base: VM, displacement };
}

/** Frame slot as an operand. */
export function frameSlot(displacement: number): Memory {
  return { base: GP.rsp, displacement };
}

/** Condition codes after cmp, test or ucomis. */
export const CONDITION_CODES: Readonly<Record<Condition, MachineCondition>> = {
  eq: "e",
  ne: "ne",
  lt_s: "l",
  lt_u: "b",
  gt_s: "g",
  gt_u: "a",
  le_s: "le",
  le_u: "be",
  ge_s: "ge",
  ge_u: "ae",
};
