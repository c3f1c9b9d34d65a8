/**
 * timer.profile: samples of the threads that run (language.md §14.1).
 *
 * Without a frequency a thread is looked at once in a millisecond, which is the period that
 * perf.sw.cpu_clock has by default.
 */
import type { ProbePoint } from "../syntax/ast.js";
import { numberArgument } from "./point.js";
import { NO_TARGETS } from "./session-points.js";
import type { FamilyTable, Site } from "./site.js";

const SECOND_NS = 1_000_000_000;
const DEFAULT_NS = 1_000_000;
/** More often would leave the sampled threads no time. */
const LEAST_NS = 100_000;

/** The families of samples. */
export const PROFILE_FAMILIES: FamilyTable = [
  "timer.profile",
  "timer.profile.tick",
  "timer.profile.freq",
  "timer.profile.freq.hz(number)",
].map((pattern): FamilyTable[number] => [pattern, profileSites]);

function profileSites(point: ProbePoint): Site[] {
  const frequency = Number(numberArgument(point, "hz") ?? 0n);
  const periodNs = frequency > 0 ? Math.floor(SECOND_NS / frequency) : DEFAULT_NS;
  const place = { kind: "profile", intervalNs: Math.max(periodNs, LEAST_NS), path: null } as const;
  return [
    { point, type: "perf_event", place, isReturn: false, targets: NO_TARGETS, condition: null },
  ];
}
