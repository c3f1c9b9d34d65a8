/** Bundles made ready to run, without the compiler: drivers start sooner. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PREBUILDS } from "../../base/root.js";
import type { RunnableBundle } from "../../shim/mutator/runnable.js";
import { compileImage } from "../../wasm-runtime/aot/compile.js";
import { validateModule } from "../../wasm-runtime/aot/validate.js";
import { readBundle } from "../../wasm-runtime/bundle-read.js";

/** Links a bundle with the library. */
export function linkBundle(bytes: Uint8Array): RunnableBundle {
  const { meta } = readBundle(bytes);
  const library = validateModule(readFileSync(join(PREBUILDS, "library.wasm")));
  const code = compileImage([
    { name: "lib", module: library, keep: ["recover"] },
    { name: "bundle", module: validateModule(bytes) },
  ]);
  return { meta, code };
}
