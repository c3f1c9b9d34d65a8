/** A bundle and its library in one image: linking, handlers, host calls, limits. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type CodeImage,
  compileImage,
  type ImageModule,
} from "../../../wasm-runtime/aot/compile.js";
import { callHandler, mapCode, mapMemory, stackAddress } from "../../../wasm-runtime/aot/native.js";
import { LinkError } from "../../../wasm-runtime/aot/resolve.js";
import { trapName } from "../../../wasm-runtime/aot/traps.js";
import { validateModule } from "../../../wasm-runtime/aot/validate.js";
import { HOST_FUNCTIONS } from "../../../wasm-runtime/layout/host.js";
import { FRAME, VM_CONTEXT } from "../../../wasm-runtime/layout/private.js";
import { encodeModule } from "../../../wasm-runtime/module/encode.js";
import {
  EMPTY_MODULE,
  type FunctionType,
  type Import,
  type Instruction,
  type ValueType,
  type WasmModule,
} from "../../../wasm-runtime/module/module.js";
import { Assembler } from "../../../wasm-runtime/x64/encode.js";
import { showCode } from "../../../wasm-runtime/x64/print.js";
import { GP } from "../../../wasm-runtime/x64/regs.js";

const test = suite("aot/compile");

const MEMORY: Import = {
  module: "env",
  name: "memory",
  kind: "memory",
  memory: { minimum: 1, maximum: 1, shared: true },
};

interface Spec {
  readonly imports?: readonly { module: string; name: string; type: FunctionType }[];
  readonly exports: Readonly<
    Record<string, { type: FunctionType; locals?: ValueType[]; body: readonly Instruction[] }>
  >;
}

const type = (params: readonly ValueType[], results: readonly ValueType[] = []): FunctionType => ({
  params,
  results,
});
const HANDLER = type(["i32"]);

function image(name: string, spec: Spec, more: Partial<WasmModule> = {}): ImageModule {
  const imports = spec.imports ?? [];
  const functions = Object.values(spec.exports);
  const module: WasmModule = {
    ...EMPTY_MODULE,
    types: [...imports.map((i) => i.type), ...functions.map((f) => f.type)],
    imports: [
      MEMORY,
      ...imports.map((i, index) => ({
        module: i.module,
        name: i.name,
        kind: "function" as const,
        type: index,
      })),
    ],
    functions: functions.map((f, i) => ({
      type: imports.length + i,
      locals: f.locals ?? [],
      body: f.body,
    })),
    exports: Object.keys(spec.exports).map((key, i) => ({
      name: key,
      kind: "function" as const,
      index: imports.length + i,
    })),
    ...more,
  };
  return { name, module: validateModule(encodeModule(module)) };
}

/** A VmContext, one page of memory, probe registers and host functions, ready to call. */
class Machine {
  readonly address: bigint;
  readonly view: DataView;
  readonly memory: DataView;
  readonly code: bigint;
  private readonly compiled: CodeImage;

  constructor(compiled: CodeImage, hosts: readonly bigint[] = []) {
    const context = mapMemory(4096);
    const memory = mapMemory(65536);
    this.compiled = compiled;
    this.address = context.address;
    this.view = new DataView(context.buffer);
    this.memory = new DataView(memory.buffer);
    this.code = mapCode(compiled.bytes);
    this.set(VM_CONTEXT.memoryBase, memory.address);
    this.set(VM_CONTEXT.memorySize, 65536n);
    this.set(VM_CONTEXT.fuel, 1000n);
    this.set(VM_CONTEXT.hosts, this.address + 1024n);
    this.set(VM_CONTEXT.instance, this.address + 2048n);
    for (const [index, host] of hosts.entries()) this.set(1024 + 8 * index, host);
    for (const { address, bytes } of compiled.initialMemory) {
      new Uint8Array(memory.buffer).set(bytes, address);
    }
    new Uint8Array(context.buffer).set(compiled.initialInstance, 2048);
  }
  set(offset: number, value: bigint): void {
    this.view.setBigUint64(offset, value, true);
  }
  run(name: string, argument = 0): string {
    this.set(VM_CONTEXT.stackLimit, stackAddress() - 65536n);
    const entry = this.compiled.entries.get(name);
    assert.ok(entry !== undefined, `no entry ${name}`);
    return trapName(callHandler(this.code + BigInt(entry ?? 0), this.address, argument));
  }
}

const get = (local: number): Instruction => ({ op: "local.get", local });
const i32 = (value: number): Instruction => ({ op: "i32.const", value });
const i64 = (value: bigint): Instruction => ({ op: "i64.const", value });

/** memory[A] += by */
function increment(address: number, by: readonly Instruction[]): Instruction[] {
  return [
    i32(address),
    i32(address),
    { op: "i64.load" },
    ...by,
    { op: "i64.add" },
    { op: "i64.store" },
  ];
}

const LIBRARY = image("lib", {
  exports: {
    twice: { type: type(["i64"], ["i64"]), body: [get(0), i64(2n), { op: "i64.mul" }] },
    recover: { type: HANDLER, body: [get(0), i32(-1), { op: "i32.store", offset: 0 }] },
    half: {
      type: type(["f64"], ["f64"]),
      body: [get(0), { op: "f64.const", bits: 0x3fe0000000000000n }, { op: "f64.mul" }],
    },
  },
});

test("links a bundle with its library and runs handlers", () => {
  const bundle = image("bundle", {
    imports: [{ module: "lib", name: "twice", type: type(["i64"], ["i64"]) }],
    exports: {
      init: { type: type([]), body: increment(64, [i64(5n)]) },
      probe: {
        type: HANDLER,
        body: increment(64, [get(0), { op: "i64.extend_i32_u" }, { op: "call", function: 0 }]),
      },
    },
  });
  const compiled = compileImage([{ ...LIBRARY, keep: ["recover"] }, bundle]);
  assert.equal([...compiled.entries.keys()].sort(), [
    "bundle.init",
    "bundle.probe",
    "init",
    "lib.recover",
    "probe",
    "recover",
  ]);
  assert.is(compiled.instanceBytes, 0);
  assert.equal([...compiled.usesFloat], []);
  assert.equal(compiled.memory, { minimumBytes: 65536, exact: true });
  const machine = new Machine(compiled);
  assert.is(machine.run("init"), "none");
  assert.is(machine.run("probe", 21), "none");
  assert.is(machine.memory.getBigInt64(64, true), 47n);
  assert.is(machine.run("recover", 128), "none");
  assert.is(machine.memory.getInt32(128, true), -1);
});

test("increments a counter in memory with few instructions", () => {
  const bundle = image("bundle", {
    exports: { probe: { type: HANDLER, body: increment(64, [i64(1n)]) } },
  });
  const compiled = compileImage([bundle]);
  const { offset, bytes } = compiled.functions.get("0:0") ?? { offset: 0, bytes: 0 };
  assert.is(
    showCode(compiled.bytes.subarray(offset, offset + bytes)).replaceAll(/^ *[0-9a-f]+: /gm, ""),
    "mov rax, [r14+0x40]\nadd rax, 1\nmov [r14+0x40], rax\nret\n",
  );
});

test("knows which exports may use floating point, through tables too", () => {
  const bundle = image(
    "bundle",
    {
      imports: [{ module: "lib", name: "half", type: type(["f64"], ["f64"]) }],
      exports: {
        integers: { type: HANDLER, body: increment(64, [i64(1n)]) },
        direct: {
          type: HANDLER,
          body: [{ op: "f64.const", bits: 0n }, { op: "call", function: 0 }, { op: "drop" }],
        },
        indirect: {
          type: HANDLER,
          body: [get(0), i32(0), { op: "call_indirect", type: 2, table: 0 }],
        },
      },
    },
    {
      tables: [{ element: "funcref", minimum: 2, maximum: 2 }],
      elements: [
        {
          type: "funcref",
          mode: { kind: "active", table: 0, offset: [i32(1)] },
          items: [[{ op: "ref.func", function: 2 }]],
        },
      ],
    },
  );
  const compiled = compileImage([{ ...LIBRARY, keep: [] }, bundle]);
  assert.equal([...compiled.usesFloat].sort(), [
    "bundle.direct",
    "bundle.indirect",
    "direct",
    "indirect",
  ]);
});

test("calls through constant tables check index, presence and signature", () => {
  const bundle = image(
    "bundle",
    {
      exports: {
        count: { type: type([]), body: increment(64, [i64(1n)]) },
        other: { type: type(["i32", "i32"], ["i32"]), body: [get(0)] },
        probe: { type: HANDLER, body: [get(0), { op: "call_indirect", type: 0, table: 0 }] },
      },
    },
    {
      tables: [{ element: "funcref", minimum: 3, maximum: 3 }],
      elements: [
        {
          type: "funcref",
          mode: { kind: "active", table: 0, offset: [i32(0)] },
          items: [[{ op: "ref.func", function: 0 }], [{ op: "ref.func", function: 1 }]],
        },
      ],
    },
  );
  const machine = new Machine(compileImage([bundle]));
  assert.is(machine.run("probe", 0), "none");
  assert.is(machine.memory.getBigInt64(64, true), 1n);
  assert.is(machine.run("probe", 1), "indirect call type mismatch");
  assert.is(machine.run("probe", 2), "uninitialized element");
  assert.is(machine.run("probe", -1), "undefined element");
});

/** Host functions in machine code: each returns its second argument + 1000 * (rsp mod 16). */
function hostTable(): bigint[] {
  const out = new Assembler<never>();
  out.emit("mov r64,r/m64", GP.rax, GP.rsp);
  out.emit("and r/m64,imm8", GP.rax, 15);
  out.emit("imul r64,r/m64,imm32", GP.rax, GP.rax, 1000);
  out.emit("add r64,r/m64", GP.rax, GP.rsi);
  // Every register that a C function may change.
  for (const r of [GP.rcx, GP.rdx, GP.rsi, GP.rdi, GP.r8, GP.r9, GP.r10, GP.r11])
    out.emit("mov r32,imm32", r, -1);
  out.emit("ret");
  const address = mapCode(out.finish());
  return HOST_FUNCTIONS.map(() => address);
}

test("calls host functions with an aligned stack and keeps its values", () => {
  const bundle = image("bundle", {
    imports: [{ module: "host", name: "identity", type: type(["i32"], ["i64"]) }],
    exports: {
      probe: {
        type: HANDLER,
        body: [
          get(0),
          get(0),
          { op: "i64.extend_i32_u" },
          i32(7),
          { op: "call", function: 0 },
          { op: "i64.add" },
          get(0),
          { op: "call", function: 0 },
          { op: "i64.add" },
          { op: "i64.store" },
        ],
      },
    },
  });
  const machine = new Machine(compileImage([bundle]), hostTable());
  assert.is(machine.run("probe", 64), "none");
  assert.is(machine.memory.getBigInt64(64, true), 64n + 8007n + 8064n);
});

test("reads probe registers inline, 0 without a frame", () => {
  const bundle = image("bundle", {
    imports: [
      { module: "host", name: "register", type: type(["i32"], ["i64"]) },
      { module: "host", name: "ticks", type: type([], ["i64"]) },
    ],
    exports: {
      probe: {
        type: HANDLER,
        body: [get(0), i32(5), { op: "call", function: 0 }, { op: "i64.store" }],
      },
      time: { type: HANDLER, body: [get(0), { op: "call", function: 1 }, { op: "i64.store" }] },
    },
  });
  const machine = new Machine(compileImage([bundle]));
  assert.is(machine.run("probe", 64), "none");
  assert.is(machine.memory.getBigInt64(64, true), 0n);
  const frame = mapMemory(4096);
  new DataView(frame.buffer).setBigInt64(8 * FRAME.registers.indexOf("rdi"), 77n, true);
  machine.set(VM_CONTEXT.frame, frame.address);
  assert.is(machine.run("probe", 64), "none");
  assert.is(machine.memory.getBigInt64(64, true), 77n);
  assert.is(machine.run("time", 64), "none");
  assert.is.not(machine.memory.getBigInt64(64, true), 77n);
});

test("ends endless loops and recursion", () => {
  const bundle = image("bundle", {
    exports: {
      forever: {
        type: type([]),
        body: [{ op: "loop", type: null }, { op: "br", label: 0 }, { op: "end" }],
      },
      recurse: { type: type([]), body: [{ op: "call", function: 1 }] },
    },
  });
  const machine = new Machine(compileImage([bundle]));
  assert.is(machine.run("forever"), "budget exhausted");
  machine.set(VM_CONTEXT.fuel, 1n << 40n);
  assert.is(machine.run("recurse"), "stack exhausted");
  assert.is(machine.view.getUint32(VM_CONTEXT.trapReason, true), 9);
});

test("refuses what a process has no runtime for", () => {
  const grow = image("bundle", {
    exports: { f: { type: type([]), body: [i32(1), { op: "memory.grow" }, { op: "drop" }] } },
  });
  assert.throws(
    () => compileImage([grow]),
    (e: unknown) => e instanceof LinkError && /memory\.grow/.test(e.message),
  );
  const missing = image("bundle", {
    imports: [{ module: "lib", name: "nothing", type: HANDLER }],
    exports: {},
  });
  assert.throws(() => compileImage([LIBRARY, missing]), /no function 'lib\.nothing'/);
  const wrong = image("bundle", {
    imports: [{ module: "lib", name: "twice", type: HANDLER }],
    exports: {},
  });
  assert.throws(() => compileImage([LIBRARY, wrong]), /another type/);
});

test("runs at any address without being written", () => {
  const bundle = image(
    "bundle",
    { exports: { probe: { type: HANDLER, body: increment(64, [i64(1n)]) } } },
    {
      globals: [{ type: "i64", mutable: true, init: [i64(9n)] }],
    },
  );
  const first = compileImage([bundle]);
  assert.equal(first.bytes, compileImage([bundle]).bytes);
  assert.is(first.instanceBytes, 16);
  assert.is(new DataView(first.initialInstance.buffer).getBigInt64(8, true), 9n);
});

test.run();
