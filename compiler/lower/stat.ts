/** Statistics (language reference §9): insertion, extractors, histograms. */

import { assert, bug } from "../../base/assert.js";
import { STAT } from "../../wasm-runtime/layout/values.js";
import { binary, get, i32, load, unary } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type {
  AggregateOperation,
  AssignmentExpression,
  Expression,
  HistogramOperation,
  Identifier,
  Node,
} from "../syntax/ast.js";
import type { Global } from "../types/program.js";
import { findEntry, insertEntry, lowerKeys, mapOf, requireArray, valueAddress } from "./array.js";
import { lowerOperands } from "./operands.js";
import {
  callForValue,
  callLibrary,
  callOf,
  checkError,
  keep,
  lowerLong,
  raiseError,
  type Scope,
  takeFrame,
} from "./scope.js";
import type { StatShape } from "./storage.js";
import { CLEAR_SHARDS, globalOf, MERGE_SHARDS, storageOf } from "./unit.js";

/** A statistics value in memory, merged if it is sharded. */
export interface StatValue {
  readonly address: IrExpression;
  readonly shape: StatShape;
  /** Address of its descriptor. */
  readonly descriptor: IrExpression;
}

/** `stat <<< value`. */
export function lowerInsertion(node: AssignmentExpression, scope: Scope): void {
  const { target } = node;
  if (target.kind === "identifier") {
    const global = globalOf(scope.unit, target);
    addToShard(global, lowerLong(node.value, scope), scope);
    return;
  }
  assert(target.kind === "index", "insertion into no statistics");
  const global = requireArray(target.base, scope);
  const indexes = target.indexes.map((index) => index ?? bug("`*` outside of a slice"));
  const operands = lowerOperands([...indexes, node.value], scope);
  const value = operands.pop();
  assert(value?.type === "long", "insertion of a string");
  const kept = keep(scope, value.value);
  const entry = insertEntry(global, operands, scope, target);
  const address = valueAddress(global, entry, scope);
  callLibrary(scope, "stat_add", [descriptorOf(statOf(global, scope), scope), address, kept]);
}

/** Adds `value` to scalar statistics. */
export function addToShard(global: Global, value: IrExpression, scope: Scope): void {
  const { offset, stat } = shardOf(global, scope);
  const shard = binary("i32.add", scope.context, i32(offset));
  callLibrary(scope, "stat_add", [descriptorOf(stat, scope), shard, value]);
}

/** `@count(stat)` and the like. */
export function lowerAggregate(node: AggregateOperation, scope: Scope): IrExpression {
  const stat = statValue(node.stat, scope);
  if (node.operator === "variance") {
    const args = [scope.context, stat.descriptor, stat.address];
    return checked(callForValue(scope, "stat_variance", args), node, scope);
  }
  const value = callForValue(scope, `stat_${node.operator}`, [scope.context, stat.address]);
  const cannotFail = node.operator === "count" || node.operator === "sum";
  return cannotFail ? value : checked(value, node, scope);
}

/** `@hist_…(stat)[index]`. */
export function lowerBucket(
  node: HistogramOperation,
  index: Expression,
  scope: Scope,
): IrExpression {
  const wanted = keep(scope, lowerLong(index, scope));
  const stat = statValue(node.stat, scope);
  const args = [scope.context, stat.descriptor, stat.address, wanted];
  return checked(callForValue(scope, "stat_bucket", args), node, scope);
}

/** Count of bucket `index` (i32, in range). */
export function bucketValue(stat: StatValue, index: IrExpression): IrExpression {
  const offset = binary("i32.shl", index, i32(3));
  return load("i64.load", binary("i32.add", stat.address, offset), STAT.buckets);
}

/** The statistics behind a histogram, which must not be empty. */
export function histogramValue(node: HistogramOperation, scope: Scope): StatValue {
  const stat = statValue(node.stat, scope);
  const count = load("i64.load", stat.address, STAT.count);
  scope.code.when(unary("i64.eqz", count), () => raiseError(scope, "empty aggregate", node));
  return stat;
}

/** The statistics that `expression` names. */
export function statValue(expression: Expression, scope: Scope): StatValue {
  if (expression.kind === "identifier") {
    const { offset, stat } = shardOf(globalOf(scope.unit, expression), scope);
    const address = takeFrame(scope, stat.bytes);
    const descriptor = descriptorOf(stat, scope);
    const call = callOf(MERGE_SHARDS, [descriptor, address, i32(offset)]);
    scope.code.emit({ kind: "do", call });
    scope.needsEnter = true;
    return { address, shape: stat, descriptor };
  }
  if (expression.kind !== "index") return bug("no statistics");
  const global = requireArray(expression.base, scope);
  const entry = findEntry(global, lowerKeys(expression.indexes, scope), scope);
  const shape = statOf(global, scope);
  const address = scope.code.temporary("i32");
  scope.code.set(address, i32(scope.unit.data.zeros));
  scope.code.when(entry, () => scope.code.set(address, valueAddress(global, entry, scope)));
  return { address: get(address), shape, descriptor: descriptorOf(shape, scope) };
}

/** `delete stat` of a scalar. */
export function clearStat(identifier: Identifier, scope: Scope): void {
  const { offset, stat } = shardOf(globalOf(scope.unit, identifier), scope);
  const call = callOf(CLEAR_SHARDS, [descriptorOf(stat, scope), i32(offset)]);
  scope.code.emit({ kind: "do", call });
}

/** Address of the descriptor of `shape`. */
export function descriptorOf(shape: StatShape, scope: Scope): IrExpression {
  return i32(scope.unit.data.descriptor(shape));
}

function statOf(global: Global, scope: Scope): StatShape {
  return mapOf(global, scope).stat ?? bug(`'${global.name}' holds no statistics`);
}

function shardOf(global: Global, { unit }: Scope) {
  const storage = storageOf(unit, global);
  return storage.kind === "shard" ? storage : bug(`'${global.name}' is no statistics`);
}

function checked(value: IrExpression, node: Pick<Node, "span">, scope: Scope): IrExpression {
  checkError(scope, node);
  return value;
}
