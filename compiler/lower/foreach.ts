/**
 * foreach (language reference §8) over arrays and histograms. The limit is evaluated once; elements
 * that a slice leaves out count against it; sorting reorders the array itself.
 */
import { bug } from "../../base/assert.js";
import { STAT_FIELD } from "../../wasm-runtime/library-abi.js";
import { binary, get, i32, i64, load, not, unary } from "../ir/build.js";
import type { IrExpression, IrLabel, IrLocal } from "../ir/ir.js";
import type { ForeachStatement, HistogramOperation, Identifier } from "../syntax/ast.js";
import type { Global } from "../types/program.js";
import { charge, chargeNow } from "./actions.js";
import {
  arrayOf,
  lowerSlice,
  mapCall,
  mapOf,
  matchesSlice,
  readKey,
  type Slice,
  valueAddress,
} from "./array.js";
import type { Operand } from "./operands.js";
import { callLibrary, keep, lowerLong, type Scope } from "./scope.js";
import { bucketValue, descriptorOf, type StatValue, statValue } from "./stat.js";
import { variableOf } from "./unit.js";
import { readLong, writeLong, writeText } from "./variable.js";

/** Emits `node`. */
export function lowerForeach(node: ForeachStatement, scope: Scope): void {
  if (node.base.kind === "histogram") overHistogram(node, node.base, scope);
  else overArray(node, arrayOf(node.base, scope), scope);
}

function overArray(node: ForeachStatement, global: Global, scope: Scope): void {
  const { code } = scope;
  const map = mapOf(global, scope);
  const limit = lowerLimit(node, scope);
  sortArray(node, global, limit, scope);
  const slice = node.slice === null ? null : lowerSlice(node.slice, scope);
  const entry = code.temporary("i32");
  code.set(entry, mapCall("map_first", i32(map.address)));
  emitLoop(node, scope, {
    limit,
    isOver: () => not(get(entry)),
    select: (skip) => selectEntry(node, global, get(entry), slice, skip, scope),
    advance: () => code.set(entry, mapCall("map_next", get(entry))),
    chargesAtEnd: false,
  });
}

/** Assigns the keys, jumps to `skip` unless the slice matches, then assigns the value. */
function selectEntry(
  node: ForeachStatement,
  global: Global,
  entry: IrExpression,
  slice: Slice | null,
  skip: IrLabel,
  scope: Scope,
): void {
  for (const [index, key] of node.keys.entries()) {
    assignOperand(key, readKey(global, entry, index, scope), scope);
  }
  if (slice !== null && slice.mask !== 0) {
    scope.code.branch(skip, not(matchesSlice(global, entry, slice, scope)));
  }
  if (node.value === null) return;
  const address = valueAddress(global, entry, scope);
  const value: Operand =
    global.type === "long"
      ? { type: "long", value: load("i64.load", address) }
      : { type: "string", text: { address, origin: "variable" } };
  if (global.type === "stats") bug("value of a statistics array");
  assignOperand(node.value, value, scope);
}

function sortArray(
  node: ForeachStatement,
  global: Global,
  limit: IrLocal | null,
  scope: Scope,
): void {
  if (node.sort === null) return;
  const map = mapOf(global, scope);
  const { by, direction, statistic } = node.sort;
  const byStatistic = -2 - STAT_FIELD.indexOf(statistic ?? "count");
  const byValue = global.type === "stats" ? byStatistic : -1;
  const wanted = limit === null ? i32(0) : clampLimit(limit, scope);
  const descriptor = map.stat === null ? i32(0) : descriptorOf(map.stat, scope);
  callLibrary(scope, "map_sort", [
    i32(map.address),
    i32(by === "value" ? byValue : by),
    i32(direction === "-" ? 1 : 0),
    wanted,
    descriptor,
  ]);
}

/** The limit as i32; a large or negative one means all. */
function clampLimit(limit: IrLocal, scope: Scope): IrExpression {
  const clamped = scope.code.temporary("i32");
  scope.code.set(clamped, i32(0));
  scope.code.when(binary("i64.lt_u", get(limit), i64(0x7fffffffn)), () => {
    scope.code.set(clamped, unary("i32.wrap_i64", get(limit)));
  });
  return get(clamped);
}

/**
 * Visits the numbers of all buckets. The key counts them, as in a `for` loop: behind the last bucket
 * it is their number, and a body that changes it goes on from there, as in SystemTap 4.8.
 */
function overHistogram(node: ForeachStatement, base: HistogramOperation, scope: Scope): void {
  const limit = lowerLimit(node, scope);
  const stat = statValue(base.stat, scope);
  const key = variableOf(scope.unit, node.keys[0] ?? bug("a foreach without key"));
  writeLong(key, i64(0n), scope);
  emitLoop(node, scope, {
    limit,
    isOver: () => binary("i64.ge_s", readLong(key, scope), i64(BigInt(stat.shape.buckets))),
    select: () => {
      if (node.value === null) return;
      const value = valueOfBucket(stat, readLong(key, scope), scope);
      assignOperand(node.value, { type: "long", value }, scope);
    },
    advance: () => writeLong(key, binary("i64.add", readLong(key, scope), i64(1n)), scope),
    chargesAtEnd: true,
  });
}

/** Count of bucket `index`, which is below their number; 0 below the first. */
function valueOfBucket(stat: StatValue, index: IrExpression, scope: Scope): IrExpression {
  const { code } = scope;
  const at = keep(scope, index);
  const value = code.temporary("i64");
  code.set(value, i64(0n));
  code.when(binary("i64.ge_s", at, i64(0n)), () => {
    code.set(value, bucketValue(stat, unary("i32.wrap_i64", at)));
  });
  return get(value);
}

interface Iteration {
  readonly limit: IrLocal | null;
  /** i32 truth: nothing is left. */
  isOver(): IrExpression;
  /** Assigns the loop variables, or jumps to `skip`. */
  select(skip: IrLabel): void;
  advance(): void;
  /** Whether an iteration is charged when its body has run (histograms), or before. */
  readonly chargesAtEnd: boolean;
}

function emitLoop(node: ForeachStatement, scope: Scope, iteration: Iteration): void {
  const { code } = scope;
  const breakTo = code.label("break");
  const continueTo = code.label("continue");
  const again = code.label("again");
  const outer = scope.loop;
  scope.loop = { breakTo, continueTo };
  chargeNow(scope, 1, node);
  code.block(breakTo, () => {
    code.loop(again, () => {
      if (!iteration.chargesAtEnd) charge(scope, 1, node);
      code.branch(breakTo, iteration.isOver());
      if (iteration.limit !== null) takeOne(iteration.limit, breakTo, scope);
      code.block(continueTo, () => {
        code.scoped(() => iteration.select(continueTo));
        scope.dispatch.statement(node.body, scope);
        chargeNow(scope, iteration.chargesAtEnd ? 1 : 0, node.body);
      });
      iteration.advance();
      code.branch(again);
    });
  });
  scope.loop = outer;
}

function takeOne(limit: IrLocal, breakTo: IrLabel, scope: Scope): void {
  scope.code.branch(breakTo, binary("i64.le_s", get(limit), i64(0n)));
  scope.code.set(limit, binary("i64.sub", get(limit), i64(1n)));
}

function lowerLimit(node: ForeachStatement, scope: Scope): IrLocal | null {
  if (node.limit === null) return null;
  const limit = scope.code.temporary("i64");
  scope.code.set(limit, lowerLong(node.limit, scope));
  return limit;
}

function assignOperand(target: Identifier, operand: Operand, scope: Scope): void {
  const variable = variableOf(scope.unit, target);
  if (operand.type === "long") writeLong(variable, keep(scope, operand.value), scope);
  else writeText(variable, operand.text, scope);
}
