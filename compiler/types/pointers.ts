/**
 * Types of the program that values of the script are known to have: pointers follow assignments to
 * variables and results of functions, so that `->` and `[]` work on them (autocast, language.md
 * §15). A variable or function that is given pointers of different types has none.
 */
import { type Message, ResolutionError } from "../elaborate/report.js";
import type { PointerType, TargetUse } from "../elaborate/site.js";
import type { FunctionSymbol, VariableSymbol } from "../elaborate/symbol.js";
import type { AutocastExpression, Expression, NodeId } from "../syntax/ast.js";
import type { Inference } from "./cells.js";

/** The pointer type of `node`; null if it has none that is known yet. */
export function pointerOf(node: Expression, state: Inference): PointerType | null {
  const known = state.targets.values.get(node.id)?.pointer ?? state.targets.pointers.get(node.id);
  if (known) return known;
  switch (node.kind) {
    case "identifier": {
      const variable = state.symbols.variables.get(node.id);
      return variable ? (state.pointers.get(variable) ?? null) : null;
    }
    case "assignment":
      return node.operator === "=" ? pointerOf(node.value, state) : null;
    case "ternary": {
      const pointer = pointerOf(node.consequent, state);
      return pointer?.key === pointerOf(node.alternate, state)?.key ? pointer : null;
    }
    case "call": {
      const [first] = state.symbols.calls.get(node.id) ?? [];
      return first ? (state.pointers.get(first) ?? null) : null;
    }
    default:
      return null;
  }
}

/** Notes that `owner` is given the value of `node`. */
export function learnPointer(
  owner: VariableSymbol | FunctionSymbol,
  node: Expression,
  state: Inference,
): void {
  const pointer = pointerOf(node, state);
  const known = state.pointers.get(owner);
  if (pointer === null || known === null || known?.key === pointer.key) return;
  state.pointers.set(owner, known === undefined ? pointer : null);
  state.changed = true;
}

/** Finds what the autocast `node` is, under the id of `place`: itself, or the `&` around it. */
export function resolveAutocast(
  node: AutocastExpression,
  place: NodeId,
  use: TargetUse,
  state: Inference,
): void {
  const { values, failures } = state.targets;
  if (values.has(place) || failures.has(place)) return;
  const pointer = pointerOf(node.operand, state);
  if (pointer === null) return;
  state.changed = true;
  try {
    values.set(place, pointer.access(node.steps, use));
  } catch (error) {
    if (!(error instanceof ResolutionError)) throw error;
    const reason: Message = error.reason;
    failures.set(place, { ...reason, node: reason.node ?? node });
  }
}
