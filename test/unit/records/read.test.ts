/** The reader against writers that are late, dead or hostile. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RECORD, RECORD_PADDING, RING, SESSION } from "../../../wasm-runtime/layout/memory.js";
import { decodeItems } from "../../../wasm-runtime/records/items.js";
import { createRecordReader, type RecordReader } from "../../../wasm-runtime/records/read.js";
import { createRandom } from "../../support/random.js";
import { PLACES, testMeta } from "../library/harness.js";

const s = suite("records/read");
const DATA_BYTES: number = PLACES.ringBytes - RING.data;

interface Rings {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly reader: RecordReader;
}

function createRings(gapPolls = 2): Rings {
  const bytes = new Uint8Array(new SharedArrayBuffer(PLACES.pages * 65536));
  const view = new DataView(bytes.buffer);
  view.setInt32(SESSION.address + SESSION.ringNext, PLACES.ringCount, true);
  return { bytes, view, reader: createRecordReader(bytes, testMeta(), gapPolls) };
}

function ringAt(index: number): number {
  return PLACES.ringBase + index * PLACES.ringBytes;
}

/** Publishes `payload` in ring `index` as a well-behaved writer would. */
function publish({ view, bytes }: Rings, index: number, sequence: number, payload = [0x91, 0]) {
  const ring = ringAt(index);
  const head = view.getUint32(ring + RING.head, true);
  const at = ring + RING.data + head;
  view.setUint32(at + RECORD.size, payload.length, true);
  view.setBigUint64(at + RECORD.sequence, BigInt(sequence), true);
  bytes.set(payload, at + RECORD.bytes);
  const next = head + RECORD.bytes + Math.ceil(payload.length / 8) * 8;
  view.setUint32(ring + RING.head, next === DATA_BYTES ? 0 : next, true);
}

function sequences(rings: Rings, final = false): number[] {
  return rings.reader.poll({ final }).map((record) => record.sequence);
}

s("records of all rings come in order of their sequence", () => {
  const rings = createRings();
  publish(rings, 2, 0);
  publish(rings, 0, 1);
  publish(rings, 2, 3);
  publish(rings, 3, 2);
  assert.equal(sequences(rings), [0, 1, 2, 3]);
  assert.equal(sequences(rings), []);
  publish(rings, 0, 4);
  assert.equal(sequences(rings), [4]);
});

s("a gap is waited for, then filled", () => {
  const rings = createRings(2);
  publish(rings, 0, 1);
  assert.equal(sequences(rings), []);
  publish(rings, 1, 0);
  assert.equal(sequences(rings), [0, 1]);
  assert.is(rings.reader.lost().missing, 0);
});

s("a gap is given up after some polls and counted; what comes late is delivered", () => {
  const rings = createRings(2);
  publish(rings, 0, 2);
  assert.equal(sequences(rings), []);
  assert.equal(sequences(rings), []);
  assert.equal(sequences(rings), [2]);
  assert.is(rings.reader.lost().missing, 2);
  publish(rings, 1, 0);
  assert.equal(sequences(rings), [0]);
  assert.is(rings.reader.lost().missing, 1);
  publish(rings, 0, 3);
  assert.equal(sequences(rings), [3]);
});

s("the last poll waits for nothing", () => {
  const rings = createRings(100);
  publish(rings, 0, 5);
  publish(rings, 1, 9);
  assert.equal(sequences(rings, true), [5, 9]);
  assert.is(rings.reader.lost().missing, 8);
});

s("an absurd sequence number delays nothing but itself", () => {
  const rings = createRings(1);
  publish(rings, 0, 2 ** 50);
  publish(rings, 1, 0);
  assert.equal(sequences(rings), [0]);
  assert.equal(sequences(rings), [2 ** 50]);
  publish(rings, 1, 1);
  publish(rings, 1, 2);
  assert.equal(sequences(rings), [1, 2]);
});

s("sizes and offsets that make no sense cost the ring's content, not the reader", () => {
  const damages: ((rings: Rings, ring: number) => void)[] = [
    ({ view }, ring) => view.setUint32(ring + RING.data, 0, true),
    ({ view }, ring) => view.setUint32(ring + RING.data, 25, true),
    ({ view }, ring) => view.setUint32(ring + RING.data, 0x7fffffff, true),
    ({ view }, ring) => view.setUint32(ring + RING.data, RECORD_PADDING, true),
    ({ view }, ring) => view.setBigUint64(ring + RING.data + RECORD.sequence, 1n << 60n, true),
    ({ view }, ring) => view.setInt32(ring + RING.data + RECORD.probe, -1, true),
    ({ view }, ring) => view.setInt32(ring + RING.data + RECORD.probe, 99, true),
    ({ bytes }, ring) => bytes.fill(0xc1, ring + RING.data + 16, ring + RING.data + 24),
  ];
  for (const damage of damages) {
    const rings = createRings(0);
    publish(rings, 0, 0);
    damage(rings, ringAt(0));
    publish(rings, 1, 1);
    assert.equal(sequences(rings), [1]);
    assert.is(rings.reader.lost().garbage, 1);
    publish(rings, 0, 2);
    assert.equal(sequences(rings), [2]);
  }
});

s("a head outside of the ring is counted once; the ring is read again when it is right", () => {
  const rings = createRings(0);
  for (const head of [DATA_BYTES, 4, 0xfffffff8]) {
    rings.view.setUint32(ringAt(0) + RING.head, head, true);
    assert.equal(sequences(rings), []);
    assert.equal(sequences(rings), []);
  }
  assert.is(rings.reader.lost().garbage, 1);
  rings.view.setUint32(ringAt(0) + RING.head, 80, true);
  assert.equal(sequences(rings), []);
  publish(rings, 0, 0);
  assert.equal(sequences(rings), [0]);
});

s("counters that make no sense count as 0, and too many rings are not read", () => {
  const rings = createRings();
  rings.view.setInt32(SESSION.address + SESSION.ringNext, 0x7fffffff, true);
  rings.view.setBigInt64(SESSION.address + SESSION.lostRecords, -1n, true);
  assert.equal(sequences(rings), []);
  assert.is(rings.reader.lost().records, 0);
  rings.view.setInt32(SESSION.address + SESSION.ringNext, -1, true);
  assert.equal(sequences(rings), []);
});

s("random bytes in the rings never throw", () => {
  const random = createRandom();
  const rings = createRings(0);
  const start = ringAt(0);
  for (let round = 0; round < 300; round++) {
    for (let i = 0; i < 200; i++) {
      const at = start + Math.floor(random() * PLACES.ringBytes * PLACES.ringCount);
      rings.bytes[at] = Math.floor(random() * 256);
    }
    for (let ring = 0; ring < PLACES.ringCount; ring++) {
      const head = Math.floor((random() * DATA_BYTES) / 8) * 8;
      rings.view.setUint32(ringAt(ring) + RING.head, head, true);
    }
    rings.reader.poll();
  }
});

s("items: garbage is null, not an exception", () => {
  const bad: number[][] = [
    [0xc1],
    [0x90],
    [0x91],
    [0x91, 0xc4, 5, 1],
    [0x92, 0xff, 0],
    [0x93, 0xff, 0xc4, 0, 0xc4, 0],
    [0x91, 0xfc],
    [0x92, 0, 0xc6, 0xff, 0xff, 0xff, 0xff],
    [0xdc, 0xff, 0xff, 0],
    [0x92, 0, 0xdc, 0xff, 0xff, 1],
    [0x92, 0, 0x91, 0x91, 0],
    [0x92, 0, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0],
    [0x92, 0, 0xa1, 65],
  ];
  for (const bytes of bad) assert.is(decodeItems(Uint8Array.from(bytes)), null, `${bytes}`);
  assert.equal(decodeItems(new Uint8Array(0)), []);
  assert.equal(decodeItems(Uint8Array.from([0x92, 1, 0xff])), [
    { kind: "print", format: 1, values: [-1n] },
  ]);
});

s.run();
