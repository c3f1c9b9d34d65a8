/** What tests of the mutator share: targets that are nobody's child here, compiled scripts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PREBUILDS } from "../../base/root.js";
import { compileScript } from "../../cli/compile.js";
import { parseOptions } from "../../cli/options.js";
import type { RunnableBundle } from "../../shim/mutator/runnable.js";
import { compileImage } from "../../wasm-runtime/aot/compile.js";
import { validateModule } from "../../wasm-runtime/aot/validate.js";
import { readBundle } from "../../wasm-runtime/bundle-read.js";
import { type Running, type RunOptions, start } from "../support/tools.js";

/** A running target. */
export interface Target extends Running {
  /** The program itself; `pid` is the shell that waits for it. */
  readonly target: number;
}

/**
 * Starts `program` through a shell: a child of this very process would have its stops reaped by
 * libuv (wait(2): a tracer's own children are shared among its threads).
 */
export async function launch(
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly ready?: RegExp; readonly deadlineMs?: number } = {},
): Promise<Target> {
  const script = `"$0" "$@" & echo "pid $!"; wait $!`;
  const running = start("/bin/sh", ["-c", script, program, ...args], options);
  const line = await running.until(/pid \d+/);
  await running.until(options.ready ?? /ready/);
  return { ...running, target: Number(line.slice("pid ".length)) };
}

/** Bytes of the bundle of `script`. */
export function compileBundle(script: string): Uint8Array {
  const { compiled } = compileScript(parseOptions(["-e", script]), () => undefined);
  if (compiled === null) throw new Error("nothing was compiled");
  return compiled.bundle;
}

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
