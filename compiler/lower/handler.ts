/**
 * One handler: (context, index of the probe) -> ().
 *
 *   return unless the session is running          not for begin, end, error
 *   enter                                         only if something needs it
 *   conditions; locks; body                       anything that ends the handler leaves this block
 *   leave
 *
 * Locks are taken as late as possible: before the first statement of the body that touches a
 * global with a lock. A handler that cannot have them is skipped and counted by the library.
 */
import { CONTEXT, SESSION, SESSION_STATE } from "../../wasm-runtime/layout/memory.js";
import { binary, get, i32, load, not } from "../ir/build.js";
import type { IrFunction, IrLocal, IrStatement } from "../ir/ir.js";
import type { Expression, Statement } from "../syntax/ast.js";
import type { Global, Handler, Local } from "../types/program.js";
import { exceed, mostActions, settle } from "./actions.js";
import type { Code } from "./children.js";
import { createCode } from "./code.js";
import { DISPATCH } from "./dispatch.js";
import { lowerCondition } from "./expression.js";
import { callForValue, callLibrary, callOf, type LocalPlace, type Scope } from "./scope.js";
import { runsAlone } from "./storage.js";
import { openTiming, type Timing } from "./timing.js";
import { storageOf, type Unit } from "./unit.js";
import { changedGlobals, replacedGlobals } from "./usage.js";

/** A lowered function and the string frame it needs. */
export interface Lowered {
  readonly fn: IrFunction;
  readonly frameBytes: number;
}

/** The function of a handler, which has no name yet. */
export interface LoweredHandler extends Lowered {
  readonly handler: Handler;
}

/** Index of the probe that was hit. */
const INDEX: IrLocal = { name: "probe", type: "i32" };

/** Lowers `handler`. */
export function lowerHandler(handler: Handler, unit: Unit): LoweredHandler {
  const scope = openScope(handler, unit);
  const { code } = scope;
  const timing = handler.timing && openTiming(handler.timing, scope);
  const body = code.collect(() => {
    timing?.reset();
    code.block(scope.exit, () => lowerBody(handler, scope, timing));
    timing?.finish();
  });
  const clears = code.collect(() => clearTexts(scope));
  const frameBytes = code.frameBytes();
  const prologue = code.collect(() => {
    emitEntry(scope);
    emitPrologue(scope, frameBytes);
  });
  const leave: IrStatement = {
    kind: "do",
    call: callOf({ kind: "library", name: "leave" }, [scope.context]),
  };
  const fn: IrFunction = {
    reference: { kind: "function", name: "", parameters: ["i32", "i32"], result: null },
    exported: null,
    parameters: [contextLocal(scope), INDEX],
    locals: code.locals(),
    body: [...prologue, ...clears, ...body, ...(scope.needsEnter ? [leave] : [])],
  };
  return { handler, frameBytes, fn };
}

/** Leaves at once if the session does not run, then enters. */
function emitEntry(scope: Scope): void {
  const { owner, unit } = scope;
  if (owner.kind === "handler" && !runsAlone(owner)) checkState(scope);
  if (!scope.needsEnter) return;
  callLibrary(scope, "enter", [scope.context, get(INDEX), i32(unit.limits.maxAction ?? 0)]);
}

function emitPrologue(scope: Scope, frameBytes: number): void {
  const { code, unit } = scope;
  if (frameBytes > 0) {
    const top = binary("i32.add", scope.frame, i32(frameBytes));
    code.store("i32.store", scope.context, CONTEXT.scratchTop, top);
  }
  if (scope.actions !== null) code.set(scope.actions.left, i32(unit.limits.maxAction ?? 0));
}

/** Gives each of `locals` a place: a Wasm local, or a buffer of the string frame. */
export function placeLocals(locals: readonly Local[], scope: Scope): void {
  for (const local of locals) scope.variables.set(local, placeLocal(local, scope));
}

/** Empties the string variables of `scope` that are in its frame. */
export function clearTexts(scope: Scope): void {
  for (const [local, place] of scope.variables) {
    if (place.kind === "text" && local.parameter === null) {
      scope.code.store("i32.store8", place.address, 0, i32(0));
    }
  }
}

function placeLocal(local: Local, scope: Scope): LocalPlace {
  if (local.type === "long") {
    return { kind: "long", local: scope.code.local(local.name, "i64") };
  }
  const offset = scope.code.frame(scope.unit.limits.maxString);
  return { kind: "text", address: binary("i32.add", scope.frame, i32(offset)) };
}

function openScope(handler: Handler, unit: Unit): Scope {
  const code = createCode(["context", INDEX.name]);
  const context: IrLocal = { name: "context", type: "i32" };
  const exit = code.label("end");
  const { maxAction } = unit.limits;
  const isEndless = mostActions(handler, unit.program) === Number.POSITIVE_INFINITY;
  const counts = maxAction !== null && isEndless;
  const scope: Scope = {
    unit,
    code,
    dispatch: DISPATCH,
    owner: handler,
    context: get(context),
    frame: binary("i32.add", get(context), i32(unit.plan.contextEnd)),
    variables: new Map(),
    exit,
    result: null,
    actions: counts ? { pending: 0, left: code.local("actions", "i32") } : null,
    callers: [],
    onError: exit,
    loop: null,
    needsEnter: counts,
  };
  placeLocals(handler.locals, scope);
  return scope;
}

function contextLocal(scope: Scope): IrLocal {
  if (scope.context.kind !== "get") throw new TypeError("context is a parameter");
  return scope.context.local;
}

function checkState(scope: Scope): void {
  const state = load("i32.load", i32(SESSION.address), SESSION.state);
  scope.code.when(binary("i32.ne", state, i32(SESSION_STATE.running)), () =>
    scope.code.emit({ kind: "return", value: null }),
  );
}

function lowerBody(handler: Handler, scope: Scope, timing: Timing | null): void {
  const list = lockList(handler, scope.unit);
  let locked = list.length === 0;
  const acquireBefore = (needsLock: boolean): void => {
    if (!needsLock) return;
    acquireLocks(list, scope);
    locked = true;
  };
  for (const condition of handler.conditions) {
    acquireBefore(!locked && !isPlainCondition(condition, scope.unit));
    scope.code.scoped(() => scope.code.branch(scope.exit, not(lowerCondition(condition, scope))));
  }
  timing?.begin();
  refuseActions(handler, scope);
  for (const statement of flatten(handler.body)) {
    acquireBefore(!locked && touchesLocked(statement, scope.unit));
    DISPATCH.statement(statement, scope);
  }
  settle(scope, handler.body);
}

/** True if `statement` uses a global that a lock protects. */
function touchesLocked(statement: Statement, unit: Unit): boolean {
  const usage = unit.usages.ofCode(statement);
  const isLocked = (global: Global): boolean => lockOf(global, unit) !== null;
  return [...usage.reads, ...changedGlobals(usage)].some(isLocked);
}

/** A handler that always exceeds the limit does nothing. */
function refuseActions(handler: Handler, scope: Scope): void {
  const { limits, program } = scope.unit;
  const isShort = limits.maxAction !== null && mostActions(handler, program) > limits.maxAction;
  if (isShort && scope.actions === null) exceed(scope);
}

/** A condition over single numbers reads each of them whole, so it needs no lock. */
function isPlainCondition(condition: Expression, unit: Unit): boolean {
  const { reads } = unit.usages.ofCode(condition as Code);
  return [...reads].every((global) => global.type === "long" && global.keys.length === 0);
}

function flatten(statement: Statement): readonly Statement[] {
  return statement.kind === "block" ? statement.statements.flatMap(flatten) : [statement];
}

function acquireLocks(list: readonly number[], scope: Scope): void {
  const address = i32(scope.unit.data.words([list.length, ...list]));
  const taken = callForValue(scope, "locks_acquire", [scope.context, address]);
  scope.code.branch(scope.exit, not(taken));
}

/** Lock words of `handler`, sorted by address, with bit 0 set for write. */
function lockList(handler: Handler, unit: Unit): readonly number[] {
  if (runsAlone(handler)) return [];
  const usage = unit.usages.all(handler);
  const changed = changedGlobals(usage);
  const replaced = replacedGlobals(usage);
  const words: number[] = [];
  for (const global of new Set([...usage.reads, ...changed])) {
    const lock = lockOf(global, unit);
    const { kind } = storageOf(unit, global);
    const isSharded = kind === "shard" || kind === "reduction";
    const isExclusive = (isSharded ? replaced : changed).has(global);
    if (lock !== null) words.push(isExclusive ? lock | 1 : lock);
  }
  return words.sort((a, b) => a - b);
}

function lockOf(global: Global, unit: Unit): number | null {
  return storageOf(unit, global).lock;
}
