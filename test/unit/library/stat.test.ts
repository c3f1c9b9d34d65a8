/** Statistics in the library: extractors, variance, merging, histograms and their charts. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HISTOGRAM, STAT_DESCRIPTOR, statBytes } from "../../../wasm-runtime/layout/values.js";
import { bucketCount, type HistogramShape } from "../../../wasm-runtime/records/histogram.js";
import { CHARTS, LOG_SHAPE, linearShape } from "../records/charts.js";
import { createHarness, type Harness, PLACES } from "./harness.js";

const s = suite("library/stat");
const DESCRIPTOR: number = PLACES.data;
const STAT_AT: number = PLACES.data + 64;

interface Shape {
  readonly shift?: number;
  readonly histogram?: HistogramShape;
}

function describe(h: Harness, { shift = 0, histogram }: Shape = {}): number {
  const buckets = histogram === undefined ? 0 : bucketCount(histogram);
  const kind = histogram === undefined ? "none" : histogram.histogram;
  const put = (offset: number, value: number): void =>
    h.view.setInt32(DESCRIPTOR + offset, value, true);
  put(STAT_DESCRIPTOR.histogram, HISTOGRAM[kind]);
  put(STAT_DESCRIPTOR.shift, shift);
  put(STAT_DESCRIPTOR.buckets, buckets);
  put(STAT_DESCRIPTOR.statBytes, statBytes(buckets));
  put(STAT_DESCRIPTOR.barWidth, histogram?.barWidth ?? 0);
  put(STAT_DESCRIPTOR.elision, histogram?.elision ?? 0);
  for (const field of ["low", "high", "width"] as const) {
    h.view.setBigInt64(DESCRIPTOR + STAT_DESCRIPTOR[field], BigInt(histogram?.[field] ?? 0), true);
  }
  return statBytes(buckets);
}

function add(h: Harness, stat: number, ...values: bigint[]): void {
  for (const value of values) h.lib.stat_add(DESCRIPTOR, stat, value);
}

s("count, sum, min, max, avg", () => {
  const h = createHarness();
  describe(h);
  add(h, STAT_AT, -5n, 3n, 0n, -2n);
  const { lib, context } = h;
  assert.is(lib.stat_count(context, STAT_AT), 4n);
  assert.is(lib.stat_sum(context, STAT_AT), -4n);
  assert.is(lib.stat_min(context, STAT_AT), -5n);
  assert.is(lib.stat_max(context, STAT_AT), 3n);
  assert.is(lib.stat_avg(context, STAT_AT), -1n);
  lib.stat_clear(DESCRIPTOR, STAT_AT);
  assert.is(lib.stat_count(context, STAT_AT), 0n);
  assert.is(h.error(), "");
});

s("extractors of an empty statistic are errors, but for count and sum", () => {
  const h = createHarness();
  describe(h);
  assert.is(h.lib.stat_count(h.context, STAT_AT), 0n);
  assert.is(h.lib.stat_sum(h.context, STAT_AT), 0n);
  assert.is(h.error(), "");
  for (const name of ["stat_min", "stat_max", "stat_avg"] as const) {
    assert.is(h.lib[name](h.context, STAT_AT), 0n);
    assert.is(h.error(), "empty aggregate");
  }
  h.lib.stat_variance(h.context, DESCRIPTOR, STAT_AT);
  assert.is(h.error(), "empty aggregate");
  h.lib.stat_bucket(h.context, DESCRIPTOR, STAT_AT, 0n);
  assert.is(h.error(), "empty aggregate");
});

s("variance of 1..5 is 7 unshifted and 2 with one bit, merged 12 and 2", () => {
  for (const [shift, expected, merged] of [
    [0, 7n, 12n],
    [1, 2n, 2n],
    [10, 2n, 2n],
  ] as const) {
    const h = createHarness();
    const bytes = describe(h, { shift });
    const out = STAT_AT + bytes;
    add(h, STAT_AT, 1n, 2n, 3n, 4n, 5n);
    assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, STAT_AT), expected);
    h.lib.stat_merge(DESCRIPTOR, out, STAT_AT, bytes, 1);
    assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, out), merged);
  }
});

s("variance of one value is 0", () => {
  const h = createHarness();
  const bytes = describe(h, { shift: 3 });
  add(h, STAT_AT, 7n);
  assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, STAT_AT), 0n);
  h.lib.stat_merge(DESCRIPTOR, STAT_AT + bytes, STAT_AT, bytes, 1);
  assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, STAT_AT + bytes), 0n);
});

s("a merged statistic has the same variance, from one shard or from several", () => {
  const h = createHarness();
  const bytes = describe(h, { shift: 1 });
  const out = STAT_AT + 8 * bytes;
  add(h, STAT_AT, 1n, 2n, 3n, 4n, 5n);
  h.lib.stat_merge(DESCRIPTOR, out, STAT_AT, bytes, 4);
  assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, out), 2n);
  h.lib.stat_clear(DESCRIPTOR, STAT_AT);
  add(h, STAT_AT, 1n, 2n);
  add(h, STAT_AT + 2 * bytes, 3n, 4n, 5n);
  h.lib.stat_merge(DESCRIPTOR, out, STAT_AT, bytes, 4);
  assert.is(h.lib.stat_count(h.context, out), 5n);
  assert.is(h.lib.stat_sum(h.context, out), 15n);
  assert.is(h.lib.stat_min(h.context, out), 1n);
  assert.is(h.lib.stat_max(h.context, out), 5n);
  // Means 3 and 8 of 6 (shifted), variances 2 and 4: (2·9 + 3·4 + 1·2 + 2·4) / 4 >> 2.
  assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, out), 2n);
});

s("buckets by index, or an error outside", () => {
  const h = createHarness();
  describe(h, { histogram: linearShape(0, 20, 10) });
  add(h, STAT_AT, -1n, 0n, 9n, 10n, 29n, 30n, 1n << 62n, -(1n << 63n));
  const bucket = (index: bigint): unknown =>
    h.lib.stat_bucket(h.context, DESCRIPTOR, STAT_AT, index);
  assert.equal([0n, 1n, 2n, 3n, 4n].map(bucket), [2n, 2n, 1n, 1n, 2n]);
  assert.is(h.error(), "");
  for (const index of [5n, -1n, 1n << 40n]) {
    assert.is(bucket(index), 0n);
    assert.is(h.error(), "histogram index out of range");
  }
});

s("log buckets are powers of two of both signs", () => {
  const h = createHarness();
  describe(h, { histogram: LOG_SHAPE });
  const cases: [bigint, bigint][] = [
    [0n, 64n],
    [1n, 65n],
    [2n, 66n],
    [3n, 66n],
    [4n, 67n],
    [(1n << 63n) - 1n, 127n],
    [-1n, 63n],
    [-2n, 62n],
    [-3n, 62n],
    [-(1n << 63n), 0n],
  ];
  for (const [value, bucket] of cases) {
    h.lib.stat_clear(DESCRIPTOR, STAT_AT);
    add(h, STAT_AT, value);
    assert.is(h.lib.stat_bucket(h.context, DESCRIPTOR, STAT_AT, bucket), 1n, `${value}`);
  }
});

s("buckets of shards are added", () => {
  const h = createHarness();
  const histogram: HistogramShape = linearShape(0, 20, 10);
  const bytes = describe(h, { histogram });
  add(h, STAT_AT, 5n, 15n);
  add(h, STAT_AT + bytes, 5n);
  const out = STAT_AT + 4 * bytes;
  h.lib.stat_merge(DESCRIPTOR, out, STAT_AT, bytes, 3);
  assert.is(h.lib.stat_bucket(h.context, DESCRIPTOR, out, 1n), 2n);
  assert.is(h.lib.stat_bucket(h.context, DESCRIPTOR, out, 2n), 1n);
});

s("shift -1 maintains no variance", () => {
  const h = createHarness();
  describe(h, { shift: -1 });
  add(h, STAT_AT, 1n, 2n, 3n);
  assert.is(h.lib.stat_avg(h.context, STAT_AT), 2n);
  assert.is(h.lib.stat_variance(h.context, DESCRIPTOR, STAT_AT), 0n);
});

for (const { name, shape, values, chart } of CHARTS) {
  s(`chart ${name}`, () => {
    const h = createHarness();
    h.setSession("maxString", 4096);
    describe(h, { histogram: shape });
    for (const [value, times] of values) {
      for (let i = 0; i < times; i++) h.lib.stat_add(DESCRIPTOR, STAT_AT, value);
    }
    const out = PLACES.data + 0x4000;
    h.lib.text_begin(h.context, out);
    h.lib.text_histogram(h.context, DESCRIPTOR, STAT_AT);
    h.lib.text_end(h.context);
    assert.equal(h.string(out).split("\n"), [...chart, "", ""]);
  });
}

s("the chart of an empty statistic is an error", () => {
  const h = createHarness();
  describe(h, { histogram: LOG_SHAPE });
  h.lib.text_begin(h.context, PLACES.data + 0x4000);
  h.lib.text_histogram(h.context, DESCRIPTOR, STAT_AT);
  assert.is(h.error(), "empty aggregate");
});

s.run();
