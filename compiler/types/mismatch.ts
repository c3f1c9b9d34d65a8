/** How it is said that an expression has another type than its surroundings want. */
import type { VariableSymbol } from "../elaborate/symbol.js";
import type { Expression } from "../syntax/ast.js";
import type { Cell, Inference } from "./cells.js";
import type { Type } from "./program.js";

/** Reports that `node` is a `type` where `expected` is wanted. */
export function mismatch(
  node: Expression,
  expected: Type,
  type: Type | null,
  state: Inference,
): void {
  const message = isOperator(node)
    ? "invalid operator"
    : `type mismatch: expected ${expected} but found ${type}`;
  state.report.error({ code: "type-mismatch", message, node });
}

/** True for expressions whose operator says what type they have. */
export function isOperator(node: Expression): boolean {
  if (node.kind === "assignment") return node.operator !== "=";
  if (node.kind === "unary") return node.operator !== "&";
  return OPERATIONS.has(node.kind);
}

const OPERATIONS: ReadonlySet<Expression["kind"]> = new Set([
  "binary",
  "concatenation",
  "logical",
  "match",
  "update",
]);

/**
 * Reports that `node` is used as `expected`, but `cell` got another type before; `position` if it is
 * a parameter.
 */
export function conflict(
  cell: Cell,
  node: Expression,
  expected: Type,
  position: number | null,
  { report }: Inference,
): void {
  const what = position === null ? "type" : `index ${position} type`;
  const first = position === null ? "type" : `type of index ${position}`;
  report.error({
    code: "type-mismatch",
    message: `${what} mismatch (${expected})`,
    node,
    notes: [{ message: `${first} was first inferred here (${cell.type})`, node: cell.place }],
  });
}

/** Number of `variable` among the parameters of its function, null if it is none. */
export function positionOf(variable: VariableSymbol, { symbols }: Inference): number | null {
  if (variable.kind !== "parameter") return null;
  const owner = symbols.functions.find(({ parameters }) => parameters.includes(variable));
  return owner === undefined ? null : owner.parameters.indexOf(variable);
}
