/**
 * timer.profile and what stands for it: samples of the threads that run (language.md §14.1).
 *
 * Without a frequency a thread is looked at once in a millisecond of its processor time, which is
 * the period that perf.sw.cpu_clock has by default. Other events of perf_event_open(2) are
 * accepted, but cannot be run.
 */
import type { ProbePoint } from "../syntax/ast.js";
import { findComponent, hasComponent, numberArgument } from "./point.js";
import { processTargets } from "./process-target.js";
import { ResolutionError } from "./report.js";
import { NO_TARGETS } from "./session-points.js";
import type { FamilyContext, FamilyTable, Site } from "./site.js";

const SECOND_NS = 1_000_000_000;
/** Period of an event that states none, as SystemTap has it. */
const DEFAULT_PERIOD = 1_000_000;
/** More often would leave the sampled threads no time. */
const LEAST_NS = 100_000;

const EVENT = "perf.type(number).config(number)";
/** PERF_TYPE_SOFTWARE with PERF_COUNT_SW_CPU_CLOCK and PERF_COUNT_SW_TASK_CLOCK (linux/perf_event.h). */
const SOFTWARE = 1n;
const CLOCKS: readonly bigint[] = [0n, 1n];

/** The families of samples. */
export const PROFILE_FAMILIES: FamilyTable = [
  ["timer.profile", (point) => [perfSite(point, profile(DEFAULT_PERIOD))]],
  ["timer.profile.tick", (point) => [perfSite(point, profile(DEFAULT_PERIOD))]],
  ["timer.profile.freq", (point) => [perfSite(point, profile(DEFAULT_PERIOD))]],
  ["timer.profile.freq.hz(number)", (point) => [perfSite(point, profile(period(point)))]],
  ...["", ".sample(number)", ".hz(number)", ".counter(string)"].map(
    (suffix): FamilyTable[number] => [EVENT + suffix, (point) => [perfSite(point, event(point))]],
  ),
  ...["process", "process(string)", "process(string).counter(string)"].map(
    (suffix): FamilyTable[number] => [`${EVENT}.${suffix}`, perfProcessSites],
  ),
];

function perfSite(point: ProbePoint, place: Site["place"]): Site {
  return { point, type: "perf", place, isReturn: false, targets: NO_TARGETS, condition: null };
}

function perfProcessSites(point: ProbePoint, context: FamilyContext): Site[] {
  const isTarget = findComponent(point, "process")?.argument === null;
  if (isTarget && context.context.options.targetPath === null) {
    const message = "unspecified process probe is invalid without a -c COMMAND";
    throw new ResolutionError("unspecified-process", message);
  }
  return processTargets(point, context).map((target) => {
    const place = event(target.point);
    const only = place.kind === "profile" ? { ...place, path: target.path } : place;
    return perfSite(target.point, only);
  });
}

/** What the event of `point` is here. */
function event(point: ProbePoint): Site["place"] {
  const isClock =
    numberArgument(point, "type") === SOFTWARE &&
    CLOCKS.includes(numberArgument(point, "config") ?? -1n);
  const periodNs = period(point);
  if (hasComponent(point, "counter")) return unsupported("counters for @perf");
  return isClock ? profile(periodNs) : unsupported("performance events other than clocks");
}

function unsupported(feature: string): Site["place"] {
  return { kind: "unsupported", feature };
}

function profile(periodNs: number): Site["place"] & { readonly kind: "profile" } {
  return { kind: "profile", intervalNs: Math.max(periodNs, LEAST_NS), path: null };
}

/** Nanoseconds between two samples. */
function period(point: ProbePoint): number {
  const sample = findComponent(point, "sample")?.argument;
  if (sample?.kind === "number") {
    if (sample.value > 0n) return Number(sample.value);
    const message = `invalid perf sample period ${sample.value}`;
    throw new ResolutionError("perf-period", message, sample);
  }
  const frequency = Number(numberArgument(point, "hz") ?? 0n);
  return frequency > 0 ? Math.floor(SECOND_NS / frequency) : DEFAULT_PERIOD;
}
