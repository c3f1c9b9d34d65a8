/** Floating point on x86-64: the part of the abstract assembler that uses xmm registers. */
import { bug } from "../../base/assert.js";
import type { Mnemonic } from "../module/opcodes.js";
import { newLabel } from "../x64/encode.js";
import type { CodeAssembler } from "./code-x64.js";
import type { FloatBinary, FloatType, FloatUnary, Masm, Register } from "./masm.js";
import { FLOAT_SCRATCH, SCRATCH } from "./registers-x64.js";

/** What this file implements. */
export type FloatAssembler = Pick<
  Masm,
  "floatBinary" | "floatUnary" | "floatCompare" | "floatEquality" | "convert"
>;

const xmm = (register: Register): number => register & 15;

/** Rounding modes of roundss and roundsd, bit 3 = no precision exception (Intel SDM vol. 2). */
const ROUNDING = { nearest: 8, floor: 9, ceil: 10, trunc: 11 } as const;

/** Float operations that write to `out`. */
export function floatAssembler(out: CodeAssembler): FloatAssembler {
  return {
    floatBinary: (op, type, to, a, b) => floatBinary(out, op, type, to, a, b),
    floatUnary: (op, type, to, from) => floatUnary(out, op, type, to, from),
    floatCompare: (type, a, b) => compare(out, type, xmm(a), xmm(b)),
    floatEquality: (type, equal, to, a, b) => {
      compare(out, type, xmm(a), xmm(b));
      // Unordered sets both the zero and the parity flag.
      out.emit(equal ? "setnp r/m8" : "setp r/m8", SCRATCH);
      out.emit(equal ? "sete r/m8" : "setne r/m8", to);
      out.emit(equal ? "and r32,r/m32" : "or r32,r/m32", to, SCRATCH);
      out.emit("and r/m32,imm8", to, 1);
    },
    convert: (op, to, from) => convert(out, op, to, from),
  };
}

function compare(out: CodeAssembler, type: FloatType, a: number, b: number): void {
  out.emit(type === "f32" ? "ucomiss xmm,xmm/m32" : "ucomisd xmm,xmm/m64", a, b);
}

function arithmetic(
  out: CodeAssembler,
  op: "add" | "sub" | "mul" | "div" | "min" | "max",
  type: FloatType,
  to: number,
  from: number,
): void {
  out.emit(type === "f32" ? `${op}ss xmm,xmm/m32` : `${op}sd xmm,xmm/m64`, to, from);
}

function floatBinary(
  out: CodeAssembler,
  op: FloatBinary,
  type: FloatType,
  to: Register,
  a: Register,
  b: Register,
): void {
  if (op === "copysign") copySign(out, type, xmm(to), xmm(a), xmm(b));
  else {
    out.emit("movaps xmm,xmm/m128", FLOAT_SCRATCH, xmm(a));
    if (op === "min" || op === "max") leastOrGreatest(out, op, type, xmm(b));
    else arithmetic(out, op, type, FLOAT_SCRATCH, xmm(b));
    out.emit("movaps xmm,xmm/m128", xmm(to), FLOAT_SCRATCH);
  }
}

/** Scratch = min or max of scratch and `b`, with signed zeros and NaN as Wasm core 2.0 §4.3.3. */
function leastOrGreatest(out: CodeAssembler, op: "min" | "max", type: FloatType, b: number): void {
  const unordered = newLabel();
  const different = newLabel();
  const done = newLabel();
  compare(out, type, FLOAT_SCRATCH, b);
  out.jump("jp rel32", unordered);
  out.jump("jne rel32", different);
  out.emit(op === "min" ? "orps xmm,xmm/m128" : "andps xmm,xmm/m128", FLOAT_SCRATCH, b);
  out.jump("jmp rel32", done);
  out.bind(unordered);
  arithmetic(out, "add", type, FLOAT_SCRATCH, b);
  out.jump("jmp rel32", done);
  out.bind(different);
  arithmetic(out, op, type, FLOAT_SCRATCH, b);
  out.bind(done);
}

/** a ^ (sign bit of (a ^ b)) */
function copySign(out: CodeAssembler, type: FloatType, to: number, a: number, b: number): void {
  const bits = type === "f32" ? 32 : 64;
  out.emit("movaps xmm,xmm/m128", FLOAT_SCRATCH, a);
  out.emit("xorps xmm,xmm/m128", FLOAT_SCRATCH, b);
  toInteger(out, bits, SCRATCH, FLOAT_SCRATCH);
  out.emit(`shr r/m${bits},imm8`, SCRATCH, bits - 1);
  out.emit(`shl r/m${bits},imm8`, SCRATCH, bits - 1);
  fromInteger(out, bits, FLOAT_SCRATCH, SCRATCH);
  if (to !== a) out.emit("movaps xmm,xmm/m128", to, a);
  out.emit("xorps xmm,xmm/m128", to, FLOAT_SCRATCH);
}

function toInteger(out: CodeAssembler, bits: 32 | 64, to: number, from: number): void {
  out.emit(bits === 32 ? "movd r/m32,xmm" : "movq r/m64,xmm", to, from);
}

function fromInteger(out: CodeAssembler, bits: 32 | 64, to: number, from: number): void {
  out.emit(bits === 32 ? "movd xmm,r/m32" : "movq xmm,r/m64", to, from);
}

function floatUnary(
  out: CodeAssembler,
  op: FloatUnary,
  type: FloatType,
  to: Register,
  from: Register,
): void {
  const bits = type === "f32" ? 32 : 64;
  if (op === "sqrt") {
    out.emit(bits === 32 ? "sqrtss xmm,xmm/m32" : "sqrtsd xmm,xmm/m64", xmm(to), xmm(from));
  } else if (op === "abs" || op === "neg") {
    toInteger(out, bits, SCRATCH, xmm(from));
    // Moves the sign bit to bit 0, changes it there, and moves it back.
    out.emit(`rol r/m${bits},imm8`, SCRATCH, 1);
    if (op === "abs") out.emit(`and r/m${bits},imm8`, SCRATCH, -2);
    else out.emit(`xor r/m${bits},imm8`, SCRATCH, 1);
    out.emit(`ror r/m${bits},imm8`, SCRATCH, 1);
    fromInteger(out, bits, xmm(to), SCRATCH);
  } else {
    const form = bits === 32 ? "roundss xmm,xmm/m32,imm8" : "roundsd xmm,xmm/m64,imm8";
    out.emit(form, xmm(to), xmm(from), ROUNDING[op]);
  }
}

function convert(out: CodeAssembler, op: Mnemonic, to: Register, from: Register): void {
  switch (op) {
    case "f32.demote_f64":
      out.emit("cvtsd2ss xmm,xmm/m64", xmm(to), xmm(from));
      break;
    case "f64.promote_f32":
      out.emit("cvtss2sd xmm,xmm/m32", xmm(to), xmm(from));
      break;
    case "i32.reinterpret_f32":
    case "i64.reinterpret_f64":
      toInteger(out, op.startsWith("i32") ? 32 : 64, to, xmm(from));
      break;
    case "f32.reinterpret_i32":
    case "f64.reinterpret_i64":
      fromInteger(out, op.startsWith("f32") ? 32 : 64, xmm(to), from);
      break;
    default:
      if (op.includes(".convert_")) convertFromInteger(out, op, xmm(to), from);
      else if (op.includes(".trunc_")) truncate(out, op, to, xmm(from));
      else bug(`no conversion ${op}`);
  }
}

function convertFromInteger(out: CodeAssembler, op: Mnemonic, to: number, from: Register): void {
  const wide = !op.endsWith("i32_s");
  // The instruction leaves the upper part as it was; clearing it breaks a false dependency.
  out.emit("xorps xmm,xmm/m128", FLOAT_SCRATCH, FLOAT_SCRATCH);
  if (op.endsWith("i64_u")) {
    out.emit("mov r64,r/m64", SCRATCH, from);
    out.refer("call rel32", { kind: "routine", name: op });
  } else {
    const target = op.startsWith("f32") ? "cvtsi2ss" : "cvtsi2sd";
    out.emit(wide ? `${target} xmm,r/m64` : `${target} xmm,r/m32`, FLOAT_SCRATCH, from);
  }
  out.emit("movaps xmm,xmm/m128", to, FLOAT_SCRATCH);
}

function truncate(out: CodeAssembler, op: Mnemonic, to: Register, from: number): void {
  out.emit("movaps xmm,xmm/m128", FLOAT_SCRATCH, from);
  out.refer("call rel32", { kind: "routine", name: op });
  out.emit("mov r64,r/m64", to, SCRATCH);
}
