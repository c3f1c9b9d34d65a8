/**
 * Linear memory on x86-64: bounds checks, loads, stores and atomics of the abstract assembler.
 * x86-64 gives every aligned access the atomicity, and every locked instruction the order, that
 * the threads proposal asks for (Intel SDM vol. 3 §9.1, §9.2).
 */
import { assert, bug } from "../../base/assert.js";
import { VM_CONTEXT } from "../layout/private.js";
import { accessBytes, type Mnemonic } from "../module/opcodes.js";
import { isInt8, isInt32, newLabel } from "../x64/encode.js";
import { GP, type Memory } from "../x64/regs.js";
import type { Form } from "../x64/table.js";
import type { CodeAssembler } from "./code-x64.js";
import type { Address, AtomicOperation, Masm, Register } from "./masm.js";
import { MEMORY_BASE, SCRATCH, vmField } from "./registers-x64.js";

/** What this file implements. */
export type MemoryAssembler = Pick<
  Masm,
  | "checkBounds"
  | "checkAlignment"
  | "sum"
  | "load"
  | "store"
  | "atomicStore"
  | "atomicUpdate"
  | "atomicCompareExchange"
  | "fence"
  | "memoryPages"
  | "bulk"
>;

/** Memory operations that write to `out`. */
export function memoryAssembler(out: CodeAssembler): MemoryAssembler {
  return {
    checkBounds: (index, offset, bytes, limit) => checkBounds(out, index, offset, bytes, limit),
    checkAlignment: (index, offset, bytes) => {
      if (offset % bytes === 0) out.emit("test r/m32,imm32", index, bytes - 1);
      else {
        out.emit("lea r32,m", SCRATCH, { base: index, displacement: offset % bytes });
        out.emit("test r/m32,imm32", SCRATCH, bytes - 1);
      }
      out.refer("jne rel32", { kind: "trap", reason: "unaligned atomic" });
    },
    sum: (to, index, offset) => sum(out, to, index, offset),
    load: (op, to, address) => load(out, op, to, memory(address)),
    store: (op, address, from) => store(out, op, memory(address), from),
    atomicStore: (bytes, address, from) => out.emit(sized("xchg", bytes), memory(address), from),
    atomicUpdate: (op, bytes, address, operand) =>
      atomicUpdate(out, op, bytes, memory(address), operand),
    atomicCompareExchange: (bytes, address, replacement) =>
      compareExchange(out, bytes, memory(address), replacement),
    fence: () => out.emit("mfence"),
    memoryPages: (to) => {
      out.emit("mov r64,r/m64", to, vmField(VM_CONTEXT.memorySize));
      out.emit("shr r/m64,imm8", to, 16);
    },
    bulk: (op) => out.refer("call rel32", { kind: "routine", name: `memory.${op}` }),
  };
}

function memory(address: Address): Memory {
  const { index, offset } = address;
  if (index === null) return { base: MEMORY_BASE, displacement: offset };
  return { base: MEMORY_BASE, index, displacement: offset };
}

function sum(out: CodeAssembler, to: Register, index: Register, offset: number): void {
  if (isInt32(offset)) out.emit("lea r64,m", to, { base: index, displacement: offset });
  else if (to === index) {
    out.emit("mov r32,imm32", SCRATCH, offset | 0);
    out.emit("add r64,r/m64", to, SCRATCH);
  } else {
    out.emit("mov r32,imm32", to, offset | 0);
    out.emit("add r64,r/m64", to, index);
  }
}

function checkBounds(
  out: CodeAssembler,
  index: Register,
  offset: number,
  bytes: number,
  limit: number | null,
): void {
  if (limit !== null) {
    const last = limit - offset - bytes;
    if (last < 0) {
      out.refer("jmp rel32", { kind: "trap", reason: "memory access out of bounds" });
      return;
    }
    // The index is below 2^32, so a limit from there on holds by itself.
    if (last >= 0xffffffff) return;
    const limitBits = last | 0;
    out.emit(isInt8(limitBits) ? "cmp r/m32,imm8" : "cmp r/m32,imm32", index, limitBits);
  } else {
    assert(isInt32(offset + bytes), "offset too large for a bounds check");
    out.emit("lea r64,m", SCRATCH, { base: index, displacement: offset + bytes });
    out.emit("cmp r64,r/m64", SCRATCH, vmField(VM_CONTEXT.memorySize));
  }
  out.refer("ja rel32", { kind: "trap", reason: "memory access out of bounds" });
}

const LOADS: Readonly<Record<string, Form>> = {
  "i32.load": "mov r32,r/m32",
  "i64.load": "mov r64,r/m64",
  "i32.load8_s": "movsx r32,r/m8",
  "i32.load8_u": "movzx r32,r/m8",
  "i32.load16_s": "movsx r32,r/m16",
  "i32.load16_u": "movzx r32,r/m16",
  "i64.load8_s": "movsx r64,r/m8",
  "i64.load8_u": "movzx r32,r/m8",
  "i64.load16_s": "movsx r64,r/m16",
  "i64.load16_u": "movzx r32,r/m16",
  "i64.load32_s": "movsxd r64,r/m32",
  "i64.load32_u": "mov r32,r/m32",
  "f32.load": "movss xmm,xmm/m32",
  "f64.load": "movsd xmm,xmm/m64",
};

function load(out: CodeAssembler, op: Mnemonic, to: Register, from: Memory): void {
  const form = LOADS[op.replace(".atomic.", ".")] ?? bug(`no load ${op}`);
  out.emit(form, to & 15, from);
}

type RegisterLast = "xchg" | "lock xadd" | "lock cmpxchg" | "mov";

/** Form of `op` on memory of `bytes` bytes with a register second. */
function sized(op: RegisterLast, bytes: number): Form {
  switch (bytes) {
    case 1:
      return `${op} r/m8,r8`;
    case 2:
      return `${op} r/m16,r16`;
    case 4:
      return `${op} r/m32,r32`;
    default:
      return `${op} r/m64,r64`;
  }
}

function store(
  out: CodeAssembler,
  op: Mnemonic,
  to: Memory,
  from: Register | { imm: number },
): void {
  const bytes = accessBytes(op);
  if (op === "f32.store" && typeof from === "number") out.emit("movss xmm/m32,xmm", to, from & 15);
  else if (op === "f64.store" && typeof from === "number")
    out.emit("movsd xmm/m64,xmm", to, from & 15);
  else if (typeof from === "number") out.emit(sized("mov", bytes), to, from);
  else if (bytes === 1) out.emit("mov r/m8,imm8", to, from.imm);
  else if (bytes === 2) out.emit("mov r/m16,imm16", to, from.imm);
  else out.emit(bytes === 4 ? "mov r/m32,imm32" : "mov r/m64,imm32", to, from.imm);
}

/** Clears the bits above a narrow value, as far as its instruction left any. */
function zeroExtend(out: CodeAssembler, bytes: number, to: Register): void {
  if (bytes === 1) out.emit("movzx r32,r/m8", to, to);
  else if (bytes === 2) out.emit("movzx r32,r/m16", to, to);
  else if (bytes === 4) out.emit("mov r32,r/m32", to, to);
}

function loadUnsigned(out: CodeAssembler, bytes: number, to: Register, from: Memory): void {
  if (bytes === 1) out.emit("movzx r32,r/m8", to, from);
  else if (bytes === 2) out.emit("movzx r32,r/m16", to, from);
  else out.emit(bytes === 4 ? "mov r32,r/m32" : "mov r64,r/m64", to, from);
}

function atomicUpdate(
  out: CodeAssembler,
  op: AtomicOperation,
  bytes: number,
  at: Memory,
  operand: Register,
): void {
  if (op === "and" || op === "or" || op === "xor") {
    const again = newLabel();
    loadUnsigned(out, bytes, GP.rax, at);
    out.bind(again);
    out.emit("mov r64,r/m64", SCRATCH, GP.rax);
    out.emit(`${op} r64,r/m64`, SCRATCH, operand);
    out.emit(sized("lock cmpxchg", bytes), at, SCRATCH);
    out.jump("jne rel32", again);
    out.emit("mov r64,r/m64", operand, GP.rax);
  } else {
    if (op === "sub") out.emit("neg r/m64", operand);
    out.emit(sized(op === "xchg" ? "xchg" : "lock xadd", bytes), at, operand);
  }
  zeroExtend(out, bytes, operand);
}

/** Compares as many bits as it exchanges; V8 also ignores what an expected value has beyond. */
function compareExchange(
  out: CodeAssembler,
  bytes: number,
  at: Memory,
  replacement: Register,
): void {
  out.emit(sized("lock cmpxchg", bytes), at, replacement);
  zeroExtend(out, bytes, GP.rax);
}
