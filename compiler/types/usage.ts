/**
 * Which variables are read, which are written, and which are read for their value: `n++` as a
 * statement reads `n`, but nobody uses what it read (so `n` is shown at the end). `delete` reads
 * and writes.
 */
import { forEachNode } from "../elaborate/rewrite.js";
import type { SymbolTable, VariableSymbol } from "../elaborate/symbol.js";
import type { Expression, ForeachStatement, Identifier, Node, NodeId } from "../syntax/ast.js";
import { treeFact } from "./tree-facts.js";

/** Variables mentioned in some bodies; `used` is a part of `read`. */
export interface VariableUse {
  readonly read: Set<VariableSymbol>;
  readonly used: Set<VariableSymbol>;
  readonly written: Set<VariableSymbol>;
}

/** Uses of variables in `roots`. */
export function variableUse(roots: Iterable<Node>, symbols: SymbolTable): VariableUse {
  const all = noUse();
  for (const root of roots) {
    const { read, used, written } = usesIn(root, symbols);
    for (const variable of read) all.read.add(variable);
    for (const variable of used) all.used.add(variable);
    for (const variable of written) all.written.add(variable);
  }
  return all;
}

function noUse(): VariableUse {
  return { read: new Set(), used: new Set(), written: new Set() };
}

const usesIn = treeFact(findUses);

function findUses(root: Node, symbols: SymbolTable): VariableUse {
  const use = noUse();
  const unneeded = new Set<NodeId>();
  const notRead = new Set<NodeId>();
  const notUsed = new Set<NodeId>();
  forEachNode(root, (node) => {
    for (const value of unneededValues(node)) unneeded.add(value.id);
    for (const target of writtenIn(node)) {
      const variable = symbols.variables.get(target.id);
      if (variable) use.written.add(variable);
      if (isPureWrite(node)) notRead.add(target.id);
      else if (unneeded.has(node.id)) notUsed.add(target.id);
    }
    if (node.kind === "foreach") addSortedArray(node, symbols, use);
    if (node.kind !== "identifier" || notRead.has(node.id)) return;
    const variable = symbols.variables.get(node.id);
    if (variable === undefined) return;
    use.read.add(variable);
    if (!notUsed.has(node.id)) use.used.add(variable);
  });
  return use;
}

/** A sorted foreach changes the order that its array keeps. */
function addSortedArray(node: ForeachStatement, symbols: SymbolTable, use: VariableUse): void {
  const array = node.sort && symbols.variables.get(node.base.id);
  if (array) use.written.add(array);
}

/** Identifiers of the variables that `node` itself writes. */
function writtenIn(node: Node): readonly Identifier[] {
  switch (node.kind) {
    case "assignment":
    case "delete":
      return [baseOf(node.target)].filter((target) => target !== null);
    case "update":
      return [baseOf(node.operand)].filter((target) => target !== null);
    case "foreach":
      return node.value ? [...node.keys, node.value] : node.keys;
    case "try":
      return node.variable ? [node.variable] : [];
    default:
      return [];
  }
}

/** True if `node` writes without regard to the old value. */
function isPureWrite(node: Node): boolean {
  if (node.kind === "assignment") return node.operator === "=" || node.operator === "<<<";
  return node.kind === "foreach" || node.kind === "try";
}

/** Expressions directly in `node` whose values are thrown away. */
export function unneededValues(node: Node): readonly Expression[] {
  if (node.kind === "expression") return [node.expression, ...unneededParts(node.expression)];
  if (node.kind !== "for") return [];
  return [node.initial, node.update].filter((e) => e !== null);
}

/** Operands of `node` that are only computed for what they do if its own value is thrown away. */
function unneededParts(node: Expression): readonly Expression[] {
  const parts = partsForNothing(node);
  return parts.flatMap((part) => [part, ...unneededParts(part)]);
}

function partsForNothing(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "unary":
      return [node.operand];
    case "binary":
    case "concatenation":
      return [node.left, node.right];
    case "logical":
      return [node.right];
    case "ternary":
      return [node.consequent, node.alternate];
    default:
      return [];
  }
}

/** Kinds of expressions that name something which can be written. */
export const WRITABLE: ReadonlySet<Expression["kind"]> = new Set([
  "identifier",
  "index",
  "target",
  "cast",
  "autocast",
]);

/** The identifier that names the variable of an lvalue, null for anything else. */
export function baseOf(target: Expression): Identifier | null {
  if (target.kind === "identifier") return target;
  return target.kind === "index" && target.base.kind === "identifier" ? target.base : null;
}
