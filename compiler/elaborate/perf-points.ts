/**
 * perf.type(T).config(C) and what may follow it: events that perf_event_open(2) counts, in all
 * threads or in those of a program. The handler runs in the thread in which a sample is due, after
 * so many events or so many times in a second. See language.md §14.1.
 */
import type { ProbeComponent, ProbePoint } from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import {
  findComponent,
  hasComponent,
  numberArgument,
  stringArgument,
  withComponents,
} from "./point.js";
import { processTargets } from "./process-target.js";
import { ResolutionError } from "./report.js";
import { NO_TARGETS } from "./session-points.js";
import type { FamilyContext, FamilyTable, PerfCounter, Site } from "./site.js";

const EVENT = "perf.type(number).config(number)";

/** Events of a point that says nothing of samples, as SystemTap has it. */
const DEFAULT_PERIOD = 1_000_000n;

/** The families of counted events. */
export const PERF_FAMILIES: FamilyTable = [
  ...["", ".sample(number)", ".hz(number)", ".counter(string)"].map(
    (suffix): FamilyTable[number] => [
      EVENT + suffix,
      (point, context) => {
        addCounter(point, null, context);
        return [perfSite(point, null)];
      },
    ],
  ),
  ...["process", "process(string)", "process(string).counter(string)"].map(
    (suffix): FamilyTable[number] => [`${EVENT}.${suffix}`, perfProcessSites],
  ),
];

function perfProcessSites(point: ProbePoint, context: FamilyContext): Site[] {
  const { targetPath } = context.context.options;
  if (findComponent(point, "process")?.argument === null && targetPath === null) {
    const message = "unspecified process probe is invalid without a -c COMMAND";
    throw new ResolutionError("unspecified-process", message);
  }
  const targets = processTargets(point, context);
  addCounter(point, targets[0]?.path ?? null, context);
  return targets.map((target) => perfSite(target.point, target.path ?? targetPath));
}

/** Remembers the counter that `point` defines, if it does, for the threads of `path`. */
function addCounter(point: ProbePoint, path: string | null, { counters }: FamilyContext): void {
  const name = stringArgument(point, "counter");
  if (name === null) return;
  if (counters.has(name)) throw new ResolutionError("duplicate-counter", "duplicate counter name");
  counters.set(name, { ...eventNumbers(point), path });
}

function perfSite(point: ProbePoint, path: string | null): Site {
  const sample = samplesOf(point);
  const place: Site["place"] = isCounter(point) ? { kind: "never" } : eventOf(point, sample, path);
  return {
    point: withSample(point, sample),
    type: "perf_event",
    place,
    isReturn: false,
    targets: NO_TARGETS,
    condition: null,
  };
}

/** True for a point that only counts, for @perf: its handler never runs. */
export function isCounter(point: ProbePoint): boolean {
  return hasComponent(point, "perf") && hasComponent(point, "counter");
}

/** The numbers of an event as the kernel takes them. */
function eventNumbers(point: ProbePoint): Pick<PerfCounter, "type" | "config"> {
  return {
    type: BigInt.asUintN(32, numberArgument(point, "type") ?? 0n),
    config: BigInt.asUintN(64, numberArgument(point, "config") ?? 0n),
  };
}

function eventOf(point: ProbePoint, sample: bigint, path: string | null): Site["place"] {
  const { type, config } = eventNumbers(point);
  return {
    kind: "perf",
    type: Number(type),
    config: `${config}`,
    sample: Math.min(Number(sample > 0n ? sample : DEFAULT_PERIOD), Number.MAX_SAFE_INTEGER),
    isFrequency: sample > 0n && hasComponent(point, "hz"),
    path,
  };
}

/** The number that `point` has or implies, as SystemTap shows it: 0 of a counter. */
function samplesOf(point: ProbePoint): bigint {
  if (isCounter(point)) return 0n;
  const frequency = numberArgument(point, "hz");
  if (frequency !== null) return frequency;
  const sample = findComponent(point, "sample")?.argument;
  if (sample?.kind !== "number") return DEFAULT_PERIOD;
  if (sample.value > 0n) return sample.value;
  const message = `invalid perf sample period ${sample.value}`;
  throw new ResolutionError("perf-period", message, sample);
}

/** `point` with `.sample(value)` behind its event, in the place of what says so otherwise. */
function withSample(point: ProbePoint, value: bigint): ProbePoint {
  const { span } = point;
  const sample: ProbeComponent = {
    kind: "component",
    id: newNodeId(),
    span,
    name: "sample",
    argument: { kind: "number", id: newNodeId(), span, value },
  };
  const others = point.components.filter(({ name }) => name !== "sample" && name !== "hz");
  const behind = others.findIndex(({ name }) => name === "config") + 1;
  return withComponents(point, others.toSpliced(behind, 0, sample));
}
