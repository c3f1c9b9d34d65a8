/** Facts about trees, each found once: trees never change, and every round of a stage asks again. */
import { forEachNode } from "../elaborate/rewrite.js";
import type { SymbolTable } from "../elaborate/symbol.js";
import type { CallExpression, EmbeddedCode, Node } from "../syntax/ast.js";

/** What may call functions. */
export type Caller = CallExpression | EmbeddedCode;

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

/** The nodes in a tree that may call functions. */
export const callersIn: (root: Node, symbols: SymbolTable) => readonly Caller[] = treeFact(
  (root) => {
    const callers: Caller[] = [];
    forEachNode(root, (node) => {
      if (node.kind === "call" || node.kind === "embedded") callers.push(node);
    });
    return callers;
  },
);
