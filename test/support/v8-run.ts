/** A run of a bundle in V8, in the order of a session: init, begin, hits, end or error. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { PREBUILDS } from "../../base/root.js";
import { createV8Engine } from "../../wasm-runtime/engine/v8.js";
import { orderedProbes, type RunOutput, showRecords } from "./handlers.js";
import type { ProbeHit } from "./recorder.js";

/** Runs `bundle` on `hits`; a hit after exit() runs nothing. */
export function runInV8(bundle: Uint8Array, hits: readonly ProbeHit[] = []): RunOutput {
  assert.ok(WebAssembly.validate(bundle as BufferSource));
  const engine = createV8Engine(bundle, readFileSync(join(PREBUILDS, "library.wasm")));
  const { meta } = engine;
  const own = meta.memory.slotCount;
  const runAll = (kind: "begin" | "end" | "error"): void => {
    const initial = engine.state();
    for (const probe of orderedProbes(meta, kind)) {
      if (engine.state() === initial) assert.is(engine.run(probe, undefined, own), null);
    }
  };
  engine.init();
  runAll("begin");
  if (engine.state() === "starting") {
    engine.start("running");
    for (const { probe, hit } of hits) assert.is(engine.run(probe, hit), null);
  }
  if (engine.state() !== "error") {
    engine.start("stopping");
    runAll("end");
  }
  if (engine.state() === "error") runAll("error");
  const output = showRecords(engine.output(), meta);
  assert.equal(engine.lost(), { records: 0, skippedLocks: 0, missing: 0, garbage: 0 });
  return output;
}
