/** The library in V8 on a small linear memory, with the helpers that its tests share. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PREBUILDS } from "../../../base/root.js";
import { BUNDLE_VERSION, type BundleMeta } from "../../../wasm-runtime/bundle.js";
import { EMPTY_HIT, type Hit } from "../../../wasm-runtime/engine/hit.js";
import { createHost, type HostHits } from "../../../wasm-runtime/engine/host-hits.js";
import { instantiateLibrary, type LibraryExports } from "../../../wasm-runtime/engine/v8.js";
import { CONTEXT, SESSION } from "../../../wasm-runtime/layout/memory.js";
import { ABI_VERSION } from "../../../wasm-runtime/layout/shared.js";
import { createRecordReader, type RecordReader } from "../../../wasm-runtime/records/read.js";

/** Where things are in the tests' memory. */
export const PLACES = {
  pages: 16,
  strings: 0x10000,
  /** Free for maps, statistics and results. */
  data: 0x20000,
  contextBase: 0x80000,
  contextStride: 8192,
  slotCount: 7,
  frames: 768,
  scratchOffset: 1024,
  ringBase: 0xa0000,
  ringBytes: 4096,
  ringCount: 4,
  procfs: 0,
  procfsBytes: 0,
  maxString: 64,
} as const;

/** A library on its memory. */
export interface Harness {
  readonly lib: LibraryExports;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly memory: WebAssembly.Memory;
  /** Context of slot 0. */
  readonly context: number;
  readonly reader: RecordReader;
  hit: Hit;
  /** Puts a NUL-terminated string somewhere; its address. */
  text(text: string): number;
  /** The string at `address`, one character per byte. */
  string(address: number): string;
  /** Result of a call that writes a string to its last parameter. */
  result(call: (out: number) => unknown): string;
  /** Text of the pending error, "" if none; clears it. */
  error(): string;
  session(field: Exclude<keyof typeof SESSION, "address" | "bytes">): number;
  setSession(field: Exclude<keyof typeof SESSION, "address" | "bytes">, value: number): void;
}

/** Bytes of library.wasm. */
export function libraryBytes(): Uint8Array {
  return readFileSync(join(PREBUILDS, "library.wasm"));
}

/** Description that the reader needs. */
export function testMeta(probes = 4): BundleMeta {
  const probe = { handler: "", name: "", source: "", point: { kind: "never" } } as const;
  return {
    version: BUNDLE_VERSION,
    abi: ABI_VERSION,
    memory: { ...PLACES },
    probes: Array.from({ length: probes }, () => probe),
    formats: [],
    globals: [],
    modules: [],
    locations: [""],
    capabilities: [],
    session: {
      maxErrors: 0,
      maxSkipped: 100,
      suppressErrors: false,
      lockTries: 100,
      maxAction: 1000,
    },
    warnings: [],
  };
}

/** A fresh memory with a session, and the library on it. */
export function createHarness(options: HostHits = {}): Harness {
  const memory = new WebAssembly.Memory({
    initial: PLACES.pages,
    maximum: PLACES.pages,
    shared: true,
  });
  const harness = attachHarness(memory, options);
  for (const field of ["ringBase", "ringBytes", "ringCount", "maxString"] as const) {
    harness.setSession(field, PLACES[field]);
  }
  harness.setSession("contextStride", PLACES.contextStride);
  harness.setSession("scratchOffset", PLACES.scratchOffset);
  harness.setSession("frames", PLACES.frames);
  harness.setSession("maxFrames", 20);
  harness.setSession("lockTries", 100);
  harness.setSession("state", 1);
  for (let slot = 0; slot <= PLACES.slotCount; slot++) {
    harness.view.setInt32(contextOf(slot) + CONTEXT.slot, slot, true);
  }
  harness.lib.enter(harness.context, 0, 1000);
  return harness;
}

/** Address of the context of `slot`. */
export function contextOf(slot: number): number {
  return PLACES.contextBase + slot * PLACES.contextStride;
}

/** The library on a memory that has a session already. */
export function attachHarness(memory: WebAssembly.Memory, options: HostHits = {}): Harness {
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  let nextString: number = PLACES.strings;
  const context = contextOf(0);
  const harness: Harness = {
    lib: instantiateLibrary(
      libraryBytes(),
      memory,
      createHost(bytes, () => harness.hit, options),
    ),
    bytes,
    view,
    memory,
    context,
    reader: createRecordReader(bytes, testMeta()),
    hit: EMPTY_HIT,
    text(text) {
      const at = nextString;
      const content = Buffer.from(`${text}\0`, "latin1");
      bytes.set(content, at);
      nextString += content.length;
      return at;
    },
    string: (address) =>
      Buffer.from(bytes.slice(address, bytes.indexOf(0, address))).toString("latin1"),
    result(call) {
      const out = PLACES.data - 0x1000;
      bytes.fill(0x7e, out, out + 0x200);
      call(out);
      if (bytes[out + PLACES.maxString] !== 0x7e) throw new Error("wrote past the string");
      return harness.string(out);
    },
    error() {
      const address = view.getInt32(context + CONTEXT.error, true);
      view.setInt32(context + CONTEXT.error, 0, true);
      return address === 0 ? "" : harness.string(address);
    },
    session: (field) => view.getInt32(SESSION.address + SESSION[field], true),
    setSession: (field, value) => view.setInt32(SESSION.address + SESSION[field], value, true),
  };
  return harness;
}
