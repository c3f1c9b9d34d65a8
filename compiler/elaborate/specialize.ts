/**
 * Makes a body the own of one probe: a copy with fresh ids in which @defined and @probewrite are
 * folded with the branches they decide, @entry is replaced, and every `$variable` has its value.
 * Variables that cannot be resolved are remembered; they are errors only if they survive.
 */
import type {
  BlockStatement,
  EntryExpression,
  Expression,
  Node,
  NodeId,
  NumberLiteral,
  Statement,
  TargetSymbol,
} from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import { showExpression } from "../syntax/print-expression.js";
import { walk } from "../syntax/walk.js";
import { type Message, ResolutionError } from "./report.js";
import { copyTree } from "./rewrite.js";
import type { TargetScope, TargetValue } from "./site.js";

/** Facts about the target symbols in specialized bodies, by node id. */
export interface TargetTable {
  readonly values: Map<NodeId, TargetValue>;
  readonly failures: Map<NodeId, Message>;
}

/** Where a body is going to run. */
export interface Surroundings {
  readonly targets: TargetScope;
  /** The expression that stands for `@entry(…)`; throws ResolutionError outside .return probes. */
  readonly entry: (node: EntryExpression) => Expression;
  readonly table: TargetTable;
}

/** A copy of `body` for `surroundings`. */
export function specialize(body: BlockStatement, surroundings: Surroundings): BlockStatement {
  const written = writtenOperands(body);
  const known = new Map<NodeId, bigint>();
  const replace = (node: Node, copy: <T extends Node>(part: T) => T): Node | null => {
    switch (node.kind) {
      case "defined":
        return constant(node, isDefined(node.operand, surroundings) ? 1n : 0n, known);
      case "probewrite":
        return constant(node, written.has(showExpression(node.operand)) ? 1n : 0n, known);
      case "unary":
      case "logical":
      case "binary":
        return foldOperator(node, copy, known);
      case "ternary": {
        const condition = copy(node.condition);
        const value = known.get(condition.id);
        if (value !== undefined) return copy(value !== 0n ? node.consequent : node.alternate);
        return {
          ...node,
          id: newNodeId(),
          condition,
          consequent: copy(node.consequent),
          alternate: copy(node.alternate),
        };
      }
      case "if":
        return foldIf(node, copy, known);
      case "target":
        return resolveTarget(
          { ...node, id: newNodeId(), steps: copySteps(node, copy) },
          surroundings,
        );
      case "entry":
        return replaceEntry(node, surroundings);
      default:
        return null;
    }
  };
  return copyTree(body, replace);
}

/** True if something in `node` depends on the probe it runs in. */
export function mentionsTargets(node: Node): boolean {
  let found = false;
  walk(node, (part) => {
    if (
      part.kind === "defined" ||
      part.kind === "entry" ||
      part.kind === "probewrite" ||
      part.kind === "target"
    ) {
      found = true;
    }
    return !found;
  });
  return found;
}

function copySteps(
  node: TargetSymbol,
  copy: <T extends Node>(part: T) => T,
): TargetSymbol["steps"] {
  return node.steps.map((step) =>
    step.kind === "element" ? { ...step, index: copy(step.index) } : step,
  );
}

function resolveTarget(node: TargetSymbol, surroundings: Surroundings): TargetSymbol {
  const { values, failures } = surroundings.table;
  try {
    values.set(node.id, surroundings.targets.resolve(node));
  } catch (error) {
    if (!(error instanceof ResolutionError)) throw error;
    failures.set(node.id, { ...error.reason, node });
  }
  return node;
}

function replaceEntry(node: EntryExpression, surroundings: Surroundings): Node {
  try {
    return surroundings.entry(node);
  } catch (error) {
    if (!(error instanceof ResolutionError)) throw error;
    const failed = { ...node, id: newNodeId() };
    surroundings.table.failures.set(failed.id, { ...error.reason, node });
    return failed;
  }
}

function isDefined(operand: Expression, surroundings: Surroundings): boolean {
  let defined = true;
  walk(operand, (part) => {
    if (part.kind === "cast" || part.kind === "enum" || part.kind === "autocast") defined = false;
    if (part.kind !== "target") return;
    try {
      surroundings.targets.resolve(part);
    } catch (error) {
      if (!(error instanceof ResolutionError)) throw error;
      defined = false;
    }
  });
  return defined;
}

function constant(place: Expression, value: bigint, known: Map<NodeId, bigint>): NumberLiteral {
  const node: NumberLiteral = { kind: "number", id: newNodeId(), span: place.span, value };
  known.set(node.id, value);
  return node;
}

type Operator = Extract<Expression, { kind: "unary" | "logical" | "binary" }>;

/** Folds what follows from @defined; other constants are left to later stages. */
function foldOperator(
  node: Operator,
  copy: <T extends Node>(part: T) => T,
  known: Map<NodeId, bigint>,
): Node {
  if (node.kind === "unary") {
    const operand = copy(node.operand);
    const value = known.get(operand.id);
    if (value !== undefined && node.operator === "!") {
      return constant(node, value === 0n ? 1n : 0n, known);
    }
    return { ...node, id: newNodeId(), operand };
  }
  const left = copy(node.left);
  const value = known.get(left.id);
  if (node.kind === "logical" && value !== undefined) {
    const decides = (node.operator === "&&") === (value === 0n);
    if (decides) return constant(node, value === 0n ? 0n : 1n, known);
    const right = copy(node.right);
    const other = known.get(right.id);
    if (other !== undefined) return constant(node, other === 0n ? 0n : 1n, known);
    return { ...node, id: newNodeId(), left, right };
  }
  const right = copy(node.right);
  const other = known.get(right.id) ?? literal(right);
  const first = value ?? literal(left);
  const isFact = known.has(left.id) || known.has(right.id);
  if (node.kind === "binary" && isFact && first !== null && other !== null) {
    if (node.operator === "==") return constant(node, first === other ? 1n : 0n, known);
    if (node.operator === "!=") return constant(node, first === other ? 0n : 1n, known);
  }
  return { ...node, id: newNodeId(), left, right };
}

function literal(node: Expression): bigint | null {
  return node.kind === "number" ? node.value : null;
}

function foldIf(
  node: Extract<Statement, { kind: "if" }>,
  copy: <T extends Node>(part: T) => T,
  known: Map<NodeId, bigint>,
): Node {
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

/** Texts of all operands that `body` assigns to. */
function writtenOperands(body: BlockStatement): Set<string> {
  const texts = new Set<string>();
  walk(body, (node) => {
    if (node.kind === "assignment") texts.add(showExpression(node.target));
    else if (node.kind === "update") texts.add(showExpression(node.operand));
  });
  return texts;
}
