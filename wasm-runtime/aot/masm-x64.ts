/**
 * The abstract assembler on x86-64: control flow, moves, integers, calls. Floating point and
 * linear memory are in float-x64.ts and memory-x64.ts; register roles in registers-x64.ts.
 */
import { assert, bug } from "../../base/assert.js";
import { VM_CONTEXT } from "../layout/private.js";
import { Assembler, isInt8, isInt32, type Label, newLabel } from "../x64/encode.js";
import { GP } from "../x64/regs.js";
import { type Form, negate } from "../x64/table.js";
import { type FloatAssembler, floatAssembler } from "./float-x64.js";
import type {
  Condition,
  FrameShape,
  IntegerBinary,
  IntegerType,
  IntegerUnary,
  JumpLabel,
  LinkSymbol,
  MachineType,
  Masm,
  Register,
  Shift,
} from "./masm.js";
import { FLOAT_REGISTER } from "./masm.js";
import { type MemoryAssembler, memoryAssembler } from "./memory-x64.js";
import {
  CALLER_SAVED_BITS,
  CONDITION_CODES,
  FLOAT_SCRATCH,
  frameSlot,
  MEMORY_BASE,
  REGISTERS,
  SCRATCH,
  VM,
  vmField,
} from "./registers-x64.js";
import type { TrapReason } from "./traps.js";

/** Assembler of compiled functions. */
export type CodeAssembler = Assembler<LinkSymbol>;

/** A Masm and the buffer it writes to. */
export interface MasmX64 extends Masm {
  readonly out: CodeAssembler;
}

const SHIFTS = { shl: "shl", shr_s: "sar", shr_u: "shr", rotl: "rol", rotr: "ror" } as const;

/** A new, empty assembler. */
export function masmX64(): MasmX64 {
  const out: CodeAssembler = new Assembler<LinkSymbol>();
  const core = coreAssembler(out);
  const parts: FloatAssembler & MemoryAssembler = {
    ...floatAssembler(out),
    ...memoryAssembler(out),
  };
  return { ...core, ...parts, ...callAssembler(out), out, registers: REGISTERS };
}

/** Bits of the integer registers that hold `type`. */
function width(type: MachineType): 32 | 64 {
  return type === "i32" || type === "f32" ? 32 : 64;
}

type RegisterFirst =
  | "add"
  | "sub"
  | "and"
  | "or"
  | "xor"
  | "cmp"
  | "imul"
  | "popcnt"
  | "bsr"
  | "bsf"
  | "cmove";

/** Form of `op` with a register first and register or memory second. */
function sized(op: RegisterFirst, bits: 32 | 64): Form {
  return bits === 32 ? `${op} r32,r/m32` : `${op} r64,r/m64`;
}

function testForm(bits: 32 | 64): Form {
  return bits === 32 ? "test r/m32,r32" : "test r/m64,r64";
}

/** Number to encode for `register` of either class. */
function encoded(register: Register): number {
  return register & 15;
}

function isFloat(register: Register): boolean {
  return register >= FLOAT_REGISTER;
}

/** Emits `op r/m, imm` in the shorter form. */
function immediateForm(
  out: CodeAssembler,
  op: "add" | "or" | "and" | "sub" | "xor" | "cmp",
  bits: 32 | 64,
  to: Register,
  imm: number,
): void {
  const short = isInt8(imm);
  out.emit(short ? `${op} r/m${bits},imm8` : `${op} r/m${bits},imm32`, to, imm);
}

type Core = Omit<
  Masm,
  keyof FloatAssembler | keyof MemoryAssembler | keyof CallAssembler | "registers"
>;

function coreAssembler(out: CodeAssembler): Core {
  return {
    newLabel,
    bind: (label) => out.bind(asLabel(label)),
    jump: (label) => out.jump("jmp rel32", asLabel(label)),
    branch: (condition, label) => out.jump(`j${CONDITION_CODES[condition]} rel32`, asLabel(label)),
    jumpTable: (index, labels) => jumpTable(out, index, labels),
    trap: (reason) => out.refer("jmp rel32", { kind: "trap", reason }),
    trapIf: (condition, reason) =>
      out.refer(`j${CONDITION_CODES[condition]} rel32`, { kind: "trap", reason }),
    charge: () => charge(out),
    move: (type, to, from) => move(out, type, to, from),
    constant: (type, to, bits) => constant(out, type, to, bits),
    loadFrame: (type, to, offset) => {
      if (isFloat(to)) out.emit("movsd xmm,xmm/m64", encoded(to), frameSlot(offset));
      else if (width(type) === 32) out.emit("mov r32,r/m32", to, frameSlot(offset));
      else out.emit("mov r64,r/m64", to, frameSlot(offset));
    },
    storeFrame: (_type, offset, from) => {
      if (isFloat(from)) out.emit("movsd xmm/m64,xmm", frameSlot(offset), encoded(from));
      else out.emit("mov r/m64,r64", frameSlot(offset), from);
    },
    exchange: (a, b) => exchange(out, a, b),
    binary: (op, type, to, a, b) => binary(out, op, type, to, a, b),
    shift: (op, type, to, a, count) => shift(out, op, type, to, a, count),
    unary: (op, type, to, from) => unary(out, op, type, to, from),
    extendSigned: (to, from) => out.emit("movsxd r64,r/m32", to, from),
    wrap: (to, from) => out.emit("mov r32,r/m32", to, from),
    divide: (op, type, divisor) => divide(out, op, type, divisor),
    compare: (type, a, b) => {
      if (typeof b === "number") out.emit(sized("cmp", width(type)), a, b);
      else immediateForm(out, "cmp", width(type), a, b.imm);
    },
    testZero: (type, a) => out.emit(testForm(width(type)), a, a),
    setIf: (condition, to) => {
      out.emit(`set${CONDITION_CODES[condition]} r/m8`, to);
      out.emit("movzx r32,r/m8", to, to);
    },
    moveIf: (condition, type, to, from) => moveIf(out, condition, type, to, from),
  };
}

function asLabel(label: JumpLabel): Label {
  assert("uses" in label, "label of another machine");
  return label as Label;
}

function jumpTable(out: CodeAssembler, index: Register, labels: readonly JumpLabel[]): void {
  const table = newLabel();
  out.addressOf(SCRATCH, table);
  out.emit("movsxd r64,r/m32", index, { base: SCRATCH, index, scale: 4, displacement: 0 });
  out.emit("add r64,r/m64", index, SCRATCH);
  out.emit("jmp r/m64", index);
  out.bind(table);
  out.distances(table, labels.map(asLabel));
}

function charge(out: CodeAssembler): void {
  out.emit("sub r/m64,imm8", vmField(VM_CONTEXT.fuel), 1);
  out.refer("js rel32", { kind: "trap", reason: "budget exhausted" });
}

function move(out: CodeAssembler, type: MachineType, to: Register, from: Register): void {
  if (to === from) return;
  if (isFloat(to) && isFloat(from)) out.emit("movaps xmm,xmm/m128", encoded(to), encoded(from));
  else if (isFloat(to)) {
    out.emit(width(type) === 32 ? "movd xmm,r/m32" : "movq xmm,r/m64", encoded(to), from);
  } else if (isFloat(from)) {
    out.emit(width(type) === 32 ? "movd r/m32,xmm" : "movq r/m64,xmm", to, encoded(from));
  } else if (type === "i32") out.emit("mov r32,r/m32", to, from);
  else out.emit("mov r64,r/m64", to, from);
}

function constant(out: CodeAssembler, type: MachineType, to: Register, bits: bigint): void {
  if (isFloat(to)) {
    constant(out, width(type) === 32 ? "i32" : "i64", SCRATCH, bits);
    move(out, type, to, SCRATCH);
    return;
  }
  const unsigned = BigInt.asUintN(width(type), bits);
  const signed = BigInt.asIntN(64, unsigned);
  if (unsigned <= 0xffffffffn) out.emit("mov r32,imm32", to, Number(BigInt.asIntN(32, unsigned)));
  else if (isInt32(signed)) out.emit("mov r/m64,imm32", to, Number(signed));
  else out.emit("mov r64,imm64", to, unsigned);
}

function exchange(out: CodeAssembler, a: Register, b: Register): void {
  if (!isFloat(a)) {
    out.emit("xchg r/m64,r64", a, b);
    return;
  }
  out.emit("movaps xmm,xmm/m128", FLOAT_SCRATCH, encoded(a));
  out.emit("movaps xmm,xmm/m128", encoded(a), encoded(b));
  out.emit("movaps xmm,xmm/m128", encoded(b), FLOAT_SCRATCH);
}

function binary(
  out: CodeAssembler,
  op: IntegerBinary,
  type: IntegerType,
  to: Register,
  a: Register,
  b: Register | { imm: number },
): void {
  const bits = width(type);
  if (typeof b !== "number") {
    binaryImmediate(out, op, bits, to, a, b.imm);
    return;
  }
  if (op === "add" && to !== a && to !== b) {
    out.emit(bits === 32 ? "lea r32,m" : "lea r64,m", to, { base: a, index: b, displacement: 0 });
    return;
  }
  if (to === b && to !== a) {
    if (op === "sub") {
      out.emit(`neg r/m${bits}`, to);
      out.emit(sized("add", bits), to, a);
    } else out.emit(registerForm(op, bits), to, a);
    return;
  }
  move(out, type, to, a);
  out.emit(registerForm(op, bits), to, b);
}

function registerForm(op: IntegerBinary, bits: 32 | 64): Form {
  return sized(op === "mul" ? "imul" : op, bits);
}

function binaryImmediate(
  out: CodeAssembler,
  op: IntegerBinary,
  bits: 32 | 64,
  to: Register,
  a: Register,
  imm: number,
): void {
  if (op === "mul") {
    const short = isInt8(imm);
    if (bits === 32) out.emit(short ? "imul r32,r/m32,imm8" : "imul r32,r/m32,imm32", to, a, imm);
    else out.emit(short ? "imul r64,r/m64,imm8" : "imul r64,r/m64,imm32", to, a, imm);
    return;
  }
  const displacement = op === "sub" ? -imm : imm;
  if (to !== a && (op === "add" || op === "sub") && isInt32(displacement)) {
    out.emit(bits === 32 ? "lea r32,m" : "lea r64,m", to, { base: a, displacement });
    return;
  }
  move(out, bits === 32 ? "i32" : "i64", to, a);
  immediateForm(out, op, bits, to, imm);
}

function shift(
  out: CodeAssembler,
  op: Shift,
  type: IntegerType,
  to: Register,
  a: Register,
  count: number | null,
): void {
  const bits = width(type);
  move(out, type, to, a);
  if (count === null) out.emit(`${SHIFTS[op]} r/m${bits},cl`, to);
  else out.emit(`${SHIFTS[op]} r/m${bits},imm8`, to, count & (bits - 1));
}

function unary(
  out: CodeAssembler,
  op: IntegerUnary,
  type: IntegerType,
  to: Register,
  from: Register,
): void {
  const bits = width(type);
  switch (op) {
    case "popcnt":
      out.emit(sized("popcnt", bits), to, from);
      break;
    case "clz":
      // bsr leaves its destination undefined for 0; -1 there makes the result the width.
      constant(out, type, SCRATCH, 2n * BigInt(bits) - 1n);
      out.emit(sized("bsr", bits), to, from);
      out.emit(sized("cmove", bits), to, SCRATCH);
      immediateForm(out, "xor", bits, to, bits - 1);
      break;
    case "ctz":
      constant(out, type, SCRATCH, BigInt(bits));
      out.emit(sized("bsf", bits), to, from);
      out.emit(sized("cmove", bits), to, SCRATCH);
      break;
    case "extend8_s":
      out.emit(`movsx r${bits},r/m8`, to, from);
      break;
    case "extend16_s":
      out.emit(`movsx r${bits},r/m16`, to, from);
      break;
    case "extend32_s":
      out.emit("movsxd r64,r/m32", to, from);
      break;
    default:
      bug(`no operation ${op}`);
  }
}

function divide(
  out: CodeAssembler,
  op: "div_s" | "div_u" | "rem_s" | "rem_u",
  type: IntegerType,
  divisor: Register,
): void {
  const bits = width(type);
  out.emit(testForm(bits), divisor, divisor);
  out.refer("je rel32", { kind: "trap", reason: "integer divide by zero" });
  if (op.endsWith("_u")) {
    out.emit("xor r32,r/m32", GP.rdx, GP.rdx);
    out.emit(`div r/m${bits}`, divisor);
    return;
  }
  const ordinary = newLabel();
  const done = newLabel();
  immediateForm(out, "cmp", bits, divisor, -1);
  out.jump("jne rel32", ordinary);
  if (op === "div_s") {
    // Dividing the least number by -1 overflows: -x overflows exactly for it.
    out.emit(`neg r/m${bits}`, GP.rax);
    out.refer("jo rel32", { kind: "trap", reason: "integer overflow" });
  } else out.emit("xor r32,r/m32", GP.rdx, GP.rdx);
  out.jump("jmp rel32", done);
  out.bind(ordinary);
  out.emit(bits === 32 ? "cdq" : "cqo");
  out.emit(`idiv r/m${bits}`, divisor);
  out.bind(done);
}

function moveIf(
  out: CodeAssembler,
  condition: Condition,
  type: MachineType,
  to: Register,
  from: Register,
): void {
  const code = CONDITION_CODES[condition];
  if (!isFloat(to)) {
    out.emit(width(type) === 32 ? `cmov${code} r32,r/m32` : `cmov${code} r64,r/m64`, to, from);
    return;
  }
  const done = newLabel();
  out.jump(`j${negate(code)} rel32`, done);
  move(out, type, to, from);
  out.bind(done);
}

type CallAssembler = Pick<
  Masm,
  | "loadInstance"
  | "storeInstance"
  | "loadCell"
  | "storeCell"
  | "addressOfInstance"
  | "call"
  | "callStaticTable"
  | "lookUpTable"
  | "callDescriptor"
  | "callHost"
  | "probeRegister"
  | "ticks"
  | "prologue"
  | "epilogue"
>;

function callAssembler(out: CodeAssembler): CallAssembler {
  const instance = (): void => out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.instance));
  const cell = (offset: number): void => {
    instance();
    out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: offset });
  };
  return {
    loadInstance: (type, to, offset) => {
      instance();
      loadThroughScratch(out, type, to, offset);
    },
    storeInstance: (type, offset, from) => {
      instance();
      storeThroughScratch(out, type, offset, from);
    },
    loadCell: (type, to, offset) => {
      cell(offset);
      loadThroughScratch(out, type, to, 0);
    },
    storeCell: (type, offset, from) => {
      cell(offset);
      storeThroughScratch(out, type, 0, from);
    },
    addressOfInstance: (to, offset) => {
      instance();
      out.emit("lea r64,m", to, { base: SCRATCH, displacement: offset });
    },
    call: (symbol) => out.refer("call rel32", symbol),
    callStaticTable: (table, size, signature) => callStaticTable(out, table, size, signature),
    lookUpTable: (tableOffset, signature) => lookUpTable(out, tableOffset, signature),
    callDescriptor: (slot) => callDescriptor(out, slot),
    callHost: (index) => {
      out.emit("mov r64,r/m64", GP.rdi, VM);
      out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.hosts));
      out.emit("call r/m64", { base: SCRATCH, displacement: 8 * index });
      out.registers |= CALLER_SAVED_BITS;
    },
    probeRegister: (to, index) => {
      const none = newLabel();
      out.emit("mov r64,r/m64", to, vmField(VM_CONTEXT.frame));
      out.emit("test r/m64,r64", to, to);
      out.jump("je rel32", none);
      out.emit("mov r64,r/m64", to, { base: to, displacement: 8 * index });
      out.bind(none);
    },
    ticks: () => {
      out.emit("rdtsc");
      out.registers |= 1 << GP.rax;
      out.emit("shl r/m64,imm8", GP.rdx, 32);
      out.emit("or r64,r/m64", GP.rax, GP.rdx);
    },
    prologue: (frame) => prologue(out, frame),
    epilogue: (frame) => {
      if (frame.bytes > 0) immediateForm(out, "add", 64, GP.rsp, frame.bytes);
      for (const register of [...frame.saved].reverse()) out.emit("pop r64", register);
      out.emit("ret");
    },
  };
}

function loadThroughScratch(
  out: CodeAssembler,
  type: MachineType,
  to: Register,
  displacement: number,
): void {
  const from = { base: SCRATCH, displacement };
  if (isFloat(to)) out.emit("movsd xmm,xmm/m64", encoded(to), from);
  else out.emit(type === "i32" ? "mov r32,r/m32" : "mov r64,r/m64", to, from);
}

function storeThroughScratch(
  out: CodeAssembler,
  _type: MachineType,
  displacement: number,
  from: Register,
): void {
  const to = { base: SCRATCH, displacement };
  if (isFloat(from)) out.emit("movsd xmm/m64,xmm", to, encoded(from));
  else out.emit("mov r/m64,r64", to, from);
}

function trapWhen(out: CodeAssembler, form: Form, reason: TrapReason): void {
  out.refer(form, { kind: "trap", reason });
}

/** Elements are { i32 distance of the code from the table, u32 signature }, 0 for none. */
function callStaticTable(
  out: CodeAssembler,
  table: LinkSymbol,
  size: number,
  signature: number,
): void {
  const matches = newLabel();
  const index = GP.rax;
  immediateForm(out, "cmp", 32, index, size);
  trapWhen(out, "jae rel32", "undefined element");
  out.refer("lea r64,m", table, SCRATCH);
  const element = { base: SCRATCH, index, scale: 8 } as const;
  out.emit("cmp r/m32,imm32", { ...element, displacement: 4 }, signature);
  out.jump("je rel32", matches);
  out.emit("cmp r/m32,imm8", { ...element, displacement: 4 }, 0);
  trapWhen(out, "je rel32", "uninitialized element");
  trapWhen(out, "jmp rel32", "indirect call type mismatch");
  out.bind(matches);
  out.emit("movsxd r64,r/m32", index, { ...element, displacement: 0 });
  out.emit("add r64,r/m64", index, SCRATCH);
  out.emit("call r/m64", index);
}

/** A table object is { u64 address of elements, u64 size }, a descriptor see callDescriptor. */
function lookUpTable(out: CodeAssembler, tableOffset: number, signature: number): void {
  const index = GP.rax;
  out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.instance));
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: tableOffset });
  out.emit("cmp r64,r/m64", index, { base: SCRATCH, displacement: 8 });
  trapWhen(out, "jae rel32", "undefined element");
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: 0 });
  out.emit("mov r64,r/m64", index, { base: SCRATCH, index, scale: 8, displacement: 0 });
  out.emit("test r/m64,r64", index, index);
  trapWhen(out, "je rel32", "uninitialized element");
  out.emit("cmp r/m32,imm32", { base: index, displacement: 16 }, signature);
  trapWhen(out, "jne rel32", "indirect call type mismatch");
}

/** A descriptor is { u64 code, u64 instance, u64 signature }. */
function callDescriptor(out: CodeAssembler, slot: number): void {
  out.emit("mov r64,r/m64", SCRATCH, vmField(VM_CONTEXT.instance));
  out.emit("mov r/m64,r64", frameSlot(slot), SCRATCH);
  out.emit("mov r64,r/m64", SCRATCH, { base: GP.rax, displacement: 8 });
  enterInstance(out);
  out.emit("call r/m64", { base: GP.rax, displacement: 0 });
  out.emit("mov r64,r/m64", SCRATCH, frameSlot(slot));
  enterInstance(out);
}

/** Makes the instance at the scratch register the current one; its word 0 is its memory object. */
function enterInstance(out: CodeAssembler): void {
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.instance), SCRATCH);
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: 0 });
  out.emit("mov r64,r/m64", MEMORY_BASE, { base: SCRATCH, displacement: 0 });
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.memoryBase), MEMORY_BASE);
  out.emit("mov r64,r/m64", SCRATCH, { base: SCRATCH, displacement: 8 });
  out.emit("mov r/m64,r64", vmField(VM_CONTEXT.memorySize), SCRATCH);
}

/** Frames above this are compared exactly; below, the margin under stackLimit absorbs them. */
const UNCHECKED_FRAME_BYTES = 1024;

function prologue(out: CodeAssembler, frame: FrameShape): void {
  if (frame.bytes > UNCHECKED_FRAME_BYTES) {
    out.emit("lea r64,m", SCRATCH, { base: GP.rsp, displacement: -frame.bytes });
    // Below the bottom of the address space the sum wraps and is above rsp.
    out.emit("cmp r64,r/m64", SCRATCH, vmField(VM_CONTEXT.stackLimit));
    trapWhen(out, "jb rel32", "stack exhausted");
  } else if (frame.guarded) {
    out.emit("cmp r64,r/m64", GP.rsp, vmField(VM_CONTEXT.stackLimit));
    trapWhen(out, "jb rel32", "stack exhausted");
  }
  if (frame.guarded) charge(out);
  for (const register of frame.saved) out.emit("push r64", register);
  if (frame.bytes > 0) immediateForm(out, "sub", 64, GP.rsp, frame.bytes);
}
