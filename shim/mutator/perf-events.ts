/**
 * Events that perf probes have counted in the threads of a process (perf_event_open(2)): which they
 * are, and why the kernel may refuse one. The tracing thread counts them (observe.cc).
 */
import { readFileSync } from "node:fs";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import { concernsProcess } from "./observe.js";
import { WATCH, type WatchRow } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";
import type { Watched } from "./watch.js";

type PerfPoint = Extract<BundlePoint, { readonly kind: "perf" }>;

/** PERF_TYPE_… (linux/perf_event.h). */
const HARDWARE = 0;
const SOFTWARE = 1;
/** PERF_TYPE_BREAKPOINT: what watches data. */
export const BREAKPOINT = 5;

/** PERF_COUNT_SW_…: cpu-clock, task-clock; context-switches, cpu-migrations. */
const CLOCKS: readonly string[] = ["0", "1"];
const IN_KERNEL: readonly string[] = ["3", "4"];
const SECOND_NS = 1_000_000_000;
/** More often would leave the sampled threads no time. */
const LEAST_NS = 100_000;

/** Names in tapsets/perf.stp by number. */
const NAMES: Readonly<Record<number, readonly string[]>> = {
  [HARDWARE]: [
    "perf.hw.cpu_cycles",
    "perf.hw.instructions",
    "perf.hw.cache_references",
    "perf.hw.cache_misses",
    "perf.hw.branch_instructions",
    "perf.hw.branch_misses",
    "perf.hw.bus_cycles",
    "perf.hw.stalled_cycles_frontend",
    "perf.hw.stalled_cycles_backend",
    "perf.hw.ref_cpu_cycles",
  ],
  [SOFTWARE]: [
    "perf.sw.cpu_clock",
    "perf.sw.task_clock",
    "perf.sw.page_faults",
    "perf.sw.context_switches",
    "perf.sw.cpu_migrations",
    "perf.sw.page_faults_min",
    "perf.sw.page_faults_maj",
    "perf.sw.alignment_faults",
    "perf.sw.emulation_faults",
  ],
};

/** What `bundle` wants to be counted in process `pid`, which runs `path`. */
export function planEvents({ meta }: RunnableBundle, pid: number, path: string | null): Watched[] {
  const rows = new Map<string, Watched>();
  for (const [probe, { point }] of meta.probes.entries()) {
    if (point.kind !== "perf" || !concernsProcess(point, pid, path)) continue;
    const row = rowOf(point);
    const key = row.join();
    rows.set(key, { row, probes: [...(rows.get(key)?.probes ?? []), probe] });
  }
  return [...rows.values()];
}

function rowOf({ type, config, sample, isFrequency }: PerfPoint): WatchRow {
  const how = howToWatch(type, config);
  const isClock = type === SOFTWARE && how === WATCH.stops;
  const events = isClock ? clockPeriod(sample, isFrequency) : sample;
  return [how, type, BigInt(config), events, isFrequency && !isClock ? 1 : 0, 0, 0, 0, 0];
}

/** What the kernel brings about is recorded; what only the kernel does, it must let us see. */
function howToWatch(type: number, config: string): number {
  if (type !== SOFTWARE || CLOCKS.includes(config)) return WATCH.stops;
  return IN_KERNEL.includes(config) ? WATCH.records : WATCH.recordsPermitted;
}

/** Nanoseconds between two samples of a clock. */
function clockPeriod(sample: number, isFrequency: boolean): number {
  return Math.max(isFrequency ? Math.floor(SECOND_NS / sample) : sample, LEAST_NS);
}

/** The event of `row`, in words. */
export function describeEvent([, type, config]: WatchRow): string {
  const numbers = `type ${type}, config ${config}`;
  const name = NAMES[type]?.[Number(config)];
  return name === undefined ? `the event of ${numbers}` : `${name} (${numbers})`;
}

/** Why perf_event_open(2) failed with `errno` for `row`, in words that help; null = unknown. */
export function whyNotCounted(errno: number, [how]: WatchRow): string | null {
  switch (errno) {
    case EINVAL:
    case ENODEV:
    case ENOENT:
    case EOPNOTSUPP:
      return "this machine does not count it (virtual machines often lack hardware counters; perf.sw events and timer.profile need none)";
    default:
      return whyNoEvents(errno, how === WATCH.records ? 1 : 2);
  }
}

/**
 * Why perf_event_open(2) failed with `errno`, whatever it was for, if users may do it while
 * perf_event_paranoid is at most `level`; null = unknown.
 */
export function whyNoEvents(errno: number, level: number): string | null {
  switch (errno) {
    case EPERM:
    case EACCES:
      return `perf_event_open is not permitted (kernel.perf_event_paranoid is ${paranoia()}; ${level} or less, CAP_PERFMON or root is needed, and no seccomp filter against it)`;
    case ENOMEM:
      return "too little memory may be locked (kernel.perf_event_mlock_kb, ulimit -l)";
    case EMFILE:
      return "too many files are open (ulimit -n)";
    case ENOSYS:
      return "the kernel has no perf events";
    default:
      return null;
  }
}

function paranoia(): string {
  try {
    return readFileSync("/proc/sys/kernel/perf_event_paranoid", "utf8").trim();
  } catch {
    return "unknown";
  }
}

const EPERM = 1;
const ENOENT = 2;
const ENOMEM = 12;
const EACCES = 13;
const ENODEV = 19;
const EINVAL = 22;
const EMFILE = 24;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
