/** Reading and writing scalar variables: locals, cells, reductions. */
import { assert, bug } from "../../base/assert.js";
import { binary, get, i32, i64, load } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Variable } from "../types/program.js";
import { callLibrary, callOf, keep, type Scope, type Text } from "./scope.js";
import { SUM_SHARDS, storageOf } from "./unit.js";

/** Value of a long variable. */
export function readLong(variable: Variable, scope: Scope): IrExpression {
  if (variable.kind === "local") {
    const place = localPlace(variable, scope);
    return place.kind === "long" ? get(place.local) : bug(`'${variable.name}' is a string`);
  }
  const storage = storageOf(scope.unit, variable);
  if (storage.kind === "cell") return load("i64.load", i32(storage.address));
  if (storage.kind !== "reduction") return bug(`'${variable.name}' is no scalar`);
  const sum = keep(scope, callOf(SUM_SHARDS, [i32(storage.offset)]));
  return binary("i64.add", load("i64.load", i32(storage.base)), sum);
}

/** Assigns a long variable. */
export function writeLong(variable: Variable, value: IrExpression, scope: Scope): void {
  if (variable.kind === "local") {
    const place = localPlace(variable, scope);
    assert(place.kind === "long", `'${variable.name}' is a string`);
    scope.code.set(place.local, value);
    return;
  }
  const storage = storageOf(scope.unit, variable);
  if (storage.kind === "cell") {
    scope.code.store("i64.store", i32(storage.address), 0, value);
    return;
  }
  assert(storage.kind === "reduction", `'${variable.name}' is no scalar`);
  const wanted = keep(scope, value);
  const sum = keep(scope, callOf(SUM_SHARDS, [i32(storage.offset)]));
  scope.code.store("i64.store", i32(storage.base), 0, binary("i64.sub", wanted, sum));
}

/** Adds to a long variable; of a reduction only this thread's part changes. */
export function addLong(variable: Variable, value: IrExpression, scope: Scope): void {
  const storage = variable.kind === "global" ? storageOf(scope.unit, variable) : null;
  if (storage?.kind === "reduction") {
    const old = load("i64.load", scope.context, storage.offset);
    scope.code.store("i64.store", scope.context, storage.offset, binary("i64.add", old, value));
    return;
  }
  writeLong(variable, binary("i64.add", readLong(variable, scope), value), scope);
}

/** A string variable. */
export function readText(variable: Variable, scope: Scope): Text {
  return { address: textAddress(variable, scope), origin: "variable" };
}

/** Assigns a string variable. */
export function writeText(variable: Variable, text: Text, scope: Scope): void {
  callLibrary(scope, "string_copy", [textAddress(variable, scope), text.address]);
}

/** Assigns 0 or "". */
export function clearVariable(variable: Variable, scope: Scope): void {
  if (variable.type === "long") writeLong(variable, i64(0n), scope);
  else scope.code.store("i32.store8", textAddress(variable, scope), 0, i32(0));
}

/** Address of the bytes of a string variable. */
export function textAddress(variable: Variable, scope: Scope): IrExpression {
  if (variable.kind === "local") {
    const place = localPlace(variable, scope);
    return place.kind === "text" ? place.address : bug(`'${variable.name}' is a number`);
  }
  const storage = storageOf(scope.unit, variable);
  return storage.kind === "cell" ? i32(storage.address) : bug(`'${variable.name}' is no scalar`);
}

function localPlace(variable: Variable & { kind: "local" }, scope: Scope) {
  return scope.variables.get(variable) ?? bug(`no place for local '${variable.name}'`);
}
