/**
 * Statistics on the layout STAT. Variance is Welford's method in integers on values shifted left
 * by the bit shift; the shards of a scalar are joined with the method of Chan et al. from their
 * truncated means and variances. So @variance of 1..5 is 12 unshifted, 7 in an element of an array,
 * and 2 with a shift of 1, as in SystemTap. A shard is written by its own thread only and read by
 * others without a lock.
 */
import {
  HISTOGRAM_LINEAR,
  HISTOGRAM_LOG,
  LOG_BUCKETS,
  STAT_BUCKETS,
  STAT_COUNT,
  STAT_DESCRIPTOR_BUCKETS,
  STAT_DESCRIPTOR_HISTOGRAM,
  STAT_DESCRIPTOR_LOW,
  STAT_DESCRIPTOR_SHIFT,
  STAT_DESCRIPTOR_STAT_BYTES,
  STAT_DESCRIPTOR_WIDTH,
  STAT_MAX,
  STAT_MEAN,
  STAT_MIN,
  STAT_SQUARES,
  STAT_SUM,
} from "./gen/layout";
import { TEXT_BUCKET_RANGE, TEXT_EMPTY_AGGREGATE } from "./gen/texts";
import { raise } from "./message";

/** `<<<` */
export function stat_add(descriptor: usize, stat: usize, value: i64): void {
  const count = load<i64>(stat, STAT_COUNT) + 1;
  store<i64>(stat, load<i64>(stat, STAT_SUM) + value, STAT_SUM);
  if (count === 1 || value < load<i64>(stat, STAT_MIN)) store<i64>(stat, value, STAT_MIN);
  if (count === 1 || value > load<i64>(stat, STAT_MAX)) store<i64>(stat, value, STAT_MAX);
  if (load<i32>(descriptor, STAT_DESCRIPTOR_SHIFT) >= 0) addSquares(descriptor, stat, value, count);
  if (load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS) !== 0) {
    const bucket = stat + ((<usize>bucketOf(descriptor, value)) << 3);
    store<i64>(bucket, load<i64>(bucket, STAT_BUCKETS) + 1, STAT_BUCKETS);
  }
  store<i64>(stat, count, STAT_COUNT);
}

/** Makes `out` the union of `shards` statistics that lie `stride` bytes apart. */
export function stat_merge(
  descriptor: usize,
  out: usize,
  first: usize,
  stride: usize,
  shards: i32,
): void {
  stat_clear(descriptor, out);
  const buckets = load<i32>(descriptor, STAT_DESCRIPTOR_BUCKETS);
  for (let i = 0; i < shards; i++) addShard(out, first + <usize>i * stride, buckets);
  const count = load<i64>(out, STAT_COUNT);
  if (count === 0 || load<i32>(descriptor, STAT_DESCRIPTOR_SHIFT) < 0) return;
  const mean = shiftedMean(descriptor, out);
  let squares: i64 = 0;
  for (let i = 0; i < shards; i++) squares += squaresAround(first + <usize>i * stride, mean);
  store<i64>(out, mean, STAT_MEAN);
  store<i64>(out, squares, STAT_SQUARES);
}

/** Empties `stat`. */
export function stat_clear(descriptor: usize, stat: usize): void {
  memory.fill(stat, 0, load<usize>(descriptor, STAT_DESCRIPTOR_STAT_BYTES));
}

/** @count */
export function stat_count(_context: usize, stat: usize): i64 {
  return load<i64>(stat, STAT_COUNT);
}

/** @sum */
export function stat_sum(_context: usize, stat: usize): i64 {
  return load<i64>(stat, STAT_SUM);
}

/** @min */
export function stat_min(context: usize, stat: usize): i64 {
  return isEmpty(context, stat) ? 0 : load<i64>(stat, STAT_MIN);
}

/** @max */
export function stat_max(context: usize, stat: usize): i64 {
  return isEmpty(context, stat) ? 0 : load<i64>(stat, STAT_MAX);
}

/** @avg */
export function stat_avg(context: usize, stat: usize): i64 {
  return isEmpty(context, stat) ? 0 : average(stat);
}

/** @variance */
export function stat_variance(context: usize, descriptor: usize, stat: usize): i64 {
  return isEmpty(context, stat) ? 0 : variance(descriptor, stat);
}

/** Count of bucket `index` of the histogram. */
export function stat_bucket(context: usize, descriptor: usize, stat: usize, index: i64): i64 {
  if (isEmpty(context, stat)) return 0;
  if (<u64>index >= load<u32>(descriptor, STAT_DESCRIPTOR_BUCKETS)) {
    raise(context, TEXT_BUCKET_RANGE);
    return 0;
  }
  return load<i64>(stat + ((<usize>index) << 3), STAT_BUCKETS);
}

/** Sum divided by count, truncated; 0 if empty. */
export function average(stat: usize): i64 {
  const count = load<i64>(stat, STAT_COUNT);
  return count === 0 ? 0 : load<i64>(stat, STAT_SUM) / count;
}

/** Sample variance of an element or a merged statistic; 0 below two values. */
export function variance(descriptor: usize, stat: usize): i64 {
  const shift = load<i32>(descriptor, STAT_DESCRIPTOR_SHIFT);
  if (shift < 0) return 0;
  const mean = divide(load<i64>(stat, STAT_SQUARES), load<i64>(stat, STAT_COUNT) - 1);
  return mean >> min(2 * shift, 63);
}

/** True, with an error, if `stat` holds no value. */
export function isEmpty(context: usize, stat: usize): bool {
  if (load<i64>(stat, STAT_COUNT) !== 0) return false;
  raise(context, TEXT_EMPTY_AGGREGATE);
  return true;
}

function addSquares(descriptor: usize, stat: usize, value: i64, count: i64): void {
  const shifted = value << load<i32>(descriptor, STAT_DESCRIPTOR_SHIFT);
  const mean = load<i64>(stat, STAT_MEAN);
  const delta = shifted - mean;
  const moved = mean + delta / count;
  store<i64>(stat, moved, STAT_MEAN);
  store<i64>(stat, load<i64>(stat, STAT_SQUARES) + delta * (shifted - moved), STAT_SQUARES);
}

function shiftedMean(descriptor: usize, stat: usize): i64 {
  const sum = load<i64>(stat, STAT_SUM) << load<i32>(descriptor, STAT_DESCRIPTOR_SHIFT);
  return divide(sum, load<i64>(stat, STAT_COUNT));
}

/** Sum of squared deviations of a shard from `mean`, from the shard's mean and variance. */
function squaresAround(stat: usize, mean: i64): i64 {
  const count = load<i64>(stat, STAT_COUNT);
  if (count === 0) return 0;
  const apart = load<i64>(stat, STAT_MEAN) - mean;
  const own = count < 2 ? 0 : (count - 1) * divide(load<i64>(stat, STAT_SQUARES), count - 1);
  return count * apart * apart + own;
}

/** Truncating division that cannot trap (a torn or foreign count may be -1). */
function divide(value: i64, by: i64): i64 {
  return by > 0 ? value / by : 0;
}

function addShard(out: usize, shard: usize, buckets: i32): void {
  const added = load<i64>(shard, STAT_COUNT);
  if (added === 0) return;
  const count = load<i64>(out, STAT_COUNT);
  const low = load<i64>(shard, STAT_MIN);
  const high = load<i64>(shard, STAT_MAX);
  if (count === 0 || low < load<i64>(out, STAT_MIN)) store<i64>(out, low, STAT_MIN);
  if (count === 0 || high > load<i64>(out, STAT_MAX)) store<i64>(out, high, STAT_MAX);
  store<i64>(out, count + added, STAT_COUNT);
  store<i64>(out, load<i64>(out, STAT_SUM) + load<i64>(shard, STAT_SUM), STAT_SUM);
  for (let i = 0; i < buckets; i++) {
    const at = <usize>STAT_BUCKETS + ((<usize>i) << 3);
    store<i64>(out + at, load<i64>(out + at) + load<i64>(shard + at));
  }
}

function bucketOf(descriptor: usize, value: i64): i32 {
  switch (load<i32>(descriptor, STAT_DESCRIPTOR_HISTOGRAM)) {
    case HISTOGRAM_LOG:
      return logBucket(value);
    case HISTOGRAM_LINEAR:
      return linearBucket(descriptor, value);
    default:
      return 0;
  }
}

/** Bucket 64 holds 0, 64 ± n the numbers of n significant bits. */
function logBucket(value: i64): i32 {
  const zero = LOG_BUCKETS >> 1;
  if (value >= 0) return zero + 64 - <i32>clz(value);
  return zero - 64 + <i32>clz(-value);
}

/** Bucket 0 is below `low`, the last one above `high`. */
function linearBucket(descriptor: usize, value: i64): i32 {
  const low = load<i64>(descriptor, STAT_DESCRIPTOR_LOW);
  const width = load<u64>(descriptor, STAT_DESCRIPTOR_WIDTH);
  const last = load<u32>(descriptor, STAT_DESCRIPTOR_BUCKETS) - 1;
  if (value < low || width === 0) return 0;
  return <i32>min<u64>(<u64>(value - low) / width + 1, last);
}
