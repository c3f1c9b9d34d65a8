/**
 * Type inference over all handlers and the functions that they reach, in rounds until nothing more
 * is learnt. Requires resolved names; mismatches are errors at once, what has no type only later.
 */
import { unreachable } from "../../base/assert.js";
import { forEachNode } from "../elaborate/rewrite.js";
import type { FunctionSymbol, HandlerSymbol } from "../elaborate/symbol.js";
import { SYNTHESIZED } from "../elaborate/synthesize.js";
import type {
  CallExpression,
  Expression,
  ForeachStatement,
  Node,
  Statement,
} from "../syntax/ast.js";
import { cellsOf, type Inference, resultOf, unify } from "./cells.js";
import {
  inferDeclared,
  inferExpression,
  inferKeyList,
  inferLong,
  inferScalar,
  inferVariable,
} from "./expressions.js";
import { learnPointer } from "./pointers.js";
import { callersIn } from "./tree-facts.js";

/** Runs `state` to convergence, and reports what has no type. */
export function infer(state: Inference): void {
  const functions = reachableFunctions(state.symbols.handlers, state);
  // What a function returns tells its type; only if nothing else does, what its callers expect.
  for (const callsTeach of [false, true]) {
    state.callsTeach = callsTeach;
    do {
      state.changed = false;
      for (const handler of state.symbols.handlers) inferHandler(handler, state);
      for (const symbol of functions) inferFunction(symbol, state);
    } while (state.changed);
  }
}

/** Reports what has no type after inference. */
export function reportUnresolved(state: Inference): void {
  for (const handler of state.symbols.handlers) {
    for (const condition of handler.conditions) checkResolved(condition, state);
    checkResolved(handler.body, state);
  }
  for (const symbol of reachableFunctions(state.symbols.handlers, state)) {
    checkResolved(symbol.body, state);
  }
}

/** Functions that `handlers` call, directly or not, in order of first call. */
export function reachableFunctions(
  handlers: readonly { readonly body: Node; readonly conditions: readonly Node[] }[],
  state: Pick<Inference, "symbols">,
): FunctionSymbol[] {
  const reached = new Set<FunctionSymbol>();
  const visit = (root: Node): void => {
    for (const { id } of callersIn(root, state.symbols)) {
      for (const symbol of state.symbols.calls.get(id) ?? []) reached.add(symbol);
    }
  };
  for (const handler of handlers) {
    for (const condition of handler.conditions) visit(condition);
    visit(handler.body);
  }
  for (const symbol of reached) visit(symbol.body);
  return [...reached];
}

function inferHandler(handler: HandlerSymbol, state: Inference): void {
  for (const condition of handler.conditions) inferLong(condition, state);
  inferStatement(handler.body, null, state);
}

function inferFunction(symbol: FunctionSymbol, state: Inference): void {
  if (symbol.body.kind === "block") inferStatement(symbol.body, symbol, state);
}

function inferStatement(node: Statement, owner: FunctionSymbol | null, state: Inference): void {
  const inner = (statement: Statement): void => inferStatement(statement, owner, state);
  switch (node.kind) {
    case "block":
      node.statements.forEach(inner);
      return;
    case "expression":
      inferExpression(node.expression, null, state);
      return;
    case "if":
      inferLong(node.condition, state);
      inner(node.consequent);
      if (node.alternate) inner(node.alternate);
      return;
    case "while":
      inferLong(node.condition, state);
      inner(node.body);
      return;
    case "for":
      if (node.initial) inferExpression(node.initial, null, state);
      if (node.condition) inferLong(node.condition, state);
      if (node.update) inferExpression(node.update, null, state);
      inner(node.body);
      return;
    case "foreach":
      inferForeach(node, state);
      inner(node.body);
      return;
    case "return":
      if (owner === null) return;
      if (node.value) inferReturn(node.value, owner, state);
      else checkBareReturn(node, owner, state);
      return;
    case "delete":
      inferExpression(node.target, null, state);
      return;
    case "try":
      inner(node.body);
      if (node.variable) inferVariable(node.variable, "string", state);
      inner(node.handler);
      return;
    case "null":
    case "break":
    case "continue":
    case "next":
    case "embedded":
      return;
    default:
      unreachable(node);
  }
}

function inferReturn(value: Expression, owner: FunctionSymbol, state: Inference): void {
  const cell = resultOf(owner, state);
  const declared = owner.declaration.type;
  const type =
    declared === null ? inferScalar(value, null, state) : inferDeclared(value, declared, state);
  learnPointer(owner, value, state);
  if (type === null && cell.type !== null) inferScalar(value, cell.type, state);
  if (type === null || type === "stats" || declared !== null) return;
  if (!unify(cell, type, value, state)) {
    state.report.error({
      code: "type-mismatch",
      message: `type mismatch (${type})`,
      node: value,
      notes: [{ message: `type was first inferred here (${cell.type})`, node: cell.place }],
    });
  }
}

/** A function with a result cannot return without one. */
function checkBareReturn(node: Statement, owner: FunctionSymbol, state: Inference): void {
  const cell = resultOf(owner, state);
  if (cell.type === null) return;
  const code = "type-mismatch";
  if (cell.place === null) {
    const message = `type mismatch: expected unknown but found ${cell.type}`;
    state.report.error({ code, message, node });
    return;
  }
  state.report.error({
    code,
    message: "type mismatch (unknown)",
    node,
    notes: [{ message: `type was first inferred here (${cell.type})`, node: cell.place }],
  });
}

function inferForeach(node: ForeachStatement, state: Inference): void {
  if (node.limit) inferLong(node.limit, state);
  if (node.base.kind === "histogram") {
    inferExpression(node.base, null, state);
    if (node.keys.length !== 1) unresolved(node, state);
    for (const key of node.keys) inferVariable(key, "long", state);
    if (node.value) inferVariable(node.value, "long", state);
    return;
  }
  inferKeyList(node.base, node.slice ?? [], state);
  const variable = state.symbols.variables.get(node.base.id);
  if (variable === undefined) return;
  const cells = cellsOf(variable, state);
  node.keys.forEach((key, i) => {
    const cell = cells.keys[i];
    const type = inferVariable(key, cell?.type ?? null, state);
    if (cell && type !== null) unify(cell, type, key, state);
  });
  if (cells.value.type !== null) state.types.set(node.base.id, cells.value.type);
  if (!node.value) return;
  if (cells.value.type === "stats") {
    state.report.error({ code: "invalid-stats", message: "invalid type stats", node: node.value });
    return;
  }
  // What is done with the value does not tell what the array holds.
  inferVariable(node.value, cells.value.type, state);
}

/** Results of calls that stand alone are not needed. */
function checkResolved(root: Node, state: Inference): void {
  const ignored = new Set<CallExpression>();
  const reported = new Set<unknown>();
  forEachNode(root, (node) => {
    if (node.kind === "expression" && node.expression.kind === "call") ignored.add(node.expression);
    if (node.kind === "call" && !state.types.has(node.id)) {
      if (ignored.has(node)) state.types.set(node.id, "void");
      else unresolved(node, state);
    }
    if (node.kind !== "identifier" || state.types.has(node.id)) return;
    const variable = state.symbols.variables.get(node.id);
    if (variable === undefined || reported.has(variable)) return;
    reported.add(variable);
    // What the compiler wrote itself is no place for the user: the declaration is.
    if (node.span.file.name !== SYNTHESIZED) unresolved(node, state);
    else if (variable.kind === "global") unresolved(variable.place, state);
  });
}

function unresolved(node: Node, state: Inference): void {
  state.report.error({ code: "unresolved-type", message: "unresolved type ", node });
}
