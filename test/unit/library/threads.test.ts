/** Several threads on one memory: locks exclude, arrays stay whole, records come in order. */
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MAP, MAP_VALUE, mapValueOffset } from "../../../wasm-runtime/layout/values.js";
import type { LogRecord } from "../../../wasm-runtime/records/read.js";
import { createHarness, PLACES } from "./harness.js";
import type { ThreadTask } from "./threads-worker.js";

const s = suite("library/threads");
const THREADS = 4;
const ROUNDS = 1500;

const LOCK: number = PLACES.data;
const LIST: number = PLACES.data + 64;
const GATE: number = PLACES.data + 128;
const MAP_AT: number = PLACES.data + 256;

s("no increment, record or order is lost between threads", async () => {
  const h = createHarness();
  h.setSession("lockTries", 1_000_000);
  h.view.setInt32(LIST, 1, true);
  h.view.setInt32(LIST + 4, LOCK | 1, true);
  h.lib.map_init(MAP_AT, 16, 16, 1, 0, MAP_VALUE.long, 8, 0);
  const valueOffset = mapValueOffset({
    keys: ["long"],
    valueBytes: 8,
    capacity: 16,
    maxString: PLACES.maxString,
  });
  const done = Array.from({ length: THREADS }, (_, slot) => {
    const task: ThreadTask = {
      memory: h.memory,
      slot,
      rounds: ROUNDS,
      gate: GATE,
      threads: THREADS,
      lockList: LIST,
      map: MAP_AT,
      valueOffset,
    };
    const worker = new Worker(new URL("./threads-worker.js", import.meta.url), {
      workerData: task,
    });
    return new Promise<number>((resolve, reject) => {
      worker.on("message", resolve);
      worker.on("error", reject);
    });
  });
  const records: LogRecord[] = [];
  let running = true;
  const skips = Promise.all(done).finally(() => {
    running = false;
  });
  while (running) {
    records.push(...h.reader.poll());
    await new Promise((resolve) => setImmediate(resolve));
  }
  records.push(...h.reader.poll({ final: true }));

  const skipped = (await skips).reduce((a, b) => a + b, 0);
  const lost = h.reader.lost();
  assert.is(lost.skippedLocks, skipped);
  assert.is(lost.garbage, 0);
  assert.is(lost.missing, 0);
  assert.is(records.length + lost.records, THREADS * ROUNDS - skipped);
  assert.equal(
    records.map((record) => record.sequence),
    records.map((_, index) => index),
  );
  // Within a thread the rounds ascend, whatever was dropped.
  const last = new Map<number, bigint>();
  for (const { slot, items } of records) {
    const [item] = items;
    assert.ok(item?.kind === "print" && item.format === slot);
    const [round] = item.values;
    assert.ok(typeof round === "bigint" && round > (last.get(slot) ?? -1n));
    last.set(slot, round as bigint);
  }
  let sum = 0n;
  for (let at = h.lib.map_first(MAP_AT) as number; at !== 0; ) {
    sum += h.view.getBigInt64(at + valueOffset, true);
    at = h.lib.map_next(at) as number;
  }
  assert.is(sum, BigInt(THREADS * ROUNDS - skipped));
  assert.is(h.view.getInt32(MAP_AT + MAP.count, true), 7);
  assert.is(h.view.getInt32(LOCK, true), 0);
});

s.run();
