/**
 * Takes out what has no effect: assignments to locals that nobody reads, expressions for nothing,
 * empty loops and branches (language.md §19). Nodes that stay keep their ids.
 */
import { editTree } from "../elaborate/rewrite.js";
import type { FunctionSymbol, SymbolTable, VariableSymbol } from "../elaborate/symbol.js";
import type { BlockStatement, Identifier, Node, NullStatement, Statement } from "../syntax/ast.js";
import { nodesIn } from "../syntax/walk.js";
import { hasEffect } from "./effects.js";

/** Told of what is taken out. */
export type Elided = (code: string, message: string, node: Node) => void;

/** `body` without the writes to variables that are not in `read`; the values written stay. */
export function dropDeadAssignments(
  body: BlockStatement,
  read: ReadonlySet<VariableSymbol>,
  symbols: SymbolTable,
  elided: Elided,
): BlockStatement {
  const unread = (node: Node): VariableSymbol | null => {
    const target = localWritten(node);
    const variable = target && symbols.variables.get(target.id);
    return variable && variable.kind !== "global" && !read.has(variable) ? variable : null;
  };
  if (!nodesIn(body).some((node) => unread(node) !== null)) return body;
  return editTree(body, (node, edit) => {
    const variable = unread(node);
    if (variable === null) return null;
    if (node.kind === "try") {
      return { ...node, body: edit(node.body), variable: null, handler: edit(node.handler) };
    }
    if (node.kind !== "assignment") return null;
    const value = edit(node.value);
    elided("elided-assignment", `Eliding assignment to '${variable.name}'`, node);
    return value;
  });
}

/** The variable that `node` assigns or, of `try`, that takes the message. */
function localWritten(node: Node): Identifier | null {
  if (node.kind === "try") return node.variable;
  return node.kind === "assignment" && node.target.kind === "identifier" ? node.target : null;
}

/** What decides whether a statement does something. */
export interface Pruning {
  readonly symbols: SymbolTable;
  readonly impure: ReadonlySet<FunctionSymbol>;
  readonly elided: Elided;
}

/** `body` without statements that do nothing, and without blocks in blocks. */
export function dropDeadStatements(body: BlockStatement, pruning: Pruning): BlockStatement {
  return pruneBlock(body, pruning);
}

/** What is left of `node`, null for nothing. */
function prune(node: Statement, pruning: Pruning): Statement | null {
  switch (node.kind) {
    case "null":
      return null;
    case "block":
      return orNothing(pruneBlock(node, pruning));
    case "expression":
      return pruneExpression(node, pruning);
    case "if":
      return pruneIf(node, pruning);
    case "while":
    case "for":
      return pruneLoop(node, pruning);
    case "foreach": {
      const inner = prune(node.body, pruning);
      return inner === null || inner === node.body ? inner && node : { ...node, body: inner };
    }
    case "try": {
      const inner = pruneBlock(node.body, pruning);
      if (inner.statements.length === 0) return null;
      const handler = pruneBlock(node.handler, pruning);
      const same = inner === node.body && handler === node.handler;
      return same ? node : { ...node, body: inner, handler };
    }
    default:
      return node;
  }
}

function pruneBlock(node: BlockStatement, pruning: Pruning): BlockStatement {
  const statements = node.statements.flatMap((statement): readonly Statement[] => {
    const left = prune(statement, pruning);
    if (left === null) return [];
    return left.kind === "block" ? left.statements : [left];
  });
  const same =
    statements.length === node.statements.length &&
    statements.every((statement, i) => statement === node.statements[i]);
  return same ? node : { ...node, statements };
}

function orNothing(node: BlockStatement): BlockStatement | null {
  return node.statements.length === 0 ? null : node;
}

function pruneExpression(
  node: Extract<Statement, { kind: "expression" }>,
  pruning: Pruning,
): Statement | null {
  if (hasEffect(node.expression, pruning.impure, pruning.symbols)) return node;
  pruning.elided("elided-expression", "Eliding side-effect-free expression ", node);
  return null;
}

function pruneIf(node: Extract<Statement, { kind: "if" }>, pruning: Pruning): Statement | null {
  const left = prune(node.consequent, pruning);
  const alternate = node.alternate && prune(node.alternate, pruning);
  if (left === null && alternate === null) {
    const { condition } = node;
    if (!hasEffect(condition, pruning.impure, pruning.symbols)) return null;
    return { kind: "expression", id: node.id, span: condition.span, expression: condition };
  }
  const consequent = left ?? nothing(node.consequent);
  if (consequent === node.consequent && alternate === node.alternate) return node;
  return { ...node, consequent, alternate };
}

function pruneLoop(
  node: Extract<Statement, { kind: "while" | "for" }>,
  pruning: Pruning,
): Statement | null {
  const left = prune(node.body, pruning);
  if (left !== null) return left === node.body ? node : { ...node, body: left };
  const head = node.kind === "for" ? [node.initial, node.condition, node.update] : [node.condition];
  const acts = head.some((e) => e !== null && hasEffect(e, pruning.impure, pruning.symbols));
  if (!acts) return null;
  const body = nothing(node.body);
  return body === node.body ? node : { ...node, body };
}

/** The null statement in the place of `node`. */
function nothing(node: Statement): NullStatement {
  return node.kind === "null" ? node : { kind: "null", id: node.id, span: node.span };
}
