/**
 * Random modules give the same results, traps, memory and globals as machine code and in V8.
 * WASTAP_SEED=n repeats a run, WASTAP_MODULES=n sets the number of modules.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadAddon } from "../../../base/addon.js";
import {
  type Extern,
  instantiate,
  invoke,
  memoryBytes,
  newStore,
  readGlobal,
  type Store,
} from "../../../wasm-runtime/aot/instance.js";
import { validateModule } from "../../../wasm-runtime/aot/validate.js";
import { encodeModule } from "../../../wasm-runtime/module/encode.js";
import type { FunctionType, WasmModule } from "../../../wasm-runtime/module/module.js";
import { Random } from "../../support/random.js";
import { randomModule } from "./random-module.js";

const test = suite("aot/random");
const SEED = Number(process.env["WASTAP_SEED"] ?? 20240607);
const MODULES = Number(process.env["WASTAP_MODULES"] ?? 300);

/** V8's words for traps. */
const TRAPS: readonly (readonly [RegExp, string])[] = [
  [/^unreachable/, "unreachable"],
  [/memory access out of bounds/, "memory access out of bounds"],
  [/unaligned accesses/, "unaligned atomic"],
  [/(divide|remainder) by zero/, "integer divide by zero"],
  [/unrepresentable in integer range/, "integer overflow"],
  [/divide result unrepresentable/, "integer overflow"],
  [/table index is out of bounds/, "undefined element"],
  [/null function or function signature mismatch/, "bad table element"],
  [/Maximum call stack/, "stack exhausted"],
];
const OURS: Readonly<Record<string, string>> = {
  "invalid conversion to integer": "integer overflow",
  "uninitialized element": "bad table element",
  "indirect call type mismatch": "bad table element",
};

interface Outcome {
  readonly result: string;
  readonly globals: string;
  readonly memory: Uint8Array;
}

function show(bits: bigint, wide: boolean): string {
  return BigInt.asUintN(wide ? 64 : 32, bits).toString(16);
}

function inV8(
  bytes: Uint8Array<ArrayBuffer>,
  type: FunctionType,
  args: readonly bigint[],
): Outcome {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const main = exports["main"] as (...values: (number | bigint)[]) => number | bigint | undefined;
  let result: string;
  try {
    const values = args.map((a, i) => fromBits(a, type.params[i] ?? "i32"));
    const value = main(...values);
    result = value === undefined ? "" : show(BigInt(value), type.results[0] === "i64");
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    result = TRAPS.find(([pattern]) => pattern.test(message))?.[1] ?? message;
  }
  const global = (name: string): bigint => BigInt((exports[name] as WebAssembly.Global).value);
  const memory = exports["memory"] as WebAssembly.Memory;
  return {
    result,
    globals: `${show(global("g0"), false)} ${show(global("g1"), true)}`,
    memory: new Uint8Array(memory.buffer),
  };
}

function fromBits(bits: bigint, type: string): number | bigint {
  if (type === "i64") return bits;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, bits), true);
  if (type === "i32") return view.getInt32(0, true);
  return type === "f32" ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

function natively(
  store: Store,
  bytes: Uint8Array,
  args: readonly bigint[],
  type: FunctionType,
): Outcome {
  const { exports } = instantiate(store, validateModule(bytes), () => undefined);
  const find = <K extends Extern["kind"]>(name: string, kind: K): Extract<Extern, { kind: K }> => {
    const extern = exports.get(name);
    assert.is(extern?.kind, kind);
    return extern as Extract<Extern, { kind: K }>;
  };
  const outcome = invoke(store, find("main", "function"), args);
  const result =
    "trap" in outcome
      ? (OURS[outcome.trap] ?? outcome.trap)
      : outcome.results.map((r) => show(r, type.results[0] === "i64")).join();
  const global = (name: string): bigint => readGlobal(store, find(name, "global"));
  return {
    result,
    globals: `${show(global("g0"), false)} ${show(global("g1"), true)}`,
    memory: memoryBytes(store, find("memory", "memory")),
  };
}

function argumentsFor(random: Random, type: FunctionType): bigint[] {
  return type.params.map((param) => {
    const number = BigInt(random.below(2 ** 31)) * BigInt(random.pick([1, -1, 0x10001]));
    return param.startsWith("f") ? BigInt(random.below(0x3fff)) << 16n : BigInt.asUintN(64, number);
  });
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  return a.length !== b.length ? a.length : a.findIndex((byte, i) => byte !== b[i]);
}

function compare(module: WasmModule, store: Store, random: Random, label: string): string {
  const bytes = encodeModule(module);
  const type = module.types[0] ?? { params: [], results: [] };
  const args = argumentsFor(random, type);
  const expected = inV8(bytes, type, args);
  const found = natively(store, bytes, args, type);
  assert.is(found.result, expected.result, label);
  assert.is(found.globals, expected.globals, label);
  assert.is(firstDifference(found.memory, expected.memory), -1, `${label}: memory`);
  return expected.result;
}

test(`agrees with V8 on random modules (WASTAP_SEED=${SEED})`, () => {
  loadAddon();
  const store = newStore();
  const traps = new Map<string, number>();
  for (let index = 0; index < MODULES; index++) {
    const random = new Random(SEED + index);
    const result = compare(randomModule(random), store, random, `WASTAP_SEED=${SEED + index}`);
    const kind = / /.test(result) || result === "unreachable" ? result : "finished";
    traps.set(kind, (traps.get(kind) ?? 0) + 1);
  }
  process.stdout.write(`seed ${SEED}: ${[...traps].map(([k, n]) => `${n} ${k}`).join(", ")}\n`);
  assert.ok((traps.get("finished") ?? 0) > MODULES / 4, "most modules trap");
});

test.run();
