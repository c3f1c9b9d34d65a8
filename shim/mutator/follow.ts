/**
 * The traced processes of a session and what happens to them: fork, exec, exit.
 *
 * Events of one process are handled one after the other. A forked child runs at once and has its
 * parent's patches; a program that is executed is held until it is known whether probes concern
 * it. Until `arm` nothing is patched; once `disarm` has begun nothing is patched any more.
 */
import { hasLoader, runToEntry } from "./entry.js";
import { targetError } from "./errors.js";
import type { SessionImage } from "./inject.js";
import { executablePath } from "./process.js";
import { isSystemFailure, type TraceEvent, type Tracer } from "./ptrace.js";
import {
  type ArmOptions,
  arm,
  disarm,
  forgetImage,
  forkedTracee,
  type Leaked,
  letGo,
  newTracee,
  sitesOf,
  type Tracee,
  type Unpatched,
} from "./tracee.js";

/** A thing that happened to a process, for process.begin and the like. */
export interface ProcessEvent {
  readonly kind: "begin" | "end" | "thread.begin" | "thread.end";
  readonly pid: number;
  readonly tid: number;
  /** Executable, null if it cannot be known. */
  readonly path: string | null;
}

/** What is told while processes are followed. */
export interface FollowListener {
  /** A probed process ended, with its wait status. */
  onExit(pid: number, status: number): void;
  onProcess(event: ProcessEvent): void;
  /** Something failed in a process that was executed later; it runs on without probes. */
  onWarning(message: string): void;
}

/** What `disarm` could not do. */
export interface Remains {
  readonly leaked: readonly Leaked[];
  /** Code that was changed by others and so not restored. */
  readonly foreign: readonly string[];
  /** Processes that could not be stopped; their probes are inert. */
  readonly stuck: readonly { readonly pid: number; readonly reason: string }[];
}

/** The processes of a session. */
export interface Follower {
  readonly tracees: ReadonlyMap<number, Tracee>;
  /** Takes a process that was attached or started by us. */
  add(tracee: Tracee): void;
  handle(event: TraceEvent): void;
  /** Probes that are in no process so far, by process. */
  readonly unpatched: readonly Unpatched[];
  arm(image: SessionImage, options: ArmOptions): Promise<void>;
  /** Lets a held process go on. */
  release(pid: number): Promise<void>;
  disarm(): Promise<Remains>;
}

type State = "idle" | "armed" | "ending";

/** Follows processes traced by `tracer`. */
export function createFollower(tracer: Tracer, listener: FollowListener): Follower {
  const tracees = new Map<number, Tracee>();
  const paths = new Map<number, string | null>();
  const waiting = new Map<number, (reached: boolean) => void>();
  const work = new Map<number, Promise<void>>();
  const unpatched: Unpatched[] = [];
  let state: State = "idle";
  let armed: { readonly image: SessionImage; readonly options: ArmOptions } | null = null;

  const arrive = (pid: number, reached: boolean): void => {
    waiting.get(pid)?.(reached);
    waiting.delete(pid);
  };
  const known = (pid: number): Tracee => {
    const tracee = tracees.get(pid) ?? newTracee(pid);
    tracees.set(pid, tracee);
    return tracee;
  };
  const report = (kind: ProcessEvent["kind"], pid: number, tid: number): void => {
    if (kind === "begin" || !paths.has(pid)) paths.set(pid, executablePath(pid));
    listener.onProcess({ kind, pid, tid, path: paths.get(pid) ?? null });
  };

  /** Patches what a held program has of the probed modules. */
  const armHeld = async (tracee: Tracee): Promise<void> => {
    if (armed === null) return;
    const { pid } = tracee;
    const sites = sitesOf(armed.image.bundle);
    if (sites.length === 0) return;
    const path = executablePath(pid);
    const onlyProgram = sites.every(({ site }) => site.module === path);
    if (!onlyProgram && hasLoader(pid, path) && !(await runLoader(tracee))) return;
    const missing = await arm(tracer, tracee, armed.image, armed.options);
    if (tracee.injection !== null) unpatched.push(...missing);
  };
  const runLoader = async (tracee: Tracee): Promise<boolean> => {
    const arrival = (): Promise<boolean> =>
      new Promise((resolve) => waiting.set(tracee.pid, resolve));
    tracee.held = false;
    const reached = await runToEntry(tracer, tracee.pid, arrival);
    if (reached) tracee.held = true;
    return reached;
  };
  const release = async (pid: number): Promise<void> => {
    const tracee = tracees.get(pid);
    if (tracee === undefined || !tracee.held) return;
    tracee.held = false;
    await tracer.release(pid).catch(ignoreEnded);
  };
  /** A program that was executed while armed. */
  const followExec = async (tracee: Tracee): Promise<void> => {
    try {
      await armHeld(tracee);
    } catch (cause) {
      const error = targetError("follow a program", tracee.pid, cause);
      if (tracees.has(tracee.pid)) listener.onWarning(error.message);
    }
    if (state === "armed") await release(tracee.pid);
  };
  const enqueue = (pid: number, task: () => Promise<void>): void => {
    const before = work.get(pid) ?? Promise.resolve();
    work.set(pid, before.then(task));
  };

  const handle = (event: TraceEvent): void => {
    const { pid, tid, value } = event;
    switch (event.kind) {
      case "fork":
        tracees.set(pid, forkedTracee(tracees.get(value), pid));
        report("begin", pid, tid);
        break;
      case "exec": {
        const tracee = known(pid);
        forgetImage(tracee);
        tracee.held = true;
        arrive(pid, false);
        report("begin", pid, tid);
        if (state === "armed") enqueue(pid, () => followExec(tracee));
        break;
      }
      case "reached":
        arrive(pid, true);
        break;
      case "exit":
        tracees.delete(pid);
        arrive(pid, false);
        report("end", pid, tid);
        paths.delete(pid);
        listener.onExit(pid, value);
        break;
      case "threadBegin":
      case "threadEnd":
        report(event.kind === "threadBegin" ? "thread.begin" : "thread.end", pid, tid);
        break;
      case "groupStop":
        break;
    }
  };

  const armAll = async (image: SessionImage, options: ArmOptions): Promise<void> => {
    armed = { image, options };
    const before = [...tracees.values()];
    state = "armed";
    for (const tracee of before) {
      if (tracee.held) {
        await armHeld(tracee);
        continue;
      }
      unpatched.push(...(await arm(tracer, tracee, image, options)));
    }
  };

  const disarmAll = async (): Promise<Remains> => {
    state = "ending";
    const leaked: Leaked[] = [];
    const foreign: string[] = [];
    const stuck: { pid: number; reason: string }[] = [];
    const failed = new Set<number>();
    const attempt = async (tracee: Tracee, step: () => Promise<void>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        if (isSystemFailure(error) && error.errno === ESTALE) return;
        if (!tracees.has(tracee.pid)) return;
        failed.add(tracee.pid);
        const reason = error instanceof Error ? error.message : String(error);
        stuck.push({ pid: tracee.pid, reason });
      }
    };
    const left = (): Tracee[] => [...tracees.values()].filter(({ pid }) => !failed.has(pid));
    for (let list = left(); list.length > 0; list = left()) {
      await Promise.all(work.values());
      for (const tracee of list) {
        await attempt(tracee, async () => {
          foreign.push(...(await disarm(tracer, tracee)));
        });
      }
      for (const tracee of list) {
        if (failed.has(tracee.pid) || !tracees.has(tracee.pid)) continue;
        await attempt(tracee, async () => {
          const remains = await letGo(tracer, tracee);
          tracees.delete(tracee.pid);
          if (remains !== null) leaked.push(remains);
        });
      }
    }
    return { leaked, foreign, stuck };
  };

  return {
    tracees,
    add: (tracee) => tracees.set(tracee.pid, tracee),
    handle,
    unpatched,
    arm: armAll,
    release,
    disarm: disarmAll,
  };
}

/** The process executed another program meanwhile: what was to be undone is gone. */
const ESTALE = 116;
const ESRCH = 3;

function ignoreEnded(error: unknown): void {
  if (!(isSystemFailure(error) && error.errno === ESRCH)) throw error;
}
