/** Visits all nodes of a tree in source order, for stages that look for something in it. */
import { unreachable } from "../../base/assert.js";
import type { AccessStep, Expression, Node } from "./ast.js";

type Child = Node | null | undefined;

/** Calls `visit` for `node` and everything in it, parents first; `false` leaves children out. */
export function walk(node: Node, visit: (node: Node) => boolean | undefined): void {
  if (visit(node) === false) return;
  for (const child of listChildren(node)) if (child) walk(child, visit);
}

/** Calls `visit` for everything in `node` and then `node`, children first. */
export function walkUp(node: Node, visit: (node: Node) => void): void {
  for (const child of childrenOf(node)) walkUp(child, visit);
  visit(node);
}

/** Nodes directly in `node`, in source order. */
export function childrenOf(node: Node): readonly Node[] {
  return listChildren(node).filter((child): child is Node => child !== null && child !== undefined);
}

/**
 * The script expressions that the value of a target symbol, cast, `&…` and the like is computed
 * from, in source order; a Location names them by their index.
 */
export function operandsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "unary":
      return operandsOf(node.operand);
    case "target":
      return indexesOf(node.steps);
    case "cast":
    case "autocast":
      return [node.operand, ...indexesOf(node.steps)];
    case "deref":
      return [node.size, node.address];
    case "enum":
      return node.args;
    default:
      return [];
  }
}

function indexesOf(steps: readonly AccessStep[]): Expression[] {
  return steps.flatMap((step) => (step.kind === "element" ? [step.index] : []));
}

function listChildren(node: Node): readonly Child[] {
  switch (node.kind) {
    case "global":
      return [node.initial];
    case "function":
      return [...node.parameters, node.body];
    case "alias":
      return [...node.names, ...node.points, node.prologue, node.epilogue];
    case "probe":
      return [...node.points, node.body];
    case "point":
      return [...node.components, node.condition];
    case "component":
      return [node.argument];
    case "block":
      return node.statements;
    case "expression":
      return [node.expression];
    case "if":
    case "ternary":
      return [node.condition, node.consequent, node.alternate];
    case "for":
      return [node.initial, node.condition, node.update, node.body];
    case "while":
      return [node.condition, node.body];
    case "foreach":
      return [node.value, ...node.keys, node.base, ...(node.slice ?? []), node.limit, node.body];
    case "return":
      return [node.value];
    case "delete":
      return [node.target];
    case "try":
      return [node.body, node.variable, node.handler];
    case "index":
      return [node.base, ...node.indexes];
    case "in":
      return [...node.indexes, node.base];
    case "unary":
    case "update":
    case "entry":
    case "defined":
    case "probewrite":
      return [node.operand];
    case "binary":
    case "logical":
    case "concatenation":
      return [node.left, node.right];
    case "assignment":
      return [node.target, node.value];
    case "match":
      return [node.left, node.regex];
    case "call":
    case "print":
    case "enum":
      return node.args;
    case "aggregate":
    case "histogram":
      return [node.stat];
    case "target":
      return indexesOf(node.steps);
    case "cast":
    case "autocast":
      return [node.operand, ...indexesOf(node.steps)];
    case "register":
      return [node.index];
    case "deref":
      return [node.size, node.address];
    case "parameter":
    case "null":
    case "break":
    case "continue":
    case "next":
    case "number":
    case "string":
    case "identifier":
    case "perf":
    case "const":
    case "embedded":
      return [];
    default:
      return unreachable(node);
  }
}
