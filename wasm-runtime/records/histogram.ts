/**
 * Histograms as text, laid out as SystemTap does (language.md §9): a header, one row for each
 * bucket from two before the first to two behind the last one in use, `~` for a run of empty rows
 * further than HIST_ELISION from any in use, bars of at most HIST_WIDTH `@`, an empty line.
 */
import { LOG_BUCKETS, linearBuckets } from "../layout/values.js";

/** Kind and parameters of a histogram. */
export interface HistogramShape {
  readonly histogram: "linear" | "log";
  /** Parameters of @hist_linear, decimal (i64); 0 for log. */
  readonly low: string;
  readonly high: string;
  readonly width: string;
  /** Columns of the bars. */
  readonly barWidth: number;
  /** Empty rows shown around those in use, negative = all. */
  readonly elision: number;
}

/** Rows before the first and behind the last bucket in use. */
const MARGIN = 2;

/** Number of buckets of `shape` with those for underflow and overflow; 0 if there are too many. */
export function bucketCount(shape: HistogramShape): number {
  if (shape.histogram === "log") return LOG_BUCKETS;
  return linearBuckets(BigInt(shape.low), BigInt(shape.high), BigInt(shape.width));
}

/** The chart of `counts`; "" if they do not fit `shape`. */
export function showHistogram(shape: HistogramShape, counts: readonly bigint[]): string {
  const used = counts.flatMap((count, bucket) => (count > 0n ? [bucket] : []));
  const first = used[0];
  const last = used.at(-1);
  if (counts.length !== bucketCount(shape) || first === undefined || last === undefined) return "";
  const rows = rowRange(shape, counts, first, last);
  const labelColumns = labelWidth(shape, counts.length, rows);
  let most = 0n;
  for (const count of counts) if (count > most) most = count;
  const countColumns = most.toString().length;
  const lines = [`${"value".padStart(labelColumns)} |${"-".repeat(shape.barWidth)} count`];
  let skipped = false;
  for (let row = rows.first; row <= rows.last; row++) {
    if (isElided(shape, counts, row)) {
      skipped = true;
      continue;
    }
    if (skipped) lines.push(`${" ".repeat(labelColumns)} ~`);
    skipped = false;
    const label = labelOf(shape, counts.length, row).padStart(labelColumns);
    lines.push(`${label} |${bar(shape, counts[row] ?? 0n, most, countColumns)}`);
  }
  return `${lines.join("\n")}\n\n`;
}

interface RowRange {
  readonly first: number;
  readonly last: number;
}

/** Log charts do not go below 0 for the margin alone, linear ones to no empty out-of-range row. */
function rowRange(
  shape: HistogramShape,
  counts: readonly bigint[],
  firstUsed: number,
  lastUsed: number,
): RowRange {
  const end = counts.length - 1;
  const last = Math.min(lastUsed + MARGIN, end);
  if (shape.histogram === "log") {
    const zero = LOG_BUCKETS / 2;
    const least = firstUsed >= zero ? zero : 0;
    return { first: Math.max(firstUsed - MARGIN, least), last };
  }
  return {
    first: Math.max(firstUsed - MARGIN, firstUsed === 0 ? 0 : 1),
    last: last === end && lastUsed !== end ? end - 1 : last,
  };
}

/** Lower bound of a bucket; the limit itself for underflow and overflow. */
function boundOf(shape: HistogramShape, buckets: number, bucket: number): bigint {
  if (shape.histogram === "log") {
    const steps = bucket - LOG_BUCKETS / 2;
    if (steps === 0) return 0n;
    return steps > 0 ? 1n << BigInt(steps - 1) : -(1n << BigInt(-steps - 1));
  }
  const steps = bucket === 0 ? 0 : bucket === buckets - 1 ? bucket - 2 : bucket - 1;
  return stepsFromLow(shape, steps);
}

/** Wraps as SystemTap's reckoning with 64 bits does. */
function stepsFromLow({ low, width }: HistogramShape, steps: number): bigint {
  return BigInt.asIntN(64, BigInt(low) + BigInt(steps) * BigInt(width));
}

function labelOf(shape: HistogramShape, buckets: number, bucket: number): string {
  const bound = boundOf(shape, buckets, bucket).toString();
  if (shape.histogram === "log") return bound;
  return (bucket === 0 ? "<" : bucket === buckets - 1 ? ">" : "") + bound;
}

/** Columns of the labels: SystemTap reckons with `low` and one step past the last bucket. */
function labelWidth(shape: HistogramShape, buckets: number, rows: RowRange): number {
  const smallest = "value".length;
  if (shape.histogram === "log") {
    const widths = [rows.first, rows.last].map((row) => labelOf(shape, buckets, row).length);
    return Math.max(smallest, ...widths);
  }
  const high = stepsFromLow(shape, rows.last);
  return Math.max(
    smallest,
    shape.low.length + (rows.first === 0 ? 1 : 0),
    high.toString().length + (rows.last === buckets - 1 ? 1 : 0),
  );
}

/** True if no bucket around `row` is in use. */
function isElided({ elision }: HistogramShape, counts: readonly bigint[], row: number): boolean {
  if (elision < 0) return false;
  const from = Math.max(row - elision, 0);
  return counts.slice(from, row + elision + 1).every((count) => count <= 0n);
}

function bar(shape: HistogramShape, count: bigint, most: bigint, countColumns: number): string {
  const full = BigInt(shape.barWidth);
  const scale = most <= full ? 1n : (most + full - 1n) / full;
  const shown = count > 0n ? "@".repeat(Number(count / scale)) : "";
  return shown.padEnd(shape.barWidth + 1) + count.toString().padStart(countColumns);
}
