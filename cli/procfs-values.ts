/** What handlers of control files see of them: PROCFS in linear memory. */
import type { BundleMemory, BundlePoint } from "../wasm-runtime/bundle.js";
import { PROCFS } from "../wasm-runtime/layout/memory.js";

/** What a session gives to its control files. */
export interface ProcfsSession {
  /** Linear memory. */
  readonly memory: Uint8Array;
  /** Does something as soon as handlers can run without waiting for a process that is stopped. */
  whenRunning(action: () => void): void;
  /** Runs the handler of a probe, unless the session is about to end. */
  run(probe: number): void;
}

/** A probe of a file. */
export interface ProcfsUse {
  readonly probe: number;
  readonly point: BundlePoint & { readonly kind: "procfs" };
}

/** The text that the handler of `use` makes. */
export function readValue(
  { probe, point }: ProcfsUse,
  layout: BundleMemory,
  { memory, run }: ProcfsSession,
): Uint8Array {
  const view = viewOf(memory, layout);
  const capacity = Math.min(point.bytes ?? 0, layout.procfsBytes - PROCFS.text);
  put(memory, layout, new Uint8Array());
  view.setInt32(PROCFS.capacity, capacity, true);
  run(probe);
  // Traced processes can write there, too.
  const length = Math.max(0, Math.min(view.getInt32(PROCFS.length, true), capacity - 1));
  const start = layout.procfs + PROCFS.text;
  return memory.slice(start, start + length);
}

/** Runs the handler of `use` with `text`, shorter than a string can be, as what was written. */
export function writeValue(
  { probe }: ProcfsUse,
  text: Uint8Array,
  layout: BundleMemory,
  { memory, run }: ProcfsSession,
): void {
  put(memory, layout, text);
  run(probe);
}

function put(memory: Uint8Array, layout: BundleMemory, text: Uint8Array): void {
  const start = layout.procfs + PROCFS.text;
  memory.set(text, start);
  memory[start + text.length] = 0;
  viewOf(memory, layout).setInt32(PROCFS.length, text.length, true);
}

function viewOf(memory: Uint8Array, { procfs, procfsBytes }: BundleMemory): DataView {
  return new DataView(memory.buffer, memory.byteOffset + procfs, procfsBytes);
}
