/**
 * The library in V8 and as machine code on equal memory: the same random calls give the same
 * results and leave the same bytes. Functions that ask the host are left out.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileImage } from "../../../wasm-runtime/aot/compile.js";
import {
  callFunction,
  mapCode,
  mapMemory,
  stackAddress,
} from "../../../wasm-runtime/aot/native.js";
import { validateModule } from "../../../wasm-runtime/aot/validate.js";
import { CONTEXT } from "../../../wasm-runtime/layout/memory.js";
import { VM_CONTEXT } from "../../../wasm-runtime/layout/private.js";
import { WASM_PAGE_BYTES } from "../../../wasm-runtime/layout/shared.js";
import {
  HISTOGRAM,
  MAP_VALUE,
  STAT_DESCRIPTOR,
  statBytes,
} from "../../../wasm-runtime/layout/values.js";
import { LIBRARY, type LibraryFunction } from "../../../wasm-runtime/library-abi.js";
import { createRandom } from "../../support/random.js";
import { createHarness, libraryBytes, PLACES } from "../library/harness.js";

const s = suite("engine/differential");
const SIZE: number = PLACES.pages * WASM_PAGE_BYTES;
const VALUES = 4096;

type Call = (name: LibraryFunction, ...args: readonly (number | bigint)[]) => bigint;

/** Machine code of the library on memory that starts as `initial`. */
function createMachine(initial: Uint8Array): { call: Call; bytes: Uint8Array } {
  const image = compileImage([{ name: "lib", module: validateModule(libraryBytes()) }], {
    callEntries: true,
  });
  const code = mapCode(image.bytes);
  const linear = mapMemory(SIZE);
  const bytes = new Uint8Array(linear.buffer);
  bytes.set(initial);
  const context = mapMemory(2 * VALUES);
  const view = new DataView(context.buffer);
  const put = (offset: number, value: bigint): void => view.setBigUint64(offset, value, true);
  return {
    bytes,
    call(name, ...args) {
      put(VM_CONTEXT.memoryBase, linear.address);
      put(VM_CONTEXT.memorySize, BigInt(SIZE));
      put(VM_CONTEXT.stackLimit, stackAddress() - 65536n);
      put(VM_CONTEXT.fuel, 1n << 40n);
      for (const [index, arg] of args.entries()) {
        put(VALUES + 8 * index, BigInt.asUintN(64, BigInt(arg)));
      }
      const entry = image.callEntries.get(name) ?? -1;
      assert.ok(entry >= 0, name);
      const values = context.address + BigInt(VALUES);
      assert.is(callFunction(code + BigInt(entry), context.address, values), 0, name);
      return resultOf(name, view.getBigUint64(VALUES, true));
    },
  };
}

/** The result of `name` as both engines show it. */
function resultOf(name: LibraryFunction, bits: bigint): bigint {
  const [, result] = LIBRARY[name].split(">");
  if (result === "") return 0n;
  return result === "i" ? BigInt.asIntN(32, bits) : BigInt.asIntN(64, bits);
}

const WORDS = ["", "a", "ab", "abc", "b\xff", "hello world", "x".repeat(70), "12", "-0x1f", "%"];
const DESCRIPTOR = 0x1e000;
const MAP_AT = 0x20000;
const TEXT_OUT = 0x30000;
const STATS = 0x38000;

/** Random calls, each as a step that both engines take. */
function createSteps(random: () => number, words: readonly number[]): () => Step[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const word = (): number => words[below(words.length)] ?? 0;
  const long = (): bigint => {
    const bits = BigInt(below(2 ** 32)) | (BigInt(below(2 ** 32)) << 32n);
    return BigInt.asIntN(64, bits >> BigInt(below(64))) * (random() < 0.3 ? -1n : 1n);
  };
  const context = PLACES.contextBase;
  const out = TEXT_OUT + 128;
  const stat = (): number => STATS + below(3) * statBytes(128);
  const keys = (): Step[] => [
    { poke: context + CONTEXT.keys, value: BigInt(below(40)) },
    { poke: context + CONTEXT.keys + 8, value: BigInt(word()) },
  ];
  const spec = (letters: string): number =>
    letters.charCodeAt(below(letters.length)) | (below(32) << 8);
  const size = (): number => below(14) - 1;
  const makers: (() => Step[])[] = [
    () => [...keys(), { call: ["map_insert", context, MAP_AT] }],
    () => [...keys(), { call: ["map_find", context, MAP_AT] }],
    () => [...keys(), { call: ["map_remove", context, MAP_AT] }],
    () => [{ call: ["map_sort", MAP_AT, below(3) - 1, below(2), below(40), 0] }],
    () => [{ call: ["stat_add", DESCRIPTOR, stat(), long()] }],
    () => [{ call: ["stat_add", DESCRIPTOR, stat(), BigInt(below(100))] }],
    () => [
      { call: ["stat_merge", DESCRIPTOR, STATS + 4096, STATS, statBytes(128), 3] },
      { call: ["stat_variance", context, DESCRIPTOR, STATS + 4096] },
      { call: ["stat_avg", context, STATS + 4096] },
    ],
    () => [
      { call: ["text_begin", context, TEXT_OUT] },
      { call: ["text_long", context, long(), spec("diuoxXpcb"), size(), size()] },
      { call: ["text_literal", context, word()] },
      { call: ["text_string", context, word(), spec("s"), size(), size()] },
      { call: ["text_end", context] },
    ],
    () => [{ call: ["string_copy", out, word()] }],
    () => [{ call: ["string_append", out, word()] }],
    () => [{ call: ["string_compare", word(), word()] }],
    () => [{ call: ["substr", context, word(), BigInt(below(9)), BigInt(below(9)), out] }],
    () => [{ call: ["str_replace", context, out, word(), word(), TEXT_OUT + 256] }],
    () => [{ call: ["strtol", context, word(), BigInt(below(38))] }],
    () => [{ call: ["text_strn", context, out, BigInt(below(20)), BigInt(below(2)), TEXT_OUT] }],
    () => [{ call: ["tokenize", context, word(), word(), TEXT_OUT] }],
    () => [{ call: ["ctime", context, long() >> 28n, TEXT_OUT] }],
    () => [{ call: ["randint", context, BigInt(below(1000))] }],
    () => [
      { call: ["enter", context, below(4), 100] },
      { call: ["record_item", context, below(300), 2] },
      { call: ["record_long", context, long()] },
      { call: ["record_string", context, word()] },
      { call: ["leave", context] },
    ],
  ];
  return () => makers[below(makers.length)]?.() ?? [];
}

type Step =
  | { readonly call: readonly [LibraryFunction, ...(number | bigint)[]] }
  | { readonly poke: number; readonly value: bigint };

s("random calls agree in results and memory", () => {
  const h = createHarness();
  const words = WORDS.map((each) => h.text(each));
  h.lib.map_init(MAP_AT, 24, 32, 2, 2, MAP_VALUE.long, 8, 1);
  const describe = (offset: number, value: number): void =>
    h.view.setInt32(DESCRIPTOR + offset, value, true);
  describe(STAT_DESCRIPTOR.histogram, HISTOGRAM.log);
  describe(STAT_DESCRIPTOR.shift, 2);
  describe(STAT_DESCRIPTOR.buckets, 128);
  describe(STAT_DESCRIPTOR.statBytes, statBytes(128));
  const machine = createMachine(h.bytes);
  const nextSteps = createSteps(createRandom(), words);
  const view = new DataView(machine.bytes.buffer);
  for (let round = 0; round < 3000; round++) {
    for (const step of nextSteps()) {
      if ("poke" in step) {
        h.view.setBigInt64(step.poke, step.value, true);
        view.setBigInt64(step.poke, step.value, true);
        continue;
      }
      const [name, ...args] = step.call;
      const expected = resultOf(name, BigInt(h.lib[name](...args) ?? 0n));
      assert.is(machine.call(name, ...args), expected, `${name}(${args})`);
    }
    if (round % 100 === 99) assert.is(Buffer.compare(h.bytes, machine.bytes), 0);
  }
});

s.run();
