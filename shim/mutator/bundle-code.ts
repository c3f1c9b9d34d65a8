/** What the mutator must know of compiled code; the code generator's output is put in this form. */
import type { BundleMeta } from "../../wasm-runtime/bundle.js";

/** Machine code that can be put at any address. Offsets are from its first byte. */
export interface BundleCode {
  /** Bytes that it takes. */
  readonly bytes: number;
  /** The code as it is to be written at `address`. */
  at(address: number): Uint8Array;
  /** Offset of the entry thunk of an exported function: "init" or BundleProbe.handler. */
  entry(name: string): number;
  /** Offset of the entry thunk of the library's `recover`. */
  readonly recover: number;
  /** True if the handler uses SSE registers. */
  usesFloats(name: string): boolean;
  /** Budget of one handler (VmContext.fuel). */
  readonly fuel: number;
  /** Initial content of linear memory (Wasm core 2.0 §5.5.14, active data segments). */
  readonly data: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  /** Initial content of the instance area (VmContext.instance), empty if none is used. */
  readonly instance: Uint8Array;
}

/** A bundle that is ready to run. */
export interface RunnableBundle {
  readonly meta: BundleMeta;
  readonly code: BundleCode;
}
