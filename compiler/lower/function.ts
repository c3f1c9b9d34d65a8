/**
 * One script function: (context, parameters…, out for a string) -> i64 or nothing. String locals
 * and temporaries are in a frame taken from CONTEXT.scratchTop and given back at the end. Only
 * functions on a path to recursion check room and nesting: all others have a bounded depth.
 */
import { assert, bug } from "../../base/assert.js";
import { CONTEXT } from "../../wasm-runtime/layout/memory.js";
import { binary, get, i32, load } from "../ir/build.js";
import type { FunctionReference, IrLocal } from "../ir/ir.js";
import type { FunctionInstance } from "../types/program.js";
import { mostActions, settle } from "./actions.js";
import { NESTING_EXCEEDED } from "./call.js";
import { createCode, finishFunction } from "./code.js";
import { DISPATCH } from "./dispatch.js";
import { clearTexts, type Lowered, placeLocals } from "./handler.js";
import { callLibrary, type LocalPlace, type Scope, storeError } from "./scope.js";
import type { Unit } from "./unit.js";
import { changedGlobals } from "./usage.js";

/** Lowers `fn`. `maxNesting` is the depth allowed, null if it is not to be checked. */
export function lowerFunction(
  fn: FunctionInstance,
  reference: FunctionReference,
  maxNesting: number | null,
  unit: Unit,
): Lowered {
  const { body } = fn;
  if (body.kind !== "block") return bug(`'${fn.name}' has no body`);
  const parameters = parameterLocals(fn);
  const scope = openScope(fn, parameters, unit);
  const { code } = scope;
  const main = code.collect(() => {
    code.block(scope.exit, () => {
      copyParameters(fn, scope);
      DISPATCH.statement(body, scope);
      settle(scope, body);
    });
  });
  const clears = code.collect(() => clearTexts(scope));
  const frameBytes = code.frameBytes();
  const whole = code.collect(() => {
    enterFunction(scope, frameBytes);
    for (const statement of clears) code.emit(statement);
    if (maxNesting === null) for (const statement of main) code.emit(statement);
    else {
      guardNesting(maxNesting, frameBytes, scope, () => {
        for (const statement of main) code.emit(statement);
      });
    }
    leaveFunction(scope, frameBytes);
  });
  return { fn: finishFunction({ reference, exported: null, parameters }, code, whole), frameBytes };
}

function parameterLocals(fn: FunctionInstance): readonly IrLocal[] {
  const locals = fn.parameters.map(
    (p): IrLocal => ({ name: `p_${p.name}`, type: p.type === "long" ? "i64" : "i32" }),
  );
  const out: IrLocal[] = fn.result === "string" ? [{ name: "out", type: "i32" }] : [];
  return [{ name: "context", type: "i32" }, ...locals, ...out];
}

function openScope(fn: FunctionInstance, parameters: readonly IrLocal[], unit: Unit): Scope {
  const code = createCode(parameters.map((p) => p.name));
  const [context, ...rest] = parameters;
  const isEndless = mostActions(fn, unit.program) === Number.POSITIVE_INFINITY;
  const counts = unit.limits.maxAction !== null && isEndless;
  const exit = code.label("end");
  const scope: Scope = {
    unit,
    code,
    dispatch: DISPATCH,
    owner: fn,
    context: get(context ?? bug("no context")),
    frame: get(code.local("frame", "i32")),
    variables: new Map(),
    exit,
    result: resultPlace(fn, rest.at(-1), code.local),
    actions: counts ? { pending: 0, left: code.local("actions", "i32") } : null,
    callers: [],
    onError: exit,
    loop: null,
    needsEnter: true,
  };
  for (const [index, parameter] of fn.parameters.entries()) {
    const local = rest[index] ?? bug("missing parameter");
    const place: LocalPlace =
      parameter.type === "long" ? { kind: "long", local } : { kind: "text", address: get(local) };
    scope.variables.set(parameter, place);
  }
  placeLocals(fn.locals, scope);
  return scope;
}

function resultPlace(
  fn: FunctionInstance,
  last: IrLocal | undefined,
  local: (name: string, type: "i64") => IrLocal,
): LocalPlace | null {
  if (fn.result === "long") return { kind: "long", local: local("result", "i64") };
  if (fn.result === "string") return { kind: "text", address: get(last ?? bug("no out")) };
  return null;
}

/** String parameters are passed by address: copied if this function could change their bytes. */
function copyParameters(fn: FunctionInstance, scope: Scope): void {
  const { usages } = scope.unit;
  const changesGlobals = changedGlobals(usages.all(fn)).size > 0;
  const { assigned } = usages.own(fn);
  for (const parameter of fn.parameters) {
    if (parameter.type === "long" || !(changesGlobals || assigned.has(parameter))) continue;
    const place = scope.variables.get(parameter);
    assert(place?.kind === "text", "string parameter without address");
    const offset = scope.code.frame(scope.unit.limits.maxString);
    const address = binary("i32.add", scope.frame, i32(offset));
    callLibrary(scope, "string_copy", [address, place.address]);
    scope.variables.set(parameter, { kind: "text", address });
  }
}

function enterFunction(scope: Scope, frameBytes: number): void {
  const { code, result } = scope;
  if (frameBytes > 0) {
    code.set(localOf(scope), load("i32.load", scope.context, CONTEXT.scratchTop));
    const top = binary("i32.add", scope.frame, i32(frameBytes));
    code.store("i32.store", scope.context, CONTEXT.scratchTop, top);
  }
  if (result?.kind === "text") code.store("i32.store8", result.address, 0, i32(0));
  if (scope.actions !== null) {
    code.set(scope.actions.left, load("i32.load", scope.context, CONTEXT.actions));
  }
}

function leaveFunction(scope: Scope, frameBytes: number): void {
  const { code, result } = scope;
  if (scope.actions !== null) {
    code.store("i32.store", scope.context, CONTEXT.actions, get(scope.actions.left));
  }
  if (frameBytes > 0) code.store("i32.store", scope.context, CONTEXT.scratchTop, scope.frame);
  if (result?.kind === "long") code.emit({ kind: "return", value: get(result.local) });
}

/** Runs `main` one level deeper, if that level and its frame are allowed. */
function guardNesting(
  maxNesting: number,
  frameBytes: number,
  scope: Scope,
  main: () => void,
): void {
  const { code } = scope;
  const nesting = code.local("nesting", "i32");
  code.set(nesting, load("i32.load", scope.context, CONTEXT.nesting));
  const top = binary("i32.add", scope.frame, i32(frameBytes));
  const isFull = binary("i32.gt_u", top, load("i32.load", scope.context, CONTEXT.scratchEnd));
  const isDeep = binary("i32.ge_s", get(nesting), i32(maxNesting));
  const refused = frameBytes > 0 ? binary("i32.or", isDeep, isFull) : isDeep;
  // The error is at the call, which the caller notes.
  code.when(
    refused,
    () => storeError(scope, NESTING_EXCEEDED),
    () => {
      const next = binary("i32.add", get(nesting), i32(1));
      code.store("i32.store", scope.context, CONTEXT.nesting, next);
      main();
      code.store("i32.store", scope.context, CONTEXT.nesting, get(nesting));
    },
  );
}

function localOf(scope: Scope): IrLocal {
  return scope.frame.kind === "get" ? scope.frame.local : bug("frame is a local");
}
