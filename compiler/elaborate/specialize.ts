/**
 * Makes a body the own of one probe: a copy with fresh ids in which @defined and @probewrite are
 * folded with the branches they decide, @entry is replaced, and every `$variable` has its value.
 * Variables that cannot be resolved are remembered; they are errors only if they survive.
 */
import type {
  BlockStatement,
  Expression,
  Node,
  NodeId,
  NumberLiteral,
  ProbewriteExpression,
} from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import { nodesIn } from "../syntax/walk.js";
import {
  type Copy,
  isDefined,
  isTarget,
  replaceEntry,
  resolveAddress,
  resolveTarget,
  type Surroundings,
} from "./resolve-target.js";
import { copyTree } from "./rewrite.js";

/** A copy of `body` for `surroundings`. */
export function specialize(body: BlockStatement, surroundings: Surroundings): BlockStatement {
  return specializeTree(body, surroundings);
}

/** A copy of `expression` for `surroundings`. */
export function specializeExpression(
  expression: Expression,
  surroundings: Surroundings,
): Expression {
  return specializeTree(expression, surroundings);
}

function specializeTree<T extends Node>(body: T, surroundings: Surroundings): T {
  const known = new Map<NodeId, bigint>();
  const replace = (node: Node, copy: Copy): Node | null => {
    switch (node.kind) {
      case "defined":
        return constant(node, isDefined(node.operand, surroundings) ? 1n : 0n, known);
      case "probewrite":
        if (node.isWritten === null) return unexpected(node, surroundings);
        return constant(node, node.isWritten ? 1n : 0n, known);
      case "unary":
        return node.operator === "&"
          ? resolveAddress(node, copy, surroundings)
          : foldUnary(node, copy, known);
      case "logical":
        return foldLogical(node, copy, known);
      case "binary":
        return foldBinary(node, copy, known);
      case "ternary":
        return foldTernary(node, copy, known);
      case "if":
        return foldIf(node, copy, known);
      case "target":
      case "cast":
      case "enum":
        return resolveTarget(node, "value", copy, surroundings);
      case "assignment":
        if (!isTarget(node.target)) return null;
        return {
          ...node,
          id: newNodeId(),
          target: resolveTarget(node.target, "write", copy, surroundings),
          value: copy(node.value),
        };
      case "update": {
        if (!isTarget(node.operand)) return null;
        const operand = resolveTarget(node.operand, "write", copy, surroundings);
        return { ...node, id: newNodeId(), operand };
      }
      case "entry":
        return replaceEntry(node, surroundings);
      default:
        return null;
    }
  };
  return copyTree(body, replace);
}

/** True if something in `node` is decided or found when it is specialized. */
export function mentionsTargets(node: Node): boolean {
  return nodesIn(node).some(({ kind }) => SPECIALIZED.has(kind));
}

const SPECIALIZED: ReadonlySet<Node["kind"]> = new Set([
  "cast",
  "defined",
  "entry",
  "enum",
  "probewrite",
  "target",
]);

/** True if something in `node` depends on the probe it runs in. */
export function dependsOnPlace(node: Node): boolean {
  return nodesIn(node).some((part) => {
    switch (part.kind) {
      case "target":
      case "cast":
        return part.module === null;
      case "enum":
        return part.args.length < (part.operator === "enum" ? 2 : 3);
      default:
        return part.kind === "entry" || part.kind === "probewrite";
    }
  });
}

function unexpected(node: ProbewriteExpression, { table }: Surroundings): Expression {
  const failed: NumberLiteral = { kind: "number", id: newNodeId(), span: node.span, value: 0n };
  const message = "unexpected @probewrite";
  table.failures.set(failed.id, { code: "unexpected-probewrite", message, node });
  return failed;
}

function constant(place: Expression, value: bigint, known: Map<NodeId, bigint>): NumberLiteral {
  const node: NumberLiteral = { kind: "number", id: newNodeId(), span: place.span, value };
  known.set(node.id, value);
  return node;
}

type Known = Map<NodeId, bigint>;
type Of<K extends Node["kind"]> = Extract<Node, { kind: K }>;

/** Folding follows only what comes from @defined; other constants are left to later stages. */
function foldUnary(node: Of<"unary">, copy: Copy, known: Known): Node {
  const operand = copy(node.operand);
  const value = known.get(operand.id);
  if (value !== undefined && node.operator === "!") {
    return constant(node, value === 0n ? 1n : 0n, known);
  }
  return { ...node, id: newNodeId(), operand };
}

function foldLogical(node: Of<"logical">, copy: Copy, known: Known): Node {
  const left = copy(node.left);
  const value = known.get(left.id);
  if (value === undefined) return { ...node, id: newNodeId(), left, right: copy(node.right) };
  const decides = (node.operator === "&&") === (value === 0n);
  if (decides) return constant(node, value === 0n ? 0n : 1n, known);
  const right = copy(node.right);
  const other = known.get(right.id);
  if (other !== undefined) return constant(node, other === 0n ? 0n : 1n, known);
  return { ...node, id: newNodeId(), left, right };
}

function foldBinary(node: Of<"binary">, copy: Copy, known: Known): Node {
  const left = copy(node.left);
  const right = copy(node.right);
  const folded = { ...node, id: newNodeId(), left, right };
  if (node.operator !== "==" && node.operator !== "!=") return folded;
  if (!known.has(left.id) && !known.has(right.id)) return folded;
  if (left.kind !== "number" || right.kind !== "number") return folded;
  const equal = left.value === right.value;
  return constant(node, equal === (node.operator === "==") ? 1n : 0n, known);
}

function foldTernary(node: Of<"ternary">, copy: Copy, known: Known): Node {
  const condition = copy(node.condition);
  const value = known.get(condition.id);
  if (value !== undefined) return copy(value !== 0n ? node.consequent : node.alternate);
  const consequent = copy(node.consequent);
  return { ...node, id: newNodeId(), condition, consequent, alternate: copy(node.alternate) };
}

function foldIf(node: Of<"if">, copy: Copy, known: Known): Node {
  const condition = copy(node.condition);
  const value = known.get(condition.id);
  if (value === undefined) {
    return {
      ...node,
      id: newNodeId(),
      condition,
      consequent: copy(node.consequent),
      alternate: node.alternate === null ? null : copy(node.alternate),
    };
  }
  const taken = value !== 0n ? node.consequent : node.alternate;
  return taken === null ? { kind: "null", id: newNodeId(), span: node.span } : copy(taken);
}
