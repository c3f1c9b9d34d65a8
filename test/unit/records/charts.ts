/** Histograms and their charts: one table for the reader and for sprint in the library. */
import type { HistogramShape } from "../../../wasm-runtime/records/histogram.js";

/** Values and what print() of them shows. */
export interface ChartCase {
  readonly name: string;
  readonly shape: HistogramShape;
  /** Each value with how often it occurs. */
  readonly values: readonly (readonly [value: bigint, times: number])[];
  readonly chart: readonly string[];
}

const STYLE = { barWidth: 50, elision: 2 };

/** Shape of `@hist_log`. */
export const LOG_SHAPE: HistogramShape = {
  histogram: "log",
  low: "0",
  high: "0",
  width: "0",
  ...STYLE,
};

type Bound = number | bigint;

/** Shape of `@hist_linear`. */
export function linearShape(low: Bound, high: Bound, width: number): HistogramShape {
  return { histogram: "linear", low: `${low}`, high: `${high}`, width: `${width}`, ...STYLE };
}

const HEADER = `value |${"-".repeat(50)} count`;

function row(label: string, bar: number, count: number, columns: number): string {
  return `${label} |${"@".repeat(bar).padEnd(51)}${String(count).padStart(columns)}`;
}

/** The table. */
export const CHARTS: readonly ChartCase[] = [
  {
    name: "log: margins of two rows, none below 0",
    shape: LOG_SHAPE,
    values: [
      [0n, 1],
      [1n, 2],
      [3n, 3],
    ],
    chart: [
      HEADER,
      row("    0", 1, 1, 1),
      row("    1", 2, 2, 1),
      row("    2", 3, 3, 1),
      row("    4", 0, 0, 1),
      row("    8", 0, 0, 1),
    ],
  },
  {
    name: "log: scaled bars, a run of empty rows elided",
    shape: LOG_SHAPE,
    values: [
      [16n, 549],
      [17n, 1],
      [5000n, 54],
    ],
    chart: [
      HEADER,
      row("    4", 0, 0, 3),
      row("    8", 0, 0, 3),
      row("   16", 50, 550, 3),
      row("   32", 0, 0, 3),
      row("   64", 0, 0, 3),
      "      ~",
      row(" 1024", 0, 0, 3),
      row(" 2048", 0, 0, 3),
      row(" 4096", 4, 54, 3),
      row(" 8192", 0, 0, 3),
      row("16384", 0, 0, 3),
    ],
  },
  {
    name: "log: negative values",
    shape: LOG_SHAPE,
    values: [
      [-3n, 1],
      [-1n, 1],
    ],
    chart: [
      HEADER,
      row("   -8", 0, 0, 1),
      row("   -4", 0, 0, 1),
      row("   -2", 1, 1, 1),
      row("   -1", 1, 1, 1),
      row("    0", 0, 0, 1),
      row("    1", 0, 0, 1),
    ],
  },
  {
    name: "log: the extremes",
    shape: LOG_SHAPE,
    values: [
      [-(1n << 63n), 1],
      [(1n << 63n) - 1n, 1],
    ],
    chart: [
      `${"value".padStart(20)} |${"-".repeat(50)} count`,
      row("-9223372036854775808", 1, 1, 1),
      row("-4611686018427387904", 0, 0, 1),
      row("-2305843009213693952", 0, 0, 1),
      `${" ".repeat(20)} ~`,
      row(" 1152921504606846976", 0, 0, 1),
      row(" 2305843009213693952", 0, 0, 1),
      row(" 4611686018427387904", 1, 1, 1),
    ],
  },
  {
    name: "linear: under- and overflow labelled",
    shape: linearShape(10, 40, 10),
    values: [
      [9n, 1],
      [10n, 2],
      [39n, 3],
      [50n, 4],
    ],
    chart: [
      HEADER,
      row("  <10", 1, 1, 1),
      row("   10", 2, 2, 1),
      row("   20", 0, 0, 1),
      row("   30", 3, 3, 1),
      row("   40", 0, 0, 1),
      row("  >40", 4, 4, 1),
    ],
  },
  {
    name: "linear: no rows for an empty under- and overflow",
    shape: linearShape(0, 20, 10),
    values: [[10n, 10]],
    chart: [HEADER, row("    0", 0, 0, 2), row("   10", 10, 10, 2), row("   20", 0, 0, 2)],
  },
  {
    name: "linear: as a published example, only the overflow in use",
    shape: linearShape(0, 100, 10),
    values: [
      [101n, 0],
      [5000n, 10],
    ],
    chart: [HEADER, row("   90", 0, 0, 2), row("  100", 0, 0, 2), row(" >100", 10, 10, 2)],
  },
  {
    name: "linear: labels wider than the header",
    shape: linearShape(-100000, -99990, 5),
    values: [[-100000n, 51]],
    chart: [
      `${"value".padStart(7)} |${"-".repeat(50)} count`,
      row("-100000", 25, 51, 2),
      row(" -99995", 0, 0, 2),
      row(" -99990", 0, 0, 2),
    ],
  },
  {
    name: "linear: bounds that only 64 bits hold",
    shape: linearShape((1n << 63n) - 400n, (1n << 63n) - 200n, 100),
    values: [[(1n << 63n) - 300n, 1]],
    chart: [
      `${"value".padStart(19)} |${"-".repeat(50)} count`,
      row("9223372036854775408", 0, 0, 1),
      row("9223372036854775508", 1, 1, 1),
      row("9223372036854775608", 0, 0, 1),
    ],
  },
  {
    name: "no empty rows shown",
    shape: { ...linearShape(0, 100, 10), elision: 0 },
    values: [
      [20n, 1],
      [70n, 2],
    ],
    chart: [HEADER, "      ~", row("   20", 1, 1, 1), "      ~", row("   70", 2, 2, 1)],
  },
  {
    name: "all rows shown, narrower bars",
    shape: { ...linearShape(0, 60, 10), barWidth: 5, elision: -1 },
    values: [
      [0n, 11],
      [60n, 1],
    ],
    chart: [
      "value |----- count",
      "    0 |@@@   11",
      ...[10, 20, 30, 40, 50].map((low) => `   ${low} |       0`),
      "   60 |       1",
    ],
  },
];
