/**
 * Takes out what has no effect, with SystemTap's warnings: values of locals that nobody reads,
 * expressions for nothing, branches never taken, probes that do nothing (language.md §19). Types
 * and names of what is left stay valid, because nodes keep their ids.
 */
import { editTree } from "../elaborate/rewrite.js";
import type { FunctionSymbol, VariableSymbol } from "../elaborate/symbol.js";
import type {
  AssignmentExpression,
  BlockStatement,
  Expression,
  Node,
  NullStatement,
  Statement,
} from "../syntax/ast.js";
import type { Inference } from "./cells.js";
import { hasEffect, impureFunctions } from "./effects.js";
import { reachableFunctions } from "./infer.js";
import { variableUse } from "./usage.js";

interface Elision {
  readonly state: Inference;
  readonly impure: ReadonlySet<FunctionSymbol>;
  /** Variables whose values nobody reads. */
  readonly dead: ReadonlySet<VariableSymbol>;
}

/** Elides in all handlers and reachable functions; drops handlers that do nothing. */
export function elide(state: Inference): void {
  const { handlers } = state.symbols;
  const functions = reachableFunctions(handlers, state);
  const impure = impureFunctions(functions, state);
  for (const symbol of functions) {
    if (symbol.body.kind === "block") symbol.body = elideBody(symbol.body, impure, state);
  }
  for (const handler of handlers) handler.body = elideBody(handler.body, impure, state);
  const kept = handlers.filter((handler) => {
    const isEmpty = handler.body.statements.length === 0;
    if (isEmpty && !handler.derived.declaration.span.file.library) {
      state.report.warn({
        code: "elided-probe",
        message: `Probe '${handler.derived.name}' has been elided`,
        node: handler.derived.declaration,
      });
    }
    return !isEmpty;
  });
  handlers.length = 0;
  for (const handler of kept) handlers.push(handler);
}

/** Repeats until nothing changes: a value may be read only by what was taken out. */
function elideBody(
  body: BlockStatement,
  impure: ReadonlySet<FunctionSymbol>,
  state: Inference,
): BlockStatement {
  const next = editStatements(body, { state, impure, dead: deadLocals(body, state) });
  return next === body ? body : elideBody(next, impure, state);
}

function deadLocals(body: BlockStatement, state: Inference): Set<VariableSymbol> {
  const { read, written } = variableUse([body], state.symbols);
  return new Set([...written].filter((v) => v.kind !== "global" && !read.has(v)));
}

function editStatements(body: BlockStatement, elision: Elision): BlockStatement {
  return editTree(body, (node, edit) => {
    switch (node.kind) {
      case "block":
        return editBlock(node, edit);
      case "expression":
        return editExpressionStatement(node, elision, edit);
      case "if":
        return editIf(node, elision, edit);
      case "while":
        return isZero(node.condition) ? nothing(node) : null;
      case "foreach":
        return isNothing(node.body) ? nothing(node) : null;
      case "try":
        return isNothing(node.body) ? nothing(node) : null;
      case "assignment":
        return isDeadTarget(node.target, elision) ? editDeadAssignment(node, elision) : null;
      default:
        return null;
    }
  });
}

type Edit = <T extends Node>(node: T) => T;

function editBlock(node: BlockStatement, edit: Edit): Node {
  const statements = node.statements.map(edit).filter((statement) => !isNothing(statement));
  const same =
    statements.length === node.statements.length &&
    statements.every((statement, i) => statement === node.statements[i]);
  return same ? node : { ...node, statements };
}

function editExpressionStatement(
  node: Extract<Statement, { kind: "expression" }>,
  elision: Elision,
  edit: Edit,
): Node {
  const { expression } = node;
  if (expression.kind === "update" && isDeadTarget(expression.operand, elision)) {
    warn(elision, "elided-expression", "Eliding side-effect-free expression ", expression);
    return nothing(node);
  }
  const edited = edit(expression);
  if (!hasEffect(edited, elision.impure, elision.state)) {
    const place = expression.kind === "assignment" ? expression.target : expression;
    warn(elision, "elided-expression", "Eliding side-effect-free expression ", place);
    return nothing(node);
  }
  return edited === expression ? node : { ...node, expression: edited };
}

/** The value of a dead assignment stays: it may have effects or be used. */
function editDeadAssignment(node: AssignmentExpression, elision: Elision): Node | null {
  if (node.operator !== "=") return null;
  const name = node.target.kind === "identifier" ? node.target.name : "";
  warn(elision, "elided-assignment", `Eliding assignment to '${name}'`, node);
  return node.value;
}

function editIf(
  node: Extract<Statement, { kind: "if" }>,
  elision: Elision,
  edit: Edit,
): Node | null {
  if (node.condition.kind === "number") {
    const taken = node.condition.value === 0n ? node.alternate : node.consequent;
    return taken === null ? nothing(node) : edit(taken);
  }
  const consequent = edit(node.consequent);
  const edited = node.alternate === null ? null : edit(node.alternate);
  const alternate = edited !== null && isNothing(edited) ? null : edited;
  if (isNothing(consequent) && alternate === null) {
    const { condition } = node;
    if (!hasEffect(condition, elision.impure, elision.state)) return nothing(node);
    return { kind: "expression", id: node.id, span: condition.span, expression: condition };
  }
  const condition = edit(node.condition);
  const same =
    condition === node.condition && consequent === node.consequent && alternate === node.alternate;
  return same ? node : { ...node, condition, consequent, alternate };
}

function isDeadTarget(target: Expression, elision: Elision): boolean {
  if (target.kind !== "identifier") return false;
  const variable = elision.state.symbols.variables.get(target.id);
  return variable !== undefined && elision.dead.has(variable);
}

function isZero(condition: Expression): boolean {
  return condition.kind === "number" && condition.value === 0n;
}

function isNothing(statement: Statement): boolean {
  return (
    statement.kind === "null" ||
    (statement.kind === "block" && statement.statements.every(isNothing))
  );
}

function nothing(node: Statement): NullStatement {
  return { kind: "null", id: node.id, span: node.span };
}

function warn(elision: Elision, code: string, message: string, node: Expression): void {
  if (!node.span.file.library) elision.state.report.warn({ code, message, node });
}
