/** Statements and control flow but for foreach. */
import { bug, unreachable } from "../../base/assert.js";
import { ABORT_ERROR, CONTEXT } from "../../wasm-runtime/layout.js";
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
import { ACTIONS_EXCEEDED, charge, chargedArm, settle } from "./actions.js";
import { deleteElements, mapOf } from "./array.js";
import { lowerCondition, lowerEffect } from "./expression.js";
import { lowerForeach } from "./foreach.js";
import { callLibrary, keep, lowerLong, lowerTextTo, requireLoop, type Scope } from "./scope.js";
import { clearStat } from "./stat.js";
import { unsupported, variableOf } from "./unit.js";
import { clearVariable, writeText } from "./variable.js";

/** Statements that may run before they are charged (language reference §17). */
const MOST_PENDING = 10;

/** Emits `node`; its temporaries are free again afterwards. */
export function lowerStatement(node: Statement, scope: Scope): void {
  scope.code.scoped(() => lowerKind(node, scope));
  if ((scope.actions?.pending ?? 0) >= MOST_PENDING) settle(scope, node);
}

function lowerKind(node: Statement, scope: Scope): void {
  switch (node.kind) {
    case "block":
      for (const statement of node.statements) lowerStatement(statement, scope);
      return;
    case "null":
      return;
    case "expression":
      charge(scope, 1);
      lowerEffect(node.expression, scope);
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
      charge(scope, 1);
      lowerDelete(node, scope);
      return;
    case "try":
      lowerTry(node, scope);
      return;
    case "embedded":
      unsupported(scope.unit, node, "embedded-code", "embedded code");
      return;
    default:
      unreachable(node);
  }
}

function lowerIf(node: IfStatement, scope: Scope): void {
  charge(scope, 1);
  const condition = lowerCondition(node.condition, scope);
  const { alternate } = node;
  scope.code.when(
    condition,
    () => chargedArm(scope, node, () => lowerStatement(node.consequent, scope)),
    alternate === null
      ? undefined
      : () => chargedArm(scope, node, () => lowerStatement(alternate, scope)),
  );
}

/** The update of a `for` is not charged: only its condition is, each time. */
function lowerLoop(node: ForStatement | WhileStatement, scope: Scope): void {
  const { code } = scope;
  if (node.kind === "for" && node.initial !== null) {
    charge(scope, 1);
    code.scoped(() => effectOf(node.initial, scope));
  }
  charge(scope, 1);
  settle(scope, node);
  const breakTo = code.label("break");
  const continueTo = code.label("continue");
  const again = code.label("again");
  const outer = scope.loop;
  scope.loop = { breakTo, continueTo };
  code.block(breakTo, () => {
    code.loop(again, () => {
      charge(scope, 1);
      settle(scope, node);
      const { condition } = node;
      if (condition !== null) {
        code.scoped(() => code.branch(breakTo, not(lowerCondition(condition, scope))));
      }
      code.block(continueTo, () => {
        lowerStatement(node.body, scope);
        settle(scope, node);
      });
      if (node.kind === "for") code.scoped(() => effectOf(node.update, scope));
      code.branch(again);
    });
  });
  scope.loop = outer;
}

function effectOf(expression: Expression | null, scope: Scope): void {
  if (expression !== null) lowerEffect(expression, scope);
}

function lowerJump(
  node: Statement & { readonly kind: "break" | "continue" | "next" },
  scope: Scope,
): void {
  charge(scope, 1);
  settle(scope, node);
  if (node.kind === "break") scope.code.branch(requireLoop(scope).breakTo);
  else if (node.kind === "continue") scope.code.branch(requireLoop(scope).continueTo);
  else {
    if (!("point" in scope.owner)) {
      scope.code.store("i32.store", scope.context, scope.unit.plan.nextFlag, i32(1));
    }
    scope.code.branch(scope.exit);
  }
}

function lowerReturn(node: ReturnStatement, scope: Scope): void {
  charge(scope, 1);
  const { result } = scope;
  if (node.value !== null) {
    if (result === null) lowerEffect(node.value, scope);
    else if (result.kind === "long") scope.code.set(result.local, lowerLong(node.value, scope));
    else lowerTextTo(node.value, result.address, scope.onError === scope.exit, scope);
  }
  settle(scope, node);
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
      lowerStatement(node.body, scope);
      settle(scope, node);
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
  charge(scope, 1);
  lowerStatement(node.handler, scope);
  settle(scope, node);
}
