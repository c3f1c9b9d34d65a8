/** The only maker of ValidModule: V8 validates, our decoder reads. */
import { TargetError } from "../../base/target-error.js";
import { decodeModule } from "../module/decode.js";
import type { WasmModule } from "../module/module.js";

declare const brand: unique symbol;

/** A module that V8 found valid. */
export interface ValidModule {
  readonly [brand]: "ValidModule";
  readonly module: WasmModule;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Validates and decodes `bytes`. Throws TargetError with V8's reason for an invalid module. */
export function validateModule(bytes: Uint8Array): ValidModule {
  const copy = new Uint8Array(bytes);
  if (!WebAssembly.validate(copy)) {
    throw new TargetError(`not a valid Wasm module: ${reasonOf(copy)}`, {
      operation: "validate",
      subject: "module",
    });
  }
  return { module: decodeModule(copy), bytes: copy } as ValidModule;
}

function reasonOf(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    new WebAssembly.Module(bytes);
    return "unknown reason";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
