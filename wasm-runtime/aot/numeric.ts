/** Numeric instructions: arithmetic, comparisons, conversions (Wasm core 2.0 §4.3). */
import { bug } from "../../base/assert.js";
import type { Mnemonic } from "../module/opcodes.js";
import { OPCODES } from "../module/opcodes.js";
import { type FunctionContext, finish, resultRegister } from "./context.js";
import { pushCondition } from "./control-flow.js";
import type {
  Condition,
  FloatBinary,
  FloatType,
  FloatUnary,
  IntegerBinary,
  IntegerType,
  IntegerUnary,
  Shift,
} from "./masm.js";
import type { Value } from "./operands.js";

/** Compiles one numeric instruction. */
export type NumericCompiler = (fc: FunctionContext) => void;

const INTEGER_BINARY: readonly string[] = ["add", "sub", "mul", "and", "or", "xor"];
const SHIFTS: readonly string[] = ["shl", "shr_s", "shr_u", "rotl", "rotr"];
const DIVISIONS: readonly string[] = ["div_s", "div_u", "rem_s", "rem_u"];
const INTEGER_UNARY: readonly string[] = [
  "clz",
  "ctz",
  "popcnt",
  "extend8_s",
  "extend16_s",
  "extend32_s",
];
const FLOAT_BINARY: readonly string[] = ["add", "sub", "mul", "div", "min", "max", "copysign"];
const FLOAT_UNARY: readonly string[] = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"];
const COMMUTATIVE: readonly string[] = ["add", "mul", "and", "or", "xor"];

/** The condition for swapped operands. */
const SWAPPED: Readonly<Record<Condition, Condition>> = {
  eq: "eq",
  ne: "ne",
  lt_s: "gt_s",
  gt_s: "lt_s",
  le_s: "ge_s",
  ge_s: "le_s",
  lt_u: "gt_u",
  gt_u: "lt_u",
  le_u: "ge_u",
  ge_u: "le_u",
};

/** All numeric instructions; the constants are compiled elsewhere. */
export const NUMERIC: ReadonlyMap<Mnemonic, NumericCompiler> = new Map(
  (Object.keys(OPCODES) as Mnemonic[]).flatMap((op) => {
    const compiler = compilerFor(op);
    return compiler === null ? [] : [[op, compiler] as const];
  }),
);

function compilerFor(op: Mnemonic): NumericCompiler | null {
  const [type, name] = op.split(".") as [string, string | undefined];
  if (name === undefined || OPCODES[op].immediate !== "none") return null;
  if (type === "i32" || type === "i64") return integerCompiler(op, type, name);
  if (type === "f32" || type === "f64") return floatCompiler(op, type, name);
  return null;
}

function integerCompiler(op: Mnemonic, type: IntegerType, name: string): NumericCompiler | null {
  if (INTEGER_BINARY.includes(name)) return (fc) => binary(fc, name as IntegerBinary, type);
  if (SHIFTS.includes(name)) return (fc) => shift(fc, name as Shift, type);
  if (DIVISIONS.includes(name)) return (fc) => divide(fc, name as Division, type);
  if (INTEGER_UNARY.includes(name)) return (fc) => unary(fc, name as IntegerUnary, type);
  if (name in SWAPPED) return (fc) => compare(fc, name as Condition, type);
  if (name === "eqz") return (fc) => equalZero(fc, type);
  if (name === "wrap_i64") return wrap;
  if (name === "extend_i32_u") return extendUnsigned;
  if (name === "extend_i32_s") return extendSigned;
  return (fc) => convert(fc, op, type);
}

function floatCompiler(op: Mnemonic, type: FloatType, name: string): NumericCompiler {
  if (FLOAT_BINARY.includes(name)) return (fc) => floatBinary(fc, name as FloatBinary, type);
  if (FLOAT_UNARY.includes(name)) return (fc) => floatUnary(fc, name as FloatUnary, type);
  if (["eq", "ne", "lt", "gt", "le", "ge"].includes(name)) {
    return (fc) => floatCompare(fc, name, type);
  }
  return (fc) => convert(fc, op, type);
}

function bitsOf(type: IntegerType): 32 | 64 {
  return type === "i32" ? 32 : 64;
}

function isConstant(value: Value): value is Extract<Value, { kind: "constant" }> {
  return value.kind === "constant";
}

const FOLDS: Readonly<Record<IntegerBinary, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

function binary(fc: FunctionContext, op: IntegerBinary, type: IntegerType): void {
  const { masm, stack } = fc;
  const [right, left] = [stack.peek(0), stack.peek(1)];
  if (isConstant(left) && isConstant(right)) {
    stack.pop();
    stack.pop();
    stack.pushConstant(type, BigInt.asIntN(bitsOf(type), FOLDS[op](left.bits, right.bits)));
    return;
  }
  if (isConstant(left) && COMMUTATIVE.includes(op)) swapTop(fc);
  const power = op === "mul" ? powerOfTwo(stack.peek(), type) : -1;
  if (power >= 0) {
    stack.pop();
    shiftBy(fc, "shl", type, power);
    return;
  }
  const b = stack.popRegisterOrImmediate();
  const a = stack.popRegister();
  const to = resultRegister(fc, type, a, b);
  masm.binary(op, type, to, a, b);
  finish(fc, type, to, a, b);
}

/** Exchanges the two top entries, of which the lower is a constant. */
function swapTop(fc: FunctionContext): void {
  const right = fc.stack.pop();
  const left = fc.stack.pop();
  // A spilled entry stays in the slot of its old height, which nothing else takes meanwhile.
  const moved = right.kind === "spilled" ? fc.stack.toRegister(right) : null;
  if (moved === null) fc.stack.push(right);
  else fc.stack.pushRegister(right.type, moved);
  fc.stack.push(left);
}

/** n if `value` is the constant 2^n, else -1. */
function powerOfTwo(value: Value, type: IntegerType): number {
  if (!isConstant(value)) return -1;
  const unsigned = BigInt.asUintN(bitsOf(type), value.bits);
  if (unsigned === 0n || (unsigned & (unsigned - 1n)) !== 0n) return -1;
  return unsigned.toString(2).length - 1;
}

function shift(fc: FunctionContext, op: Shift, type: IntegerType): void {
  const { masm, stack } = fc;
  const count = stack.peek();
  if (isConstant(count)) {
    stack.pop();
    shiftBy(fc, op, type, Number(count.bits & BigInt(bitsOf(type) - 1)));
    return;
  }
  const fixed = masm.registers.shiftCount;
  stack.popInto(fixed);
  const a = stack.popRegister();
  const to = resultRegister(fc, type, a);
  masm.shift(op, type, to, a, null);
  finish(fc, type, to, a, fixed);
}

function shiftBy(fc: FunctionContext, op: Shift, type: IntegerType, count: number): void {
  const a = fc.stack.popRegister();
  const to = resultRegister(fc, type, a);
  fc.masm.shift(op, type, to, a, count);
  finish(fc, type, to, a);
}

type Division = "div_s" | "div_u" | "rem_s" | "rem_u";

function divide(fc: FunctionContext, op: Division, type: IntegerType): void {
  const { masm, stack } = fc;
  const power = op.endsWith("_u") ? powerOfTwo(stack.peek(), type) : -1;
  if (power >= 0) {
    stack.pop();
    if (op === "div_u") shiftBy(fc, "shr_u", type, power);
    else {
      stack.pushConstant(type, (1n << BigInt(power)) - 1n);
      binary(fc, "and", type);
    }
    return;
  }
  const { dividend, remainder } = masm.registers;
  stack.reserveFor(1, dividend);
  stack.claim(remainder);
  const divisor = stack.popRegister();
  stack.popReserved(dividend);
  masm.divide(op, type, divisor);
  const quotient = op.startsWith("div");
  stack.release(divisor, quotient ? remainder : dividend);
  stack.pushRegister(type, quotient ? dividend : remainder);
}

function unary(fc: FunctionContext, op: IntegerUnary, type: IntegerType): void {
  const from = fc.stack.popRegister();
  const to = resultRegister(fc, type, from);
  fc.masm.unary(op, type, to, from);
  finish(fc, type, to, from);
}

function compare(fc: FunctionContext, condition: Condition, type: IntegerType): void {
  const { masm, stack } = fc;
  let held = condition;
  if (isConstant(stack.peek(1)) && !isConstant(stack.peek(0))) {
    swapTop(fc);
    held = SWAPPED[condition];
  }
  const b = stack.popRegisterOrImmediate();
  const a = stack.popRegister();
  if (typeof b !== "number" && b.imm === 0 && (held === "eq" || held === "ne")) {
    masm.testZero(type, a);
  } else masm.compare(type, a, b);
  stack.release(a, b);
  pushCondition(fc, held);
}

function equalZero(fc: FunctionContext, type: IntegerType): void {
  const a = fc.stack.popRegister();
  fc.masm.testZero(type, a);
  fc.stack.release(a);
  pushCondition(fc, "eq");
}

function wrap(fc: FunctionContext): void {
  const value = fc.stack.peek();
  if (isConstant(value)) {
    fc.stack.pop();
    fc.stack.pushConstant("i32", BigInt.asIntN(32, value.bits));
    return;
  }
  const from = fc.stack.popRegister();
  const to = resultRegister(fc, "i32", from);
  fc.masm.wrap(to, from);
  finish(fc, "i32", to, from);
}

/** Registers and slots hold an i32 zero-extended: only its name changes. */
function extendUnsigned(fc: FunctionContext): void {
  const value = fc.stack.pop();
  if (isConstant(value)) fc.stack.pushConstant("i64", BigInt.asUintN(32, value.bits));
  else fc.stack.push({ ...value, type: "i64" });
}

function extendSigned(fc: FunctionContext): void {
  const value = fc.stack.peek();
  if (isConstant(value)) {
    fc.stack.pop();
    fc.stack.pushConstant("i64", BigInt.asIntN(32, value.bits));
    return;
  }
  const from = fc.stack.popRegister();
  const to = resultRegister(fc, "i64", from);
  fc.masm.extendSigned(to, from);
  finish(fc, "i64", to, from);
}

function floatBinary(fc: FunctionContext, op: FloatBinary, type: FloatType): void {
  const b = fc.stack.popRegister();
  const a = fc.stack.popRegister();
  const to = resultRegister(fc, type, a, b);
  fc.masm.floatBinary(op, type, to, a, b);
  finish(fc, type, to, a, b);
}

function floatUnary(fc: FunctionContext, op: FloatUnary, type: FloatType): void {
  const from = fc.stack.popRegister();
  const to = resultRegister(fc, type, from);
  fc.masm.floatUnary(op, type, to, from);
  finish(fc, type, to, from);
}

function floatCompare(fc: FunctionContext, op: string, type: FloatType): void {
  const { masm, stack } = fc;
  const b = stack.popRegister();
  const a = stack.popRegister();
  if (op === "eq" || op === "ne") {
    const to = resultRegister(fc, "i32");
    masm.floatEquality(type, op === "eq", to, a, b);
    finish(fc, "i32", to, a, b);
    return;
  }
  if (op.startsWith("g")) masm.floatCompare(type, a, b);
  else masm.floatCompare(type, b, a);
  stack.release(a, b);
  pushCondition(fc, op.endsWith("e") ? "ge_u" : "gt_u");
}

function convert(fc: FunctionContext, op: Mnemonic, type: IntegerType | FloatType): void {
  if (!/\.(trunc|convert|demote|promote|reinterpret)_/.test(op)) bug(`cannot compile ${op}`);
  const from = fc.stack.popRegister();
  const to = resultRegister(fc, type, from);
  fc.masm.convert(op, to, from);
  finish(fc, type, to, from);
}
