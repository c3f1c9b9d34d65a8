/**
 * Calls of functions: script, embedded code, or library functions bound by `%{ NAME %}`. Overloads are tried in
 * order: one that runs `next` sets a flag in the context, and the following one is called.
 */
import { bug } from "../../base/assert.js";
import { CONTEXT } from "../../wasm-runtime/layout/memory.js";
import { LIBRARY, type LibraryFunction } from "../../wasm-runtime/library-abi.js";
import { binary, get, i32, i64, load, typeOf } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import { parseSignature } from "../ir/signatures.js";
import type { CallExpression, Expression } from "../syntax/ast.js";
import type { FunctionInstance } from "../types/program.js";
import { chargeNow, mostActions, requireActions, shareAccount, usesAccount } from "./actions.js";
import { callEmbeddedFunction, type BlockResult as Result } from "./embedded.js";
import { boundName, canFail, needsEnter } from "./library-calls.js";
import { argumentOf, freezeText, lowerOperands } from "./operands.js";
import { referenceTo, signatureFor } from "./reference.js";
import {
  callLibrary,
  callOf,
  checkError,
  literal,
  lowerLong,
  lowerTextTo,
  raiseError,
  type Scope,
  type Text,
  takeText,
} from "./scope.js";
import type { Unit } from "./unit.js";
import { changedGlobals } from "./usage.js";

/** Text of the error of calls that are nested too deep. */
export const NESTING_EXCEEDED = "MAXNESTING exceeded";

/** Number that the call gives. */
export function callLong(node: CallExpression, scope: Scope): IrExpression {
  const result: Result = { long: scope.code.temporary("i64"), out: null };
  lowerCall(node, result, scope);
  return result.long === null ? i64(0n) : get(result.long);
}

/** String that the call gives. */
export function callText(node: CallExpression, scope: Scope, destination?: Text): Text {
  const out = destination ?? takeText(scope);
  lowerCall(node, { long: null, out }, scope);
  return out;
}

/** A call for its effects. */
export function callEffect(node: CallExpression, scope: Scope): void {
  const [first] = overloadsOf(node, scope);
  if (first?.result === "string") callText(node, scope);
  else if (first?.result === "long") callLong(node, scope);
  else lowerCall(node, { long: null, out: null }, scope);
}

/** A function that is bound to library function `name` must have its types. */
function checkBinding(fn: FunctionInstance, name: LibraryFunction): void {
  const { parameters, result } = parseSignature(LIBRARY[name]);
  const expected = signatureFor(fn);
  if (parameters.join() !== expected.parameters.join() || result !== expected.result) {
    bug(`function '${fn.name}' does not fit library function '${name}' (${LIBRARY[name]})`);
  }
}

function overloadsOf(node: CallExpression, scope: Scope): readonly FunctionInstance[] {
  return scope.unit.program.calls.get(node.id) ?? bug(`unresolved call of '${node.name}'`);
}

function lowerCall(node: CallExpression, result: Result, scope: Scope): void {
  const operands = lowerOperands(node.args, scope);
  const chain = overloadsOf(node, scope);
  const { code } = scope;
  const done = code.label("called");
  const args = operands.map((operand) =>
    operand.type === "string" && chain.length > 1
      ? freezeText(operand.text, scope).address
      : argumentOf(operand),
  );
  code.block(done, () => {
    for (const fn of chain) {
      callOne(node, fn, args, result, scope);
      if (!fn.usesNext) return;
      const flag = load("i32.load", scope.context, scope.unit.plan.nextFlag);
      code.branch(done, { kind: "unary", op: "i32.eqz", operand: flag });
    }
    raiseError(scope, "all functions exhausted", node);
  });
}

function callOne(
  node: CallExpression,
  fn: FunctionInstance,
  args: readonly IrExpression[],
  result: Result,
  scope: Scope,
): void {
  if (fn.body.kind === "embedded") {
    const name = boundName(fn);
    if (name === null) callEmbeddedFunction(node, fn, args, result, scope);
    else callBound(node, { fn, name }, args, result, scope);
    return;
  }
  const inlined = inlinedBody(fn, scope.unit);
  if (inlined !== null) {
    asCallee(node, scope, () => inlineCall(fn, inlined, args, result, scope));
    chargeNow(scope, mostActions(fn, scope.unit.program), node);
    return;
  }
  const out = result.out ?? (fn.result === "string" ? takeText(scope) : null);
  const all = [scope.context, ...args, ...(out === null ? [] : [out.address])];
  const call = callOf(referenceTo(fn, scope.unit), all);
  if (fn.usesNext) scope.code.store("i32.store", scope.context, scope.unit.plan.nextFlag, i32(0));
  const emitCall = (): void => {
    if (result.long !== null && fn.result === "long") scope.code.set(result.long, call);
    else scope.code.emit({ kind: "do", call });
  };
  requireActions(scope, fn, node);
  if (usesAccount(fn, scope.unit)) shareAccount(scope, emitCall);
  else emitCall();
  if (functionMayFail(fn, scope.unit)) checkError(scope, node);
  else scope.needsEnter = true;
  const cost = mostActions(fn, scope.unit.program);
  if (cost !== Number.POSITIVE_INFINITY) chargeNow(scope, cost, node);
}

/** True if a call of `fn` can end in an error, its own or one of a limit. */
function functionMayFail(fn: FunctionInstance, unit: Unit): boolean {
  const { usages, limits } = unit;
  if (usages.all(fn).mayFail || limits.maxNesting !== null) return true;
  return usesAccount(fn, unit) || usages.reachesRecursion(fn);
}

/** What a function returns that does nothing else, so that a call can be replaced by it. */
function inlinedBody(fn: FunctionInstance, unit: Unit): Expression | null {
  if (fn.body.kind !== "block" || fn.locals.length > 0) return null;
  const [only, ...others] = fn.body.statements;
  if (only?.kind !== "return" || others.length > 0 || only.value === null) return null;
  const usage = unit.usages.all(fn);
  if (usage.calls.has(fn) || usage.assigned.size > 0) return null;
  // Strings are bound by address, so nothing may change under it.
  if (changedGlobals(usage).size > 0 || usesAccount(fn, unit)) return null;
  return unit.limits.maxNesting === null ? only.value : null;
}

/** Emits what stands for a call at `node`: its statements are the call's, its errors come from there. */
function asCallee(node: CallExpression, scope: Scope, emitBody: () => void): void {
  const { actions, callers } = scope;
  scope.actions = null;
  scope.callers = [node, ...callers];
  emitBody();
  scope.callers = callers;
  scope.actions = actions;
}

/** Evaluates the body of `fn` in place, its parameters bound to the arguments. */
function inlineCall(
  fn: FunctionInstance,
  value: Expression,
  args: readonly IrExpression[],
  result: Result,
  scope: Scope,
): void {
  for (const [index, parameter] of fn.parameters.entries()) {
    const argument = args[index] ?? bug("missing argument");
    const local = scope.code.temporary(typeOf(argument));
    scope.code.set(local, argument);
    scope.variables.set(
      parameter,
      parameter.type === "long" ? { kind: "long", local } : { kind: "text", address: get(local) },
    );
  }
  if (result.out !== null) {
    lowerTextTo(value, result.out.address, scope.onError === scope.exit, scope);
  } else if (result.long !== null) scope.code.set(result.long, lowerLong(value, scope));
  else scope.dispatch.effect(value, scope);
}

function callBound(
  node: CallExpression,
  { fn, name }: { readonly fn: FunctionInstance; readonly name: LibraryFunction },
  args: readonly IrExpression[],
  result: Result,
  scope: Scope,
): void {
  checkBinding(fn, name);
  guardBound(node, scope);
  if (fn.result === "void") clearResult(result, scope);
  if (name === "probe_text" || name === "is_return") scope.unit.usesProbeTexts = true;
  const out = fn.result === "string" ? (result.out ?? literal(scope, "")) : null;
  const all = [scope.context, ...args, ...(out === null ? [] : [out.address])];
  const call = callOf({ kind: "library", name }, all);
  if (result.long !== null && fn.result === "long") {
    if (needsEnter(name)) scope.needsEnter = true;
    scope.code.set(result.long, call);
  } else {
    callLibrary(scope, name, all);
  }
  // What a script says with error() is an error of the call; others are in the library.
  if (canFail(name)) checkError(scope, ...(name === "error" ? [node] : [fn, node]));
}

/** The value of a function that gives none. */
function clearResult({ long, out }: Result, scope: Scope): void {
  if (long !== null) scope.code.set(long, i64(0n));
  if (out !== null) scope.code.store("i32.store8", out.address, 0, i32(0));
}

/** Where the depth of calls is limited, one of a library function is a level too. */
function guardBound(node: CallExpression, scope: Scope): void {
  const { maxNesting } = scope.unit.limits;
  if (maxNesting === null) return;
  const nesting = load("i32.load", scope.context, CONTEXT.nesting);
  scope.code.when(binary("i32.ge_s", nesting, i32(maxNesting)), () =>
    raiseError(scope, NESTING_EXCEEDED, node),
  );
}
