/**
 * How it is said that types do not agree. While types are still being learnt a fault is only ranked;
 * when all is known, one more visit reports the faults of the highest rank, and with them operators
 * and statistics where they cannot stand. Each kind of fault has a code, and each of its occurrences
 * is an error: of those with one code the first is shown, the others are counted.
 */
import { type Place, tokenOf } from "../elaborate/report.js";
import type { VariableSymbol } from "../elaborate/symbol.js";
import { SYNTHESIZED } from "../elaborate/synthesize.js";
import type { Expression, Node } from "../syntax/ast.js";
import type { Cell, Inference } from "./cells.js";
import type { Type } from "./program.js";

/** Sides that differ, an expression that is not what is wanted, a name used in two ways. */
type Rank = 1 | 2 | 3;

/** True if a fault of `rank` is to be reported now. */
function isReported(rank: Rank, state: Inference): boolean {
  if (state.reports === "nothing") state.worst = Math.max(state.worst, rank);
  return state.reports !== "nothing" && state.worst <= rank;
}

/** The sides of an operator have different types. */
export function disagree(node: Node, left: Type, right: Type, state: Inference): void {
  if (!isReported(1, state)) return;
  const message = `type mismatch: left and right sides don't agree (${left} vs ${right})`;
  state.report.error({ code: "sides-disagree", message, node });
}

/** `node` is a `found` where `expected` is wanted. */
export function mismatch(node: Node, expected: Type, found: Type, state: Inference): void {
  if (!isReported(2, state)) return;
  const message = `type mismatch: expected ${expected} but found ${found}`;
  state.report.error({ code: "type-mismatch", message, node });
}

/** A name used as one type that was learnt to have another. */
export interface Conflict {
  /** Where it is used, and as what: null for nothing. */
  readonly node: Node;
  readonly type: Type | null;
  /** What is known of it. */
  readonly cell: Cell;
  /** Which key or argument it is; null for values. */
  readonly position: number | null;
  /** Type of the whole that the cell belongs to. */
  readonly whole: Type | null;
}

/** Reports `conflict` with the place where the other type was learnt, if it was in the same way. */
export function conflicting(conflict: Conflict, state: Inference): void {
  if (!isReported(3, state)) return;
  const { node, cell, position } = conflict;
  const type = conflict.type ?? "unknown";
  const known = conflict.whole ?? "unknown";
  if (cell.place === null || cell.position !== position) {
    const message = `type mismatch: expected ${type} but found ${known}`;
    state.report.error({ code: "declared-mismatch", message, node });
    return;
  }
  const index = position === null ? "" : `index ${position} `;
  const ofIndex = position === null ? "" : ` of index ${position}`;
  state.report.error({
    code: "type-conflict",
    message: `${index}type mismatch (${type})`,
    node,
    notes: [{ message: `type${ofIndex} was first inferred here (${known})`, node: cell.place }],
  });
}

/** An operator, or something of `type`, stands where it cannot. */
export function invalid(node: Place, type: Type, state: Inference): void {
  if (state.reports === "nothing") return;
  const message = tokenOf(node) === "operator" ? "invalid operator" : `invalid type ${type}`;
  state.report.error({ code: "invalid-type", message, node });
}

/** Nothing tells the type of `node`; less important than faults of any rank. */
export function unresolved(node: Node, state: Inference): void {
  if (state.reports === "nothing" || state.worst > 0) return;
  // What the compiler wrote itself is no place for the user: the declaration is.
  if (node.span.file.name === SYNTHESIZED) return;
  state.report.error({ code: "unresolved-type", message: "unresolved type ", node });
}

/** `node` is a variable of the program that cannot be found, which only counts if it is needed. */
export function missing(node: Expression, state: Inference): void {
  if (state.reports !== "all") return;
  const message = "unknown type in dereference";
  const failure = state.targets.failures.get(node.id);
  state.report.error(failure ?? { code: "unknown-dereference", message, node });
}

/** A format has another number of directives than its operator has arguments; nothing is worse. */
export function wrongCount(node: Node, state: Inference): void {
  if (!isReported(3, state)) return;
  const message = "Wrong number of args to formatted print operator";
  state.report.error({ code: "format-arguments", message, node });
}

/** A local variable is used as statistics. */
export function statLocal(variable: VariableSymbol, state: Inference): void {
  if (state.reports === "nothing") return;
  const message = "stat locals not supported, missing global declaration? ";
  state.report.error({ code: "stat-local", message, node: variable.place });
}

/** Operators that make numbers cannot stand where `wanted` is something else. */
export function wantsNumber(node: Place, wanted: Type | null, state: Inference): void {
  if (wanted === "string" || wanted === "stats") invalid(node, wanted, state);
}
