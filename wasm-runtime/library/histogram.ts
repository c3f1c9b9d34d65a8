/**
 * The chart of a histogram as text (sprint); records/histogram.ts makes the same for prints.
 * Rows from two before the first to two behind the last bucket in use; a run of empty rows that are
 * further than HIST_ELISION from any in use is one row `~`; bars are at most HIST_WIDTH wide.
 */
import {
  HISTOGRAM_LINEAR,
  HISTOGRAM_LOG,
  LOG_BUCKETS,
  STAT_BUCKETS,
  STAT_DESCRIPTOR_BAR_WIDTH,
  STAT_DESCRIPTOR_BUCKETS,
  STAT_DESCRIPTOR_ELISION,
  STAT_DESCRIPTOR_HISTOGRAM,
  STAT_DESCRIPTOR_LOW,
  STAT_DESCRIPTOR_WIDTH,
} from "./gen/layout";
import { TEXT_COUNT, TEXT_VALUE } from "./gen/texts";
import { digitCount, putByte, putFill, putSigned, putText } from "./put";

/** Rows before the first and behind the last bucket in use. */
const MARGIN = 2;
/** Length of "value". */
const LABEL_WIDTH = 5;

/** Appends the chart of `stat`, which is not empty. */
export function putChart(cursor: usize, end: usize, descriptor: usize, stat: usize): usize {
  const first = firstRow(descriptor, stat);
  const last = lastRow(descriptor, stat);
  const most = largest(descriptor, stat);
  const columns = labelWidth(descriptor, first, last);
  cursor = putFill(cursor, end, 0x20, columns - LABEL_WIDTH);
  cursor = putText(cursor, end, TEXT_VALUE);
  cursor = putFill(cursor, end, 0x2d, barWidth(descriptor));
  cursor = putText(cursor, end, TEXT_COUNT);
  let skipped = false;
  for (let row = first; row <= last && cursor < end; row++) {
    if (isElided(descriptor, stat, row)) {
      skipped = true;
      continue;
    }
    if (skipped) cursor = putElision(cursor, end, columns);
    skipped = false;
    cursor = putLabel(cursor, end, descriptor, (row << 8) | columns);
    cursor = putBar(cursor, end, descriptor, countOf(stat, row), most);
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

function barWidth(descriptor: usize): i32 {
  return load<i32>(descriptor, STAT_DESCRIPTOR_BAR_WIDTH);
}

/** True if no bucket around `row` is in use. */
function isElided(descriptor: usize, stat: usize, row: i32): bool {
  const buckets = load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS);
  const elision = min(load<i32>(descriptor, STAT_DESCRIPTOR_ELISION), buckets);
  if (elision < 0) return false;
  const to = min(row + elision, buckets - 1);
  for (let i = max(row - elision, 0); i <= to; i++) {
    if (countOf(stat, i) !== 0) return false;
  }
  return true;
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

function putBar(cursor: usize, end: usize, descriptor: usize, count: u64, most: u64): usize {
  const width = barWidth(descriptor);
  const scale = max<u64>((most + width - 1) / width, 1);
  const bar = <i32>(count / scale);
  const padding = width - bar + 1 + digitCount(most, 10) - digitCount(count, 10);
  cursor = putFill(putFill(cursor, end, 0x40, bar), end, 0x20, padding);
  return putByte(putSigned(cursor, end, count), end, 0x0a);
}
