/** The host module "spectest" that the test suite imports, as Wasm modules of our own. */
import { encodeModule } from "../../wasm-runtime/module/encode.js";
import {
  EMPTY_MODULE,
  type Global,
  type Instruction,
  type ValueType,
  type WasmModule,
} from "../../wasm-runtime/module/module.js";

const PRINTS: Readonly<Record<string, readonly ValueType[]>> = {
  print: [],
  print_i32: ["i32"],
  print_i64: ["i64"],
  print_f32: ["f32"],
  print_f64: ["f64"],
  print_i32_f32: ["i32", "f32"],
  print_f64_f64: ["f64", "f64"],
};

function float(value: number): { f32: number; f64: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat32(0, value);
  const f32 = view.getUint32(0);
  view.setFloat64(0, value);
  return { f32, f64: view.getBigUint64(0) };
}

function constant(type: ValueType, init: Instruction): Global {
  return { type, mutable: false, init: [init] };
}

const names = Object.keys(PRINTS);
const GLOBALS = ["i32", "i64", "f32", "f64"] as const;

const MAIN: WasmModule = {
  ...EMPTY_MODULE,
  types: Object.values(PRINTS).map((params) => ({ params, results: [] })),
  functions: names.map((_, type) => ({ type, locals: [], body: [] })),
  tables: [{ element: "funcref", minimum: 10, maximum: 20 }],
  memories: [{ minimum: 1, maximum: 2, shared: false }],
  globals: [
    constant("i32", { op: "i32.const", value: 666 }),
    constant("i64", { op: "i64.const", value: 666n }),
    constant("f32", { op: "f32.const", bits: float(666.6).f32 }),
    constant("f64", { op: "f64.const", bits: float(666.6).f64 }),
  ],
  exports: [
    ...names.map((name, index) => ({ name, kind: "function" as const, index })),
    ...GLOBALS.map((type, index) => ({ name: `global_${type}`, kind: "global" as const, index })),
    { name: "table", kind: "table", index: 0 },
    { name: "memory", kind: "memory", index: 0 },
  ],
};

const SHARED: WasmModule = {
  ...EMPTY_MODULE,
  memories: [{ minimum: 1, maximum: 2, shared: true }],
  exports: [{ name: "shared_memory", kind: "memory", index: 0 }],
};

/** Modules that together export what "spectest" has. */
export const SPECTEST: readonly Uint8Array[] = [encodeModule(MAIN), encodeModule(SHARED)];
