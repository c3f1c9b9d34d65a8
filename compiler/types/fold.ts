/**
 * Constant folding: operators on literals, and branches and loops that literals decide. What
 * SystemTap drops in this way may hold errors that are then not reported (language.md §19), so
 * folding is part of the language. Requires that types were inferred once before.
 */
import { editTree } from "../elaborate/rewrite.js";
import {
  type BlockStatement,
  type Expression,
  type Node,
  type NumberLiteral,
  newNodeId,
  type Statement,
} from "../syntax/ast.js";
import type { Inference } from "./cells.js";

/** What folding needs to know. */
export interface Folding {
  /** True if evaluating the expression does something. */
  readonly acts: (node: Expression) => boolean;
  /** Types of the expressions; literals that folding makes are added. */
  readonly types: Inference["types"];
}

/** `body` with constants folded. */
export function foldConstants(body: BlockStatement, folding: Folding): BlockStatement {
  return editTree(body, (node, edit) => fold(node, edit, folding));
}

type Edit = <T extends Node>(node: T) => T;

// One case per kind of node that can be folded. Parts are edited once, so that it stays linear.
function fold(node: Node, edit: Edit, folding: Folding): Node | null {
  switch (node.kind) {
    case "if":
      return foldIf(node, edit);
    case "while": {
      const condition = edit(node.condition);
      return isZero(condition)
        ? nothing(node)
        : replace(node, { condition, body: edit(node.body) });
    }
    case "for":
      return foldFor(node, edit);
    case "foreach": {
      const limit = node.limit && edit(node.limit);
      if (limit?.kind === "number" && limit.value <= 0n) return nothing(node);
      return replace(node, { limit, body: edit(node.body) });
    }
    case "ternary": {
      const condition = edit(node.condition);
      if (condition.kind === "number") {
        return edit(condition.value === 0n ? node.alternate : node.consequent);
      }
      const consequent = edit(node.consequent);
      return replace(node, { condition, consequent, alternate: edit(node.alternate) });
    }
    case "unary": {
      const operand = edit(node.operand);
      return foldUnary(node, operand, folding) ?? replace(node, { operand });
    }
    case "logical":
    case "binary":
    case "concatenation":
      return foldPair(node, edit(node.left), edit(node.right), folding);
    default:
      return null;
  }
}

function foldIf(node: Of<"if">, edit: Edit): Statement {
  const condition = edit(node.condition);
  if (condition.kind === "number") {
    const taken = condition.value === 0n ? node.alternate : node.consequent;
    return taken === null ? nothing(node) : edit(taken);
  }
  const consequent = edit(node.consequent);
  return replace(node, {
    condition,
    consequent,
    alternate: node.alternate && edit(node.alternate),
  });
}

function foldFor(node: Of<"for">, edit: Edit): Statement {
  const initial = node.initial && edit(node.initial);
  const condition = node.condition && edit(node.condition);
  if (condition !== null && isZero(condition)) {
    return initial === null ? nothing(node) : statement(node, initial);
  }
  const update = node.update && edit(node.update);
  return replace(node, { initial, condition, update, body: edit(node.body) });
}

function foldPair(
  node: Of<"logical" | "binary" | "concatenation">,
  left: Expression,
  right: Expression,
  folding: Folding,
): Node {
  const folded =
    node.kind === "logical"
      ? foldLogical(node, left, right, folding)
      : node.kind === "binary"
        ? foldBinary(node, left, right, folding)
        : foldConcatenation(node, left, right, folding);
  return folded ?? replace(node, { left, right });
}

/** `node` with other `parts`; itself if they are what it has. */
function replace<T extends Node>(node: T, parts: Partial<T>): T {
  const same = Object.entries(parts).every(([key, part]) => node[key as keyof T] === part);
  return same ? node : { ...node, ...parts };
}

type Of<K extends Node["kind"]> = Extract<Node, { kind: K }>;

function foldUnary(node: Of<"unary">, operand: Expression, folding: Folding): Node | null {
  if (operand.kind !== "number") return null;
  switch (node.operator) {
    case "+":
      return number(node, operand.value, folding);
    case "-":
      return number(node, -operand.value, folding);
    case "!":
      return number(node, operand.value === 0n ? 1n : 0n, folding);
    case "~":
      return number(node, ~operand.value, folding);
    default:
      return null;
  }
}

/** A deciding literal on the left cuts the right off; one on the right needs a pure left. */
function foldLogical(
  node: Of<"logical">,
  left: Expression,
  right: Expression,
  folding: Folding,
): Node | null {
  const decides = (e: Expression): boolean =>
    e.kind === "number" && (node.operator === "&&") === (e.value === 0n);
  const decided = node.operator === "&&" ? 0n : 1n;
  if (decides(left) || (decides(right) && !folding.acts(left))) {
    return number(node, decided, folding);
  }
  if (left.kind === "number" && right.kind === "number") return number(node, 1n - decided, folding);
  return null;
}

function foldBinary(
  node: Of<"binary">,
  left: Expression,
  right: Expression,
  folding: Folding,
): Node | null {
  if (left.kind === "number" && right.kind === "number") {
    const value = compute(node.operator, left.value, right.value);
    return value === null ? null : number(node, value, folding);
  }
  if (left.kind === "string" && right.kind === "string") {
    const value = compare(node.operator, left.value, right.value);
    return value === null ? null : number(node, value, folding);
  }
  return foldIdentity(node, left, right, folding);
}

/** `0 * x` and the like; the operands are known to be numbers. */
function foldIdentity(
  node: Of<"binary">,
  left: Expression,
  right: Expression,
  folding: Folding,
): Node | null {
  const literal = left.kind === "number" ? left : right;
  const other = left.kind === "number" ? right : left;
  if (literal.kind !== "number" || folding.types.get(other.id) !== "long") return null;
  const { value } = literal;
  const onRight = literal === right;
  const absorbs =
    (value === 0n && (node.operator === "*" || node.operator === "&")) ||
    (value === -1n && node.operator === "|");
  if (absorbs) return folding.acts(other) ? null : number(node, value, folding);
  const keeps =
    (value === 0n && ["+", "|", "^"].includes(node.operator)) ||
    (value === 0n && onRight && ["-", "<<", ">>"].includes(node.operator)) ||
    (value === 1n && (node.operator === "*" || (onRight && node.operator === "/"))) ||
    (value === -1n && node.operator === "&");
  return keeps ? other : null;
}

/** The value of `left operator right`; null where the run-time error must stay. */
function compute(operator: Of<"binary">["operator"], left: bigint, right: bigint): bigint | null {
  const shift = BigInt.asUintN(6, right);
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0n ? null : left / right;
    case "%":
      return right === 0n ? null : left % right;
    case "&":
      return left & right;
    case "|":
      return left | right;
    case "^":
      return left ^ right;
    case "<<":
      return left << shift;
    case ">>":
      return left >> shift;
    case ">>>":
      return BigInt.asUintN(64, left) >> shift;
    default:
      return compare(operator, left, right);
  }
}

function compare<T extends bigint | string>(
  operator: Of<"binary">["operator"],
  left: T,
  right: T,
): bigint | null {
  switch (operator) {
    case "==":
      return left === right ? 1n : 0n;
    case "!=":
      return left !== right ? 1n : 0n;
    case "<":
      return left < right ? 1n : 0n;
    case "<=":
      return left <= right ? 1n : 0n;
    case ">":
      return left > right ? 1n : 0n;
    case ">=":
      return left >= right ? 1n : 0n;
    default:
      return null;
  }
}

function foldConcatenation(
  node: Of<"concatenation">,
  left: Expression,
  right: Expression,
  folding: Folding,
): Node | null {
  if (left.kind !== "string" || right.kind !== "string") return null;
  const id = newNodeId();
  folding.types.set(id, "string");
  return { kind: "string", id, span: node.span, value: left.value + right.value };
}

function number(place: Expression, value: bigint, folding: Folding): NumberLiteral {
  const id = newNodeId();
  folding.types.set(id, "long");
  return { kind: "number", id, span: place.span, value: BigInt.asIntN(64, value) };
}

function isZero(node: Expression): boolean {
  return node.kind === "number" && node.value === 0n;
}

function nothing(node: Statement): Statement {
  return { kind: "null", id: node.id, span: node.span };
}

function statement(node: Statement, expression: Expression): Statement {
  return { kind: "expression", id: node.id, span: expression.span, expression };
}
