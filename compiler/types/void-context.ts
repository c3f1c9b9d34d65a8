/**
 * Expressions whose value nobody needs, taken apart into statements, as SystemTap does before it
 * decides about types (language.md §19): `a && b` is `if (a) b`, of `a . b` only the operands stay,
 * and so do the arguments of functions that do nothing else. What an operator that is gone would
 * have said of the types is not said.
 */
import { editTree } from "../elaborate/rewrite.js";
import type { FunctionSymbol, SymbolTable } from "../elaborate/symbol.js";
import {
  type BlockStatement,
  type Expression,
  type Node,
  newNodeId,
  type Statement,
} from "../syntax/ast.js";
import { operandsOf } from "../syntax/walk.js";
import type { Inference } from "./cells.js";

/** What is needed to take expressions apart. */
export interface Reduction {
  readonly symbols: SymbolTable;
  readonly impure: ReadonlySet<FunctionSymbol>;
  /** Types of the expressions; those made here are added. */
  readonly types: Inference["types"];
  /** Target symbols that cannot be found: nobody misses them. */
  readonly failures: Inference["targets"]["failures"];
}

/** `body` with its expression statements taken apart. */
export function reduceStatements(body: BlockStatement, reduction: Reduction): BlockStatement {
  return editTree(body, (node) =>
    node.kind === "expression" ? orSame(node, reduceVoid(node.expression, reduction)) : null,
  );
}

function orSame(node: Node, reduced: Statement | null): Node {
  return reduced ?? node;
}

/** Statements that do what evaluating `node` does; null if that is `node` itself. */
function reduceVoid(node: Expression, reduction: Reduction): Statement | null {
  switch (node.kind) {
    case "logical":
      return choice(node, node.operator === "&&" ? node.left : not(node.left, reduction), [
        statement(node.right, reduction),
        null,
      ]);
    case "ternary":
      return choice(node, node.condition, [
        statement(node.consequent, reduction),
        statement(node.alternate, reduction),
      ]);
    case "binary":
    case "concatenation":
      return sequence(node, [node.left, node.right], reduction);
    case "unary":
      if (node.operator === "&") return withoutMissing(node, reduction);
      return statement(node.operand, reduction);
    case "match":
      return statement(node.left, reduction);
    case "call":
      return isPureCall(node, reduction) ? sequence(node, node.args, reduction) : null;
    case "print":
      if (!node.name.startsWith("s") || node.args.length === 0) return null;
      return sequence(node, node.args, reduction);
    case "target":
    case "cast":
    case "autocast":
      return withoutMissing(node, reduction);
    default:
      return null;
  }
}

/** What is found is read; of what is not, only the operands are there. */
function withoutMissing(node: Expression, reduction: Reduction): Statement | null {
  return reduction.failures.has(node.id) ? sequence(node, operandsOf(node), reduction) : null;
}

/** Calls without arguments stay: there is nothing to put in their place. */
function isPureCall(
  node: Extract<Expression, { kind: "call" }>,
  { symbols, impure }: Reduction,
): boolean {
  const overloads = symbols.calls.get(node.id);
  if (node.args.length === 0 || overloads === undefined) return false;
  return !overloads.some((overload) => impure.has(overload));
}

function statement(node: Expression, reduction: Reduction): Statement {
  const reduced = reduceVoid(node, reduction);
  return reduced ?? { kind: "expression", id: newNodeId(), span: node.span, expression: node };
}

function sequence(
  place: Expression,
  parts: readonly Expression[],
  reduction: Reduction,
): BlockStatement {
  const statements = parts.map((part) => statement(part, reduction));
  return { kind: "block", id: newNodeId(), span: place.span, statements };
}

function choice(
  place: Expression,
  condition: Expression,
  [consequent, alternate]: readonly [Statement, Statement | null],
): Statement {
  return { kind: "if", id: newNodeId(), span: place.span, condition, consequent, alternate };
}

function not(operand: Expression, { types }: Reduction): Expression {
  const id = newNodeId();
  types.set(id, "long");
  return { kind: "unary", operator: "!", id, span: operand.span, operand };
}
