/**
 * Runs a bundle on a process, to be killed by kill.test.ts: driver BUNDLE PID MILLISECONDS.
 * Says "attaching", "armed", "disarmed" on the way, and at last "values …" of the end probe.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { startSession } from "../../shim/mutator/session.js";
import { SESSION, SESSION_STATE } from "../../wasm-runtime/layout/memory.js";
import { createRecordReader } from "../../wasm-runtime/records/read.js";
import { linkBundle } from "./link.js";

const [file = "", pid = "", milliseconds = "0"] = process.argv.slice(2);
const bundle = linkBundle(readFileSync(file));
const say = (text: string): boolean => process.stdout.write(`${text}\n`);
say("attaching");
const session = await startSession({
  bundle,
  target: { kind: "attach", pid: Number(pid) },
  allowBreakpoints: false,
});
const state = new Int32Array(
  session.memory.buffer,
  session.memory.byteOffset + SESSION.address + SESSION.state,
  1,
);
Atomics.store(state, 0, SESSION_STATE.running);
await session.arm();
say("armed");
await delay(Number(milliseconds));
const remains = await session.disarm();
say("disarmed");
Atomics.store(state, 0, SESSION_STATE.stopping);
for (const [index, { point }] of bundle.meta.probes.entries()) {
  if (point.kind === "end") session.runHandler(index);
}
for (const record of createRecordReader(session.memory, bundle.meta).poll({ final: true })) {
  for (const item of record.items) {
    if (item.kind === "print") say(`values ${item.values.join(" ")}`);
  }
}
say(`remains ${JSON.stringify(remains)} unpatched ${session.unpatched.length}`);
await session.close();
