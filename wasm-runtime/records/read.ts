/**
 * Reads the rings: takes linear memory and the bundle's layout, gives all published records in the
 * order of their sequence numbers. What makes no sense is counted, never thrown (ring.ts, items.ts).
 *
 * A sequence number is taken just before its record is published, so a reader can see a gap. It
 * waits for the missing record for some polls, then goes on and counts it; if it comes after all,
 * it is delivered late.
 */
import type { BundleMeta } from "../bundle.js";
import { SESSION } from "../layout/memory.js";
import { decodeItems, type Item } from "./items.js";
import { createRingReader, type RawRecord, type RingReader } from "./ring.js";

/** What one run of a handler published. */
export interface LogRecord {
  readonly sequence: number;
  /** Index of the context that wrote it, as the writer says. */
  readonly slot: number;
  readonly probe: number;
  readonly items: readonly Item[];
}

/** What did not arrive. */
export interface LostCounts {
  /** Records that found no ring or no room, counted by the writers. */
  readonly records: number;
  /** Handlers that did not run because a lock was not to be had. */
  readonly skippedLocks: number;
  /** Sequence numbers given up, less those that came late. */
  readonly missing: number;
  /** Records and rings that made no sense. */
  readonly garbage: number;
}

/** Reader of one session. */
export interface RecordReader {
  /** All records that can be given in order now; with `final` gaps are not waited for. */
  poll(options?: { readonly final?: boolean }): LogRecord[];
  lost(): LostCounts;
}

/** Most records of one poll, so that a busy writer does not hold the reader. */
const POLL_RECORDS = 65536;

/** Reader of the rings in `memory`; a gap is waited for during `gapPolls` polls. */
export function createRecordReader(
  memory: Uint8Array,
  meta: BundleMeta,
  gapPolls = 8,
): RecordReader {
  const words = new Int32Array(memory.buffer, memory.byteOffset, memory.byteLength >> 2);
  const { ringBase, ringBytes, ringCount } = meta.memory;
  const rings: RingReader[] = [];
  let next = 0;
  let waited = 0;
  let missing = 0;
  let garbage = 0;

  function onGarbage(): void {
    garbage++;
  }

  function findRings(): void {
    const claimed = Atomics.load(words, (SESSION.address + SESSION.ringNext) >> 2);
    while (rings.length < Math.min(claimed, ringCount)) {
      const base = ringBase + rings.length * ringBytes;
      rings.push(createRingReader({ memory, base, bytes: ringBytes, onGarbage }));
    }
  }

  /** The ring whose front has the lowest sequence number. */
  function firstRing(): [RingReader, RawRecord] | null {
    findRings();
    let first: [RingReader, RawRecord] | null = null;
    for (const ring of rings) {
      const front = ring.front();
      if (front !== null && (first === null || front.sequence < first[1].sequence)) {
        first = [ring, front];
      }
    }
    return first;
  }

  /** True if the record behind a gap is to be given now. */
  function passGap(sequence: number, final: boolean): boolean {
    if (!final && waited < gapPolls) {
      waited++;
      return false;
    }
    missing += sequence - next;
    next = sequence;
    return true;
  }

  /** Moves the sequence past `raw`; null if it holds nothing valid. */
  function accept({ sequence, slot, probe, payload }: RawRecord): LogRecord | null {
    if (sequence < next) missing = Math.max(missing - 1, 0);
    else next = sequence + 1;
    waited = 0;
    const items = decodeItems(payload);
    if (items !== null && probe >= 0 && probe < meta.probes.length) {
      return { sequence, slot, probe, items };
    }
    garbage++;
    return null;
  }

  return {
    poll({ final = false } = {}) {
      const records: LogRecord[] = [];
      for (let taken = 0; taken < POLL_RECORDS; taken++) {
        let first = firstRing();
        // A record missing at first may have been published in a ring that was looked at before.
        if (first !== null && first[1].sequence > next) first = firstRing();
        if (first === null) break;
        const [ring, front] = first;
        if (front.sequence > next && !passGap(front.sequence, final)) break;
        ring.take();
        const record = accept(front);
        if (record !== null) records.push(record);
      }
      return records;
    },
    lost: () => ({
      records: readCounter(memory, SESSION.lostRecords),
      skippedLocks: readCounter(memory, SESSION.skippedLocks),
      missing,
      garbage,
    }),
  };
}

/** A counter of the session, 0 if it makes no sense. */
function readCounter(memory: Uint8Array, offset: number): number {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const value = Number(view.getBigInt64(SESSION.address + offset, true));
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
