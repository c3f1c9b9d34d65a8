/** Thread of threads.test.ts: runs handlers in its own context on the shared memory. */
import { parentPort, workerData } from "node:worker_threads";
import { CONTEXT } from "../../../wasm-runtime/layout/memory.js";
import { attachHarness, contextOf } from "./harness.js";

/** What the test tells its threads. */
export interface ThreadTask {
  readonly memory: WebAssembly.Memory;
  readonly slot: number;
  readonly rounds: number;
  /** i32 that counts the threads that are ready; all start when it reaches `threads`. */
  readonly gate: number;
  readonly threads: number;
  readonly lockList: number;
  readonly map: number;
  readonly valueOffset: number;
}

const task = workerData as ThreadTask;
const { lib, view, memory } = attachHarness(task.memory);
const context = contextOf(task.slot);
const words = new Int32Array(memory.buffer);

Atomics.add(words, task.gate >> 2, 1);
Atomics.notify(words, task.gate >> 2);
for (let ready = 0; ready < task.threads; ready = Atomics.load(words, task.gate >> 2)) {
  if (ready > 0) Atomics.wait(words, task.gate >> 2, ready);
}

/** Adds 1 to the element of `key` without any atomic operation: only the lock protects it. */
function increment(key: bigint): void {
  view.setBigInt64(context + CONTEXT.keys, key, true);
  const entry = lib.map_insert(context, task.map) as number;
  const at = entry + task.valueOffset;
  view.setBigInt64(at, view.getBigInt64(at, true) + 1n, true);
}

let skipped = 0;
for (let round = 0; round < task.rounds; round++) {
  lib.enter(context, task.slot % 4, 100);
  if (lib.locks_acquire(context, task.lockList) === 1) {
    increment(BigInt(round % 7));
    lib.record_item(context, task.slot, 1);
    lib.record_long(context, BigInt(round));
  } else skipped++;
  lib.leave(context);
}
parentPort?.postMessage(skipped);
