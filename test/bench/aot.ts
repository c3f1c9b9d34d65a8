/**
 * Speed of compiled code beside V8's, ns per iteration: a loop that adds to a logarithmic histogram
 * and one that looks keys up in a hash table. Also the time to compile the library.
 *
 *   node dist/test/bench/aot.js [iterations]
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bug } from "../../base/assert.js";
import { PREBUILDS } from "../../base/root.js";
import { compileImage } from "../../wasm-runtime/aot/compile.js";
import { instantiate, invoke, newStore } from "../../wasm-runtime/aot/instance.js";
import { validateModule } from "../../wasm-runtime/aot/validate.js";
import { encodeModule } from "../../wasm-runtime/module/encode.js";
import {
  EMPTY_MODULE,
  type Instruction,
  type WasmModule,
} from "../../wasm-runtime/module/module.js";

const ITERATIONS = Number(process.argv[2] ?? 5_000_000);

const get = (local: number): Instruction => ({ op: "local.get", local });
const set = (local: number): Instruction => ({ op: "local.set", local });
const i32 = (value: number): Instruction => ({ op: "i32.const", value });
const i64 = (value: bigint): Instruction => ({ op: "i64.const", value });

/** local 1 (i64) = next pseudo-random number (xorshift64). */
const NEXT: readonly Instruction[] = [
  ...(
    [
      [13n, "i64.shl"],
      [7n, "i64.shr_u"],
      [17n, "i64.shl"],
    ] as const
  ).flatMap(([count, op]): Instruction[] => [
    get(1),
    get(1),
    i64(count),
    { op },
    { op: "i64.xor" },
    set(1),
  ]),
];

/** memory[8 * (64 - clz(number))] += 1 */
const HISTOGRAM: readonly Instruction[] = [
  i32(64),
  get(1),
  { op: "i64.clz" },
  { op: "i32.wrap_i64" },
  { op: "i32.sub" },
  i32(3),
  { op: "i32.shl" },
  set(2),
  get(2),
  get(2),
  { op: "i64.load", offset: 1024 },
  i64(1n),
  { op: "i64.add" },
  { op: "i64.store", offset: 1024 },
];

/** Linear probing in 256 slots of { key, count } for number mod 128. */
const LOOK_UP: readonly Instruction[] = [
  get(1),
  i64(127n),
  { op: "i64.and" },
  i64(1n),
  { op: "i64.add" },
  set(3),
  get(3),
  i64(0x9e3779b97f4a7c15n),
  { op: "i64.mul" },
  i64(56n),
  { op: "i64.shr_u" },
  { op: "i32.wrap_i64" },
  set(2),
  { op: "block", type: null },
  { op: "loop", type: null },
  get(2),
  i32(4),
  { op: "i32.shl" },
  set(4),
  get(4),
  { op: "i64.load", offset: 4096 },
  get(3),
  { op: "i64.eq" },
  { op: "br_if", label: 1 },
  get(4),
  { op: "i64.load", offset: 4096 },
  { op: "i64.eqz" },
  { op: "if", type: null },
  get(4),
  get(3),
  { op: "i64.store", offset: 4096 },
  { op: "br", label: 2 },
  { op: "end" },
  get(2),
  i32(1),
  { op: "i32.add" },
  i32(255),
  { op: "i32.and" },
  set(2),
  { op: "br", label: 0 },
  { op: "end" },
  { op: "end" },
  get(4),
  get(4),
  { op: "i64.load", offset: 4104 },
  i64(1n),
  { op: "i64.add" },
  { op: "i64.store", offset: 4104 },
];

function loopModule(work: readonly Instruction[]): WasmModule {
  const body: Instruction[] = [
    i64(88172645463325252n),
    set(1),
    { op: "loop", type: null },
    ...NEXT,
    ...work,
    get(0),
    i32(1),
    { op: "i32.sub" },
    { op: "local.tee", local: 0 },
    { op: "br_if", label: 0 },
    { op: "end" },
  ];
  return {
    ...EMPTY_MODULE,
    types: [{ params: ["i32"], results: [] }],
    functions: [{ type: 0, locals: ["i64", "i32", "i64", "i32"], body }],
    memories: [{ minimum: 1, maximum: 1, shared: false }],
    exports: [{ name: "run", kind: "function", index: 0 }],
  };
}

/** Least ns per iteration of several runs. */
function best(run: (iterations: number) => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    run(ITERATIONS);
    least = Math.min(least, Number(process.hrtime.bigint() - start) / ITERATIONS);
  }
  return least;
}

function measure(name: string, work: readonly Instruction[]): void {
  const bytes = encodeModule(loopModule(work));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const v8 = best(exports["run"] as (iterations: number) => void);
  const store = newStore();
  const f = instantiate(store, validateModule(bytes), () => undefined).exports.get("run");
  if (f?.kind !== "function") bug("run is missing");
  const ours = best((iterations) => invoke(store, f, [BigInt(iterations)]));
  process.stdout.write(
    `${name.padEnd(12)} ${ours.toFixed(2).padStart(7)} ns  V8 ${v8.toFixed(2).padStart(7)} ns  ratio ${(ours / v8).toFixed(2)}\n`,
  );
}

function measureLibrary(): void {
  const path = join(PREBUILDS, "library.wasm");
  if (!existsSync(path)) return;
  const module = validateModule(readFileSync(path));
  const times: number[] = [];
  let size = 0;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    size = compileImage([{ name: "lib", module }]).bytes.length;
    times.push(performance.now() - start);
  }
  process.stdout.write(
    `library: ${module.bytes.length} bytes of Wasm, ${size} of code; first ${times[0]?.toFixed(0)} ms, best ${Math.min(...times).toFixed(0)} ms\n`,
  );
}

measure("histogram", HISTOGRAM);
measure("hash table", LOOK_UP);
measureLibrary();
