/**
 * The V8 engine: runs the handlers of a bundle, linked with the library, on recorded hits. Takes
 * the bytes of both and a host over hits; gives the records. It stands beside machine code in
 * differential tests, and means the same but for the budget, which V8 does not have.
 */
import { assert, bug } from "../../base/assert.js";
import type { BundleMeta } from "../bundle.js";
import { readBundle } from "../bundle-read.js";
import { CONTEXT, SESSION, SESSION_STATE } from "../layout/memory.js";
import type { LibraryFunction } from "../library-abi.js";
import { createRecordReader, type LogRecord, type LostCounts } from "../records/read.js";
import { EMPTY_HIT, type Hit } from "./hit.js";
import { createHost, type HostHits } from "./host-hits.js";

/** A linked program. */
export interface V8Engine {
  readonly meta: BundleMeta;
  /** Linear memory. */
  readonly memory: Uint8Array;
  /** Runs the bundle's `init` and numbers the contexts. */
  init(): void;
  /** Sets SESSION.state, by default to running. */
  start(state?: keyof typeof SESSION_STATE): void;
  /** Name of SESSION.state. */
  state(): string;
  /** Runs handler `probe` on `hit` in context `slot`; the message of a trap, or null. */
  run(probe: number, hit?: Hit, slot?: number): string | null;
  /** Records published since the last call. */
  output(): LogRecord[];
  lost(): LostCounts;
}

type WasmFunction = (...parameters: (number | bigint)[]) => number | bigint | undefined;

/** Exports of a library instance. */
export type LibraryExports = Readonly<Record<LibraryFunction, WasmFunction>>;

/** Instantiates `library` on `memory`. */
export function instantiateLibrary(
  library: Uint8Array,
  memory: WebAssembly.Memory,
  host: object,
): LibraryExports {
  const module = new WebAssembly.Module(library as BufferSource);
  const imports = { env: { memory }, host: host as WebAssembly.ModuleImports };
  return new WebAssembly.Instance(module, imports).exports as unknown as LibraryExports;
}

/** Links `bundle` with `library`; throws TargetError if the bundle is none. */
export function createV8Engine(
  bundle: Uint8Array,
  library: Uint8Array,
  options: HostHits = {},
): V8Engine {
  const { module, meta } = readBundle(bundle);
  const { pages, contextBase, contextStride, slotCount } = meta.memory;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  let current: Hit = EMPTY_HIT;
  const host = createHost(bytes, () => current, options) as unknown as WebAssembly.ModuleImports;
  const lib = instantiateLibrary(library, memory, host);
  const imports = { env: { memory }, lib: lib as unknown as WebAssembly.ModuleImports, host };
  const handlers = new WebAssembly.Instance(module, imports).exports;
  const call = (name: string, ...parameters: number[]): void => {
    const found = handlers[name];
    assert(typeof found === "function", `bundle exports no function "${name}"`);
    found(...parameters);
  };
  const stateIndex = (SESSION.address + SESSION.state) >> 2;
  const reader = createRecordReader(bytes, meta);
  return {
    meta,
    memory: bytes,
    init() {
      call("init");
      for (let slot = 0; slot <= slotCount; slot++) {
        const at = contextBase + slot * contextStride + CONTEXT.slot;
        if (at + 4 <= bytes.length) words[at >> 2] = slot;
      }
    },
    start(state = "running") {
      Atomics.store(words, stateIndex, SESSION_STATE[state]);
    },
    state() {
      const value = Atomics.load(words, stateIndex);
      return Object.entries(SESSION_STATE).find(([, each]) => each === value)?.[0] ?? "unknown";
    },
    run(probe, hit = EMPTY_HIT, slot = 0) {
      const handler = meta.probes[probe] ?? bug(`bundle has no probe ${probe}`);
      const context = contextBase + slot * contextStride;
      current = hit;
      try {
        call(handler.handler, context, probe);
        return null;
      } catch (error) {
        if (!isTrap(error)) throw error;
        lib.recover(context);
        return error.message;
      }
    },
    output: () => reader.poll({ final: true }),
    lost: () => reader.lost(),
  };
}

/** Traps are RuntimeError; an exhausted stack is a RangeError in V8. */
function isTrap(error: unknown): error is Error {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}
