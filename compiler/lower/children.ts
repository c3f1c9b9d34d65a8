/** The direct parts of a statement or expression, in order of evaluation. */
import { unreachable } from "../../base/assert.js";
import type { AccessStep, Expression, Statement } from "../syntax/ast.js";

/** A statement or expression. */
export type Code = Statement | Expression;

/** Statements and expressions right below `node`; types and names are not followed. */
export function children(node: Code): readonly Code[] {
  switch (node.kind) {
    case "block":
      return node.statements;
    case "expression":
      return [node.expression];
    case "if":
      return present(node.condition, node.consequent, node.alternate);
    case "for":
      return present(node.initial, node.condition, node.update, node.body);
    case "while":
      return [node.condition, node.body];
    case "foreach":
      return present(
        node.value,
        ...node.keys,
        node.base,
        ...(node.slice ?? []),
        node.limit,
        node.body,
      );
    case "return":
      return present(node.value);
    case "delete":
      return [node.target];
    case "try":
      return present(node.body, node.variable, node.handler);
    default:
      return expressionChildren(node);
  }
}

/** `node` and everything below it, parents first. */
export function* descendants(node: Code): Generator<Code> {
  yield node;
  for (const child of children(node)) yield* descendants(child);
}

type Leaf = Exclude<
  Code,
  {
    kind: "block" | "expression" | "if" | "for" | "while" | "foreach" | "return" | "delete" | "try";
  }
>;

function expressionChildren(node: Leaf): readonly Code[] {
  switch (node.kind) {
    case "index":
      return present(node.base, ...node.indexes);
    case "unary":
    case "update":
    case "defined":
    case "entry":
    case "probewrite":
      return [node.operand];
    case "binary":
    case "logical":
    case "concatenation":
      return [node.left, node.right];
    case "ternary":
      return [node.condition, node.consequent, node.alternate];
    case "assignment":
      return [node.target, node.value];
    case "in":
      return present(...node.indexes, node.base);
    case "match":
      return [node.left];
    case "call":
    case "print":
    case "enum":
      return node.args;
    case "aggregate":
    case "histogram":
      return [node.stat];
    case "target":
      return stepIndexes(node.steps);
    case "cast":
    case "autocast":
      return [node.operand, ...stepIndexes(node.steps)];
    case "register":
      return [node.index];
    case "deref":
      return [node.size, node.address];
    case "null":
    case "break":
    case "continue":
    case "next":
    case "embedded":
    case "number":
    case "string":
    case "identifier":
    case "perf":
    case "const":
      return [];
    default:
      return unreachable(node);
  }
}

function stepIndexes(steps: readonly AccessStep[]): readonly Expression[] {
  return steps.flatMap((step) => (step.kind === "element" ? [step.index] : []));
}

function present(...nodes: readonly (Code | null)[]): readonly Code[] {
  return nodes.filter((node) => node !== null);
}
