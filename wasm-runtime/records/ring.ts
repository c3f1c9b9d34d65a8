/**
 * One ring, read from outside: copies records out of memory that a hostile process may write at
 * any time. Every offset and size is checked; the reader's own tail counts, not the one in memory.
 */
import { RECORD, RECORD_PADDING, RING } from "../layout/memory.js";

/** A record copied out of its ring. */
export interface RawRecord {
  readonly sequence: number;
  readonly probe: number;
  readonly slot: number;
  readonly payload: Uint8Array;
}

/** Reader of one ring. */
export interface RingReader {
  /** The oldest record that was not taken, or null; stays the same until `take`. */
  front(): RawRecord | null;
  /** Frees the space of the front record. */
  take(): void;
}

/** Where a ring lies in `memory`, and what to do about a ring that makes no sense. */
export interface RingPlace {
  readonly memory: Uint8Array;
  /** Address of its header. */
  readonly base: number;
  /** Size of header and data. */
  readonly bytes: number;
  readonly onGarbage: () => void;
}

/** Reader of the ring at `place`. */
export function createRingReader({ memory, base, bytes, onGarbage }: RingPlace): RingReader {
  const view = new DataView(memory.buffer, memory.byteOffset + base, bytes);
  const words = new Int32Array(memory.buffer, memory.byteOffset + base, bytes >> 2);
  const dataBytes = bytes - RING.data;
  let tail = 0;
  let nextTail = 0;
  let current: RawRecord | null = null;
  let broken = false;

  function setTail(offset: number): void {
    tail = offset;
    Atomics.store(words, RING.tail >> 2, offset);
  }

  /** Gives up everything before `head`. */
  function discard(head: number): null {
    onGarbage();
    setTail(head);
    return null;
  }

  function checkedHead(): number | null {
    const head = Atomics.load(words, RING.head >> 2);
    if (head >= 0 && head < dataBytes && head % 8 === 0) {
      if (broken) setTail(head);
      broken = false;
      return head;
    }
    if (!broken) onGarbage();
    broken = true;
    return null;
  }

  function read(): RawRecord | null {
    const head = checkedHead();
    if (head === null || head === tail) return null;
    let size = view.getUint32(RING.data + tail + RECORD.size, true);
    if (size === RECORD_PADDING && head < tail) {
      setTail(0);
      if (head === 0) return null;
      size = view.getUint32(RING.data + RECORD.size, true);
    }
    const end = tail + RECORD.bytes + Math.ceil(size / 8) * 8;
    if (size === 0 || end > (tail < head ? head : dataBytes)) return discard(head);
    const record = RING.data + tail;
    const sequence = Number(view.getBigUint64(record + RECORD.sequence, true));
    if (!Number.isSafeInteger(sequence)) return discard(head);
    const start = base + record + RECORD.bytes;
    const payload = new Uint8Array(size);
    payload.set(memory.subarray(start, start + size));
    nextTail = end === dataBytes ? 0 : end;
    return {
      sequence,
      probe: view.getInt32(record + RECORD.probe, true),
      slot: view.getInt32(RING.slot, true),
      payload,
    };
  }

  return {
    front() {
      current ??= read();
      return current;
    },
    take() {
      current = null;
      setTail(nextTail);
    },
  };
}
