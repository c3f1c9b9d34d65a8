/** Facts about trees, each found once: trees never change, and every round of a stage asks again. */
import { forEachNode } from "../elaborate/rewrite.js";
import type { SymbolTable } from "../elaborate/symbol.js";
import type { Node, NodeId } from "../syntax/ast.js";

/** `find`, which looks through a tree with the names of a program, with its answers kept. */
export function treeFact<T>(
  find: (root: Node, symbols: SymbolTable) => T,
): (root: Node, symbols: SymbolTable) => T {
  const known = new WeakMap<SymbolTable, WeakMap<Node, T>>();
  return (root, symbols) => {
    const facts = known.get(symbols) ?? new WeakMap<Node, T>();
    known.set(symbols, facts);
    const fact = facts.get(root) ?? find(root, symbols);
    facts.set(root, fact);
    return fact;
  };
}

/** Ids of the nodes in a tree that may call functions. */
export const callersIn: (root: Node, symbols: SymbolTable) => readonly NodeId[] = treeFact(
  (root) => {
    const ids: NodeId[] = [];
    forEachNode(root, (node) => {
      if (node.kind === "call" || node.kind === "embedded") ids.push(node.id);
    });
    return ids;
  },
);
