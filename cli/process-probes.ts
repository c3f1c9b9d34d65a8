/** process.begin, .end, .thread.begin, .thread.end: which handlers concern an event of a process. */
import type { ProcessEvent } from "../shim/mutator/follow.js";
import { concernsProcess } from "../shim/mutator/observe.js";
import { readSubject, type Subject, unknownSubject } from "../shim/mutator/subject.js";
import type { BundleProbe } from "../wasm-runtime/bundle.js";

/** Probes of events of processes; events that come before `start` wait for it. */
export interface ProcessProbes {
  readonly happened: (event: ProcessEvent) => void;
  /** Runs the handlers of waiting and of all later events, as soon as `whenRunning` lets it. */
  start(run: RunAbout, whenRunning: (action: () => void) => void): void;
  stop(): void;
}

/** Runs the handler of probe `index` about the thread of an event. */
export type RunAbout = (index: number, subject: Subject) => void;

/** An event, and what was known of its thread when it happened. */
interface Happening {
  readonly event: ProcessEvent;
  readonly subject: Subject;
}

/** The process probes among `probes`. */
export function createProcessProbes(probes: readonly BundleProbe[]): ProcessProbes {
  const waiting: Happening[] = [];
  const known = new Map<number, Subject>();
  const isWatched = probes.some(({ point }) => point.kind === "process");
  let deal: ((happening: Happening) => void) | null = null;
  let stopped = false;
  /** What is known of the thread of `event`; at its end that is what it was last. */
  const subjectOf = ({ kind, pid, tid, isReplaced }: ProcessEvent): Subject => {
    const before = known.get(tid) ?? unknownSubject(pid, tid);
    const subject = isReplaced
      ? { ...before, process: 0, start: null }
      : (readSubject(pid, tid) ?? before);
    if (kind === "end" || kind === "thread.end") known.delete(tid);
    else known.set(tid, subject);
    return subject;
  };
  const handle = ({ event, subject }: Happening, run: RunAbout): void => {
    try {
      for (const [probe, { point }] of probes.entries()) {
        if (concerns(point, event)) run(probe, subject);
      }
    } finally {
      event.done();
    }
  };
  return {
    happened: (event) => {
      if (stopped || !isWatched) {
        event.done();
        return;
      }
      const happening = { event, subject: subjectOf(event) };
      if (deal !== null) {
        deal(happening);
        return;
      }
      // A program that is started has to come as far as its libraries are loaded.
      waiting.push(happening);
      event.done();
    },
    start: (run, whenRunning) => {
      deal = (happening) => whenRunning(() => handle(happening, run));
      for (const happening of waiting.splice(0)) {
        happening.event.wait();
        deal(happening);
      }
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
