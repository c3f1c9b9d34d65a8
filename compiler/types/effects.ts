/** Which expressions, statements and functions do more than compute a value. */
import type { FunctionSymbol } from "../elaborate/symbol.js";
import type { Node } from "../syntax/ast.js";
import { hasPragma } from "../syntax/pragmas.js";
import { walk } from "../syntax/walk.js";
import type { Inference } from "./cells.js";
import { baseOf } from "./usage.js";

/** Functions of `functions` that change or print something, directly or through others. */
export function impureFunctions(
  functions: readonly FunctionSymbol[],
  state: Inference,
): Set<FunctionSymbol> {
  const impure = new Set<FunctionSymbol>();
  let before = -1;
  while (impure.size !== before) {
    before = impure.size;
    for (const symbol of functions) {
      if (!impure.has(symbol) && hasEffect(symbol.body, impure, state, true)) impure.add(symbol);
    }
  }
  return impure;
}

/** True if running `root` has an effect; `ownLocals`: writes to locals and `return` are none. */
export function hasEffect(
  root: Node,
  impure: ReadonlySet<FunctionSymbol>,
  state: Inference,
  ownLocals = false,
): boolean {
  let found = false;
  walk(root, (node) => {
    found ||= isEffect(node, impure, state, ownLocals);
    return !found;
  });
  return found;
}

function isEffect(
  node: Node,
  impure: ReadonlySet<FunctionSymbol>,
  state: Inference,
  ownLocals: boolean,
): boolean {
  switch (node.kind) {
    case "assignment":
    case "update": {
      const target = baseOf(node.kind === "update" ? node.operand : node.target);
      const variable = target && state.symbols.variables.get(target.id);
      return !(ownLocals && variable && variable.kind !== "global");
    }
    case "print":
      return !node.name.startsWith("s");
    case "call":
      return (state.symbols.calls.get(node.id) ?? []).some((symbol) => impure.has(symbol));
    case "embedded":
      return !hasPragma(node, "pure");
    case "return":
      return !ownLocals;
    case "delete":
    case "next":
    case "break":
    case "continue":
    case "entry":
      return true;
    default:
      return false;
  }
}
