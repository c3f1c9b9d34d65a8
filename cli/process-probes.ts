/** process.begin, .end, .thread.begin, .thread.end: which handlers concern an event of a process. */
import { realpathSync } from "node:fs";
import type { ProcessEvent } from "../shim/mutator/follow.js";
import type { BundleProbe } from "../wasm-runtime/bundle.js";

/** Probes of events of processes; events that come before `start` wait for it. */
export interface ProcessProbes {
  readonly happened: (event: ProcessEvent) => void;
  /** Runs the handlers of waiting and of all later events; `run` gets the index of the probe. */
  start(run: (index: number) => void): void;
  stop(): void;
}

/** The process probes among `probes`. */
export function createProcessProbes(probes: readonly BundleProbe[]): ProcessProbes {
  const waiting: ProcessEvent[] = [];
  let run: ((index: number) => void) | null = null;
  let stopped = false;
  const handle = (event: ProcessEvent): void => {
    for (const [index, { point }] of probes.entries()) {
      if (point.kind !== "process" || point.event !== event.kind) continue;
      if (point.pid > 0 && point.pid !== event.pid) continue;
      if (point.path === null || point.path === resolved(event.path)) run?.(index);
    }
  };
  return {
    happened: (event) => {
      if (stopped) return;
      if (run === null) waiting.push(event);
      else handle(event);
    },
    start: (runner) => {
      run = runner;
      for (const event of waiting.splice(0)) handle(event);
    },
    stop: () => {
      stopped = true;
    },
  };
}

function resolved(path: string | null): string | null {
  try {
    return path === null ? null : realpathSync(path);
  } catch {
    return path;
  }
}
