/**
 * MAXACTION: statements are counted while lowering and charged in lumps (language reference §17):
 * 1 for each expression statement, if, return, next, break, continue, delete and catch; loops 1 at
 * the start and 1 for each evaluation of the condition. Code without loops and recursion whose
 * statements cannot exceed the limit is not charged at all.
 */
import { CONTEXT } from "../../wasm-runtime/layout.js";
import { binary, get, i32, load } from "../ir/build.js";
import type { Node } from "../syntax/ast.js";
import type { FunctionInstance, Probe } from "../types/program.js";
import { type Code, descendants } from "./children.js";
import { type Scope, storeError } from "./scope.js";
import type { UsageTable } from "./usage.js";

/** Text of the error, which `catch` does not stop. */
export const ACTIONS_EXCEEDED = "MAXACTION exceeded";

/** Adds `count` statements to what is to be charged. */
export function charge(scope: Scope, count: number): void {
  if (scope.actions !== null) scope.actions.pending += count;
}

/** Charges what is pending, before a jump, a join or a loop; `node` is named in the error. */
export function settle(scope: Scope, node: Pick<Node, "span">): void {
  const { actions, code } = scope;
  if (actions === null || actions.pending === 0) return;
  code.set(actions.left, binary("i32.sub", get(actions.left), i32(actions.pending)));
  actions.pending = 0;
  code.when(binary("i32.le_s", get(actions.left), i32(0)), () => {
    storeError(scope, ACTIONS_EXCEEDED, node);
    code.branch(scope.exit);
  });
}

/** Lowers one arm of a branch so that its statements are charged only when it runs. */
export function chargedArm(scope: Scope, node: Pick<Node, "span">, emitAll: () => void): void {
  const { actions } = scope;
  const before = actions?.pending ?? 0;
  if (actions !== null) actions.pending = 0;
  emitAll();
  settle(scope, node);
  if (actions !== null) actions.pending = before;
}

/** Hands the account over to a callee that counts, and takes it back. */
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

/** Statements that `root` may run at most; Infinity with loops or recursion. */
export function mostActions(root: Probe | FunctionInstance, usages: UsageTable): number {
  const found = KNOWN.get(root) ?? computeActions(root, usages);
  KNOWN.set(root, found);
  return found;
}

/** Results by probe or function, which never change. */
const KNOWN = new WeakMap<Probe | FunctionInstance, number>();

function computeActions(root: Probe | FunctionInstance, usages: UsageTable): number {
  const usage = usages.all(root);
  if (usage.hasLoop) return Number.POSITIVE_INFINITY;
  if ([...usage.calls].some((fn) => usages.isRecursive(fn))) return Number.POSITIVE_INFINITY;
  let total = 0;
  let calls = 0;
  for (const node of descendants(root.body)) {
    total += ownActions(node);
    if (node.kind === "call") calls++;
  }
  // Which call is how long is not looked up: each is taken for the longest.
  const costs = [...usages.own(root).calls].map((fn) => mostActions(fn, usages));
  return total + calls * Math.max(0, ...costs);
}

function ownActions(node: Code): number {
  switch (node.kind) {
    case "expression":
    case "if":
    case "return":
    case "next":
    case "break":
    case "continue":
    case "delete":
    case "try":
      return 1;
    default:
      return 0;
  }
}
