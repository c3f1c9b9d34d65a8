/**
 * Visits all nodes of a tree in source order, for stages that look for something in it. One table
 * says where the parts of each kind of node are; everything here and in rewriting follows it.
 */
import type { AccessStep, Expression, Node } from "./ast.js";

/** Names of the fields of a node. */
type FieldOf<K extends Node["kind"]> = keyof Extract<Node, { readonly kind: K }> & string;

/** Fields that hold the parts of each kind of node, in source order: nodes, lists of them, steps. */
export const PARTS: { readonly [K in Node["kind"]]: readonly FieldOf<K>[] } = {
  global: ["initial"],
  function: ["parameters", "body"],
  alias: ["names", "points", "prologue", "epilogue"],
  probe: ["points", "body"],
  point: ["components", "condition"],
  component: ["argument"],
  parameter: [],
  block: ["statements"],
  expression: ["expression"],
  if: ["condition", "consequent", "alternate"],
  for: ["initial", "condition", "update", "body"],
  while: ["condition", "body"],
  foreach: ["value", "keys", "base", "slice", "limit", "body"],
  return: ["value"],
  delete: ["target"],
  try: ["body", "variable", "handler"],
  null: [],
  break: [],
  continue: [],
  next: [],
  ternary: ["condition", "consequent", "alternate"],
  index: ["base", "indexes"],
  in: ["indexes", "base"],
  unary: ["operand"],
  update: ["operand"],
  entry: ["operand"],
  defined: ["operand"],
  probewrite: ["operand"],
  binary: ["left", "right"],
  logical: ["left", "right"],
  concatenation: ["left", "right"],
  assignment: ["target", "value"],
  match: ["left", "regex"],
  call: ["args"],
  print: ["args"],
  enum: ["args"],
  aggregate: ["stat"],
  histogram: ["stat"],
  target: ["steps"],
  cast: ["operand", "steps"],
  autocast: ["operand", "steps"],
  register: ["index"],
  deref: ["size", "address"],
  number: [],
  string: [],
  identifier: [],
  perf: [],
  const: [],
  embedded: [],
};

/** What a field that PARTS names may hold. */
export type Part = Node | null | readonly (Node | AccessStep | null)[];

/** The part of `node` in `field`, one of those that PARTS names for it. */
export function partOf(node: Node, field: string): Part {
  return (node as unknown as Readonly<Record<string, Part>>)[field] ?? null;
}

/** True for the parts that are lists. */
export function isList(part: NonNullable<Part>): part is readonly (Node | AccessStep | null)[] {
  return Array.isArray(part);
}

/** Calls `visit` for the nodes directly in `node`, in source order. */
export function forEachChild(node: Node, visit: (child: Node) => void): void {
  for (const field of PARTS[node.kind]) {
    const part = partOf(node, field);
    if (part === null) continue;
    if (!isList(part)) visit(part);
    else for (const item of part) visitItem(item, visit);
  }
}

function visitItem(item: Node | AccessStep | null, visit: (child: Node) => void): void {
  if (item === null) return;
  if ("id" in item) visit(item);
  else if (item.kind === "element") visit(item.index);
}

/** Nodes directly in `node`, in source order. */
export function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = [];
  forEachChild(node, (child) => void children.push(child));
  return children;
}

/** Calls `visit` for `node` and everything in it, parents first; `false` leaves children out. */
export function walk(node: Node, visit: (node: Node) => boolean): void {
  const step = (part: Node): void => {
    if (visit(part)) forEachChild(part, step);
  };
  step(node);
}

/** True if `test` holds of `root` or of something in it. */
export function contains(root: Node, test: (node: Node) => boolean): boolean {
  let found = false;
  walk(root, (node) => {
    found ||= test(node);
    return !found;
  });
  return found;
}

/** Calls `visit` for everything in `node` and then `node`, children first. */
export function walkUp(node: Node, visit: (node: Node) => void): void {
  const step = (part: Node): void => {
    forEachChild(part, step);
    visit(part);
  };
  step(node);
}

/**
 * `root` and every node in it, parents first. Trees never change and each stage asks again, so the
 * list of a tree is kept as long as the tree.
 */
export function nodesIn(root: Node): readonly Node[] {
  const known = listed.get(root);
  if (known !== undefined) return known;
  const nodes: Node[] = [];
  const add = (node: Node): void => {
    nodes.push(node);
    forEachChild(node, add);
  };
  add(root);
  listed.set(root, nodes);
  return nodes;
}

const listed = new WeakMap<Node, readonly Node[]>();

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
