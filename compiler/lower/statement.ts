/** Statements and control flow but for foreach. */
import { bug, unreachable } from "../../base/assert.js";
import { ABORT_ERROR, CONTEXT } from "../../wasm-runtime/layout/memory.js";
import { binary, i32, load, not } from "../ir/build.js";
import type {
  DeleteStatement,
  Expression,
  ForStatement,
  Identifier,
  IfStatement,
  ReturnStatement,
  Statement,
  TryStatement,
  WhileStatement,
} from "../syntax/ast.js";
import { ACTIONS_EXCEEDED, charge, chargeNow, settle } from "./actions.js";
import { deleteElements, mapOf } from "./array.js";
import { embeddedStatement } from "./embedded.js";
import { lowerCondition, lowerEffect } from "./expression.js";
import { lowerForeach } from "./foreach.js";
import { callLibrary, keep, lowerLong, lowerTextTo, requireLoop, type Scope } from "./scope.js";
import { clearStat } from "./stat.js";
import { variableOf } from "./unit.js";
import { clearVariable, writeText } from "./variable.js";

/** Emits `node`; its temporaries are free again afterwards. */
export function lowerStatement(node: Statement, scope: Scope): void {
  scope.code.scoped(() => lowerKind(node, scope));
}

function lowerKind(node: Statement, scope: Scope): void {
  switch (node.kind) {
    case "block":
      for (const statement of node.statements) lowerStatement(statement, scope);
      return;
    case "null":
      return;
    case "expression":
      lowerEffect(node.expression, scope);
      charge(scope, 1, node);
      return;
    case "if":
      lowerIf(node, scope);
      return;
    case "for":
    case "while":
      lowerLoop(node, scope);
      return;
    case "foreach":
      lowerForeach(node, scope);
      return;
    case "break":
    case "continue":
    case "next":
      lowerJump(node, scope);
      return;
    case "return":
      lowerReturn(node, scope);
      return;
    case "delete":
      lowerDelete(node, scope);
      charge(scope, 1, node);
      return;
    case "try":
      lowerTry(node, scope);
      return;
    case "embedded":
      embeddedStatement(node, scope);
      return;
    default:
      unreachable(node);
  }
}

function lowerIf(node: IfStatement, scope: Scope): void {
  chargeNow(scope, 1, node);
  const condition = lowerCondition(node.condition, scope);
  const { consequent, alternate } = node;
  scope.code.when(
    condition,
    () => lowerSettled(consequent, scope),
    alternate === null ? undefined : () => lowerSettled(alternate, scope),
  );
}

/** A statement, at whose end everything is charged. */
function lowerSettled(node: Statement, scope: Scope): void {
  lowerStatement(node, scope);
  settle(scope, node);
}

function lowerLoop(node: ForStatement | WhileStatement, scope: Scope): void {
  const { code } = scope;
  const initial = node.kind === "for" ? node.initial : null;
  const update = node.kind === "for" ? node.update : null;
  if (initial !== null) lowerStep(initial, scope);
  chargeNow(scope, 1, node);
  const breakTo = code.label("break");
  const continueTo = code.label("continue");
  const again = code.label("again");
  const outer = scope.loop;
  scope.loop = { breakTo, continueTo };
  code.block(breakTo, () => {
    code.loop(again, () => {
      charge(scope, 1, node);
      const { condition } = node;
      if (condition !== null) {
        code.scoped(() => code.branch(breakTo, not(lowerCondition(condition, scope))));
      }
      code.block(continueTo, () => lowerSettled(node.body, scope));
      if (update !== null) lowerStep(update, scope);
      code.branch(again);
    });
  });
  scope.loop = outer;
}

/** The first or last part of a `for`; as in SystemTap, the last one is charged behind the loop. */
function lowerStep(expression: Expression, scope: Scope): void {
  scope.code.scoped(() => lowerEffect(expression, scope));
  charge(scope, 1, expression);
}

function lowerJump(
  node: Statement & { readonly kind: "break" | "continue" | "next" },
  scope: Scope,
): void {
  chargeNow(scope, 1, node);
  if (node.kind === "break") scope.code.branch(requireLoop(scope).breakTo);
  else if (node.kind === "continue") scope.code.branch(requireLoop(scope).continueTo);
  else {
    if (scope.owner.kind === "function") {
      scope.code.store("i32.store", scope.context, scope.unit.plan.nextFlag, i32(1));
    }
    scope.code.branch(scope.exit);
  }
}

function lowerReturn(node: ReturnStatement, scope: Scope): void {
  const { result } = scope;
  if (node.value !== null) {
    if (result === null) lowerEffect(node.value, scope);
    else if (result.kind === "long") scope.code.set(result.local, lowerLong(node.value, scope));
    else lowerTextTo(node.value, result.address, scope.onError === scope.exit, scope);
  }
  chargeNow(scope, 1, node);
  scope.code.branch(scope.exit);
}

function lowerDelete(node: DeleteStatement, scope: Scope): void {
  const { target } = node;
  if (target.kind === "index") deleteElements(target, scope);
  else if (target.kind === "identifier") deleteVariable(target, scope);
  else bug("delete of no variable");
}

function deleteVariable(target: Identifier, scope: Scope): void {
  const variable = variableOf(scope.unit, target);
  if (variable.kind === "global" && variable.keys.length > 0) {
    callLibrary(scope, "map_clear", [i32(mapOf(variable, scope).address)]);
  } else if (variable.type === "stats") clearStat(target, scope);
  else clearVariable(variable, scope);
}

/** Errors of the body go on in the handler; abort() and MAXACTION go on outwards. */
function lowerTry(node: TryStatement, scope: Scope): void {
  const { code } = scope;
  const outer = scope.onError;
  const caught = code.label("caught");
  const done = code.label("done");
  settle(scope, node);
  code.block(done, () => {
    code.block(caught, () => {
      scope.onError = caught;
      lowerSettled(node.body, scope);
      scope.onError = outer;
      code.branch(done);
    });
    lowerCatch(node, scope);
  });
}

function lowerCatch(node: TryStatement, scope: Scope): void {
  const { code } = scope;
  const error = keep(scope, load("i32.load", scope.context, CONTEXT.error));
  const exceeded = i32(scope.unit.data.text(ACTIONS_EXCEEDED));
  code.branch(scope.exit, binary("i32.eq", error, i32(ABORT_ERROR)));
  code.branch(scope.exit, binary("i32.eq", error, exceeded));
  if (node.variable !== null) {
    const variable = variableOf(scope.unit, node.variable);
    writeText(variable, { address: error, origin: "variable" }, scope);
  }
  code.store("i32.store", scope.context, CONTEXT.error, i32(0));
  code.store("i32.store", scope.context, CONTEXT.trailCount, i32(0));
  chargeNow(scope, 1, node);
  lowerSettled(node.handler, scope);
}
