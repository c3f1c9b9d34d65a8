/**
 * MAXACTION, counted as SystemTap's translator does (language reference §17): 1 for each expression
 * statement, if, return, next, break, continue, delete and catch; loops 1 at the start and 1 for
 * each iteration. Counts are collected in the order in which code is emitted and charged in lumps:
 * before a jump, at a join, or once there are ten.
 *
 * Code without loops is not charged as it runs: a handler of that kind must fit the limit as a
 * whole, and a function is charged by its caller, if that counts, after the call.
 */
import { unreachable } from "../../base/assert.js";
import { CONTEXT } from "../../wasm-runtime/layout/memory.js";
import { binary, get, i32, load } from "../ir/build.js";
import type { Expression, Statement } from "../syntax/ast.js";
import { nodesIn } from "../syntax/walk.js";
import type { FunctionInstance, Handler, Program } from "../types/program.js";
import { type Place, type Scope, storeError } from "./scope.js";
import type { Unit } from "./unit.js";

/** Text of the error, which `catch` does not stop. */
export const ACTIONS_EXCEEDED = "MAXACTION exceeded";

/** Statements that may be counted before they are charged. */
const MOST_PENDING = 10;

/** Adds `count` statements to what is to be charged; `place` is named if that is too much. */
export function charge(scope: Scope, count: number, place: Place): void {
  if (scope.actions === null) return;
  scope.actions.pending += count;
  if (scope.actions.pending >= MOST_PENDING) settle(scope, place);
}

/** Charges `count` statements and what is pending. */
export function chargeNow(scope: Scope, count: number, place: Place): void {
  if (scope.actions !== null) scope.actions.pending += count;
  settle(scope, place);
}

/** Charges what is pending. */
export function settle(scope: Scope, place: Place): void {
  const { actions, code } = scope;
  if (actions === null || actions.pending === 0) return;
  code.set(actions.left, binary("i32.sub", get(actions.left), i32(actions.pending)));
  actions.pending = 0;
  code.when(binary("i32.le_s", get(actions.left), i32(0)), () => exceed(scope, place));
}

/** Ends the handler before a call of `fn` at `place` that takes more than what is left. */
export function requireActions(scope: Scope, fn: FunctionInstance, place: Place): void {
  const cost = mostActions(fn, scope.unit.program);
  // Something is always left.
  if (scope.actions === null || cost <= 1 || cost === Number.POSITIVE_INFINITY) return;
  const isShort = binary("i32.lt_s", get(scope.actions.left), i32(cost));
  scope.code.when(isShort, () => exceed(scope, fn, place));
}

/** Ends the handler with the error, raised at the first place of `trail`. */
export function exceed(scope: Scope, ...trail: readonly Place[]): void {
  storeError(scope, ACTIONS_EXCEEDED, ...trail);
  scope.code.branch(scope.exit);
}

/** Makes a call of a function that counts or calls one that does: it goes on with this account. */
export function shareAccount(scope: Scope, call: () => void): void {
  const { actions, code } = scope;
  if (actions === null) {
    call();
    return;
  }
  code.store("i32.store", scope.context, CONTEXT.actions, get(actions.left));
  call();
  code.set(actions.left, load("i32.load", scope.context, CONTEXT.actions));
}

/** True if `fn` or a function that it calls counts its statements as they run. */
export function usesAccount(fn: FunctionInstance, { program, usages, limits }: Unit): boolean {
  if (limits.maxAction === null) return false;
  return [fn, ...usages.all(fn).calls].some(
    (callee) => mostActions(callee, program) === Number.POSITIVE_INFINITY,
  );
}

/**
 * Statements that `root` may run at most; Infinity with loops or recursion. As in SystemTap, calls
 * in a `return` do not count.
 */
export function mostActions(root: Handler | FunctionInstance, program: Program): number {
  const known = KNOWN.get(root);
  if (known !== undefined) return known;
  // What is asked for again before it is found is recursive.
  KNOWN.set(root, Number.POSITIVE_INFINITY);
  const found = root.body.kind === "embedded" ? 0 : statementActions(root.body, program);
  KNOWN.set(root, found);
  return found;
}

/** Results by handler or function, which never change. */
const KNOWN = new WeakMap<Handler | FunctionInstance, number>();

function statementActions(node: Statement, program: Program): number {
  switch (node.kind) {
    case "block":
      return node.statements.reduce((sum, each) => sum + statementActions(each, program), 0);
    case "expression":
      return 1 + callActions(node.expression, program);
    case "if": {
      const arms = [node.consequent, node.alternate].map((arm) =>
        arm === null ? 0 : statementActions(arm, program),
      );
      return 1 + callActions(node.condition, program) + Math.max(...arms);
    }
    case "for":
    case "while":
    case "foreach":
      return Number.POSITIVE_INFINITY;
    case "try":
      return statementActions(node.body, program) + statementActions(node.handler, program);
    case "embedded":
      return 0;
    case "null":
    case "return":
    case "next":
    case "break":
    case "continue":
    case "delete":
      return 1;
    default:
      return unreachable(node);
  }
}

function callActions(expression: Expression, program: Program): number {
  let total = 0;
  for (const node of nodesIn(expression)) {
    if (node.kind !== "call") continue;
    for (const fn of program.calls.get(node.id) ?? []) total += mostActions(fn, program);
  }
  return total;
}
