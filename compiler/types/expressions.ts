/**
 * Types of expressions: one visit learns what it can from the operators and passes on what the
 * surroundings expect; visits repeat until nothing is learnt (language.md §6).
 */
import { unreachable } from "../../base/assert.js";
import type { FunctionSymbol } from "../elaborate/symbol.js";
import type {
  AccessStep,
  AssignmentExpression,
  AutocastExpression,
  CallExpression,
  Expression,
  Identifier,
  IndexExpression,
  InExpression,
  PrintExpression,
} from "../syntax/ast.js";
import { hasPragma } from "../syntax/pragmas.js";
import { operandsOf } from "../syntax/walk.js";
import { type Cell, cellsOf, type Inference, resultOf, unify } from "./cells.js";
import { conflict, isOperator, mismatch, positionOf } from "./mismatch.js";
import { learnPointer, resolveAutocast } from "./pointers.js";
import type { Type } from "./program.js";
import { WRITABLE } from "./usage.js";

/** Visits `node`, of which `expected` is known from outside; its type, or null if still unknown. */
export function inferExpression(
  node: Expression,
  expected: Type | null,
  state: Inference,
): Type | null {
  const type = typeOf(node, expected, state);
  if (type !== null) state.types.set(node.id, type);
  return type;
}

/** Like inferExpression, where a statistics variable cannot stand. */
export function inferScalar(
  node: Expression,
  expected: Type | null,
  state: Inference,
): Type | null {
  const type = inferExpression(node, expected, state);
  if (type === "stats" && expected === null) {
    state.report.error({ code: "invalid-stats", message: "invalid type stats", node });
  }
  return type;
}

/** Visits `node` as a number. */
export function inferLong(node: Expression, state: Inference): void {
  inferScalar(node, "long", state);
}

// One case per kind of expression.
function typeOf(node: Expression, expected: Type | null, state: Inference): Type | null {
  switch (node.kind) {
    case "number":
    case "string":
      return found(node, node.kind === "number" ? "long" : "string", expected, state);
    case "identifier":
      return inferVariable(node, expected, state);
    case "index":
      return inferIndex(node, expected, state);
    case "unary":
      if (node.operator === "&") return inferAddress(node, expected, state);
      inferLong(node.operand, state);
      return found(node, "long", expected, state);
    case "update":
      inferLong(node.operand, state);
      return found(node, "long", expected, state);
    case "binary":
      return inferBinary(node, expected, state);
    case "logical":
      inferLong(node.left, state);
      inferLong(node.right, state);
      return found(node, "long", expected, state);
    case "ternary":
      return inferTernary(node, expected, state);
    case "assignment":
      return inferAssignment(node, expected, state);
    case "in":
      inferKeys(node, state);
      return found(node, "long", expected, state);
    case "match":
      inferScalar(node.left, "string", state);
      return found(node, "long", expected, state);
    case "concatenation":
      inferScalar(node.left, "string", state);
      inferScalar(node.right, "string", state);
      return found(node, "string", expected, state);
    case "call":
      return inferCall(node, expected, state);
    case "print":
      inferPrint(node, state);
      return found(node, node.name.startsWith("s") ? "string" : "long", expected, state);
    case "aggregate":
    case "histogram":
      inferStat(node.stat, state);
      return found(node, "long", expected, state);
    default:
      return inferContextual(node, expected, state);
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
function inferContextual(node: Contextual, expected: Type | null, state: Inference): Type | null {
  switch (node.kind) {
    case "target":
      inferSteps(node.steps, state);
      // What cannot be found is reported as such.
      if (state.targets.failures.has(node.id)) return expected ?? "long";
      return found(node, state.targets.values.get(node.id)?.type ?? "long", expected, state);
    case "cast":
      inferSteps(node.steps, state);
      inferLong(node.operand, state);
      return found(node, state.targets.values.get(node.id)?.type ?? "long", expected, state);
    case "autocast":
      inferSteps(node.steps, state);
      inferLong(node.operand, state);
      resolveAutocast(node, node.id, "value", state);
      return inferAutocast(node, expected, state);
    case "register":
      inferLong(node.index, state);
      return found(node, "long", expected, state);
    case "deref":
      inferLong(node.size, state);
      inferLong(node.address, state);
      return found(node, "long", expected, state);
    case "enum":
      for (const arg of node.args) {
        if (arg.kind === "string") inferScalar(arg, "string", state);
        else inferLong(arg, state);
      }
      return found(node, node.operator === "enumname" ? "string" : "long", expected, state);
    case "embedded":
      return found(node, hasPragma(node, "string") ? "string" : "long", expected, state);
    case "entry":
    case "defined":
    case "probewrite":
    case "perf":
    case "const":
      return found(node, "long", expected, state);
    default:
      return unreachable(node);
  }
}

/** An autocast has a type as soon as that of its operand is known. */
function inferAutocast(
  node: AutocastExpression,
  expected: Type | null,
  state: Inference,
): Type | null {
  const type = state.targets.values.get(node.id)?.type;
  return type === undefined ? expected : found(node, type, expected, state);
}

/** `&`: only the parts of the operand have values. */
function inferAddress(
  node: Extract<Expression, { kind: "unary" }>,
  expected: Type | null,
  state: Inference,
): Type {
  const { operand } = node;
  for (const part of operandsOf(operand)) inferLong(part, state);
  if (operand.kind === "autocast") resolveAutocast(operand, node.id, "address", state);
  return found(node, "long", expected, state);
}

function inferSteps(steps: readonly AccessStep[], state: Inference): void {
  for (const step of steps) if (step.kind === "element") inferLong(step.index, state);
}

/** The type of an expression that cannot be anything else. */
function found(node: Expression, type: Type, expected: Type | null, state: Inference): Type {
  if (expected !== null && expected !== type) mismatch(node, expected, type, state);
  return type;
}

/** Visits an argument or result that is declared to be `declared`. */
export function inferDeclared(node: Expression, declared: Type, state: Inference): Type | null {
  const isBackwards = SAID_BACKWARDS.has(node.kind);
  const type = inferScalar(node, isBackwards ? null : declared, state);
  const wrong = type !== null && type !== "stats" && type !== declared;
  if (wrong && (isBackwards || isOperator(node))) {
    const message = `type mismatch: expected ${type} but found ${declared}`;
    state.report.error({ code: "declared-mismatch", message, node });
  }
  return type;
}

/** Of these SystemTap names the two types the other way round where a declaration wants another. */
const SAID_BACKWARDS: ReadonlySet<Expression["kind"]> = new Set([
  "aggregate",
  "number",
  "print",
  "string",
]);

/** The type that `cell` gets or has; `node` is where it is used, as parameter `position` if it is one. */
function learn(
  cell: Cell,
  node: Expression,
  expected: Type | null,
  state: Inference,
  position: number | null = null,
): Type | null {
  if (expected === null || unify(cell, expected, node, state)) return cell.type;
  if (cell.place === null) mismatch(node, expected, cell.type, state);
  else conflict(cell, node, expected, position, state);
  return cell.type;
}

/** Binds `node` as a variable of type `expected`. */
export function inferVariable(
  node: Identifier,
  expected: Type | null,
  state: Inference,
): Type | null {
  const variable = state.symbols.variables.get(node.id);
  if (variable === undefined) return null;
  if (expected === "stats" && variable.kind !== "global") {
    state.report.error({
      code: "stat-local",
      message: "stat locals not supported, missing global declaration? ",
      node,
    });
    return null;
  }
  const cell = cellsOf(variable, state).value;
  const isWrong = expected !== null && cell.type !== null && cell.type !== expected;
  const position = isWrong ? positionOf(variable, state) : null;
  const type = learn(cell, node, expected, state, position);
  if (type !== null) state.types.set(node.id, type);
  return type;
}

function inferIndex(node: IndexExpression, expected: Type | null, state: Inference): Type | null {
  inferKeys(node, state);
  if (node.base.kind === "histogram") return found(node, "long", expected, state);
  const variable = state.symbols.variables.get(node.base.id);
  if (variable === undefined) return null;
  const type = learn(cellsOf(variable, state).value, node, expected, state);
  if (type !== null) state.types.set(node.base.id, type);
  return type;
}

/** Visits base and keys of an index or `in`. */
function inferKeys(node: IndexExpression | InExpression, state: Inference): void {
  if (node.base.kind === "histogram") {
    inferExpression(node.base, null, state);
    for (const index of node.indexes) if (index) inferLong(index, state);
    if (node.indexes.length !== 1) {
      state.report.error({ code: "unresolved-type", message: "unresolved type ", node });
    }
    return;
  }
  inferKeyList(node.base, node.indexes, state);
}

/** Visits keys of array `base`; null is a wildcard. */
export function inferKeyList(
  base: Identifier,
  indexes: readonly (Expression | null)[],
  state: Inference,
): void {
  const variable = state.symbols.variables.get(base.id);
  const cells = variable === undefined ? [] : cellsOf(variable, state).keys;
  const value = variable === undefined ? null : cellsOf(variable, state).value.type;
  if (value !== null) state.types.set(base.id, value);
  indexes.forEach((index, i) => {
    const cell = cells[i];
    if (index === null) return;
    if (cell === undefined) inferScalar(index, null, state);
    else inferKey(index, i, cell, state);
  });
}

/** Visits an array key or an argument: number `position`, with the type of `cell`. */
function inferKey(node: Expression, position: number, cell: Cell, state: Inference): void {
  const type = inferScalar(node, null, state);
  if (type === null) {
    if (cell.type !== null) inferScalar(node, cell.type, state);
    return;
  }
  if (type !== "stats" && !unify(cell, type, node, state)) {
    state.report.error({
      code: "type-mismatch",
      message: `index ${position} type mismatch (${type})`,
      node,
      notes: [
        {
          message: `type of index ${position} was first inferred here (${cell.type})`,
          node: cell.place,
        },
      ],
    });
  }
}

const COMPARISONS: ReadonlySet<string> = new Set(["<", ">", "<=", ">=", "==", "!="]);

function inferBinary(
  node: Extract<Expression, { kind: "binary" }>,
  expected: Type | null,
  state: Inference,
): Type {
  if (COMPARISONS.has(node.operator)) {
    // A literal on the right tells what is expected on the left.
    const literal = literalType(node.right);
    if (literal === null) inferSame(node.left, node.right, null, state);
    else {
      inferScalar(node.left, literal, state);
      inferScalar(node.right, literal, state);
    }
  } else {
    inferLong(node.left, state);
    inferLong(node.right, state);
  }
  return found(node, "long", expected, state);
}

function literalType({ kind }: Expression): Type | null {
  return kind === "string" ? "string" : kind === "number" ? "long" : null;
}

/** Two expressions of one type. */
function inferSame(
  left: Expression,
  right: Expression,
  expected: Type | null,
  state: Inference,
): Type | null {
  const first = inferScalar(left, expected, state) ?? expected;
  const second = inferScalar(right, first === "stats" ? null : first, state);
  if (first !== null || second === null || second === "stats") return first;
  return inferScalar(left, second, state);
}

function inferTernary(
  node: Extract<Expression, { kind: "ternary" }>,
  expected: Type | null,
  state: Inference,
): Type | null {
  inferLong(node.condition, state);
  return inferSame(node.consequent, node.alternate, expected, state);
}

function inferAssignment(
  node: AssignmentExpression,
  expected: Type | null,
  state: Inference,
): Type | null {
  switch (node.operator) {
    case "<<<":
      // What is not assignable is reported as such.
      inferExpression(node.target, WRITABLE.has(node.target.kind) ? "stats" : null, state);
      inferLong(node.value, state);
      return found(node, "long", expected, state);
    case ".=":
      inferScalar(node.value, "string", state);
      inferScalar(node.target, "string", state);
      return found(node, "string", expected, state);
    case "=":
      return inferPlainAssignment(node, expected, state);
    default:
      inferLong(node.value, state);
      inferLong(node.target, state);
      return found(node, "long", expected, state);
  }
}

function inferPlainAssignment(
  node: AssignmentExpression,
  expected: Type | null,
  state: Inference,
): Type | null {
  const value = inferScalar(node.value, null, state);
  const variable = state.symbols.variables.get(node.target.id);
  if (variable !== undefined) learnPointer(variable, node.value, state);
  if (value !== null && value !== "stats") {
    inferExpression(node.target, value, state);
    return found(node, value, expected, state);
  }
  const target = inferScalar(node.target, expected, state);
  if (target !== null && target !== "stats" && value === null) {
    inferScalar(node.value, target, state);
  }
  return target;
}

function inferCall(node: CallExpression, expected: Type | null, state: Inference): Type | null {
  const overloads = state.symbols.calls.get(node.id);
  if (overloads === undefined) {
    for (const arg of node.args) inferScalar(arg, null, state);
    return null;
  }
  let type: Type | null = null;
  for (const overload of overloads) {
    node.args.forEach((arg, i) => {
      inferArgument(arg, i, overload, state);
    });
    const result = resultOf(overload, state);
    if (result.type === null && !state.callsTeach) continue;
    type = learn(result, node, expected ?? type, state) ?? type;
  }
  return type;
}

function inferArgument(
  arg: Expression,
  position: number,
  overload: FunctionSymbol,
  state: Inference,
): void {
  const parameter = overload.parameters[position];
  if (parameter === undefined) return;
  const cell = cellsOf(parameter, state).value;
  const isDeclared = parameter.place.kind === "parameter" && parameter.place.type !== null;
  if (isDeclared && cell.type !== null) inferDeclared(arg, cell.type, state);
  else inferKey(arg, position, cell, state);
}

function inferPrint(node: PrintExpression, state: Inference): void {
  if (node.format) inferFormatted(node, state);
  else for (const arg of node.args) inferExpression(arg, null, state);
}

function inferFormatted(node: PrintExpression, state: Inference): void {
  const expected: Type[] = [];
  for (const piece of node.format ?? []) {
    if (piece.kind === "text") continue;
    if (piece.width === "*") expected.push("long");
    if (piece.precision === "*") expected.push("long");
    expected.push(piece.conversion === "s" ? "string" : "long");
  }
  if (expected.length !== node.args.length) {
    state.report.error({
      code: "format-arguments",
      message: "Wrong number of args to formatted print operator",
      node,
    });
  }
  node.args.forEach((arg, i) => {
    inferScalar(arg, expected[i] ?? null, state);
  });
}

/** Visits the operand of a statistics operator. */
export function inferStat(node: Expression, state: Inference): void {
  inferExpression(node, "stats", state);
}
