/**
 * process.syscall, process.syscall.return, process.data, timer.profile: which handlers look at a
 * thread that is stopped. They run here, about that thread.
 */
import { concernsProcess, samplePeriods, type ThreadStop } from "../shim/mutator/observe.js";
import { readSubject, unknownSubject } from "../shim/mutator/subject.js";
import type { BundlePoint, BundleProbe } from "../wasm-runtime/bundle.js";
import type { RunAbout } from "./process-probes.js";

/** Probes of stopped threads; a stop before `start` runs nothing. */
export interface ThreadProbes {
  readonly stopped: (stop: ThreadStop) => void;
  start(run: RunAbout): void;
  stop(): void;
}

/** The probes among `probes` that look at threads. */
export function createThreadProbes(probes: readonly BundleProbe[]): ThreadProbes {
  const periods = samplePeriods(probes.map(({ point }) => point));
  let run: RunAbout | null = null;
  return {
    stopped: (stop) => {
      const { pid, tid, registers } = stop;
      const concerned = [...probes.entries()].filter(
        ([index, { point }]) => stop.probes.includes(index) || concerns(point, stop, periods),
      );
      if (run === null || concerned.length === 0) return;
      const subject = readSubject(pid, tid, registers) ?? unknownSubject(pid, tid);
      for (const [index] of concerned) run(index, subject);
    },
    start: (runner) => {
      run = runner;
    },
    stop: () => {
      run = null;
    },
  };
}

function concerns(point: BundlePoint, stop: ThreadStop, periods: readonly number[]): boolean {
  const { kind, pid, path, samplers } = stop;
  switch (point.kind) {
    case "syscall":
      return kind === (point.isReturn ? "callEnd" : "call") && concernsProcess(point, pid, path);
    case "profile": {
      const isDue = ((samplers >> periods.indexOf(point.intervalNs)) & 1) !== 0;
      return kind === "sample" && isDue && concernsProcess(point, pid, path);
    }
    default:
      return false;
  }
}
