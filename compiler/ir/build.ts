/**
 * Constructors of IR expressions. They fold constants and the neutral operands that lowering
 * produces (offset 0, conditions on conditions), so no later pass has to.
 */

import { bug } from "../../base/assert.js";
import type { BinaryOp, IrExpression, IrLocal, LoadOp, UnaryOp, ValueType } from "./ir.js";
import { signatureOf } from "./signatures.js";

/** The 32-bit constant `value`. */
export function i32(value: number): IrExpression {
  return { kind: "i32", value: value | 0 };
}

/** The 64-bit constant `value`. */
export function i64(value: bigint): IrExpression {
  return { kind: "i64", value: BigInt.asIntN(64, value) };
}

/** Value of `local`. */
export function get(local: IrLocal): IrExpression {
  return { kind: "get", local };
}

/** Memory at `address` + `offset`; a constant part of the address goes into the offset. */
export function load(op: LoadOp, address: IrExpression, offset = 0): IrExpression {
  const place = splitAddress(address, offset);
  return { kind: "load", op, ...place };
}

/** `address` and `offset` of a load or store with the constant part of the address moved over. */
export function splitAddress(
  address: IrExpression,
  offset: number,
): { readonly address: IrExpression; readonly offset: number } {
  if (address.kind === "i32" && address.value >= 0) {
    return { address: i32(0), offset: offset + address.value };
  }
  if (address.kind === "binary" && address.op === "i32.add" && address.right.kind === "i32") {
    if (address.right.value >= 0) {
      return { address: address.left, offset: offset + address.right.value };
    }
  }
  return { address, offset };
}

/** `left op right`, folded where both are constant. */
export function binary(op: BinaryOp, left: IrExpression, right: IrExpression): IrExpression {
  if (left.kind === "i64" && right.kind === "i64") {
    const value = fold64(op, left.value, right.value);
    if (value !== null) return value;
  }
  if (op === "i32.add" && right.kind === "i32") return addI32(left, right.value);
  if ((op === "i64.add" || op === "i64.sub") && right.kind === "i64" && right.value === 0n) {
    return left;
  }
  return { kind: "binary", op, left, right };
}

/** `op operand`, folded where it is constant or undoes itself. */
export function unary(op: UnaryOp, operand: IrExpression): IrExpression {
  if (operand.kind === "i64") {
    if (op === "i32.wrap_i64") return i32(Number(BigInt.asIntN(32, operand.value)));
    if (op === "i64.eqz") return i32(operand.value === 0n ? 1 : 0);
  }
  if (operand.kind === "i32") {
    if (op === "i32.eqz") return i32(operand.value === 0 ? 1 : 0);
    if (op === "i64.extend_i32_s") return i64(BigInt(operand.value));
    if (op === "i64.extend_i32_u") return i64(BigInt(operand.value >>> 0));
  }
  return { kind: "unary", op, operand };
}

/** 1 if the i32 `condition` is 0, else 0. */
export function not(condition: IrExpression): IrExpression {
  if (condition.kind === "unary" && condition.op === "i32.eqz" && isTruth(condition.operand)) {
    return condition.operand;
  }
  if (condition.kind === "binary") {
    const inverse = INVERSE[condition.op];
    if (inverse !== undefined) return binary(inverse, condition.left, condition.right);
  }
  return unary("i32.eqz", condition);
}

/** True if `expression` gives only 0 or 1 as i32. */
export function isTruth(expression: IrExpression): boolean {
  if (expression.kind === "unary") return expression.op.endsWith("eqz");
  if (expression.kind === "i32") return expression.value === 0 || expression.value === 1;
  return expression.kind === "binary" && isComparison(expression.op);
}

/** True for the operators that compare and give i32. */
export function isComparison(op: BinaryOp): boolean {
  return /\.(eq|ne|[lg][te]_[su])$/.test(op);
}

/** Type of the value of `expression`. */
export function typeOf(expression: IrExpression): ValueType {
  switch (expression.kind) {
    case "i32":
    case "i64":
      return expression.kind;
    case "get":
      return expression.local.type;
    case "load":
      return prefix(expression.op);
    case "unary":
      return expression.op.endsWith("eqz") ? "i32" : prefix(expression.op);
    case "binary":
      return isComparison(expression.op) ? "i32" : prefix(expression.op);
    case "call":
      return signatureOf(expression.callee).result ?? bug("call without result used as a value");
  }
}

function prefix(op: string): ValueType {
  return op.startsWith("i64.") ? "i64" : "i32";
}

function addI32(left: IrExpression, value: number): IrExpression {
  if (value === 0) return left;
  if (left.kind === "i32") return i32(left.value + value);
  if (left.kind === "binary" && left.op === "i32.add" && left.right.kind === "i32") {
    return addI32(left.left, (left.right.value + value) | 0);
  }
  return { kind: "binary", op: "i32.add", left, right: i32(value) };
}

/** Division is left to lowering, which must raise an error for a divisor of 0. */
function fold64(op: BinaryOp, a: bigint, b: bigint): IrExpression | null {
  const unsignedA = BigInt.asUintN(64, a);
  const shift = b & 63n;
  switch (op) {
    case "i64.add":
      return i64(a + b);
    case "i64.sub":
      return i64(a - b);
    case "i64.mul":
      return i64(a * b);
    case "i64.and":
      return i64(a & b);
    case "i64.or":
      return i64(a | b);
    case "i64.xor":
      return i64(a ^ b);
    case "i64.shl":
      return i64(a << shift);
    case "i64.shr_s":
      return i64(a >> shift);
    case "i64.shr_u":
      return i64(unsignedA >> shift);
    default:
      return foldComparison(op, a, b);
  }
}

function foldComparison(op: BinaryOp, a: bigint, b: bigint): IrExpression | null {
  switch (op) {
    case "i64.eq":
      return i32(a === b ? 1 : 0);
    case "i64.ne":
      return i32(a !== b ? 1 : 0);
    case "i64.lt_s":
      return i32(a < b ? 1 : 0);
    case "i64.gt_s":
      return i32(a > b ? 1 : 0);
    case "i64.le_s":
      return i32(a <= b ? 1 : 0);
    case "i64.ge_s":
      return i32(a >= b ? 1 : 0);
    default:
      return null;
  }
}

const INVERSE: { readonly [op in BinaryOp]?: BinaryOp } = {
  "i64.eq": "i64.ne",
  "i64.ne": "i64.eq",
  "i64.lt_s": "i64.ge_s",
  "i64.ge_s": "i64.lt_s",
  "i64.gt_s": "i64.le_s",
  "i64.le_s": "i64.gt_s",
  "i32.eq": "i32.ne",
  "i32.ne": "i32.eq",
  "i32.lt_s": "i32.ge_s",
  "i32.ge_s": "i32.lt_s",
  "i32.gt_s": "i32.le_s",
  "i32.le_s": "i32.gt_s",
};
