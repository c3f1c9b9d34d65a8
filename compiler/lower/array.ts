/**
 * Elements of arrays. Keys are evaluated first and written to CONTEXT.keys right before the
 * library call that uses them, because evaluating one key may look up another array.
 */
import { bug } from "../../base/assert.js";
import { CONTEXT } from "../../wasm-runtime/layout/memory.js";
import { mapKeyOffset, mapValueOffset } from "../../wasm-runtime/layout/values.js";
import { binary, get, i32, i64, load, not } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type { Expression, Identifier, IndexExpression, InExpression, Node } from "../syntax/ast.js";
import type { Global } from "../types/program.js";
import { argumentOf, freezeText, lowerOperands, type Operand } from "./operands.js";
import {
  callForValue,
  callLibrary,
  checkError,
  keep,
  literal,
  type Scope,
  type Text,
  widen,
} from "./scope.js";
import type { Storage } from "./storage.js";
import { globalOf, storageOf } from "./unit.js";

/** Storage of an array. */
export type MapStorage = Storage & { readonly kind: "map" };

/** Array that `identifier` names. */
export function arrayOf(identifier: Identifier, scope: Scope): Global {
  return globalOf(scope.unit, identifier);
}

/** Storage of array `global`. */
export function mapOf(global: Global, scope: Scope): MapStorage {
  const storage = storageOf(scope.unit, global);
  return storage.kind === "map" ? storage : bug(`'${global.name}' is no array`);
}

/** Base of an element, which is an array here. */
export function requireArray(base: IndexExpression["base"], scope: Scope): Global {
  return base.kind === "identifier" ? arrayOf(base, scope) : bug("index of a histogram");
}

/** The keys that `indexes` give; none may be `*`. */
export function lowerKeys(indexes: readonly (Expression | null)[], scope: Scope): Operand[] {
  return lowerOperands(
    indexes.map((index) => index ?? bug("`*` outside of a slice")),
    scope,
  );
}

/** Entry with `keys`, 0 if there is none. */
export function findEntry(global: Global, keys: readonly Operand[], scope: Scope): IrExpression {
  storeKeys(keys, scope);
  return callForValue(scope, "map_find", [scope.context, i32(mapOf(global, scope).address)]);
}

/** Entry with `keys`, made if there is none; a full array is an error at `node`. */
export function insertEntry(
  global: Global,
  keys: readonly Operand[],
  scope: Scope,
  node: Pick<Node, "span">,
): IrExpression {
  storeKeys(keys, scope);
  const { address, growth } = mapOf(global, scope);
  const map = [scope.context, i32(address)];
  if (growth === null) {
    const entry = callForValue(scope, "map_insert", map);
    scope.code.when(not(entry), () => checkError(scope, node));
    return entry;
  }
  const locks = i32(scope.unit.data.words([1, growth | 1]));
  const entry = callForValue(scope, "map_grow", [...map, locks]);
  scope.code.when(not(entry), () => {
    checkError(scope, node);
    scope.code.branch(scope.exit);
  });
  return entry;
}

/** Adds `amount` to the number of `entry`; its old value. */
export function addToEntry(
  global: Global,
  entry: IrExpression,
  amount: IrExpression,
  scope: Scope,
): IrExpression {
  const address = valueAddress(global, entry, scope);
  if (mapOf(global, scope).growth !== null)
    return callForValue(scope, "long_add", [address, amount]);
  const old = keep(scope, load("i64.load", address));
  scope.code.store("i64.store", address, 0, binary("i64.add", old, amount));
  return old;
}

/** Address of the value in `entry`. */
export function valueAddress(global: Global, entry: IrExpression, scope: Scope): IrExpression {
  return binary("i32.add", entry, i32(mapValueOffset(mapOf(global, scope).shape)));
}

/** Number in an element; 0 if it is unset. */
export function readLongElement(node: IndexExpression, scope: Scope): IrExpression {
  const global = requireArray(node.base, scope);
  const entry = findEntry(global, lowerKeys(node.indexes, scope), scope);
  const value = scope.code.temporary("i64");
  scope.code.set(value, i64(0n));
  scope.code.when(entry, () => {
    scope.code.set(value, load("i64.load", valueAddress(global, entry, scope)));
  });
  return get(value);
}

/** String in an element; "" if it is unset. A wrapping array may drop it at the next insertion. */
export function readTextElement(node: IndexExpression, scope: Scope): Text {
  const global = requireArray(node.base, scope);
  const entry = findEntry(global, lowerKeys(node.indexes, scope), scope);
  const value = scope.code.temporary("i32");
  scope.code.set(value, literal(scope, "").address);
  scope.code.when(entry, () => scope.code.set(value, valueAddress(global, entry, scope)));
  const text: Text = { address: get(value), origin: "variable" };
  return global.wrap ? freezeText(text, scope) : text;
}

/** Key `index` of `entry`. */
export function readKey(global: Global, entry: IrExpression, index: number, scope: Scope): Operand {
  const offset = mapKeyOffset(mapOf(global, scope).shape, index);
  if (global.keys[index] === "long") {
    return { type: "long", value: load("i64.load", entry, offset) };
  }
  const address = binary("i32.add", entry, i32(offset));
  return { type: "string", text: { address, origin: "variable" } };
}

/** `[indexes] in array` as i32 truth. */
export function lowerIn(node: InExpression, scope: Scope): IrExpression {
  const global = requireArray(node.base, scope);
  if (node.indexes.every((index) => index !== null)) {
    const entry = findEntry(global, lowerKeys(node.indexes, scope), scope);
    return binary("i32.ne", entry, i32(0));
  }
  const found = scope.code.temporary("i32");
  scope.code.set(found, i32(0));
  forEachMatch(global, node.indexes, scope, (_entry, stop) => {
    scope.code.set(found, i32(1));
    stop();
  });
  return get(found);
}

/** `delete array[indexes]`, with `*` for any key. */
export function deleteElements(node: IndexExpression, scope: Scope): void {
  const global = requireArray(node.base, scope);
  const map = i32(mapOf(global, scope).address);
  if (node.indexes.every((index) => index !== null)) {
    storeKeys(lowerKeys(node.indexes, scope), scope);
    callLibrary(scope, "map_remove", [scope.context, map]);
    return;
  }
  forEachMatch(global, node.indexes, scope, (entry) => {
    storeKeys(
      global.keys.map((_, index) => readKey(global, entry, index, scope)),
      scope,
    );
    callLibrary(scope, "map_remove", [scope.context, map]);
  });
}

/** The keys of a slice, null for `*`, with the mask that map_matches takes. */
export interface Slice {
  readonly keys: readonly (Operand | null)[];
  readonly mask: number;
}

/** Evaluates the keys of a slice. */
export function lowerSlice(indexes: readonly (Expression | null)[], scope: Scope): Slice {
  const given = indexes.filter((index) => index !== null);
  const values = lowerOperands(given, scope).map((operand) => stabilize(operand, scope));
  let next = 0;
  const keys = indexes.map((index) => (index === null ? null : (values[next++] ?? null)));
  const mask = keys.reduce((bits, key, index) => (key === null ? bits : bits | (1 << index)), 0);
  return { keys, mask };
}

/** i32 truth: `entry` has the keys of `slice`. */
export function matchesSlice(
  global: Global,
  entry: IrExpression,
  slice: Slice,
  scope: Scope,
): IrExpression {
  storeKeys(slice.keys, scope);
  const map = i32(mapOf(global, scope).address);
  return callForValue(scope, "map_matches", [scope.context, map, entry, i32(slice.mask)]);
}

/** Visits the entries that match `indexes`; the visit may remove its entry. */
function forEachMatch(
  global: Global,
  indexes: readonly (Expression | null)[],
  scope: Scope,
  visit: (entry: IrExpression, stop: () => void) => void,
): void {
  const { code } = scope;
  const slice = lowerSlice(indexes, scope);
  const end = code.label("end");
  const again = code.label("again");
  const entry = code.temporary("i32");
  const next = code.temporary("i32");
  code.set(next, keep(scope, mapCall("map_first", i32(mapOf(global, scope).address))));
  code.block(end, () => {
    code.loop(again, () => {
      code.set(entry, get(next));
      code.branch(end, not(get(entry)));
      code.set(next, mapCall("map_next", get(entry)));
      code.branch(again, not(matchesSlice(global, get(entry), slice, scope)));
      visit(get(entry), () => code.branch(end));
      code.branch(again);
    });
  });
}

/** A walk over an array, see map_first and map_next. */
export function mapCall(name: "map_first" | "map_next", argument: IrExpression): IrExpression {
  return { kind: "call", callee: { kind: "library", name }, args: [argument] };
}

function stabilize(operand: Operand, scope: Scope): Operand {
  return operand.type === "long"
    ? { type: "long", value: keep(scope, operand.value) }
    : { type: "string", text: freezeText(operand.text, scope) };
}

function storeKeys(keys: readonly (Operand | null)[], scope: Scope): void {
  scope.needsEnter = true;
  for (const [index, key] of keys.entries()) {
    if (key === null) continue;
    const value = key.type === "long" ? key.value : widen(argumentOf(key));
    scope.code.store("i64.store", scope.context, CONTEXT.keys + 8 * index, value);
  }
}
