/** Limits of a compiled script: defaults and their -D overrides (language reference §17). */
import type { Diagnostic } from "../../base/diagnostic.js";
import type { CompileOptions } from "../../base/stage.js";
import { MAX_SLOTS } from "../../wasm-runtime/layout/shared.js";
import { MAX_BAR_WIDTH } from "../../wasm-runtime/layout/values.js";

/** What bounds handlers and their data. */
export interface Limits {
  /** Capacity of a string with its NUL. */
  readonly maxString: number;
  /** Statements one handler may run; null = unlimited (--suppress-time-limits). */
  readonly maxAction: number | null;
  readonly maxMapEntries: number;
  /** Columns of the bars of histograms. */
  readonly barWidth: number;
  /** Empty rows of histograms shown around those in use, negative = all. */
  readonly elision: number;
  /** Capacity of a control file with its NUL. */
  readonly procfsBytes: number;
  readonly maxErrors: number;
  readonly maxSkipped: number;
  /** Rounds of waiting for a lock. */
  readonly lockTries: number;
  /** Depth of function calls, null = computed from the call graph. */
  readonly maxNesting: number | null;
  /** Addresses of a call chain. */
  readonly maxBacktrace: number;
  /** Threads that can be in handlers at the same time. */
  readonly slotCount: number;
}

/** Limits that `options` ask for; reports values that are no numbers or out of range. */
export function readLimits(options: CompileOptions, report: (d: Diagnostic) => void): Limits {
  const number = (name: string, fallback: number, low: number, high: number): number =>
    readNumber(options, name, { fallback, low, high }, report);
  const count = (name: string, fallback: number): number => number(name, fallback, 0, 2 ** 31 - 1);
  const base = count("MAXACTION", 1000);
  const interruptible = count("MAXACTION_INTERRUPTIBLE", Math.min(base * 10, 2 ** 31 - 1));
  const maxAction = count("INTERRUPTIBLE", 1) === 0 ? base : interruptible;
  const maxString = number("MAXSTRINGLEN", 512, 16, 65536);
  return {
    maxString,
    maxAction: options.suppressTimeLimits ? null : maxAction,
    maxMapEntries: number("MAXMAPENTRIES", 2048, 1, 2 ** 24),
    barWidth: number("HIST_WIDTH", 50, 1, MAX_BAR_WIDTH),
    elision: number("HIST_ELISION", 2, -(2 ** 31), 2 ** 31 - 1),
    procfsBytes: number("STP_PROCFS_BUFSIZE", maxString, 1, 2 ** 24),
    maxErrors: count("MAXERRORS", 0),
    maxSkipped: count("MAXSKIPPED", 100),
    lockTries: count("MAXTRYLOCK", 1000),
    maxNesting: options.defines.has("MAXNESTING") ? number("MAXNESTING", 10, 1, 1000) : null,
    maxBacktrace: number("MAXBACKTRACE", 20, 1, 1000),
    slotCount: number("MAXTHREADS", MAX_SLOTS, 1, MAX_SLOTS),
  };
}

interface Range {
  readonly fallback: number;
  readonly low: number;
  readonly high: number;
}

function readNumber(
  options: CompileOptions,
  name: string,
  range: Range,
  report: (d: Diagnostic) => void,
): number {
  const text = options.defines.get(name);
  if (text === undefined) return range.fallback;
  const value = /^\s*(0[xX][0-9a-fA-F]+|-?\d+)\s*$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.low && value <= range.high) return value;
  report({
    code: "limit-out-of-range",
    severity: "semantic error",
    message: `-D ${name}=${text}: expected a number from ${range.low} to ${range.high}`,
    span: null,
    token: "",
    notes: [],
  });
  return range.fallback;
}
