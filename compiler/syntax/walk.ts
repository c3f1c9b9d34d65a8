/** Visits all nodes of a tree in source order, for stages that look for something in it. */
import { unreachable } from "../../base/assert.js";
import type { AccessStep, EmbeddedCode, Expression, Node, Statement } from "./ast.js";

type Child = Node | null | undefined;
type Visit = (node: Node) => boolean | undefined;

/** Calls `visit` for `node` and everything in it, parents first; `false` leaves children out. */
export function walk(node: Child, visit: Visit): void {
  if (node && visit(node) !== false) walkChildren(node, visit);
}

/** Calls `visit` for everything in `node` and then `node`, children first. */
export function walkUp(node: Node, visit: (node: Node) => void): void {
  for (const child of childrenOf(node)) walkUp(child, visit);
  visit(node);
}

/** Nodes directly in `node`, in source order. */
export function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = [];
  walkChildren(node, (child) => {
    children.push(child);
    return false;
  });
  return children;
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

function walkAll(nodes: readonly Child[], visit: Visit): void {
  for (const node of nodes) walk(node, visit);
}

function walkSteps(steps: readonly AccessStep[], visit: Visit): void {
  for (const step of steps) if (step.kind === "element") walk(step.index, visit);
}

// Trees are walked more often than anything else is done, so nothing is allocated on the way.
function walkChildren(node: Node, visit: Visit): void {
  switch (node.kind) {
    case "global":
      walk(node.initial, visit);
      return;
    case "function":
      walkAll(node.parameters, visit);
      walk(node.body, visit);
      return;
    case "alias":
      walkAll(node.names, visit);
      walkAll(node.points, visit);
      walk(node.prologue, visit);
      walk(node.epilogue, visit);
      return;
    case "probe":
      walkAll(node.points, visit);
      walk(node.body, visit);
      return;
    case "point":
      walkAll(node.components, visit);
      walk(node.condition, visit);
      return;
    case "component":
      walk(node.argument, visit);
      return;
    case "parameter":
      return;
    default:
      walkStatement(node, visit);
  }
}

function walkStatement(node: Statement | Expression, visit: Visit): void {
  switch (node.kind) {
    case "block":
      walkAll(node.statements, visit);
      return;
    case "expression":
      walk(node.expression, visit);
      return;
    case "if":
      walk(node.condition, visit);
      walk(node.consequent, visit);
      walk(node.alternate, visit);
      return;
    case "for":
      walk(node.initial, visit);
      walk(node.condition, visit);
      walk(node.update, visit);
      walk(node.body, visit);
      return;
    case "while":
      walk(node.condition, visit);
      walk(node.body, visit);
      return;
    case "foreach":
      walk(node.value, visit);
      walkAll(node.keys, visit);
      walk(node.base, visit);
      walkAll(node.slice ?? [], visit);
      walk(node.limit, visit);
      walk(node.body, visit);
      return;
    case "return":
      walk(node.value, visit);
      return;
    case "delete":
      walk(node.target, visit);
      return;
    case "try":
      walk(node.body, visit);
      walk(node.variable, visit);
      walk(node.handler, visit);
      return;
    case "null":
    case "break":
    case "continue":
    case "next":
      return;
    default:
      walkExpression(node, visit);
  }
}

function walkExpression(node: Expression | EmbeddedCode, visit: Visit): void {
  switch (node.kind) {
    case "ternary":
      walk(node.condition, visit);
      walk(node.consequent, visit);
      walk(node.alternate, visit);
      return;
    case "index":
      walk(node.base, visit);
      walkAll(node.indexes, visit);
      return;
    case "in":
      walkAll(node.indexes, visit);
      walk(node.base, visit);
      return;
    case "unary":
    case "update":
    case "entry":
    case "defined":
    case "probewrite":
      walk(node.operand, visit);
      return;
    case "binary":
    case "logical":
    case "concatenation":
      walk(node.left, visit);
      walk(node.right, visit);
      return;
    case "assignment":
      walk(node.target, visit);
      walk(node.value, visit);
      return;
    case "match":
      walk(node.left, visit);
      walk(node.regex, visit);
      return;
    case "call":
    case "print":
    case "enum":
      walkAll(node.args, visit);
      return;
    case "aggregate":
    case "histogram":
      walk(node.stat, visit);
      return;
    case "target":
      walkSteps(node.steps, visit);
      return;
    case "cast":
    case "autocast":
      walk(node.operand, visit);
      walkSteps(node.steps, visit);
      return;
    case "register":
      walk(node.index, visit);
      return;
    case "deref":
      walk(node.size, visit);
      walk(node.address, visit);
      return;
    case "number":
    case "string":
    case "identifier":
    case "perf":
    case "const":
    case "embedded":
      return;
    default:
      unreachable(node);
  }
}
