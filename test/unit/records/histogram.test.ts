/** Charts of histograms by the reader. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bucketCount, showHistogram } from "../../../wasm-runtime/records/histogram.js";
import { CHARTS, type ChartCase, LOG_SHAPE, linearShape } from "./charts.js";

const s = suite("records/histogram");

/** Buckets by the definition in language.md §9. */
function bucketsOf({ shape, values }: ChartCase): bigint[] {
  const counts = Array.from({ length: bucketCount(shape) }, () => 0n);
  for (const [value, times] of values) {
    let bucket: number;
    if (shape.histogram === "log") {
      const digits = (value < 0n ? -value : value).toString(2).length;
      bucket = value === 0n ? 64 : value < 0n ? 64 - digits : 64 + digits;
    } else if (value < BigInt(shape.low)) bucket = 0;
    else {
      const step = Number((value - BigInt(shape.low)) / BigInt(shape.width)) + 1;
      bucket = Math.min(step, counts.length - 1);
    }
    counts[bucket] = (counts[bucket] ?? 0n) + BigInt(times);
  }
  return counts;
}

for (const each of CHARTS) {
  s(each.name, () => {
    assert.equal(showHistogram(each.shape, bucketsOf(each)).split("\n"), [...each.chart, "", ""]);
  });
}

s("counts that do not fit the shape show nothing", () => {
  assert.is(showHistogram(LOG_SHAPE, [1n]), "");
  const tooMany = linearShape(0, 1000, 1);
  assert.is(bucketCount(tooMany), 0);
  assert.is(showHistogram(tooMany, []), "");
});

s.run();
