/**
 * Threads that handlers of this process look at while they are stopped: at system calls, behind
 * accesses to watched data, and samples of where they are. Which processes they are of, bundles say
 * by program or process id.
 *
 * A thread is parked by the tracing thread (observe.cc) until the handlers have run. Nothing of
 * this changes the traced process, so nothing remains of it if this process is killed.
 */
import { realpathSync } from "node:fs";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import { isSystemFailure, type Registers, type TraceEvent, type Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";
import type { WatchedData } from "./watch.js";

/** A thread that stands still until those who are told of it return. */
export interface ThreadStop {
  readonly kind: "call" | "callEnd" | "sample" | "access";
  readonly pid: number;
  readonly tid: number;
  /** Executable, null if it cannot be known. */
  readonly path: string | null;
  readonly registers: Registers;
  /** Of a sample: bit i is set if it was asked for by the i-th of `samplePeriods`. */
  readonly samplers: number;
  /** Of an access: the indices of the probes of that data. */
  readonly probes: readonly number[];
}

/** Which processes a point is about. */
export interface ProcessFilter {
  readonly path: string | null;
  readonly pid?: number;
}

/** True if a process with that id, running `path`, is one that `filter` means. */
export function concernsProcess(filter: ProcessFilter, pid: number, path: string | null): boolean {
  if (filter.pid !== undefined && filter.pid > 0 && filter.pid !== pid) return false;
  return filter.path === null || filter.path === resolved(path);
}

function resolved(path: string | null): string | null {
  try {
    return path === null ? null : realpathSync(path);
  } catch {
    return path;
  }
}

/** True if handlers of `bundle` look at system calls of that process. */
export function wantsCalls({ meta }: RunnableBundle, pid: number, path: string | null): boolean {
  return meta.probes.some(
    ({ point }) => point.kind === "syscall" && concernsProcess(point, pid, path),
  );
}

/** The different periods of samples that `points` ask for, in nanoseconds. */
export function samplePeriods(points: readonly BundlePoint[]): number[] {
  const all = points.flatMap((point) => (point.kind === "profile" ? [point.intervalNs] : []));
  return [...new Set(all)].slice(0, MOST_SAMPLERS);
}

/** Bits of a number. */
const MOST_SAMPLERS = 32;

/** The stop that `event` tells of, in a process of which that data is watched; null = none. */
export function threadStop(
  event: TraceEvent,
  path: string | null,
  watched: readonly WatchedData[],
): ThreadStop | null {
  const { kind, pid, tid, registers, value } = event;
  if (registers === undefined) return null;
  if (kind !== "call" && kind !== "callEnd" && kind !== "sample" && kind !== "access") return null;
  const touched = watched.filter((_, index) => kind === "access" && ((value >> index) & 1) !== 0);
  const probes = [...new Set(touched.flatMap((data) => data.probes))];
  return { kind, pid, tid, path, registers, samplers: value, probes };
}

/** Samples being taken. */
export interface Sampling {
  stop(): void;
}

/** Takes samples of the processes that `pids` gives, once in each of `periods` (nanoseconds). */
export function startSampling(
  tracer: Tracer,
  periods: readonly number[],
  pids: () => readonly number[],
): Sampling {
  const timers = periods.map((periodNs, index) => {
    let isBusy = false;
    const tick = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      await Promise.all(pids().map((pid) => tracer.sample(pid, 1 << index).catch(ignoreGone)));
      isBusy = false;
    };
    return setInterval(tick, Math.max(1, periodNs / NS_PER_MS));
  });
  return {
    stop: () => {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

const NS_PER_MS = 1e6;

/** For a process that ended meanwhile. */
function ignoreGone(error: unknown): void {
  if (!isSystemFailure(error)) throw error;
}
