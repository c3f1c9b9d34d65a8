/** process.begin, .end, .thread.begin, .thread.end: which handlers concern an event of a process. */
import type { ProcessEvent } from "../shim/mutator/follow.js";
import { concernsProcess } from "../shim/mutator/observe.js";
import { readSubject, type Subject, unknownSubject } from "../shim/mutator/subject.js";
import type { BundleProbe } from "../wasm-runtime/bundle.js";

/** Probes of events of processes; events that come before `start` wait for it. */
export interface ProcessProbes {
  readonly happened: (event: ProcessEvent) => void;
  /** Runs the handlers of waiting and of all later events. */
  start(run: RunAbout): void;
  stop(): void;
}

/** Runs the handler of probe `index` about the thread of an event. */
export type RunAbout = (index: number, subject: Subject) => void;

/** An event that handlers concern, and what was known of its thread when it happened. */
interface Concern {
  readonly probe: number;
  readonly subject: Subject;
}

/** The process probes among `probes`. */
export function createProcessProbes(probes: readonly BundleProbe[]): ProcessProbes {
  const waiting: Concern[] = [];
  const known = new Map<number, Subject>();
  const isWatched = probes.some(({ point }) => point.kind === "process");
  let run: RunAbout | null = null;
  let stopped = false;
  /** What is known of the thread of `event`; at its end that is what it was last. */
  const subjectOf = ({ kind, pid, tid }: ProcessEvent): Subject => {
    const subject = readSubject(pid, tid) ?? known.get(tid) ?? unknownSubject(pid, tid);
    if (kind === "end" || kind === "thread.end") known.delete(tid);
    else known.set(tid, subject);
    return subject;
  };
  return {
    happened: (event) => {
      if (stopped || !isWatched) return;
      const subject = subjectOf(event);
      for (const [probe, { point }] of probes.entries()) {
        if (!concerns(point, event)) continue;
        if (run === null) waiting.push({ probe, subject });
        else run(probe, subject);
      }
    },
    start: (runner) => {
      run = runner;
      for (const { probe, subject } of waiting.splice(0)) runner(probe, subject);
    },
    stop: () => {
      stopped = true;
    },
  };
}

function concerns(point: BundleProbe["point"], event: ProcessEvent): boolean {
  if (point.kind !== "process" || point.event !== event.kind) return false;
  return concernsProcess(point, event.pid, event.path);
}
