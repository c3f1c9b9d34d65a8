/** How long a handler may run: not long where a thread of a traced process waits for it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fuelOf } from "../../../shim/mutator/runnable.js";
import type { BundleMeta, BundlePoint } from "../../../wasm-runtime/bundle.js";
import { testMeta } from "../library/harness.js";

const s = suite("mutator/budget");

/** A bundle with a begin probe and one at `point`. */
function metaWith(point: BundlePoint, maxAction: number | null = 1000): BundleMeta {
  const meta = testMeta();
  const begin = { kind: "begin", order: 0 } as const;
  const probes = [begin, point].map((each) => ({ ...meta.probes[0], point: each }));
  return { ...meta, probes, session: { ...meta.session, maxAction } } as BundleMeta;
}

const TIMER: BundlePoint = { kind: "timer", intervalNs: 1e9, randomizeNs: 0 };
const PROCESS = { kind: "process" } as BundlePoint;
const SHORT = 10_000_000;
const LONG = 10_000_000_000;

s("handlers in a traced process, and those that one of its threads waits for", () => {
  assert.is(fuelOf(metaWith(TIMER), false), SHORT);
  for (const kind of ["process", "syscall", "watch", "perf", "profile"]) {
    assert.is(fuelOf(metaWith({ ...PROCESS, kind } as BundlePoint), true), SHORT, kind);
  }
});

s("handlers that nobody waits for", () => {
  assert.is(fuelOf(metaWith(TIMER), true), LONG);
});

s("what -DMAXACTION and --suppress-time-limits ask for", () => {
  assert.is(fuelOf(metaWith(PROCESS, 100_000), true), 100_000_000);
  assert.is(fuelOf(metaWith(PROCESS, Number.MAX_SAFE_INTEGER), false), LONG);
  assert.is(fuelOf(metaWith(PROCESS, null), true), LONG);
});

s.run();
