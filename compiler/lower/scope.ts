/**
 * The function that is being lowered: its code, variables, jump targets and MAXACTION account,
 * with the small operations that every part of lowering uses.
 */
import { bug } from "../../base/assert.js";
import { CONTEXT } from "../../wasm-runtime/layout/memory.js";
import type { LibraryFunction } from "../../wasm-runtime/library-abi.js";
import { binary, get, i32, i64, load, typeOf, unary } from "../ir/build.js";
import type { Callee, IrCall, IrExpression, IrLabel, IrLocal } from "../ir/ir.js";
import { signatureOf } from "../ir/signatures.js";
import type { Expression, Node, Statement } from "../syntax/ast.js";
import type { FunctionInstance, Handler, Local } from "../types/program.js";
import type { Code } from "./code.js";
import { needsEnter } from "./library-calls.js";
import type { Unit } from "./unit.js";
import { locationIndex } from "./unit.js";

/** A string: the address of its bytes. */
export interface Text {
  readonly address: IrExpression;
  /** static: never changes; temporary: valid to the end of the statement; variable: may change. */
  readonly origin: "static" | "temporary" | "variable";
}

/** Where a local variable lives. */
export type LocalPlace =
  | { readonly kind: "long"; readonly local: IrLocal }
  | { readonly kind: "text"; readonly address: IrExpression };

/** A token that messages name. */
export type Place = Pick<Node, "span">;

/** Lowering of each kind of code, so that its parts can call each other. */
export interface Dispatch {
  long(expression: Expression, scope: Scope): IrExpression;
  /** The string may be written to `out` if that is given: memory that `expression` cannot read. */
  text(expression: Expression, scope: Scope, out?: Text): Text;
  /** For its effects only. */
  effect(expression: Expression, scope: Scope): void;
  statement(statement: Statement, scope: Scope): void;
}

/** State of lowering one handler or function. */
export interface Scope {
  readonly unit: Unit;
  readonly code: Code;
  readonly dispatch: Dispatch;
  readonly owner: Handler | FunctionInstance;
  /** Address of the thread's CONTEXT. */
  readonly context: IrExpression;
  /** Address of the string frame. */
  readonly frame: IrExpression;
  readonly variables: Map<Local, LocalPlace>;
  /** Where the function ends, whatever was pending. */
  readonly exit: IrLabel;
  /** What `return` gives: the result local, the out address, or nothing. */
  readonly result: LocalPlace | null;
  /** MAXACTION account: statements not yet charged, and what is left; null = not counted. */
  actions: { pending: number; readonly left: IrLocal } | null;
  /** Calls that were replaced by the body that is being lowered, innermost first. */
  callers: readonly Place[];
  /** Where soft errors go: the nearest `catch`, or `exit`. */
  onError: IrLabel;
  /** Targets of break and continue. */
  loop: { readonly breakTo: IrLabel; readonly continueTo: IrLabel } | null;
  /** Set when the handler needs enter and leave. */
  needsEnter: boolean;
}

/** Value of the long `expression`. */
export function lowerLong(expression: Expression, scope: Scope): IrExpression {
  return scope.dispatch.long(expression, scope);
}

/** Value of the string `expression`. */
export function lowerText(expression: Expression, scope: Scope): Text {
  return scope.dispatch.text(expression, scope);
}

/**
 * Copies the string `expression` to `out`. Where nothing can look at `out` before its end, the
 * string is made there at once.
 */
export function lowerTextTo(
  expression: Expression,
  out: IrExpression,
  isPrivate: boolean,
  scope: Scope,
): void {
  const destination: Text = { address: out, origin: "variable" };
  const text = scope.dispatch.text(expression, scope, isPrivate ? destination : undefined);
  if (text !== destination) callLibrary(scope, "string_copy", [out, text.address]);
}

/** A call as an expression. */
export function callOf(callee: Callee, args: readonly IrExpression[]): IrCall {
  return { kind: "call", callee, args };
}

/** Calls library function `name` for its effect. */
export function callLibrary(
  scope: Scope,
  name: LibraryFunction,
  args: readonly IrExpression[],
): void {
  if (needsEnter(name)) scope.needsEnter = true;
  scope.code.emit({ kind: "do", call: callOf({ kind: "library", name }, args) });
}

/** Calls library function `name`; its result is in a temporary. */
export function callForValue(
  scope: Scope,
  name: LibraryFunction,
  args: readonly IrExpression[],
): IrExpression {
  if (needsEnter(name)) scope.needsEnter = true;
  const call = callOf({ kind: "library", name }, args);
  return keep(scope, call);
}

/** `value` in a temporary, so that it is computed here and now. */
export function keep(scope: Scope, value: IrExpression): IrExpression {
  if (value.kind === "i32" || value.kind === "i64") return value;
  if (value.kind === "get" && scope.code.isTemporary(value.local)) return value;
  const local = scope.code.temporary(typeOf(value));
  scope.code.set(local, value);
  return get(local);
}

/**
 * After a call that can fail: if it did, goes on at the handler of errors. `trail` are the places
 * that the callee has not noted yet, innermost first.
 */
export function checkError(scope: Scope, ...trail: readonly Place[]): void {
  const { code } = scope;
  scope.needsEnter = true;
  code.when(load("i32.load", scope.context, CONTEXT.error), () => {
    for (const place of [...trail, ...scope.callers]) noteCall(scope, place);
    code.branch(scope.onError);
  });
}

/** Raises the soft error `text` at the first place of `trail`, called from the others. */
export function raiseError(scope: Scope, text: string, ...trail: readonly Place[]): void {
  storeError(scope, text, ...trail);
  scope.code.branch(scope.onError);
}

/** Makes `text` the pending error. */
export function storeError(scope: Scope, text: string, ...trail: readonly Place[]): void {
  const [first, ...others] = [...trail, ...scope.callers];
  const address = i32(scope.unit.data.text(text));
  if (first === undefined) callLibrary(scope, "raise", [scope.context, address]);
  else callLibrary(scope, "error_at", [scope.context, address, placeOf(scope, first)]);
  for (const place of others) noteCall(scope, place);
}

function noteCall(scope: Scope, place: Place): void {
  callLibrary(scope, "error_at", [scope.context, i32(0), placeOf(scope, place)]);
}

function placeOf(scope: Scope, place: Place): IrExpression {
  return i32(locationIndex(scope.unit, place.span));
}

/** Address of `bytes` bytes of the frame for the current statement. */
export function takeFrame(scope: Scope, bytes: number): IrExpression {
  return binary("i32.add", scope.frame, i32(scope.code.frame(bytes)));
}

/** A temporary string buffer. */
export function takeText(scope: Scope): Text {
  return { address: takeFrame(scope, scope.unit.limits.maxString), origin: "temporary" };
}

/** The literal `text`, cut to what a string can hold. */
export function literal(scope: Scope, text: string): Text {
  const cut = text.slice(0, scope.unit.limits.maxString - 1);
  return { address: i32(scope.unit.data.text(cut)), origin: "static" };
}

/** 64-bit value of a 32-bit truth value or address. */
export function widen(value: IrExpression): IrExpression {
  return unary("i64.extend_i32_u", value);
}

/** i32 truth of a long. */
export function isNonZero(value: IrExpression): IrExpression {
  if (value.kind === "unary" && value.op === "i64.extend_i32_u") return value.operand;
  return binary("i64.ne", value, i64(0n));
}

/** Wasm signature text of `callee`, for messages. */
export function showSignature(callee: Callee): string {
  const { parameters, result } = signatureOf(callee);
  return `(${parameters.join(", ")})${result === null ? "" : ` > ${result}`}`;
}

/** The account of `scope`, which must be one that counts. */
export function requireLoop(scope: Scope): NonNullable<Scope["loop"]> {
  return scope.loop ?? bug("jump outside of a loop");
}
