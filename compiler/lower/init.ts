/**
 * The function `init`, run once before all handlers: session block, thread contexts, arrays and
 * initial values; and the helpers that need to know where the contexts are.
 */
import type { BundleMemory } from "../../wasm-runtime/bundle.js";
import { CONTEXT, SESSION } from "../../wasm-runtime/layout/memory.js";
import { MAP_VALUE, MAP_WRAP, mapBuckets } from "../../wasm-runtime/layout/values.js";
import { binary, get, i32, i64, load } from "../ir/build.js";
import type { FunctionReference, IrFunction, IrLocal } from "../ir/ir.js";
import type { Global } from "../types/program.js";
import { type Code, createCode, finishFunction } from "./code.js";
import { callOf } from "./scope.js";
import type { Storage } from "./storage.js";
import { CLEAR_SHARDS, MERGE_SHARDS, SUM_SHARDS, storageOf, type Unit } from "./unit.js";

/** What `init` writes into the session block besides the memory layout. */
export interface SessionSettings {
  readonly maxErrors: number;
  readonly suppressErrors: boolean;
  readonly lockTries: number;
  /** Addresses of static data. */
  readonly probeTable: number;
  readonly moduleName: number;
  /** Of the storage plan. */
  readonly frames: number;
  readonly maxFrames: number;
}

/** The function `init`. */
export function buildInit(unit: Unit, memory: BundleMemory, settings: SessionSettings): IrFunction {
  const code = createCode([]);
  const body = code.collect(() => {
    storeSession(code, memory, settings);
    eachContext(code, memory, (context, slot) =>
      code.store("i32.store", context, CONTEXT.slot, slot),
    );
    for (const global of unit.program.globals) {
      const storage = storageOf(unit, global);
      if (storage.kind === "map") initMap(code, global, storage);
      if (global.initial !== null) storeInitial(code, unit, storage, global.initial.value);
    }
  });
  const reference: FunctionReference = {
    kind: "function",
    name: "init",
    parameters: [],
    result: null,
  };
  return finishFunction({ reference, exported: "init", parameters: [] }, code, body);
}

/** Those of the helpers that `used` names. */
export function buildHelpers(used: ReadonlySet<string>, memory: BundleMemory): IrFunction[] {
  const all = [buildSum(memory), buildMerge(memory), buildClear(memory)];
  return all.filter((fn) => used.has(fn.reference.name));
}

function storeSession(code: Code, memory: BundleMemory, settings: SessionSettings): void {
  const values: readonly (readonly [number, number])[] = [
    [SESSION.maxString, memory.maxString],
    [SESSION.maxErrors, settings.maxErrors],
    [SESSION.suppressErrors, settings.suppressErrors ? 1 : 0],
    [SESSION.ringBase, memory.ringBase],
    [SESSION.ringBytes, memory.ringBytes],
    [SESSION.ringCount, memory.ringCount],
    [SESSION.lockTries, settings.lockTries],
    [SESSION.probeTable, settings.probeTable],
    [SESSION.moduleName, settings.moduleName],
    [SESSION.contextStride, memory.contextStride],
    [SESSION.scratchOffset, memory.scratchOffset],
    [SESSION.frames, settings.frames],
    [SESSION.maxFrames, settings.maxFrames],
  ];
  for (const [offset, value] of values) {
    code.store("i32.store", i32(SESSION.address), offset, i32(value));
  }
}

function initMap(code: Code, global: Global, map: Storage & { readonly kind: "map" }): void {
  const { shape } = map;
  const stringKeys = shape.keys.reduce(
    (bits, key, index) => (key === "string" ? bits | (1 << index) : bits),
    0,
  );
  const valueKind = { long: MAP_VALUE.long, string: MAP_VALUE.string, stats: MAP_VALUE.stat };
  const args = [
    map.address,
    shape.capacity,
    mapBuckets(shape.capacity),
    shape.keys.length,
    stringKeys,
    valueKind[global.type],
    shape.valueBytes,
    (global.wrap ? MAP_WRAP.wrap : 0) | (global.capacity === null ? 0 : MAP_WRAP.sized),
  ];
  const call = callOf({ kind: "library", name: "map_init" }, args.map(i32));
  code.emit({ kind: "do", call });
}

function storeInitial(code: Code, unit: Unit, storage: Storage, value: bigint | string): void {
  if (storage.kind === "reduction" && typeof value === "bigint") {
    code.store("i64.store", i32(storage.base), 0, i64(value));
  } else if (storage.kind === "cell" && typeof value === "bigint") {
    code.store("i64.store", i32(storage.address), 0, i64(value));
  } else if (storage.kind === "cell" && typeof value === "string") {
    const text = i32(unit.data.text(value));
    const call = callOf({ kind: "library", name: "string_copy" }, [i32(storage.address), text]);
    code.emit({ kind: "do", call });
  }
}

/** Visits all contexts, the mutator's included. */
function eachContext(
  code: Code,
  memory: BundleMemory,
  visit: (context: ReturnType<typeof get>, slot: ReturnType<typeof get>) => void,
): void {
  const slot = code.local("slot", "i32");
  const context = code.local("context", "i32");
  const again = code.label("again");
  code.set(context, i32(memory.contextBase));
  code.loop(again, () => {
    visit(get(context), get(slot));
    code.set(context, binary("i32.add", get(context), i32(memory.contextStride)));
    code.set(slot, binary("i32.add", get(slot), i32(1)));
    code.branch(again, binary("i32.le_s", get(slot), i32(memory.slotCount)));
  });
}

function parametersOf(reference: FunctionReference, names: readonly string[]): IrLocal[] {
  return reference.parameters.map((type, index) => ({ name: names[index] ?? `p${index}`, type }));
}

function buildSum(memory: BundleMemory): IrFunction {
  const code = createCode(["offset"]);
  const [offset] = parametersOf(SUM_SHARDS, ["offset"]);
  const parameters = offset === undefined ? [] : [offset];
  const sum = code.local("sum", "i64");
  const body = code.collect(() => {
    eachContext(code, memory, (context) => {
      const place = binary("i32.add", context, offset === undefined ? i32(0) : get(offset));
      code.set(sum, binary("i64.add", get(sum), load("i64.load", place)));
    });
    code.emit({ kind: "return", value: get(sum) });
  });
  return finishFunction({ reference: SUM_SHARDS, exported: null, parameters }, code, body);
}

function buildMerge(memory: BundleMemory): IrFunction {
  const parameters = parametersOf(MERGE_SHARDS, ["descriptor", "out", "offset"]);
  const [descriptor, out, offset] = parameters.map(get);
  const code = createCode(parameters.map((p) => p.name));
  const body = code.collect(() => {
    const first = binary("i32.add", offset ?? i32(0), i32(memory.contextBase));
    const args = [descriptor, out, first, i32(memory.contextStride), i32(memory.slotCount + 1)];
    const call = callOf(
      { kind: "library", name: "stat_merge" },
      args.map((arg) => arg ?? i32(0)),
    );
    code.emit({ kind: "do", call });
  });
  return finishFunction({ reference: MERGE_SHARDS, exported: null, parameters }, code, body);
}

function buildClear(memory: BundleMemory): IrFunction {
  const parameters = parametersOf(CLEAR_SHARDS, ["descriptor", "offset"]);
  const [descriptor, offset] = parameters.map(get);
  const code = createCode(parameters.map((p) => p.name));
  const body = code.collect(() =>
    eachContext(code, memory, (context) => {
      const shard = binary("i32.add", context, offset ?? i32(0));
      const args = [descriptor ?? i32(0), shard];
      code.emit({ kind: "do", call: callOf({ kind: "library", name: "stat_clear" }, args) });
    }),
  );
  return finishFunction({ reference: CLEAR_SHARDS, exported: null, parameters }, code, body);
}
