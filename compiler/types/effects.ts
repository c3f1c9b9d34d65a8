/**
 * Which expressions and functions do more than compute a value: they write variables or the
 * context, print, or run embedded code that is not marked pure.
 */
import type { FunctionSymbol, SymbolTable } from "../elaborate/symbol.js";
import type { Expression, Node, NodeId } from "../syntax/ast.js";
import { hasPragma } from "../syntax/pragmas.js";
import { contains, nodesIn } from "../syntax/walk.js";
import { callersIn, treeFact } from "./tree-facts.js";
import { baseOf, WRITABLE } from "./usage.js";

/** Functions of `functions` that have an effect besides their result, directly or not. */
export function impureFunctions(
  functions: readonly FunctionSymbol[],
  symbols: SymbolTable,
): Set<FunctionSymbol> {
  const impure = new Set(functions.filter(({ body }) => changesOutside(body, symbols)));
  let before = -1;
  while (impure.size !== before) {
    before = impure.size;
    for (const symbol of functions) {
      const calls = callersIn(symbol.body, symbols);
      if (calls.some(({ id }) => callsOneOf(impure, id, symbols))) impure.add(symbol);
    }
  }
  return impure;
}

const changesOutside = treeFact((root, symbols) =>
  nodesIn(root).some((node) => isOutsideEffect(node, symbols)),
);

/** True if evaluating `root` has an effect; a write to a local is one. */
export function hasEffect(
  root: Expression,
  impure: ReadonlySet<FunctionSymbol>,
  symbols: SymbolTable,
): boolean {
  return contains(
    root,
    (node) =>
      node.kind === "assignment" ||
      (node.kind === "update" && WRITABLE.has(node.operand.kind)) ||
      isOutsideEffect(node, symbols) ||
      callsOneOf(impure, node.id, symbols),
  );
}

function callsOneOf(
  functions: ReadonlySet<FunctionSymbol>,
  id: NodeId,
  symbols: SymbolTable,
): boolean {
  return symbols.calls.get(id)?.some((symbol) => functions.has(symbol)) ?? false;
}

/** True if `node` itself, calls aside, changes more than locals. */
function isOutsideEffect(node: Node, symbols: SymbolTable): boolean {
  const isOutside = (target: Expression): boolean => {
    const variable = symbols.variables.get(baseOf(target)?.id ?? -1);
    return variable === undefined || variable.kind === "global";
  };
  switch (node.kind) {
    case "assignment":
    case "delete":
      return isOutside(node.target);
    case "update":
      return WRITABLE.has(node.operand.kind) && isOutside(node.operand);
    case "foreach":
      return node.sort !== null;
    case "print":
      return !node.name.startsWith("s");
    case "embedded":
      return !hasPragma(node, "pure");
    default:
      return false;
  }
}
