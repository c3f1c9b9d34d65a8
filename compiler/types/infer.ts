/**
 * Type inference over all functions that are reached and all handlers, in rounds until nothing more
 * is learnt; names are resolved. Types that do not agree are found at once. What has no type, and
 * operators where they cannot stand, count only if they are still there after optimization.
 */
import { unreachable } from "../../base/assert.js";
import { forEachNode } from "../elaborate/rewrite.js";
import { compareFunctions, type FunctionSymbol, type HandlerSymbol } from "../elaborate/symbol.js";
import type { ForeachStatement, Node, Statement } from "../syntax/ast.js";
import { type Cell, cellsOf, type Inference, learn, resultOf } from "./cells.js";
import { typeOf, visit, visitAs, visitKeys, visitVariable } from "./expressions.js";
import { conflicting, invalid, statLocal, unresolved } from "./faults.js";
import { learnPointer } from "./pointers.js";
import { callersIn } from "./tree-facts.js";
import { variableUse } from "./usage.js";

/** Learns all types; reports what does not agree. */
export function infer(state: Inference): void {
  const functions = functionsOf(state);
  converge(functions, state);
  if (state.worst > 0) report("disagreement", functions, state);
}

/** Learns all types; reports what does not agree, and what is wrong with the rest. */
export function inferAll(state: Inference): void {
  const functions = functionsOf(state);
  converge(functions, state);
  report("all", functions, state);
  for (const { body } of [...functions, ...state.symbols.handlers]) {
    forEachNode(body, (node) => {
      if (node.kind === "call" && typeOf(node, state) === null) state.types.set(node.id, "void");
    });
  }
}

function converge(functions: readonly FunctionSymbol[], state: Inference): void {
  do {
    state.changed = false;
    state.worst = 0;
    visitAll(functions, state);
  } while (state.changed);
}

function report(
  what: "disagreement" | "all",
  functions: readonly FunctionSymbol[],
  state: Inference,
): void {
  state.reports = what;
  visitAll(functions, state);
  if (what === "all") checkGlobals(functions, state);
  state.reports = "nothing";
}

/** Globals that nothing mentions any more need no type. */
function checkGlobals(functions: readonly FunctionSymbol[], state: Inference): void {
  const { globals, handlers } = state.symbols;
  const open = globals.filter((global) => cellsOf(global, state).value.type === null);
  if (open.length === 0) return;
  const { read, written } = variableUse(
    [...functions, ...handlers].map(({ body }) => body),
    state.symbols,
  );
  for (const global of open) {
    if (read.has(global) || written.has(global)) unresolved(global.place, state);
  }
}

/** Functions that the handlers call, directly or not, in the order in which SystemTap visits them. */
export function functionsOf(state: Inference): FunctionSymbol[] {
  const reached = reachableFunctions(state.symbols.handlers, state);
  return reached.sort(compareFunctions);
}

function visitAll(functions: readonly FunctionSymbol[], state: Inference): void {
  for (const symbol of functions) {
    if (symbol.body.kind !== "block") continue;
    state.owner = symbol;
    visitStatement(symbol.body, state);
    state.owner = null;
    if (state.reports === "all") checkLocals(symbol, state);
  }
  for (const handler of state.symbols.handlers) {
    visitStatement(handler.body, state);
    if (state.reports === "all") checkLocals(handler, state);
    for (const condition of handler.conditions) visit(condition, "long", state);
  }
}

function checkLocals({ locals, body }: FunctionSymbol | HandlerSymbol, state: Inference): void {
  if (body.kind !== "block") return;
  const used = new Set<unknown>();
  forEachNode(body, ({ id }) => used.add(state.symbols.variables.get(id)));
  for (const local of locals) {
    if (!used.has(local)) continue;
    const { type } = cellsOf(local, state).value;
    if (type === null) unresolved(local.place, state);
    else if (type === "stats") statLocal(local, state);
  }
}

/** Functions that `handlers` call, directly or not, in order of first call. */
export function reachableFunctions(
  handlers: readonly { readonly body: Node; readonly conditions: readonly Node[] }[],
  state: Pick<Inference, "symbols">,
): FunctionSymbol[] {
  const reached = new Set<FunctionSymbol>();
  const visitCalls = (root: Node): void => {
    for (const { id } of callersIn(root, state.symbols)) {
      for (const symbol of state.symbols.calls.get(id) ?? []) reached.add(symbol);
    }
  };
  for (const handler of handlers) {
    for (const condition of handler.conditions) visitCalls(condition);
    visitCalls(handler.body);
  }
  for (const symbol of reached) visitCalls(symbol.body);
  return [...reached];
}

function visitStatement(node: Statement, state: Inference): void {
  const inner = (statement: Statement): void => visitStatement(statement, state);
  switch (node.kind) {
    case "block":
      node.statements.forEach(inner);
      return;
    case "expression":
      visit(node.expression, null, state);
      return;
    case "if":
      visit(node.condition, "long", state);
      inner(node.consequent);
      if (node.alternate) inner(node.alternate);
      return;
    case "while":
      visit(node.condition, "long", state);
      inner(node.body);
      return;
    case "for":
      if (node.initial) visit(node.initial, null, state);
      if (node.condition) visit(node.condition, "long", state);
      if (node.update) visit(node.update, null, state);
      inner(node.body);
      return;
    case "foreach":
      visitForeach(node, state);
      inner(node.body);
      return;
    case "return":
      visitReturn(node, state);
      return;
    case "delete":
      visit(node.target, null, state);
      return;
    case "try":
      inner(node.body);
      if (node.variable) visitVariable(node.variable, "string", state);
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

function visitReturn(node: Extract<Statement, { kind: "return" }>, state: Inference): void {
  const { owner } = state;
  if (owner === null) return;
  const cell = resultOf(owner, state);
  const conflict = (place: Node, type: Cell["type"]): void =>
    conflicting({ node: place, type, cell, position: null, whole: cell.type }, state);
  const { value } = node;
  if (value === null) {
    // A function with a result cannot return without one.
    if (cell.type !== null) conflict(node, null);
    return;
  }
  const type = visit(value, cell.type, state);
  learnPointer(owner, value, state);
  if (type === "stats") invalid(value, type, state);
  if (type === null || cell.type === type) return;
  if (cell.type !== null) conflict(value, type);
  else if (type !== "stats") learn(cell, type, value, null, state);
}

function visitForeach(node: ForeachStatement, state: Inference): void {
  if (node.base.kind === "histogram") {
    if (node.keys.length !== 1) unresolved(node, state);
    for (const key of node.keys) visitVariable(key, "long", state);
    visit(node.base, null, state);
  } else {
    visitKeys(node.base, node.keys, state);
    visitKeys(node.base, node.slice ?? [], state);
    visitVariable(node.base, null, state);
  }
  const type = node.base.kind === "histogram" ? "long" : typeOf(node.base, state);
  if (node.value) {
    // What is done with the value does not tell what the array holds.
    if (type === "stats") invalid(node.value, type, state);
    else if (type !== null) visitAs(type, node.value, state);
    else visitVariable(node.value, null, state);
  }
  const statistic = node.sort?.statistic ?? null;
  if (statistic !== null && type !== null && type !== "stats") invalid(node.base, type, state);
  if (node.limit) visit(node.limit, "long", state);
}
