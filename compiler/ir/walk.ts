/** Traversal of IR. */
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
  for (const expression of expressionsOf(statement)) visitExpression(expression, found);
  for (const inner of bodiesOf(statement)) visitStatement(inner, found);
}

function expressionsOf(statement: IrStatement): readonly IrExpression[] {
  switch (statement.kind) {
    case "set":
      return [statement.value];
    case "store":
      return [statement.address, statement.value];
    case "do":
      return [statement.call];
    case "if":
      return [statement.condition];
    case "branch":
      return statement.condition === null ? [] : [statement.condition];
    case "return":
      return statement.value === null ? [] : [statement.value];
    default:
      return [];
  }
}

function bodiesOf(statement: IrStatement): readonly IrStatement[] {
  if (statement.kind === "block" || statement.kind === "loop") return statement.body;
  if (statement.kind === "if") return [...statement.consequent, ...statement.alternate];
  return [];
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
