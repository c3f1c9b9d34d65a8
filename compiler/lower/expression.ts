/** Values of expressions, by kind; the parts with more to them have files of their own. */
import { bug } from "../../base/assert.js";
import { binary, get, i32, i64, isTruth, not } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type {
  BinaryExpression,
  Expression,
  IndexExpression,
  InExpression,
  LogicalExpression,
  PerfExpression,
  StringLiteral,
  TernaryExpression,
  UnaryExpression,
} from "../syntax/ast.js";
import { threadUsage } from "../types/thread-usage.js";
import { COMPARISONS, isComparisonOperator, lowerArithmetic } from "./arithmetic.js";
import { lowerIn, readLongElement, readTextElement } from "./array.js";
import { assignEffect, assignLong, assignText, lowerUpdate } from "./assign.js";
import { callEffect, callLong, callText } from "./call.js";
import { lowerConcatenation } from "./concatenation.js";
import { embeddedLong, embeddedStatement, embeddedText } from "./embedded.js";
import { locationOf, lowerLocation } from "./location.js";
import { lowerLocationText } from "./location-text.js";
import { lowerLongPair, lowerOperand, lowerOperands } from "./operands.js";
import { lowerPrint, lowerSprint } from "./print.js";
import { lowerMatch } from "./regex.js";
import {
  callForValue,
  checkError,
  isNonZero,
  literal,
  lowerLong,
  lowerText,
  type Scope,
  type Text,
  widen,
} from "./scope.js";
import { lowerAggregate, lowerBucket } from "./stat.js";
import { typeOfExpression, unsupported, variableOf } from "./unit.js";
import { readLong, readText } from "./variable.js";

/** Number that `node` gives. */
export function lowerLongExpression(node: Expression, scope: Scope): IrExpression {
  const location = locationOf(node, scope);
  if (location !== null) return lowerLocation(location, scope, node);
  switch (node.kind) {
    case "number":
      return i64(node.value);
    case "identifier":
      return readLong(variableOf(scope.unit, node), scope);
    case "index":
      return lowerIndex(node, scope);
    case "unary":
      return lowerUnary(node, scope);
    case "update":
      return lowerUpdate(node, scope, true);
    case "binary":
      return lowerBinary(node, scope);
    case "logical":
    case "match":
      return widen(lowerCondition(node, scope));
    case "in":
      return lowerMembership(node, scope);
    case "ternary":
      return lowerTernaryLong(node, scope);
    case "assignment":
      return assignLong(node, scope, true);
    case "call":
      return callLong(node, scope);
    case "aggregate":
      return lowerAggregate(node, scope);
    case "perf":
      return lowerCounter(node, scope);
    case "print":
      lowerPrint(node, scope);
      return i64(0n);
    case "embedded":
    case "const":
      return embeddedLong(node, scope);
    default:
      reportUnsupported(node, scope);
      return i64(0n);
  }
}

/** String that `node` gives. */
export function lowerTextExpression(node: Expression, scope: Scope, out?: Text): Text {
  const location = locationOf(node, scope);
  if (location !== null) return lowerLocationText(location, scope, node);
  switch (node.kind) {
    case "string":
      warnIfCut(node, scope);
      return literal(scope, node.value);
    case "identifier":
      return readText(variableOf(scope.unit, node), scope);
    case "index":
      return readTextElement(node, scope);
    case "ternary":
      return lowerTernaryText(node, scope);
    case "assignment":
      return assignText(node, scope);
    case "concatenation":
      return lowerConcatenation(node, scope, out);
    case "call":
      return callText(node, scope, out);
    case "print":
      return lowerSprint(node, scope, out);
    case "embedded":
      return embeddedText(node, scope, out);
    default:
      reportUnsupported(node, scope);
      return literal(scope, "");
  }
}

/** Evaluates `node` for its effects. */
export function lowerEffect(node: Expression, scope: Scope): void {
  switch (node.kind) {
    case "assignment":
      assignEffect(node, scope);
      return;
    case "update":
      lowerUpdate(node, scope, false);
      return;
    case "call":
      callEffect(node, scope);
      return;
    case "embedded":
      embeddedStatement(node, scope);
      return;
    case "print":
      if (node.name.startsWith("s")) lowerSprint(node, scope);
      else lowerPrint(node, scope);
      return;
    case "ternary":
      branchOn(
        node,
        scope,
        () => lowerEffect(node.consequent, scope),
        () => lowerEffect(node.alternate, scope),
      );
      return;
    default:
      if (typeOfExpression(scope.unit, node) === "stats") return;
      lowerOperand(node, scope);
  }
}

/** i32 truth of the long `node`. */
export function lowerCondition(node: Expression, scope: Scope): IrExpression {
  switch (node.kind) {
    case "logical":
      return lowerLogical(node, scope);
    case "match":
      return lowerMatch(node, scope);
    case "unary":
      if (node.operator === "!") return not(lowerCondition(node.operand, scope));
      break;
    case "binary":
      if (isComparisonOperator(node.operator)) return lowerComparison(node, scope);
      break;
    default:
  }
  return isNonZero(lowerLong(node, scope));
}

function lowerIndex(node: IndexExpression, scope: Scope): IrExpression {
  if (node.base.kind === "identifier") return readLongElement(node, scope);
  const [index] = node.indexes;
  return lowerBucket(node.base, index ?? bug("histogram without index"), scope);
}

function lowerUnary(node: UnaryExpression, scope: Scope): IrExpression {
  switch (node.operator) {
    case "+":
      return lowerLong(node.operand, scope);
    case "-":
      return binary("i64.sub", i64(0n), lowerLong(node.operand, scope));
    case "~":
      return binary("i64.xor", lowerLong(node.operand, scope), i64(-1n));
    case "!":
      return widen(lowerCondition(node, scope));
    case "&":
      reportUnsupported(node, scope);
      return i64(0n);
  }
}

function lowerBinary(node: BinaryExpression, scope: Scope): IrExpression {
  if (isComparisonOperator(node.operator)) return widen(lowerComparison(node, scope));
  const [left, right] = lowerLongPair(node.left, node.right, scope);
  return lowerArithmetic(node.operator, left, right, scope, node);
}

function lowerComparison(node: BinaryExpression, scope: Scope): IrExpression {
  if (!isComparisonOperator(node.operator)) return bug("no comparison");
  const comparison = COMPARISONS[node.operator];
  if (typeOfExpression(scope.unit, node.left) !== "string") {
    const [left, right] = lowerLongPair(node.left, node.right, scope);
    return binary(`i64.${comparison}`, left, right);
  }
  const texts = lowerOperands([node.left, node.right], scope).map((operand) =>
    operand.type === "string" ? operand.text.address : bug("string compared with a number"),
  );
  const order = callForValue(scope, "string_compare", texts);
  return binary(`i32.${comparison}`, order, i32(0));
}

/** Of a histogram the count of the bucket: any but 0 is true. */
function lowerMembership(node: InExpression, scope: Scope): IrExpression {
  if (node.base.kind === "identifier") return widen(lowerIn(node, scope));
  const [index] = node.indexes;
  return lowerBucket(node.base, index ?? bug("histogram without index"), scope);
}

/** Both sides at once where the right one is plain arithmetic, else a branch around it. */
function lowerLogical(node: LogicalExpression, scope: Scope): IrExpression {
  const { code } = scope;
  const isAnd = node.operator === "&&";
  const left = lowerCondition(node.left, scope);
  let right: IrExpression = i32(0);
  const steps = code.collect(() => {
    right = lowerCondition(node.right, scope);
  });
  if (steps.length === 0 && isTruth(left) && isTruth(right)) {
    return binary(isAnd ? "i32.and" : "i32.or", left, right);
  }
  const result = code.temporary("i32");
  const evaluate = (): void => {
    for (const step of steps) code.emit(step);
    code.set(result, right);
  };
  // The temporaries of the right side may not be taken for `result`, so it was taken after them.
  code.set(result, left);
  code.when(isAnd ? get(result) : not(get(result)), evaluate);
  return get(result);
}

function lowerTernaryLong(node: TernaryExpression, scope: Scope): IrExpression {
  const result = scope.code.temporary("i64");
  branchOn(
    node,
    scope,
    () => scope.code.set(result, lowerLong(node.consequent, scope)),
    () => scope.code.set(result, lowerLong(node.alternate, scope)),
  );
  return get(result);
}

function lowerTernaryText(node: TernaryExpression, scope: Scope): Text {
  const result = scope.code.temporary("i32");
  const origins: Text["origin"][] = [];
  const arm = (expression: Expression) => (): void => {
    const text = lowerText(expression, scope);
    origins.push(text.origin);
    scope.code.set(result, text.address);
  };
  branchOn(node, scope, arm(node.consequent), arm(node.alternate));
  return { address: get(result), origin: origins.includes("variable") ? "variable" : "temporary" };
}

function branchOn(
  node: TernaryExpression,
  scope: Scope,
  then: () => void,
  otherwise: () => void,
): void {
  const condition = lowerCondition(node.condition, scope);
  scope.code.when(condition, then, otherwise);
}

function warnIfCut(node: StringLiteral, scope: Scope): void {
  const { maxString } = scope.unit.limits;
  if (node.value.length < maxString) return;
  scope.unit.report({
    code: "literal-cut",
    severity: "warning",
    message: `string of ${node.value.length} bytes is cut to ${maxString - 1} (MAXSTRINGLEN)`,
    span: node.span,
    token: "string",
    notes: [],
  });
}

/** What the thread has used of what the counter counts; an error where that is not known. */
function lowerCounter(node: PerfExpression, scope: Scope): IrExpression {
  const counter = scope.unit.program.counters.get(node.counter);
  const usage = counter === undefined ? null : threadUsage(counter);
  if (usage === null) return bug(`no counter '${node.counter}'`);
  const used = callForValue(scope, "thread_usage", [scope.context, i64(usage)]);
  checkError(scope, node);
  return used;
}

function reportUnsupported(node: Expression, scope: Scope): void {
  const [code, what] = UNSUPPORTED[node.kind] ?? [node.kind, `expression '${node.kind}'`];
  unsupported(scope.unit, node, code, what);
}

const UNSUPPORTED: { readonly [kind in Expression["kind"]]?: readonly [string, string] } = {
  probewrite: ["probewrite", "@probewrite"],
  entry: ["entry", "@entry"],
  enum: ["enum", "@enum"],
  histogram: ["histogram-value", "a histogram as a value"],
};
