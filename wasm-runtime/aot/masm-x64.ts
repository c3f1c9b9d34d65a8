/**
 * The abstract assembler on x86-64: control flow, moves and integers. Floating point,
 * linear memory and calls are in float-x64.ts, memory-x64.ts and calls-x64.ts; register roles in
 * registers-x64.ts.
 */
import { assert, bug } from "../../base/assert.js";
import { Assembler, isInt8, isInt32, type Label, newLabel } from "../x64/encode.js";
import { GP } from "../x64/regs.js";
import { type Form, negate } from "../x64/table.js";
import { type CallAssembler, callAssembler } from "./calls-x64.js";
import { type CodeAssembler, charge, encoded, immediateForm, isFloat } from "./code-x64.js";
import { type FloatAssembler, floatAssembler } from "./float-x64.js";
import type {
  Condition,
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
import { type MemoryAssembler, memoryAssembler } from "./memory-x64.js";
import { CONDITION_CODES, FLOAT_SCRATCH, frameSlot, REGISTERS, SCRATCH } from "./registers-x64.js";

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
