/**
 * Threads that handlers of this process look at while they are stopped: at system calls, behind
 * accesses to watched data, at counted events, and samples of where they are. Which processes they
 * are of, bundles say by program or process id.
 *
 * A thread is parked by the tracing thread (observe.cc) until the handlers have run. Nothing of
 * this changes the traced process, so nothing remains of it if this process is killed.
 */
import { realpathSync } from "node:fs";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import { isSystemFailure, type Registers, type TraceEvent, type Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";
import type { Watched } from "./watch.js";

/** A thread that stands still until those who are told of it return, or as it was recorded. */
export interface ThreadStop {
  readonly kind: "call" | "callEnd" | "sample" | "watched";
  readonly pid: number;
  readonly tid: number;
  /** Executable, null if it cannot be known. */
  readonly path: string | null;
  readonly registers: Registers;
  /** Of a sample: bit i is set if it was asked for by the i-th of `samplePeriods`. */
  readonly samplers: number;
  /** Of what is watched: the indices of the probes about it. */
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

/** The stop that `event` tells of, in a process of which that is watched; null = none. */
export function threadStop(
  event: TraceEvent,
  path: string | null,
  watched: readonly Watched[],
): ThreadStop | null {
  const { kind, pid, tid, registers, value } = event;
  const stopKind = STOP_KINDS[kind];
  if (registers === undefined || stopKind === undefined) return null;
  const seen = watched.filter((_, index) => stopKind === "watched" && isSet(value, index));
  const probes = [...new Set(seen.flatMap((each) => each.probes))];
  return { kind: stopKind, pid, tid, path, registers, samplers: value, probes };
}

const STOP_KINDS: { readonly [kind in TraceEvent["kind"]]?: ThreadStop["kind"] } = {
  call: "call",
  callEnd: "callEnd",
  sample: "sample",
  watched: "watched",
  recorded: "watched",
};

function isSet(bits: number, index: number): boolean {
  return ((bits >> index) & 1) !== 0;
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
