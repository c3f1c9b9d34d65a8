/**
 * Operands that pass 2 lets through although they are not what their operator needs, because print
 * operators, statistics operators and embedded code do not ask (expressions.ts): SystemTap finds
 * them when it translates, in pass 3.
 */
import type { Reporter } from "../elaborate/report.js";
import { COMPARISONS, type Expression, type Node, type PrintExpression } from "../syntax/ast.js";
import { printType } from "./expressions.js";
import type { Program, ScalarType } from "./program.js";

type Types = Program["types"];

/** Reports operands of `node` that have a wrong type. */
export function checkOperandTypes(node: Node, types: Types, report: Reporter): void {
  for (const [place, message] of faultsOf(node, types)) {
    report.error({ code: "operand-type", message, node: place });
  }
}

type Fault = readonly [place: Node, message: string];

function faultsOf(node: Node, types: Types): readonly Fault[] {
  const is = (type: ScalarType, ...operands: readonly (Expression | null)[]): boolean =>
    operands.every((operand) => operand === null || hasType(operand, type, types));
  switch (node.kind) {
    case "concatenation":
      return is("string", node.left, node.right) ? [] : [[node, "expected string types"]];
    case "match":
      return is("string", node.left) ? [] : [[node, "expected string types"]];
    case "binary":
      if (COMPARISONS.has(node.operator)) return [];
      return is("long", node.left, node.right) ? [] : [[node, "expected numeric types"]];
    case "logical":
      return is("long", node.left, node.right) ? [] : [[node, "expected numeric types"]];
    case "unary":
      if (node.operator === "&") return [];
      return is("long", node.operand) ? [] : [[node, "expected numeric types"]];
    case "ternary":
      return ternaryFaults(node, types);
    case "assignment":
      return assignmentFaults(node, types);
    case "if":
    case "while":
    case "for":
      if (node.condition === null || is("long", node.condition)) return [];
      return [[node.condition, "expected numeric type"]];
    case "foreach":
      if (node.limit === null || is("long", node.limit)) return [];
      return [[node.limit, "expected numeric type"]];
    case "print":
      return printFaults(node, types);
    default:
      return [];
  }
}

/** What has no type has been reported or is not needed. */
function hasType(node: Expression, type: ScalarType, types: Types): boolean {
  const found = types.get(node.id);
  return found === undefined || found === type;
}

function ternaryFaults(node: Extract<Node, { kind: "ternary" }>, types: Types): readonly Fault[] {
  if (!hasType(node.condition, "long", types)) {
    return [[node.condition, "expected numeric condition"]];
  }
  const agree = types.get(node.consequent.id) === types.get(node.alternate.id);
  return agree ? [] : [[node, "expected matching types"]];
}

function assignmentFaults(
  { operator, value }: Extract<Node, { kind: "assignment" }>,
  types: Types,
): readonly Fault[] {
  if (operator === "<<<") {
    if (hasType(value, "long", types)) return [];
    return [[value, "non-number right operand to <<< expression"]];
  }
  if (operator !== ".=" || hasType(value, "string", types)) return [];
  return [[value, "type mismatch"]];
}

/** A print operator may have been taken for what a format wants. */
function printFaults(node: PrintExpression, types: Types): readonly Fault[] {
  const type = types.get(node.id);
  const given = printType(node);
  if (type === undefined || type === given) return [];
  return [[node, `type mismatch: expected ${type} but found ${given}`]];
}
