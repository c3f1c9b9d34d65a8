/** A run of a bundle in V8, in the order of a session: init, begin, hits, end or error. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { PREBUILDS } from "../../base/root.js";
import type { BundleMeta } from "../../wasm-runtime/bundle.js";
import { createV8Engine } from "../../wasm-runtime/engine/v8.js";
import { showError } from "../../wasm-runtime/records/error.js";
import { formatItem } from "../../wasm-runtime/records/format.js";
import type { Item } from "../../wasm-runtime/records/items.js";
import type { ProbeHit } from "./recorder.js";

/** What a run printed, and what it said of errors and warnings as `ERROR: …`, `WARNING: …` lines. */
export interface V8Output {
  readonly printed: string;
  readonly said: string;
}

/** Runs `bundle` on `hits`; a hit after exit() runs nothing. */
export function runInV8(bundle: Uint8Array, hits: readonly ProbeHit[] = []): V8Output {
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
  const items = engine
    .output()
    .flatMap(({ items, probe }) => items.map((item) => ({ item, probe })));
  assert.equal(engine.lost(), { records: 0, skippedLocks: 0, missing: 0, garbage: 0 });
  const said = items.map(({ item, probe }) => showMessage(item, probe, meta)).join("");
  const printed = items.flatMap(({ item }) =>
    item.kind === "print" ? [formatItem(item, meta)] : [],
  );
  return { printed: Buffer.concat(printed).toString(), said };
}

/** Indexes of the `kind` probes in the order in which they run. */
function orderedProbes(meta: BundleMeta, kind: "begin" | "end" | "error"): number[] {
  return meta.probes
    .flatMap(({ point }, probe) => (point.kind === kind ? [{ probe, order: point.order }] : []))
    .sort((a, b) => Number(a.order > b.order) - Number(a.order < b.order))
    .map(({ probe }) => probe);
}

function showMessage(item: Item, probe: number, meta: BundleMeta): string {
  if (item.kind === "print") return "";
  if (item.kind === "error") return `ERROR: ${showError(item, probe, meta)}\n`;
  return `${item.kind.toUpperCase()}: ${Buffer.from(item.text).toString()}\n`;
}
