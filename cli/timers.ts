/** Timer probes: handlers that the mutator runs at fixed intervals. */
import type { BundleProbe } from "../wasm-runtime/bundle.js";

/** Running timers. */
export interface Timers {
  stop(): void;
}

/**
 * Starts every timer of `probes`; `run` gets the index of the probe, at a time that `whenRunning`
 * chooses. Intervals do not drift.
 */
export function startTimers(
  probes: readonly BundleProbe[],
  run: (index: number) => void,
  whenRunning: (action: () => void) => void,
): Timers {
  const pending = new Map<number, NodeJS.Timeout>();
  const schedule = (index: number, dueMs: number, intervalMs: number, spreadMs: number): void => {
    const wait = Math.max(0, dueMs + Math.random() * spreadMs - performance.now());
    const fire = (): void => {
      if (!pending.has(index)) return;
      run(index);
      const late = Math.max(0, Math.floor((performance.now() - dueMs) / intervalMs));
      if (pending.has(index))
        schedule(index, dueMs + intervalMs * (late + 1), intervalMs, spreadMs);
    };
    pending.set(
      index,
      setTimeout(() => whenRunning(fire), wait),
    );
  };
  for (const [index, { point }] of probes.entries()) {
    if (point.kind !== "timer") continue;
    const intervalMs = point.intervalNs / 1e6;
    schedule(index, performance.now() + intervalMs, intervalMs, point.randomizeNs / 1e6);
  }
  return {
    stop: () => {
      for (const timer of pending.values()) clearTimeout(timer);
      pending.clear();
    },
  };
}
