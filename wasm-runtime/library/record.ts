/**
 * Items of a handler's record, as msgpack (github.com/msgpack/msgpack/blob/master/spec.md): each
 * is an array [code, argument …]. Longs take their shortest form; strings and memory are `bin`,
 * because they are bytes and not UTF-8.
 */
import { CONTEXT_BUFFER, STAT_BUCKETS, STAT_DESCRIPTOR_BUCKETS } from "./gen/layout";
import { read } from "./host";
import { raiseReadFault, raiseTooManyBytes } from "./message";
import { reserve } from "./ring";
import { textLength } from "./string";

/** Most bytes of process memory that one %m or %M shows: a page. */
const MEMORY_BYTES: i64 = 4096;
/** Bytes of CONTEXT.buffer. */
const BUFFER_BYTES: i64 = 32;

/** Starts an item: the format it belongs to (or an ITEM code) and how many arguments follow. */
export function record_item(context: usize, format: i32, count: i32): void {
  arrayHeader(context, count + 1);
  record_long(context, format);
}

/** A long argument. */
export function record_long(context: usize, value: i64): void {
  if (value >= -32 && value < 128) {
    const to = reserve(context, 1);
    if (to !== 0) store<i8>(to, <i8>value);
  } else if (value === <i64>(<i16>value)) {
    const to = reserve(context, 3);
    if (to === 0) return;
    store<u8>(to, 0xd1);
    store<u16>(to + 1, bswap<u16>(<u16>value));
  } else if (value === <i64>(<i32>value)) {
    const to = reserve(context, 5);
    if (to === 0) return;
    store<u8>(to, 0xd2);
    store<u32>(to + 1, bswap<u32>(<u32>value));
  } else {
    const to = reserve(context, 9);
    if (to === 0) return;
    store<u8>(to, 0xd3);
    store<u64>(to + 1, bswap<u64>(<u64>value));
  }
}

/** A string argument. */
export function record_string(context: usize, text: usize): void {
  const length = textLength(text);
  const to = binary(context, length);
  if (to !== 0) memory.copy(to, text, length);
}

/** Raises an error unless `length` bytes of process memory, 1 if it is not positive, can be shown. */
export function check_memory(context: usize, address: i64, length: i64): void {
  if (length > MEMORY_BYTES) {
    raiseTooManyBytes(context, length);
    return;
  }
  const buffer = context + CONTEXT_BUFFER;
  const end = address + (length <= 0 ? 1 : length);
  let at = address;
  for (let step = BUFFER_BYTES; at !== end; ) {
    const bytes = min<i64>(end - at, step);
    if (read(at, buffer, <u32>bytes) === 0) at += bytes;
    else if (step > 1) step = 1;
    else {
      raiseReadFault(context, at);
      return;
    }
  }
}

/** As many bytes of process memory, which check_memory found; zeros and an error on a fault. */
export function record_memory(context: usize, address: i64, length: i64): void {
  const bytes = <i32>(length <= 0 ? 1 : min(length, MEMORY_BYTES));
  const to = reserve(context, bytes + 3);
  if (to === 0) return;
  store<u8>(to, 0xc5);
  store<u16>(to + 1, bswap<u16>(<u16>bytes));
  if (read(address, to + 3, bytes) === 0) return;
  memory.fill(to + 3, 0, bytes);
  raiseReadFault(context, address);
}

/** All bucket counts of a merged statistic. */
export function record_histogram(context: usize, descriptor: usize, stat: usize): void {
  const buckets = load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS);
  arrayHeader(context, buckets);
  for (let i = 0; i < buckets; i++) {
    record_long(context, load<i64>(stat + ((<usize>i) << 3), STAT_BUCKETS));
  }
}

function arrayHeader(context: usize, count: i32): void {
  if (count < 16) {
    const to = reserve(context, 1);
    if (to !== 0) store<u8>(to, <u8>(0x90 | count));
    return;
  }
  const to = reserve(context, 3);
  if (to === 0) return;
  store<u8>(to, 0xdc);
  store<u16>(to + 1, bswap<u16>(<u16>count));
}

/** Header of `length` raw bytes; address for the bytes, 0 if the record is lost. */
function binary(context: usize, length: i32): usize {
  if (length < 256) {
    const to = reserve(context, length + 2);
    if (to === 0) return 0;
    store<u8>(to, 0xc4);
    store<u8>(to + 1, <u8>length);
    return to + 2;
  }
  const to = reserve(context, length + 5);
  if (to === 0) return 0;
  store<u8>(to, 0xc6);
  store<u32>(to + 1, bswap<u32>(length));
  return to + 5;
}
