/** Traversal of IR. */
import { unreachable } from "../../base/assert.js";
import type { Callee, IrExpression, IrFunction, IrModule, IrStatement } from "./ir.js";

/** Everything that the functions of `module` call, in order, with repetitions. */
export function allCallees(module: Pick<IrModule, "functions" | "foreign">): readonly Callee[] {
  return [...module.functions.flatMap(calleesOf), ...module.foreign.flatMap((fn) => fn.callees)];
}

/** Everything that `fn` calls, in order, with repetitions. */
export function calleesOf(fn: IrFunction): readonly Callee[] {
  const known = knownCallees.get(fn);
  if (known !== undefined) return known;
  const found: Callee[] = [];
  for (const statement of fn.body) visitStatement(statement, found);
  knownCallees.set(fn, found);
  return found;
}

/** Functions never change, and several stages ask. */
const knownCallees = new WeakMap<IrFunction, readonly Callee[]>();

function visitStatement(statement: IrStatement, found: Callee[]): void {
  switch (statement.kind) {
    case "set":
      visitExpression(statement.value, found);
      return;
    case "store":
      visitExpression(statement.address, found);
      visitExpression(statement.value, found);
      return;
    case "do":
      visitExpression(statement.call, found);
      return;
    case "if":
      visitExpression(statement.condition, found);
      for (const inner of statement.consequent) visitStatement(inner, found);
      for (const inner of statement.alternate) visitStatement(inner, found);
      return;
    case "block":
    case "loop":
      for (const inner of statement.body) visitStatement(inner, found);
      return;
    case "branch":
      if (statement.condition !== null) visitExpression(statement.condition, found);
      return;
    case "return":
      if (statement.value !== null) visitExpression(statement.value, found);
      return;
    default:
      unreachable(statement);
  }
}

function visitExpression(expression: IrExpression, found: Callee[]): void {
  switch (expression.kind) {
    case "load":
      visitExpression(expression.address, found);
      return;
    case "unary":
      visitExpression(expression.operand, found);
      return;
    case "binary":
      visitExpression(expression.left, found);
      visitExpression(expression.right, found);
      return;
    case "call":
      for (const arg of expression.args) visitExpression(arg, found);
      found.push(expression.callee);
      return;
    default:
      return;
  }
}
