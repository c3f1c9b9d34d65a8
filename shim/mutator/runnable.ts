/** A bundle that is ready to run: its description and its machine code with the library's. */
import { TargetError } from "../../base/target-error.js";
import type { CodeImage } from "../../wasm-runtime/aot/compile.js";
import type { BundleMeta } from "../../wasm-runtime/bundle.js";

/** What a session runs. */
export interface RunnableBundle {
  readonly meta: BundleMeta;
  /** Bundle and library in one image; it runs at any address. */
  readonly code: CodeImage;
  /** Budget of one handler (VmContext.fuel). Default DEFAULT_FUEL. */
  readonly fuel?: number;
}

/** Loop iterations and calls that one handler may take: tens of milliseconds. */
export const DEFAULT_FUEL = 10_000_000;

/** Offset in the image of the inner entry of an exported function. Throws TargetError if it has none. */
export function entryOffset({ code }: RunnableBundle, name: string): number {
  const offset = code.innerEntries.get(name);
  if (offset !== undefined) return offset;
  throw new TargetError(`the bundle has no function '${name}'`, {
    operation: "load bundle",
    subject: name,
  });
}

/** Offset of the library's `recover`, run after a trap. */
export function recoverOffset(bundle: RunnableBundle): number {
  return entryOffset(bundle, "recover");
}
