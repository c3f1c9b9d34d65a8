/** The V8 engine, recorded hits, and what is no bundle. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Packr } from "msgpackr";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { TargetError } from "../../../base/target-error.js";
import { BUNDLE_SECTION, type BundleMeta } from "../../../wasm-runtime/bundle.js";
import { readBundle } from "../../../wasm-runtime/bundle-read.js";
import { EMPTY_HIT, parseHit, showHit } from "../../../wasm-runtime/engine/hit.js";
import { createV8Engine } from "../../../wasm-runtime/engine/v8.js";
import { HOST } from "../../../wasm-runtime/host.js";
import { HOST_FUNCTIONS } from "../../../wasm-runtime/layout/host.js";
import { SESSION } from "../../../wasm-runtime/layout/memory.js";
import { checkLibrary } from "../../../wasm-runtime/library-check.js";
import { encodeModule } from "../../../wasm-runtime/module/encode.js";
import {
  EMPTY_MODULE,
  type Import,
  type Instruction,
  type WasmModule,
} from "../../../wasm-runtime/module/module.js";
import { libraryBytes, PLACES, testMeta } from "../library/harness.js";

const s = suite("engine");

function call(index: number): Instruction {
  return { op: "call", function: index };
}

function i32(value: number): Instruction {
  return { op: "i32.const", value };
}

function storeSession(field: number, value: number): Instruction[] {
  return [i32(SESSION.address), i32(value), { op: "i32.store", offset: field }];
}

const CONTEXT_PARAMETER: Instruction = { op: "local.get", local: 0 };

/** init sets up the session; handler 0 records register 5; handler 1 traps inside a record. */
function sampleModule(changes: Partial<WasmModule> = {}): WasmModule {
  const pages = PLACES.pages;
  const limits = { minimum: pages, maximum: pages, shared: true };
  const lib = (name: string, type: number): Import => ({
    module: "lib",
    name,
    kind: "function",
    type,
  });
  return {
    ...EMPTY_MODULE,
    types: [
      { params: [], results: [] },
      { params: ["i32"], results: [] },
      { params: ["i32", "i32", "i32"], results: [] },
      { params: ["i32", "i64"], results: [] },
      { params: ["i32"], results: ["i64"] },
      { params: ["i32", "i32"], results: [] },
    ],
    imports: [
      { module: "env", name: "memory", kind: "memory", memory: limits },
      lib("enter", 2),
      lib("leave", 1),
      lib("record_item", 2),
      lib("record_long", 3),
      { module: "host", name: "register", kind: "function", type: 4 },
    ],
    functions: [
      {
        type: 0,
        locals: [],
        body: [
          ...storeSession(SESSION.maxString, PLACES.maxString),
          ...storeSession(SESSION.ringBase, PLACES.ringBase),
          ...storeSession(SESSION.ringBytes, PLACES.ringBytes),
          ...storeSession(SESSION.ringCount, PLACES.ringCount),
          ...storeSession(SESSION.contextStride, PLACES.contextStride),
          ...storeSession(SESSION.scratchOffset, PLACES.scratchOffset),
        ],
      },
      {
        type: 5,
        locals: [],
        body: [
          ...[CONTEXT_PARAMETER, i32(0), i32(10), call(0)],
          ...[CONTEXT_PARAMETER, i32(0), i32(1), call(2)],
          ...[CONTEXT_PARAMETER, i32(5), call(4), call(3)],
          ...[CONTEXT_PARAMETER, call(1)],
        ],
      },
      {
        type: 5,
        locals: [],
        body: [
          ...[CONTEXT_PARAMETER, i32(1), i32(10), call(0)],
          ...[CONTEXT_PARAMETER, i32(0), i32(0), call(2)],
          { op: "unreachable" },
        ],
      },
    ],
    exports: [
      { name: "init", kind: "function", index: 5 },
      { name: "probe_0", kind: "function", index: 6 },
      { name: "probe_1", kind: "function", index: 7 },
    ],
    ...changes,
  };
}

function sampleMeta(): BundleMeta {
  const point = { kind: "never" } as const;
  const probes = [0, 1].map((i) => ({ handler: `probe_${i}`, name: "p", source: "f:1:1", point }));
  return { ...testMeta(), probes };
}

function bundle(meta: unknown = sampleMeta(), changes: Partial<WasmModule> = {}): Uint8Array {
  const bytes = new Packr({ useRecords: false }).pack(meta);
  return encodeModule(sampleModule({ custom: [{ name: BUNDLE_SECTION, bytes }], ...changes }));
}

s("runs handlers on hits and gives their records", () => {
  const engine = createV8Engine(bundle(), libraryBytes());
  engine.init();
  assert.is(engine.state(), "starting");
  engine.start();
  assert.is(engine.state(), "running");
  const registers = EMPTY_HIT.registers.with(5, 0xffff_ffff_ffff_fff0n);
  assert.is(engine.run(0, { ...EMPTY_HIT, registers }, 3), null);
  const [record] = engine.output();
  assert.is(record?.slot, 3);
  assert.equal(record?.items, [{ kind: "print", format: 0, values: [-16n] }]);
});

s("a trap is told and leaves nothing behind", () => {
  const engine = createV8Engine(bundle(), libraryBytes());
  engine.init();
  assert.is(engine.run(1), "unreachable");
  assert.is(engine.run(0), null);
  assert.equal(
    engine.output().map((record) => record.probe),
    [0],
  );
});

s("hits survive their JSON form", () => {
  const hit = {
    ...EMPTY_HIT,
    registers: EMPTY_HIT.registers.map((_, i) => (1n << 63n) + BigInt(i)),
    memory: [{ address: 0x7fff00001000n, bytes: Uint8Array.from([0, 1, 255]) }],
    returnAddresses: [0x401000n],
    threadName: "näme",
  };
  const parsed = parseHit(showHit(hit));
  const memory = parsed.memory.map((r) => ({ ...r, bytes: Uint8Array.from(r.bytes) }));
  assert.equal({ ...parsed, memory }, hit);
  assert.equal(parseHit("{}"), EMPTY_HIT);
});

function refusal(bytes: Uint8Array): string {
  try {
    readBundle(bytes, "x.wasm");
  } catch (error) {
    assert.instance(error, TargetError);
    return (error as TargetError).message;
  }
  return "";
}

s("a bundle is read with its description", () => {
  assert.equal(readBundle(bundle()).meta, sampleMeta());
});

s("what is no bundle is refused with the reason", () => {
  const meta = sampleMeta();
  const withMeta = (changes: object): Uint8Array => bundle({ ...meta, ...changes });
  const withMemory = (changes: object): Uint8Array =>
    withMeta({ memory: { ...meta.memory, ...changes } });
  const { imports, exports } = sampleModule();
  const extra = (module: string, name: string, type: number): Partial<WasmModule> => ({
    imports: [...imports, { module, name, kind: "function", type }],
    functions: [],
    exports: [],
  });
  const custom = [{ name: BUNDLE_SECTION, bytes: Uint8Array.from([0xc1, 0, 1]) }];
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /not WebAssembly/],
    [Buffer.from("#!/bin/sh\n"), /not WebAssembly/],
    [Buffer.from("\0asm\x01\0\0\0\xff", "latin1"), /invalid WebAssembly/],
    [encodeModule(sampleModule()), /no section "wastap"/],
    [encodeModule(sampleModule({ custom })), /no msgpack|a map|version/],
    [bundle("text"), /expected a map/],
    [withMeta({ version: 7 }), /description has version 7, this program reads 2; compile it again/],
    [withMeta({ abi: 99 }), /memory layout has version 99/],
    [withMeta({ probes: [{ handler: 5 }] }), /meta\.probes\[0\]\.handler: expected text/],
    [withMeta({ probes: [{ ...meta.probes[0], point: { kind: "x" } }] }), /point\.kind: unknown/],
    [withMeta({ probes: [{ ...meta.probes[0], handler: "leave" }] }), /no handler "leave"/],
    [withMemory({ pages: 0 }), /meta\.memory\.pages/],
    [withMemory({ pages: 17 }), /not shared or not of the size/],
    [withMemory({ ringCount: 1000 }), /rings leave linear memory/],
    [withMemory({ ringBase: PLACES.contextBase }), /overlap/],
    [withMemory({ contextBase: PLACES.contextBase + 4 }), /not aligned/],
    [withMemory({ contextBase: -8 }), /meta\.memory\.contextBase/],
    [bundle(meta, extra("lib", "format_disk", 0)), /imports unknown "lib" "format_disk"/],
    [bundle(meta, extra("lib", "toString", 0)), /imports unknown "lib" "toString"/],
    [bundle(meta, extra("host", "exec", 0)), /imports unknown "host" "exec"/],
    [bundle(meta, extra("wasi", "fd_write", 0)), /imports unknown "wasi" "fd_write"/],
    [bundle(meta, extra("lib", "scratch", 0)), /imports "lib" "scratch" as >, not ii>i/],
    [bundle(meta, { exports: exports.slice(1) }), /no function "init"/],
  ];
  for (const [bytes, reason] of cases) {
    const message = refusal(bytes);
    assert.match(message, /^"x\.wasm" is not a bundle of wastap: /);
    assert.match(message, reason);
  }
});

/** Signatures of host.wit after flattening: s32, u32 and ptr are i32, s64 and u64 i64. */
function witSignatures(): Record<string, string> {
  const text = readFileSync(join(PACKAGE_ROOT, "wasm-runtime", "host.wit"), "utf8");
  const letters: Record<string, string> = { u32: "i", s32: "i", ptr: "i", u64: "l", s64: "l" };
  const found: Record<string, string> = {};
  for (const match of text.matchAll(/^ {2}([a-z-]+): func\(([^)]*)\)(?: -> (\w+))?;$/gm)) {
    const [, name = "", parameters = "", result] = match;
    const types = parameters === "" ? [] : parameters.split(", ").map((p) => p.split(": ")[1]);
    const show = (type: string | undefined): string => letters[type ?? ""] ?? "?";
    const results = result === undefined ? "" : show(result);
    found[name.replaceAll("-", "_")] = `${types.map(show).join("")}>${results}`;
  }
  return found;
}

s("HOST restates host.wit, in the order of the table", () => {
  assert.equal(HOST, witSignatures());
  assert.equal(Object.keys(HOST), [...HOST_FUNCTIONS]);
});

s("the library keeps its contract, and a module that does not is told so", () => {
  assert.equal(checkLibrary(libraryBytes()), []);
  const problems = checkLibrary(bundle());
  assert.ok(problems.includes('export "init" is not in library-abi.ts'));
  assert.ok(problems.includes('export "enter" is missing'));
  assert.ok(problems.includes('import "lib" "enter" is unexpected'));
});

s.run();
