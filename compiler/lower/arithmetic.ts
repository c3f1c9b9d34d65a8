/** Integer operators (language reference §6): wrapping 64-bit, checked division, masked shifts. */
import { unreachable } from "../../base/assert.js";
import { binary, get, i64, not } from "../ir/build.js";
import type { BinaryOp, IrExpression } from "../ir/ir.js";
import type { BinaryOperator } from "../syntax/ast.js";
import { keep, type Place, raiseError, type Scope } from "./scope.js";

/** Operators that give a number; the others compare. */
export type Arithmetic = Exclude<BinaryOperator, keyof typeof COMPARISONS>;

/** Wasm comparisons of two longs, by operator; of two strings with `i32.` instead. */
export const COMPARISONS = {
  "<": "lt_s",
  ">": "gt_s",
  "<=": "le_s",
  ">=": "ge_s",
  "==": "eq",
  "!=": "ne",
} as const;

/** True if `operator` compares. */
export function isComparisonOperator(
  operator: BinaryOperator,
): operator is keyof typeof COMPARISONS {
  return operator in COMPARISONS;
}

/** `left operator right`; raises "division by 0" at `place`. */
export function lowerArithmetic(
  operator: Arithmetic,
  left: IrExpression,
  right: IrExpression,
  scope: Scope,
  place: Place,
): IrExpression {
  if (operator !== "/" && operator !== "%") {
    return binary(simpleOperator(operator), left, right);
  }
  const divisor = keep(scope, right);
  guardDivisor(divisor, scope, place);
  return divide(operator, left, divisor, scope);
}

/** Raises "division by 0" if `divisor` is 0. */
export function guardDivisor(divisor: IrExpression, scope: Scope, place: Place): void {
  const zero = binary("i64.eq", divisor, i64(0n));
  scope.code.when(zero, () => raiseError(scope, "division by 0", place));
}

/** Quotient or remainder by a divisor known not to be 0: x / -1 = -x, x % -1 = 0, no trap. */
export function divide(
  operator: "/" | "%",
  left: IrExpression,
  divisor: IrExpression,
  scope: Scope,
): IrExpression {
  const op: BinaryOp = operator === "/" ? "i64.div_s" : "i64.rem_s";
  // i64.rem_s gives 0 for the divisor -1 (Wasm core 2.0 §4.3.2 irem_s); only idiv_s overflows.
  if (operator === "%") return safeConstant(binary(op, left, divisor), operator, left, divisor);
  if (divisor.kind === "i64" && divisor.value !== -1n) {
    return safeConstant(binary(op, left, divisor), operator, left, divisor);
  }
  const dividend = keep(scope, left);
  const result = scope.code.temporary("i64");
  const negated = binary("i64.sub", i64(0n), dividend);
  scope.code.when(
    not(binary("i64.eq", divisor, i64(-1n))),
    () => scope.code.set(result, binary(op, dividend, divisor)),
    () => scope.code.set(result, negated),
  );
  return get(result);
}

function safeConstant(
  value: IrExpression,
  operator: "/" | "%",
  left: IrExpression,
  divisor: IrExpression,
): IrExpression {
  if (left.kind !== "i64" || divisor.kind !== "i64" || divisor.value === 0n) return value;
  return i64(operator === "/" ? left.value / divisor.value : left.value % divisor.value);
}

function simpleOperator(operator: Exclude<Arithmetic, "/" | "%">): BinaryOp {
  switch (operator) {
    case "+":
      return "i64.add";
    case "-":
      return "i64.sub";
    case "*":
      return "i64.mul";
    case "&":
      return "i64.and";
    case "|":
      return "i64.or";
    case "^":
      return "i64.xor";
    case "<<":
      return "i64.shl";
    case ">>":
      return "i64.shr_s";
    case ">>>":
      return "i64.shr_u";
    default:
      return unreachable(operator);
  }
}
