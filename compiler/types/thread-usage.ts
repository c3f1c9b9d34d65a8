/**
 * Which counters of perf points a probed thread can read itself: those of which the kernel keeps an
 * account for every thread, so that nothing has to be opened in the program (getrusage(2),
 * clock_gettime(2); linux/perf_event.h).
 */
import type { PerfCounter } from "../elaborate/site.js";

/** PERF_TYPE_SOFTWARE */
const SOFTWARE = 1n;

/** PERF_COUNT_SW_… → what host.usage is asked for. */
const USAGE: ReadonlyMap<bigint, bigint> = new Map([
  // cpu-clock, task-clock
  [0n, 0n],
  [1n, 0n],
  // page-faults, context-switches
  [2n, 3n],
  [3n, 4n],
  // minor-faults, major-faults
  [5n, 1n],
  [6n, 2n],
]);

/** What host.usage is asked for to read `counter`; null if threads do not know it. */
export function threadUsage({ type, config }: PerfCounter): bigint | null {
  return type === SOFTWARE ? (USAGE.get(config) ?? null) : null;
}
