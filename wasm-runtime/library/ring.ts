/**
 * The ring of one thread: bytes for the open record beyond `head`, and publishing it.
 *
 *     0        tail            head   recordStart + RECORD.bytes + recordBytes
 *     ┌────────┬───────────────┬──────┬───────────────────────┐ size of the data
 *     │ free   │ published     │ open │ free                  │
 *     └────────┴───────────────┴──────┴───────────────────────┘
 *
 * An open record that does not fit up to the end moves to offset 0; publishing it then leaves
 * RECORD_PADDING at the old head. At least 8 bytes before `tail` stay free (layout/memory.ts RING).
 */
import {
  CONTEXT_PROBE,
  CONTEXT_RECORD_BYTES,
  CONTEXT_RECORD_END,
  CONTEXT_RECORD_START,
  CONTEXT_RING,
  CONTEXT_SLOT,
  RECORD_BYTES,
  RECORD_PADDING,
  RECORD_PROBE,
  RECORD_SEQUENCE,
  RECORD_SIZE,
  RING_DATA,
  RING_HEAD,
  RING_LOST,
  RING_SLOT,
  RING_TAIL,
  SESSION_ADDRESS,
  SESSION_LOST_RECORDS,
  SESSION_RING_BASE,
  SESSION_RING_BYTES,
  SESSION_RING_COUNT,
  SESSION_RING_NEXT,
  SESSION_SEQUENCE,
} from "./gen/layout";

/** Appends `bytes` to the open record, opening one; their address, or 0 if the record is lost. */
export function reserve(context: usize, bytes: i32): usize {
  const used = load<i32>(context, CONTEXT_RECORD_BYTES);
  if (used <= 0) return used < 0 ? 0 : open(context, bytes);
  const from = load<i32>(context, CONTEXT_RECORD_START) + RECORD_BYTES + used;
  if (from + bytes > load<i32>(context, CONTEXT_RECORD_END)) return extend(context, used, bytes);
  store<i32>(context, used + bytes, CONTEXT_RECORD_BYTES);
  return load<usize>(context, CONTEXT_RING) + RING_DATA + from;
}

/** Publishes the open record, if there is one that fitted. */
export function commitRecord(context: usize): void {
  const bytes = load<i32>(context, CONTEXT_RECORD_BYTES);
  store<i32>(context, 0, CONTEXT_RECORD_BYTES);
  if (bytes <= 0) return;
  const ring = load<usize>(context, CONTEXT_RING);
  const start = load<i32>(context, CONTEXT_RECORD_START);
  const head = load<i32>(ring, RING_HEAD);
  const record = ring + RING_DATA + start;
  store<i32>(record, bytes, RECORD_SIZE);
  store<i32>(record, load<i32>(context, CONTEXT_PROBE), RECORD_PROBE);
  if (start !== head) store<u32>(ring + RING_DATA + head, RECORD_PADDING, RECORD_SIZE);
  let next = start + RECORD_BYTES + ((bytes + 7) & ~7);
  if (next === dataBytes()) next = 0;
  store<i64>(record, atomic.add<i64>(SESSION_ADDRESS + SESSION_SEQUENCE, 1), RECORD_SEQUENCE);
  atomic.store<i32>(ring + RING_HEAD, next);
}

function dataBytes(): i32 {
  return load<i32>(SESSION_ADDRESS, SESSION_RING_BYTES) - RING_DATA;
}

function open(context: usize, bytes: i32): usize {
  let ring = load<usize>(context, CONTEXT_RING);
  if (ring === 0) {
    ring = claimRing(context);
    if (ring === 0) return lose(context, 0);
  }
  store<i32>(context, load<i32>(ring, RING_HEAD), CONTEXT_RECORD_START);
  return extend(context, 0, bytes);
}

/** Hands the next unused ring to `context`; 0 if all are taken. */
function claimRing(context: usize): usize {
  const next = SESSION_ADDRESS + SESSION_RING_NEXT;
  const count = load<i32>(SESSION_ADDRESS, SESSION_RING_COUNT);
  if (atomic.load<i32>(next) >= count) return 0;
  const index = atomic.add<i32>(next, 1);
  if (index >= count) return 0;
  const ring =
    load<usize>(SESSION_ADDRESS, SESSION_RING_BASE) +
    <usize>index * load<usize>(SESSION_ADDRESS, SESSION_RING_BYTES);
  store<i32>(ring, load<i32>(context, CONTEXT_SLOT), RING_SLOT);
  store<usize>(context, ring, CONTEXT_RING);
  return ring;
}

/** Looks again how much is free, moving the open record to the start of the data if it must. */
function extend(context: usize, used: i32, bytes: i32): usize {
  const ring = load<usize>(context, CONTEXT_RING);
  const head = load<i32>(ring, RING_HEAD);
  const tail = atomic.load<i32>(ring + RING_TAIL);
  const need = RECORD_BYTES + used + bytes;
  let start = load<i32>(context, CONTEXT_RECORD_START);
  let end = tail - 8;
  if (start === head && tail <= head) {
    end = tail === 0 ? dataBytes() - 8 : dataBytes();
    if (start + need > end && need <= tail - 8) {
      const data = ring + RING_DATA;
      memory.copy(data + RECORD_BYTES, data + head + RECORD_BYTES, used);
      start = 0;
      end = tail - 8;
    }
  }
  if (start + need > end) return lose(context, ring);
  store<i32>(context, start, CONTEXT_RECORD_START);
  store<i32>(context, end, CONTEXT_RECORD_END);
  store<i32>(context, used + bytes, CONTEXT_RECORD_BYTES);
  return ring + RING_DATA + start + RECORD_BYTES + used;
}

function lose(context: usize, ring: usize): usize {
  store<i32>(context, -1, CONTEXT_RECORD_BYTES);
  if (ring !== 0) atomic.add<i32>(ring + RING_LOST, 1);
  atomic.add<i64>(SESSION_ADDRESS + SESSION_LOST_RECORDS, 1);
  return 0;
}
