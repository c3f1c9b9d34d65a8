/** Life of a handler: errors, records, rings, locks, state of the session. */
import { Unpackr } from "msgpackr";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EMPTY_HIT } from "../../../wasm-runtime/engine/hit.js";
import {
  CONTEXT,
  RECORD,
  RING,
  SESSION,
  SESSION_STATE,
} from "../../../wasm-runtime/layout/memory.js";
import type { Item } from "../../../wasm-runtime/records/items.js";
import { contextOf, createHarness, type Harness, PLACES } from "./harness.js";

const s = suite("library/handler");

/** Runs `body` as the handler of `probe`; what it published. */
function handle(h: Harness, body: () => void, probe = 1): readonly Item[] {
  h.lib.enter(h.context, probe, 100);
  body();
  h.lib.leave(h.context);
  const records = h.reader.poll();
  assert.ok(records.length <= 1);
  return records[0]?.items ?? [];
}

function text(bytes: unknown): string {
  assert.ok(bytes instanceof Uint8Array);
  return Buffer.from(bytes as Uint8Array).toString("latin1");
}

s("a handler that says nothing publishes nothing", () => {
  const h = createHarness();
  assert.equal(
    handle(h, () => {}),
    [],
  );
  assert.is(h.session("sequence"), 0);
  assert.is(h.session("ringNext"), 0);
});

s("longs of every size and strings arrive as they were", () => {
  const h = createHarness();
  const values = [0n, 1n, -1n, 127n, 128n, -32n, -33n, 32767n, -32768n, 32768n, 0x7fffffffn];
  values.push(-0x80000000n, 0x80000000n, (1n << 63n) - 1n, -(1n << 63n));
  const items = handle(h, () => {
    h.lib.record_item(h.context, 300, values.length + 1);
    for (const value of values) h.lib.record_long(h.context, value);
    h.lib.record_string(h.context, h.text("\xff\0"));
  });
  const [item] = items;
  assert.ok(item?.kind === "print");
  assert.is(item.format, 300);
  assert.equal(item.values.slice(0, -1), values);
  assert.is(text(item.values.at(-1)), "\xff");
});

s("the payload is msgpack", () => {
  const h = createHarness();
  h.setSession("maxString", 400);
  h.lib.enter(h.context, 1, 0);
  h.lib.record_item(h.context, 5, 3);
  h.lib.record_long(h.context, -70000n);
  h.lib.record_string(h.context, h.text("ab"));
  h.lib.record_string(h.context, h.text("x".repeat(300)));
  h.lib.warn(h.context, h.text("w"));
  const bytes = h.view.getInt32(h.context + CONTEXT.recordBytes, true);
  const start = PLACES.ringBase + RING.data + RECORD.bytes;
  const decoded = new Unpackr({ useRecords: false }).unpackMultiple(
    Uint8Array.from(h.bytes.subarray(start, start + bytes)),
  ) as unknown[];
  assert.equal(decoded, [
    [5, -70000, Uint8Array.from(Buffer.from("ab")), new Uint8Array(300).fill(0x78)],
    [-2, Uint8Array.from(Buffer.from("w"))],
  ]);
});

s("a histogram is an array of its buckets", () => {
  const h = createHarness();
  const descriptor = PLACES.data;
  h.view.setInt32(descriptor + 32, 20, true);
  for (let i = 0; i < 20; i++)
    h.view.setBigInt64(descriptor + 64 + 48 + 8 * i, BigInt(i * 99), true);
  const [item] = handle(h, () => {
    h.lib.record_item(h.context, 0, 1);
    h.lib.record_histogram(h.context, descriptor, descriptor + 64);
  });
  assert.ok(item?.kind === "print");
  assert.equal(item.values, [Array.from({ length: 20 }, (_, i) => BigInt(i * 99))]);
});

s("process memory, or zeros and an error", () => {
  const h = createHarness();
  h.hit = { ...EMPTY_HIT, memory: [{ address: 0x1000n, bytes: Buffer.from("abc") }] };
  const items = handle(h, () => {
    h.lib.record_item(h.context, 0, 3);
    h.lib.record_memory(h.context, 0x1000n, 3n);
    h.lib.record_memory(h.context, 0x1001n, 0n);
    h.lib.record_memory(h.context, 0x1002n, 2n);
  });
  const [print, error] = items;
  assert.ok(print?.kind === "print" && error?.kind === "error");
  assert.equal(print.values.map(text), ["abc", "b", "\0\0"]);
  assert.is(text(error.text), "read fault [man error::fault] at 0x1002");
});

s("an error is reported with its place, counted, and stops the session", () => {
  const h = createHarness();
  const items = handle(h, () => {
    h.lib.error(h.context, h.text("boom"));
    h.lib.error(h.context, h.text("later"));
    h.lib.error_at(h.context, h.text("too late"), 7);
    h.lib.error_at(h.context, 0, 3);
  });
  assert.is(items.length, 1);
  const [item] = items;
  assert.ok(item?.kind === "error");
  assert.is(text(item.text), "boom");
  assert.equal(item.trail, [7, 3]);
  assert.is(h.session("errors"), 1);
  assert.is(h.session("state"), SESSION_STATE.error);
});

s("errors within the limit, and suppressed ones, do not stop it", () => {
  const h = createHarness();
  h.setSession("maxErrors", 1);
  handle(h, () => h.lib.error(h.context, h.text("a")));
  assert.is(h.session("state"), SESSION_STATE.running);
  h.setSession("suppressErrors", 1);
  handle(h, () => h.lib.error(h.context, h.text("b")));
  handle(h, () => h.lib.error(h.context, h.text("c")));
  assert.is(h.session("errors"), 3);
  assert.is(h.session("state"), SESSION_STATE.running);
  h.setSession("suppressErrors", 0);
  handle(h, () => h.lib.error(h.context, h.text("d")));
  assert.is(h.session("state"), SESSION_STATE.error);
});

s("an error's text is kept apart from the string it came from", () => {
  const h = createHarness();
  h.setSession("maxString", 2000);
  const at = h.text("z".repeat(2500));
  const [item] = handle(h, () => {
    h.lib.error(h.context, at);
    h.bytes.fill(0, at, at + 10);
  });
  assert.ok(item?.kind === "error");
  assert.is(text(item.text), "z".repeat(1999));
});

s("exit stops the session, abort also the handler, without a report", () => {
  const h = createHarness();
  assert.equal(
    handle(h, () => h.lib.exit(h.context)),
    [],
  );
  assert.is(h.session("state"), SESSION_STATE.stopping);
  h.setSession("state", SESSION_STATE.starting);
  assert.equal(
    handle(h, () => h.lib.abort(h.context)),
    [],
  );
  assert.is(h.session("state"), SESSION_STATE.stopping);
  assert.is(h.session("errors"), 0);
  h.setSession("state", SESSION_STATE.error);
  handle(h, () => h.lib.exit(h.context));
  assert.is(h.session("state"), SESSION_STATE.stopping);
});

s("warnings and commands", () => {
  const h = createHarness();
  const items = handle(h, () => {
    h.lib.warn(h.context, h.text("careful"));
    h.lib.system(h.context, h.text("ls"));
  });
  assert.equal(
    items.map((item) => [item.kind, item.kind === "print" ? "" : text(item.text)]),
    [
      ["warning", "careful"],
      ["system", "ls"],
    ],
  );
});

s("scratch memory is aligned, given out once, and ends", () => {
  const h = createHarness();
  const first = h.lib.scratch(h.context, 13) as number;
  const second = h.lib.scratch(h.context, 8) as number;
  assert.is(first, h.context + PLACES.scratchOffset);
  assert.is(second, first + 16);
  assert.is(h.lib.scratch(h.context, 1 << 20), 0);
  assert.match(h.error(), /no memory left/);
  assert.is(h.lib.scratch(h.context, -8), 0);
  assert.match(h.error(), /no memory left/);
  h.lib.enter(h.context, 0, 0);
  assert.is(h.lib.scratch(h.context, 8), first);
});

/** Publishes a record whose payload has `bytes` bytes. */
function publish(h: Harness, bytes: number, value: number): void {
  h.lib.enter(h.context, 2, 0);
  h.lib.record_item(h.context, value % 100, 1);
  h.lib.record_string(h.context, h.text("y".repeat(bytes - 4)));
  h.lib.leave(h.context);
}

s("a ring wraps without losing or mixing records", () => {
  const h = createHarness();
  h.setSession("maxString", 3000);
  let next = 0;
  for (let i = 0; i < 400; i++) {
    publish(h, 8 + ((i * 37) % 190), i);
    if (i % 5 !== 4) continue;
    for (const record of h.reader.poll()) {
      assert.is(record.sequence, next);
      const [item] = record.items;
      assert.ok(item?.kind === "print");
      assert.is(item.format, next % 100);
      assert.is(text(item.values[0]).length, 4 + ((next * 37) % 190));
      next++;
    }
  }
  assert.is(next, 400);
  assert.equal(h.reader.lost(), { records: 0, skippedLocks: 0, missing: 0, garbage: 0 });
});

s("a full ring drops whole records and counts them", () => {
  const h = createHarness();
  h.setSession("maxString", 3000);
  for (let i = 0; i < 60; i++) publish(h, 100, i);
  const before = h.reader.poll();
  // Each takes 16 + 104 of the 3968 bytes, 8 of which stay free.
  assert.is(before.length, 33);
  assert.is(h.reader.lost().records, 27);
  assert.is(h.view.getUint32(PLACES.ringBase + RING.lost, true), 27);
  publish(h, 100, 0);
  assert.equal(
    h.reader.poll().map((record) => record.sequence),
    [33],
  );
  assert.equal(h.reader.lost(), { records: 27, skippedLocks: 0, missing: 0, garbage: 0 });
});

s("a record larger than the ring is dropped; an error in it is reported alone", () => {
  const h = createHarness();
  h.setSession("maxString", 5000);
  const items = handle(h, () => {
    h.lib.record_item(h.context, 0, 1);
    h.lib.record_string(h.context, h.text("y".repeat(4500)));
    h.lib.record_item(h.context, 0, 0);
    h.lib.error(h.context, h.text("boom"));
  });
  assert.equal(
    items.map((item) => item.kind),
    ["error"],
  );
  assert.is(h.reader.lost().records, 1);
});

s("threads beyond the number of rings lose their records, nothing else", () => {
  const h = createHarness();
  for (let slot = 0; slot < 6; slot++) {
    h.lib.enter(contextOf(slot), slot % 4, 0);
    h.lib.record_item(contextOf(slot), slot, 0);
    h.lib.leave(contextOf(slot));
  }
  const records = h.reader.poll();
  assert.equal(
    records.map((record) => record.slot),
    [0, 1, 2, 3],
  );
  assert.is(h.reader.lost().records, 2);
});

const LOCK_A: number = PLACES.data;
const LOCK_B: number = PLACES.data + 8;
const LIST: number = PLACES.data + 64;

function lockList(h: Harness, at: number, ...words: number[]): number {
  for (const [index, word] of [words.length, ...words].entries()) {
    h.view.setInt32(at + 4 * index, word, true);
  }
  return at;
}

function lockState(h: Harness): [number, number] {
  return [h.view.getInt32(LOCK_A, true), h.view.getInt32(LOCK_B, true)];
}

s("locks: readers share, a writer excludes, leave releases", () => {
  const h = createHarness();
  const read = lockList(h, LIST, LOCK_A, LOCK_B | 1);
  const other = lockList(h, LIST + 64, LOCK_A);
  assert.is(h.lib.locks_acquire(h.context, read), 1);
  assert.equal(lockState(h), [1, -1]);
  assert.is(h.lib.locks_acquire(contextOf(1), other), 1);
  assert.equal(lockState(h), [2, -1]);
  h.lib.leave(h.context);
  assert.equal(lockState(h), [1, 0]);
  h.lib.locks_release(contextOf(1));
  assert.equal(lockState(h), [0, 0]);
});

s("locks: all or none, bounded tries, the skip counted", () => {
  const rounds: number[] = [];
  const h = createHarness({ relax: (round) => rounds.push(round) });
  h.setSession("lockTries", 3);
  const both = lockList(h, LIST, LOCK_A | 1, LOCK_B | 1);
  const second = lockList(h, LIST + 64, LOCK_B);
  h.lib.locks_acquire(contextOf(2), second);
  assert.is(h.lib.locks_acquire(h.context, both), 0);
  assert.equal(rounds, [0, 1, 2]);
  assert.equal(lockState(h), [0, 1]);
  assert.is(h.view.getInt32(h.context + CONTEXT.locks, true), 0);
  assert.is(h.reader.lost().skippedLocks, 1);
});

s("locks: taken between two tries", () => {
  const h: Harness = createHarness({
    relax: (round) => {
      if (round === 1) h.lib.locks_release(contextOf(2));
    },
  });
  const list = lockList(h, LIST, LOCK_A | 1);
  h.lib.locks_acquire(contextOf(2), list);
  assert.is(h.view.getInt32(LOCK_A, true), ~2);
  assert.is(h.lib.locks_acquire(h.context, list), 1);
  assert.is(h.view.getInt32(LOCK_A, true), ~0);
});

s("recover drops the record and releases the locks", () => {
  const h = createHarness();
  h.lib.enter(h.context, 0, 0);
  h.lib.locks_acquire(h.context, lockList(h, LIST, LOCK_A, LOCK_B | 1));
  h.lib.record_item(h.context, 0, 0);
  h.lib.recover(h.context);
  assert.equal(lockState(h), [0, 0]);
  h.lib.leave(h.context);
  assert.equal(h.reader.poll(), []);
});

s("recover releases a write lock that was just being taken, and only one's own", () => {
  for (const [owner, left] of [
    [~0, 0],
    [~3, ~3],
    [0, 0],
  ] as const) {
    const h = createHarness();
    h.lib.enter(h.context, 0, 0);
    h.view.setInt32(h.context + CONTEXT.locks, lockList(h, LIST, LOCK_A | 1), true);
    h.view.setInt32(h.context + CONTEXT.lockIntent, 1, true);
    h.view.setInt32(LOCK_A, owner, true);
    h.lib.recover(h.context);
    assert.is(h.view.getInt32(LOCK_A, true), left);
  }
});

s("an empty list of locks is had at once", () => {
  const h = createHarness();
  assert.is(h.lib.locks_acquire(h.context, lockList(h, LIST)), 1);
});

s("the sequence goes on in 64 bits", () => {
  const h = createHarness();
  h.view.setBigInt64(SESSION.address + SESSION.sequence, (1n << 32n) - 1n, true);
  h.lib.warn(h.context, h.text("a"));
  h.lib.leave(h.context);
  h.lib.warn(h.context, h.text("b"));
  h.lib.leave(h.context);
  const sequences = h.reader.poll({ final: true }).map((record) => record.sequence);
  assert.equal(sequences, [2 ** 32 - 1, 2 ** 32]);
});

s.run();
