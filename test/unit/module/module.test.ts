/** Encoder and decoder against each other and against V8. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decodeModule, WasmDecodeError } from "../../../wasm-runtime/module/decode.js";
import { encodeModule } from "../../../wasm-runtime/module/encode.js";
import {
  EMPTY_MODULE,
  type Instruction,
  type WasmModule,
} from "../../../wasm-runtime/module/module.js";
import { OPCODES } from "../../../wasm-runtime/module/opcodes.js";
import { showModule } from "../../../wasm-runtime/module/print.js";

const test = suite("module");

function withBody(body: readonly Instruction[]): WasmModule {
  return {
    ...EMPTY_MODULE,
    types: [{ params: ["i32"], results: ["i64"] }],
    functions: [{ type: 0, locals: ["i64", "i64", "f32"], body }],
    exports: [{ name: "f", kind: "function", index: 0 }],
  };
}

/** One of everything that is not an instruction. */
const FULL: WasmModule = {
  types: [
    { params: [], results: [] },
    { params: ["i32", "f64"], results: ["i64"] },
  ],
  imports: [
    { module: "env", name: "f", kind: "function", type: 1 },
    { module: "env", name: "g", kind: "global", global: { type: "i32", mutable: false } },
    { module: "env", name: "m", kind: "memory", memory: { minimum: 1, maximum: 2, shared: true } },
    {
      module: "env",
      name: "t",
      kind: "table",
      table: { minimum: 3, maximum: null, element: "funcref" },
    },
  ],
  functions: [{ type: 0, locals: [], body: [{ op: "data.drop", data: 1 }] }],
  tables: [{ minimum: 0, maximum: 9, element: "externref" }],
  memories: [],
  globals: [{ type: "i64", mutable: true, init: [{ op: "i64.const", value: -1n }] }],
  exports: [{ name: "é", kind: "function", index: 1 }],
  start: 1,
  elements: [
    {
      type: "funcref",
      mode: { kind: "active", table: 0, offset: [{ op: "global.get", global: 0 }] },
      items: [[{ op: "ref.func", function: 0 }], [{ op: "ref.null", type: "funcref" }]],
    },
    { type: "funcref", mode: { kind: "declarative" }, items: [[{ op: "ref.func", function: 1 }]] },
  ],
  data: [
    {
      mode: { kind: "active", memory: 0, offset: [{ op: "i32.const", value: 8 }] },
      bytes: Uint8Array.of(0, 65),
    },
    { mode: { kind: "passive" }, bytes: Uint8Array.of(34) },
  ],
  custom: [{ name: "note", bytes: Uint8Array.of(1, 2, 3) }],
};

test("encodes what V8 runs", () => {
  const bytes = encodeModule(
    withBody([
      { op: "block", type: "i64" },
      { op: "local.get", local: 0 },
      { op: "i64.extend_i32_s" },
      { op: "i64.const", value: -0x8000000000000000n },
      { op: "i64.add" },
      { op: "end" },
    ]),
  );
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const f = instance.exports["f"] as (x: number) => bigint;
  assert.is(f(-1), 0x7fffffffffffffffn);
});

test("decodes what it encoded", () => {
  const bytes = encodeModule(FULL);
  assert.ok(WebAssembly.validate(bytes));
  assert.equal(decodeModule(bytes), FULL);
});

test("keeps constants bit for bit", () => {
  const body: Instruction[] = [
    { op: "i32.const", value: -0x80000000 },
    { op: "i64.const", value: 0x7fffffffffffffffn },
    { op: "f32.const", bits: 0x7fa00001 },
    { op: "f64.const", bits: 0xfff4000000000001n },
    { op: "i32.const", value: 64 },
    { op: "i64.const", value: -65n },
  ];
  assert.equal(decodeModule(encodeModule(withBody(body))).functions[0]?.body, body);
});

test("gives each opcode once", () => {
  const codes = Object.values(OPCODES).map((entry) => entry.code);
  assert.is(new Set(codes).size, codes.length);
});

test("says where input is malformed", () => {
  const bytes = encodeModule(withBody([{ op: "i64.const", value: 0n }]));
  for (let length = 0; length < bytes.length; length++) {
    if (length === 8) continue;
    try {
      decodeModule(bytes.subarray(0, length));
    } catch (error) {
      assert.instance(error, WasmDecodeError);
    }
  }
  assert.throws(() => decodeModule(bytes.subarray(0, bytes.length - 2)), /unexpected end at byte/);
});

test("shows a module as text", () => {
  const text = showModule(FULL);
  assert.match(text, '(import "env" "m" (memory 1 2 shared))');
  assert.match(text, "(elem (table 0) (global.get 0) funcref (ref.func 0) (ref.null funcref))");
  assert.match(text, '(data (i32.const 8) "\\00A")');
});

test.run();
