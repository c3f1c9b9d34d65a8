/**
 * Types of expressions (language.md §6). A visit tells each operand what is wanted of it, and learns
 * from what is known already; visits repeat until nothing is learnt. An operand that is not what is
 * wanted is a fault of it or of the operator, as SystemTap sees it: print operators, statistics
 * operators and embedded code never ask what is wanted.
 */
import { unreachable } from "../../base/assert.js";
import type { FunctionSymbol } from "../elaborate/symbol.js";
import {
  type AssignmentExpression,
  type CallExpression,
  COMPARISONS,
  type Expression,
  type Identifier,
  type IndexExpression,
  type InExpression,
  type Node,
  type PrintExpression,
} from "../syntax/ast.js";
import { hasPragma } from "../syntax/pragmas.js";
import { operandsOf } from "../syntax/walk.js";
import { type Cell, cellsOf, type Inference, learn, resultOf } from "./cells.js";
import {
  conflicting,
  disagree,
  invalid,
  mismatch,
  missing,
  unresolved,
  wantsNumber,
  wrongCount,
} from "./faults.js";
import { learnPointer, resolveAutocast } from "./pointers.js";
import type { Type } from "./program.js";

/** The type of `node` so far; null if it is not known. */
export function typeOf(node: Expression, state: Inference): Type | null {
  const type = state.types.get(node.id);
  if (type !== undefined) return type === "void" ? null : type;
  if (node.kind === "number") return "long";
  return node.kind === "string" ? "string" : null;
}

/** What a print operator gives: the text, or nothing, which counts as a number. */
export function printType({ name }: PrintExpression): Type {
  return name.startsWith("s") ? "string" : "long";
}

/** `node` has `type` unless it is known to have another, which is given then. */
function settle(node: Expression, type: Type, state: Inference): Type {
  const known = typeOf(node, state);
  if (known !== null) return known;
  state.types.set(node.id, type);
  state.changed = true;
  return type;
}

/** Visits `node`, of which `wanted` is known from outside; its type so far. */
export function visit(node: Expression, wanted: Type | null, state: Inference): Type | null {
  switch (node.kind) {
    case "number":
    case "string":
      return visitLiteral(node, wanted, state);
    case "identifier":
      return visitVariable(node, wanted, state);
    case "index":
      return visitElement(node, wanted, state);
    case "unary":
      return node.operator === "&"
        ? visitContextual(node, "long", wanted, state)
        : visitNumeric(node, [node.operand], wanted, state);
    case "update":
      return visitNumeric(node, [node.operand], wanted, state);
    case "logical":
      return visitArithmetic(node, node.left, node.right, wanted, state);
    case "binary":
      return COMPARISONS.has(node.operator)
        ? visitComparison(node, wanted, state)
        : visitArithmetic(node, node.left, node.right, wanted, state);
    case "ternary":
      return visitTernary(node, wanted, state);
    case "assignment":
      return visitAssignment(node, wanted, state);
    case "in":
      return visitIn(node, wanted, state);
    case "match":
      wantsNumber({ kind: "match", span: node.operatorSpan }, wanted, state);
      visit(node.left, "string", state);
      return settle(node, "long", state);
    case "concatenation":
      if (wanted !== null && wanted !== "string") invalid(node, wanted, state);
      visit(node.left, "string", state);
      visit(node.right, "string", state);
      return settle(node, "string", state);
    case "call":
      return visitCall(node, wanted, state);
    case "print":
      return visitPrint(node, state);
    case "aggregate":
    case "histogram":
      visit(node.stat, "stats", state);
      return settle(node, "long", state);
    default:
      return visitContext(node, wanted, state);
  }
}

type Contextual = Extract<
  Expression,
  {
    kind:
      | "target"
      | "cast"
      | "autocast"
      | "entry"
      | "defined"
      | "probewrite"
      | "perf"
      | "register"
      | "deref"
      | "enum"
      | "const"
      | "embedded";
  }
>;

/** Expressions over the probe's context: numbers, but for texts like $$name. */
function visitContext(node: Contextual, wanted: Type | null, state: Inference): Type | null {
  switch (node.kind) {
    case "target":
    case "cast":
      if (state.targets.failures.has(node.id)) return visitMissing(node, state);
      return visitContextual(node, valueType(node, state) ?? "long", wanted, state);
    case "autocast":
      resolveAutocast(node, node.id, "value", state);
      if (!state.targets.values.has(node.id)) return visitMissing(node, state);
      return visitContextual(node, valueType(node, state), wanted, state);
    case "register":
    case "deref":
      if (wanted !== "long") invalid(node, wanted ?? "long", state);
      if (node.kind === "deref") visit(node.address, wanted, state);
      return settle(node, "long", state);
    case "enum":
      for (const arg of node.args) visit(arg, typeOf(arg, state) ?? "long", state);
      return bind(node, declared(enumType(node.operator)), wanted, state);
    case "embedded":
      return settle(node, hasPragma(node, "string") ? "string" : "long", state);
    case "entry":
    case "defined":
    case "probewrite":
    case "const":
      return settle(node, "long", state);
    case "perf":
      wantsNumber(node, wanted, state);
      return settle(node, "long", state);
    default:
      return unreachable(node);
  }
}

function enumType(operator: Extract<Expression, { kind: "enum" }>["operator"]): Type {
  return operator === "enumname" ? "string" : "long";
}

function valueType(node: Expression, state: Inference): Type | null {
  return state.targets.values.get(node.id)?.type ?? null;
}

/** A value of the program, which is read as if by a function of `type`; null if that is not known. */
function visitContextual(
  node: Expression,
  type: Type | null,
  wanted: Type | null,
  state: Inference,
): Type | null {
  if (node.kind === "unary" && node.operand.kind === "autocast") {
    resolveAutocast(node.operand, node.id, "address", state);
  }
  for (const [i, part] of operandsOf(node).entries()) {
    visitKey(part, i, declared("long"), "long", state);
  }
  return type === null ? null : bind(node, declared(type), wanted, state);
}

/** What cannot be found has no type; an operand of `->` may tell more later. */
function visitMissing(node: Contextual, state: Inference): Type | null {
  if (node.kind === "target" && !node.atVar && state.skipsBadVariables) {
    return settle(node, "long", state);
  }
  missing(node, state);
  if (node.kind === "autocast") visit(node.operand, "long", state);
  return null;
}

function declared(type: Type): Cell {
  return { type, place: null, position: null };
}

function visitLiteral(
  node: Extract<Expression, { kind: "number" | "string" }>,
  wanted: Type | null,
  state: Inference,
): Type {
  const type = node.kind === "number" ? "long" : "string";
  state.types.set(node.id, type);
  if (wanted !== null && wanted !== type) mismatch(node, wanted, type, state);
  return type;
}

/** Brings together what is known of `node`, of what it names, and what is wanted. */
function bind(node: Expression, cell: Cell, wanted: Type | null, state: Inference): Type | null {
  const type = typeOf(node, state);
  const used = clash(type, cell.type, wanted);
  if (used !== null) {
    const position = node.kind === "identifier" ? positionOf(node, state) : null;
    conflicting({ node, type: used, cell, position, whole: cell.type }, state);
    return type;
  }
  if (type !== null) {
    if (cell.type === null) learn(cell, type, node, null, state);
    return type;
  }
  const known = wanted ?? cell.type;
  if (known !== null) return settle(node, known, state);
  if (node.kind !== "call") unresolved(node, state);
  return null;
}

/** The type with which something is used that has another; null if all that is known agrees. */
function clash(type: Type | null, named: Type | null, wanted: Type | null): Type | null {
  if (type !== null && named !== null && type !== named) return type;
  const known = type ?? named;
  return known !== null && wanted !== null && known !== wanted ? wanted : null;
}

/** Number of the variable `node` among the parameters of the function that is visited. */
function positionOf(node: Identifier, { owner, symbols }: Inference): number | null {
  const variable = symbols.variables.get(node.id);
  const index = variable === undefined ? -1 : (owner?.parameters.indexOf(variable) ?? -1);
  return index < 0 ? null : index;
}

/** Visits the name of a variable. */
export function visitVariable(
  node: Identifier,
  wanted: Type | null,
  state: Inference,
): Type | null {
  const variable = state.symbols.variables.get(node.id);
  return variable ? bind(node, cellsOf(variable, state).value, wanted, state) : null;
}

function visitElement(node: IndexExpression, wanted: Type | null, state: Inference): Type | null {
  if (node.base.kind === "histogram") {
    visitBucket(node, node.base, node.indexes, state);
    return settle(node, "long", state);
  }
  const variable = state.symbols.variables.get(node.base.id);
  if (variable === undefined) return null;
  const { value } = cellsOf(variable, state);
  const type = bind(node, value, wanted, state);
  if (value.type !== null) state.types.set(node.base.id, value.type);
  visitKeys(node.base, node.indexes, state);
  return type;
}

/** A histogram has one key, a number. */
function visitBucket(
  node: Node,
  histogram: Expression,
  indexes: readonly (Expression | null)[],
  state: Inference,
): void {
  const [index] = indexes;
  if (indexes.length !== 1) unresolved(node, state);
  if (index && visit(index, "long", state) !== "long") unresolved(node, state);
  visit(histogram, null, state);
}

/** Visits keys of array `base`; null is a wildcard. */
export function visitKeys(
  base: Identifier,
  indexes: readonly (Expression | null)[],
  state: Inference,
): void {
  const variable = state.symbols.variables.get(base.id);
  if (variable === undefined) return;
  const { keys, value } = cellsOf(variable, state);
  for (const [i, index] of indexes.entries()) {
    const cell = keys[i];
    if (index && cell) visitKey(index, i, cell, value.type, state);
  }
}

/** Visits number `position` of the keys or arguments of something that is a `whole`. */
function visitKey(
  node: Expression,
  position: number,
  cell: Cell,
  whole: Type | null,
  state: Inference,
): void {
  const type = visit(node, cell.type, state);
  if (type === null) unresolved(node, state);
  else if (type === "stats") invalid(node, type, state);
  else if (cell.type === null) learn(cell, type, node, position, state);
  // Of `in` it has been said that it is no text.
  if (type !== null && cell.type !== null && cell.type !== type && node.kind !== "in") {
    conflicting({ node, type, cell, position, whole }, state);
  }
}

function visitNumeric(
  node: Expression,
  operands: readonly Expression[],
  wanted: Type | null,
  state: Inference,
): Type {
  wantsNumber(node, wanted, state);
  for (const operand of operands) visit(operand, "long", state);
  return settle(node, "long", state);
}

function visitArithmetic(
  node: Expression,
  left: Expression,
  right: Expression,
  wanted: Type | null,
  state: Inference,
): Type {
  const type = visitNumeric(node, [left, right], wanted, state);
  compare(node, left, right, state);
  return type;
}

/** Says so if the two sides of `node` have different types. */
function compare(node: Node, left: Expression, right: Expression, state: Inference): void {
  const [one, other] = [typeOf(left, state), typeOf(right, state)];
  if (one !== null && other !== null && one !== other) disagree(node, one, other, state);
}

function visitComparison(
  node: Extract<Expression, { kind: "binary" }>,
  wanted: Type | null,
  state: Inference,
): Type {
  wantsNumber(node, wanted, state);
  const left = visit(node.left, typeOf(node.right, state), state);
  visit(node.right, left, state);
  compare(node, node.left, node.right, state);
  return settle(node, "long", state);
}

function visitTernary(
  node: Extract<Expression, { kind: "ternary" }>,
  wanted: Type | null,
  state: Inference,
): Type | null {
  visit(node.condition, "long", state);
  const type = typeOf(node, state);
  const branch = wanted ?? type;
  const consequent = visit(node.consequent, branch, state);
  const alternate = visit(node.alternate, branch, state);
  if (type !== null && branch !== null && type !== branch) mismatch(node, branch, type, state);
  const found = type ?? branch ?? consequent ?? alternate;
  return found === null ? null : settle(node, found, state);
}

function visitAssignment(
  node: AssignmentExpression,
  wanted: Type | null,
  state: Inference,
): Type | null {
  const { target, value } = node;
  if (wanted === "stats") invalid(node, wanted, state);
  if (node.operator === "<<<") {
    if (wanted === "string") invalid(node, wanted, state);
    visit(target, "stats", state);
    visit(value, "long", state);
    return settle(node, "long", state);
  }
  const stat = [target, value].find((side) => typeOf(side, state) === "stats");
  if (stat !== undefined) {
    invalid(stat, "stats", state);
    return typeOf(node, state);
  }
  switch (node.operator) {
    case "=":
      return visitPlainAssignment(node, wanted, state);
    case ".=":
      if (wanted === "long") invalid(node, wanted, state);
      visit(target, "string", state);
      visit(value, "string", state);
      return settle(node, "string", state);
    default:
      return visitArithmetic(node, target, value, wanted, state);
  }
}

function visitPlainAssignment(
  node: AssignmentExpression,
  wanted: Type | null,
  state: Inference,
): Type | null {
  const { target, value } = node;
  const variable = state.symbols.variables.get(target.id);
  if (variable !== undefined) learnPointer(variable, value, state);
  const known = wanted ?? typeOf(node, state);
  const assigned = visit(target, known ?? typeOf(value, state), state);
  visit(value, known ?? assigned, state);
  compare(node, target, value, state);
  const type = known ?? assigned;
  return type === null ? null : settle(node, type, state);
}

function visitIn(node: InExpression, wanted: Type | null, state: Inference): Type {
  if (node.base.kind === "histogram") visitBucket(node, node.base, node.indexes, state);
  else {
    visitVariable(node.base, null, state);
    visitKeys(node.base, node.indexes, state);
  }
  if (wanted === "string" || wanted === "stats") mismatch(node, wanted, "long", state);
  return settle(node, "long", state);
}

function visitCall(node: CallExpression, wanted: Type | null, state: Inference): Type | null {
  for (const overload of state.symbols.calls.get(node.id) ?? []) {
    const type = bind(node, resultOf(overload, state), wanted, state);
    if (type === "stats") invalid(node, type, state);
    for (const [i, arg] of node.args.entries()) visitArgument(arg, i, overload, state);
  }
  return typeOf(node, state);
}

function visitArgument(
  arg: Expression,
  position: number,
  { parameters }: FunctionSymbol,
  state: Inference,
): void {
  const parameter = parameters[position];
  if (parameter === undefined) return;
  const cell = cellsOf(parameter, state).value;
  visitKey(arg, position, cell, cell.type, state);
  if (cell.type === "stats") invalid(parameter.place, "stats", state);
}

/** A print operator has its type as soon as all its arguments have theirs. */
function visitPrint(node: PrintExpression, state: Inference): Type | null {
  if (node.format) visitFormatted(node, state);
  else if (!visitPlainArguments(node.args, state)) {
    unresolved(node, state);
    return null;
  }
  return settle(node, printType(node), state);
}

/** True if all of `args` have types. */
function visitPlainArguments(args: readonly Expression[], state: Inference): boolean {
  const untyped = args.filter((arg) => {
    if (visit(arg, null, state) !== null) return false;
    unresolved(arg, state);
    return true;
  });
  return untyped.length === 0;
}

function visitFormatted(node: PrintExpression, state: Inference): void {
  const wanted: Type[] = [];
  for (const piece of node.format ?? []) {
    if (piece.kind === "text") continue;
    if (piece.width === "*") wanted.push("long");
    if (piece.precision === "*") wanted.push("long");
    wanted.push(piece.conversion === "s" ? "string" : "long");
  }
  if (wanted.length !== node.args.length) {
    wrongCount(node, state);
    return;
  }
  for (const [i, arg] of node.args.entries()) visitAs(wanted[i] ?? "long", arg, state);
}

/** Visits `node`, which must be a `wanted`. */
export function visitAs(wanted: Type, node: Expression, state: Inference): void {
  const type = visit(node, wanted, state);
  if (type === null) settle(node, wanted, state);
  else if (type !== wanted) mismatch(node, wanted, type, state);
}
