/**
 * The chart of a histogram as text (sprint); records/histogram.ts makes the same for prints.
 * Rows from two before the first to two behind the last bucket in use; a run of empty rows that are
 * more than two away from any other is one row `~`; bars are at most 50 wide.
 */
import {
  HISTOGRAM_LINEAR,
  HISTOGRAM_LOG,
  LOG_BUCKETS,
  STAT_BUCKETS,
  STAT_DESCRIPTOR_BUCKETS,
  STAT_DESCRIPTOR_HISTOGRAM,
  STAT_DESCRIPTOR_LOW,
  STAT_DESCRIPTOR_WIDTH,
} from "./gen/layout";
import { TEXT_COUNT, TEXT_VALUE } from "./gen/texts";
import { digitCount, putByte, putFill, putSigned, putText } from "./put";

const BAR_WIDTH: i32 = 50;
/** Rows around a bucket in use that are shown even if empty. */
const MARGIN = 2;
/** Length of "value". */
const LABEL_WIDTH = 5;

/** Appends the chart of `stat`, which is not empty. */
export function putChart(cursor: usize, end: usize, descriptor: usize, stat: usize): usize {
  const first = firstRow(descriptor, stat);
  const last = lastRow(descriptor, stat);
  const most = largest(descriptor, stat);
  const columns = (digitCount(most, 10) << 8) | labelWidth(descriptor, first, last);
  cursor = putFill(cursor, end, 0x20, (columns & 0xff) - LABEL_WIDTH);
  cursor = putText(cursor, end, TEXT_VALUE);
  cursor = putFill(cursor, end, 0x2d, BAR_WIDTH);
  cursor = putText(cursor, end, TEXT_COUNT);
  let skipped = false;
  for (let row = first; row <= last && cursor < end; row++) {
    if (!isNearUse(stat, max(first, row - MARGIN), min(last, row + MARGIN))) {
      skipped = true;
      continue;
    }
    if (skipped) cursor = putElision(cursor, end, columns & 0xff);
    skipped = false;
    cursor = putLabel(cursor, end, descriptor, (row << 8) | (columns & 0xff));
    cursor = putBar(cursor, end, countOf(stat, row), most, columns >> 8);
  }
  return putByte(cursor, end, 0x0a);
}

function countOf(stat: usize, bucket: i32): i64 {
  return load<i64>(stat + ((<usize>bucket) << 3), STAT_BUCKETS);
}

function largest(descriptor: usize, stat: usize): u64 {
  let most: i64 = 0;
  for (let i = 0; i < load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS); i++) {
    most = max(most, countOf(stat, i));
  }
  return most;
}

function isLinear(descriptor: usize): bool {
  return load<i32>(descriptor, STAT_DESCRIPTOR_HISTOGRAM) === HISTOGRAM_LINEAR;
}

/** Log charts do not go below 0 for the margin alone, linear ones not to an empty underflow. */
function firstRow(descriptor: usize, stat: usize): i32 {
  const buckets = load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS);
  const zero = isLinear(descriptor) ? 0 : LOG_BUCKETS >> 1;
  let row = 0;
  while (row < buckets - 1 && countOf(stat, row) === 0) row++;
  for (let i = 0; i < MARGIN; i++) {
    if (row > 0 && row !== zero) row--;
  }
  return isLinear(descriptor) && row === 0 && countOf(stat, 0) === 0 ? 1 : row;
}

function lastRow(descriptor: usize, stat: usize): i32 {
  const end = load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS) - 1;
  let row = end;
  while (row > 0 && countOf(stat, row) === 0) row--;
  row = min(row + MARGIN, end);
  return isLinear(descriptor) && row === end && countOf(stat, end) === 0 ? end - 1 : row;
}

function isNearUse(stat: usize, from: i32, to: i32): bool {
  for (let i = from; i <= to; i++) {
    if (countOf(stat, i) !== 0) return true;
  }
  return false;
}

/** Lower bound of a bucket; the limit for underflow and overflow. */
function boundOf(descriptor: usize, bucket: i32): i64 {
  if (load<i32>(descriptor, STAT_DESCRIPTOR_HISTOGRAM) === HISTOGRAM_LOG) {
    const zero = LOG_BUCKETS >> 1;
    if (bucket === zero) return 0;
    return bucket < zero ? i64.MIN_VALUE >> bucket : (<i64>1) << (bucket - zero - 1);
  }
  const last = load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS) - 1;
  const steps = bucket === 0 ? 0 : bucket === last ? bucket - 2 : bucket - 1;
  const width = load<i64>(descriptor, STAT_DESCRIPTOR_WIDTH);
  return load<i64>(descriptor, STAT_DESCRIPTOR_LOW) + steps * width;
}

/** `<` or `>` before the bound of underflow and overflow, else 0. */
function markOf(descriptor: usize, bucket: i32): i32 {
  if (!isLinear(descriptor)) return 0;
  if (bucket === 0) return 0x3c;
  return bucket === load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS) - 1 ? 0x3e : 0;
}

function widthOf(value: i64): i32 {
  return value < 0 ? 1 + digitCount(-value, 10) : digitCount(value, 10);
}

/** Columns of the labels: SystemTap reckons with `low` and one step past the last bucket. */
function labelWidth(descriptor: usize, first: i32, last: i32): i32 {
  let low = widthOf(boundOf(descriptor, first));
  let high = widthOf(boundOf(descriptor, last));
  if (isLinear(descriptor)) {
    const start = load<i64>(descriptor, STAT_DESCRIPTOR_LOW);
    low = widthOf(start) + (markOf(descriptor, first) !== 0 ? 1 : 0);
    high = widthOf(start + last * load<i64>(descriptor, STAT_DESCRIPTOR_WIDTH));
    if (markOf(descriptor, last) !== 0) high++;
  }
  return max(LABEL_WIDTH, max(low, high));
}

function putElision(cursor: usize, end: usize, columns: i32): usize {
  cursor = putFill(cursor, end, 0x20, columns + 1);
  return putByte(putByte(cursor, end, 0x7e), end, 0x0a);
}

/** `place` is the bucket << 8 | the columns of labels. */
function putLabel(cursor: usize, end: usize, descriptor: usize, place: i32): usize {
  const bucket = place >> 8;
  const bound = boundOf(descriptor, bucket);
  const mark = markOf(descriptor, bucket);
  const padding = (place & 0xff) - widthOf(bound) - (mark !== 0 ? 1 : 0);
  cursor = putFill(cursor, end, 0x20, padding);
  if (mark !== 0) cursor = putByte(cursor, end, mark);
  cursor = putSigned(cursor, end, bound);
  return putByte(putByte(cursor, end, 0x20), end, 0x7c);
}

function putBar(cursor: usize, end: usize, count: u64, most: u64, countColumns: i32): usize {
  const scale = max<u64>((most + BAR_WIDTH - 1) / BAR_WIDTH, 1);
  const bar = <i32>(count / scale);
  cursor = putFill(cursor, end, 0x40, bar);
  cursor = putFill(cursor, end, 0x20, BAR_WIDTH - bar + 1 + countColumns - digitCount(count, 10));
  return putByte(putSigned(cursor, end, count), end, 0x0a);
}
