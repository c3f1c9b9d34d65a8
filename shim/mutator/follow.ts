/**
 * The traced processes of a session and what happens to them: fork, exec, exit.
 *
 * Events of one process are handled one after the other. A forked child runs at once and has its
 * parent's patches; a program that is executed is held until it is known whether probes concern
 * it. Until `arm` nothing is patched; once `disarm` has begun nothing is patched any more.
 */

import { STOP_MS } from "./apply.js";
import { hasLoader, runToEntry } from "./entry.js";
import { targetError } from "./errors.js";
import type { SessionImage } from "./inject.js";
import { needsModules } from "./modules.js";
import { type ThreadStop, threadStop, wantsCalls } from "./observe.js";
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
import { planWatches, watchData, whyNot } from "./watch.js";

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
  /** A process ended, with its wait status. */
  onExit(pid: number, status: number): void;
  onProcess(event: ProcessEvent): void;
  /** A thread stands still until this returns. */
  onStop(stop: ThreadStop): void;
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

/** The processes of a session. Its fields are changed by the functions of this file only. */
export interface Follower {
  readonly tracer: Tracer;
  readonly listener: FollowListener;
  readonly tracees: Map<number, Tracee>;
  /** Executables of processes, kept for their end. */
  readonly paths: Map<number, string | null>;
  /** Who waits for a process to come to its entry point. */
  readonly waiting: Map<number, (reached: boolean) => void>;
  /** What is being done to a process that executed a program. */
  readonly work: Map<number, Promise<void>>;
  /** Probes that are in some probed process not to be found or not possible. */
  readonly unpatched: Unpatched[];
  /** Accesses to watched data by threads that block the signal of it. */
  missedAccesses: number;
  state: "idle" | "armed" | "ending";
  armed: { readonly image: SessionImage; readonly options: ArmOptions } | null;
}

/** Follows processes traced by `tracer`. */
export function createFollower(tracer: Tracer, listener: FollowListener): Follower {
  return {
    tracer,
    listener,
    tracees: new Map(),
    paths: new Map(),
    waiting: new Map(),
    work: new Map(),
    unpatched: [],
    missedAccesses: 0,
    state: "idle",
    armed: null,
  };
}

/** Takes note of an event of the tracing thread. */
export function follow(follower: Follower, event: TraceEvent): void {
  const { tracees, paths } = follower;
  const { pid, tid, value } = event;
  switch (event.kind) {
    case "fork":
      tracees.set(pid, forkedTracee(tracees.get(value), pid));
      report(follower, "begin", pid, tid);
      break;
    case "exec":
      executed(follower, pid, tid);
      break;
    case "reached":
      arrive(follower, pid, true);
      break;
    case "exit":
      tracees.delete(pid);
      arrive(follower, pid, false);
      report(follower, "end", pid, tid);
      paths.delete(pid);
      follower.listener.onExit(pid, value);
      break;
    case "threadBegin":
      report(follower, "thread.begin", pid, tid);
      break;
    case "threadEnd":
      report(follower, "thread.end", pid, tid);
      break;
    case "call":
    case "callEnd":
    case "sample":
    case "access":
      stopped(follower, event);
      break;
    case "missed":
      follower.missedAccesses += value;
      break;
    case "unwatched":
      follower.listener.onWarning(unwatched(event));
      break;
    case "groupStop":
      break;
  }
}

function unwatched({ pid, tid, value }: TraceEvent): string {
  const reason = whyNot(value) ?? `error ${value}`;
  return `accesses of thread ${tid} of process ${pid} to data are not seen: ${reason}`;
}

function stopped({ listener, paths, state, tracees, tracer }: Follower, event: TraceEvent): void {
  const { pid } = event;
  const stop = threadStop(event, paths.get(pid) ?? null, tracees.get(pid)?.watched ?? []);
  try {
    if (state === "armed" && stop !== null) listener.onStop(stop);
  } finally {
    tracer.unpark(event.tid);
  }
}

function arrive({ waiting }: Follower, pid: number, reached: boolean): void {
  waiting.get(pid)?.(reached);
  waiting.delete(pid);
}

function report(
  { paths, listener }: Follower,
  kind: ProcessEvent["kind"],
  pid: number,
  tid: number,
): void {
  if (kind === "begin" || !paths.has(pid)) paths.set(pid, executablePath(pid));
  listener.onProcess({ kind, pid, tid, path: paths.get(pid) ?? null });
}

function executed(follower: Follower, pid: number, tid: number): void {
  const { tracees, work } = follower;
  const tracee = tracees.get(pid) ?? newTracee(pid);
  tracees.set(pid, tracee);
  forgetImage(tracee);
  tracee.held = true;
  arrive(follower, pid, false);
  report(follower, "begin", pid, tid);
  if (follower.state !== "armed") return;
  const before = work.get(pid) ?? Promise.resolve();
  const task = before.then(() => followExec(follower, tracee));
  work.set(pid, task);
  task.finally(() => {
    if (work.get(pid) === task) work.delete(pid);
  });
}

/** A program that was executed while armed. */
async function followExec(follower: Follower, tracee: Tracee): Promise<void> {
  const { listener, tracees } = follower;
  try {
    await observe(follower, tracee);
    await armHeld(follower, tracee);
  } catch (cause) {
    const error = targetError("follow a program", tracee.pid, cause);
    if (tracees.has(tracee.pid) && tracee.held) listener.onWarning(error.message);
  }
  if (follower.state === "armed") await release(follower, tracee.pid);
}

/** Has system calls of a process told if handlers look at them. */
async function observe({ armed, paths, tracer }: Follower, { pid, held }: Tracee): Promise<void> {
  if (armed === null) return;
  if (!paths.has(pid)) paths.set(pid, executablePath(pid));
  const isWanted = wantsCalls(armed.image.bundle, pid, paths.get(pid) ?? null);
  if (!isWanted && !held) return;
  try {
    if (!held) await tracer.stop(pid, STOP_MS);
    await tracer.traceCalls(pid, isWanted);
    if (!held) await tracer.resume(pid);
  } catch (cause) {
    throw targetError("trace system calls", pid, cause);
  }
}

/** Watches what a process has of the data that handlers look at. */
async function watch({ armed, tracer }: Follower, tracee: Tracee): Promise<void> {
  if (armed === null) return;
  const { pid } = tracee;
  const { data } = planWatches(armed.image.bundle, pid);
  if (data.length === 0) return;
  tracee.watched = data;
  await watchData(tracer, pid, data);
  for (const { probes } of data) for (const probe of probes) armed.options.armed.add(probe);
}

/** Patches what a held program has of the probed modules. */
async function armHeld(follower: Follower, tracee: Tracee): Promise<void> {
  const { armed, tracer, unpatched } = follower;
  if (armed === null) return;
  const { pid } = tracee;
  const sites = sitesOf(armed.image.bundle);
  const path = executablePath(pid);
  const onlyProgram =
    (sites.length === 0 || !needsModules(armed.image.bundle)) &&
    sites.every(({ site }) => site.module === path) &&
    planWatches(armed.image.bundle, pid).isComplete;
  if (!onlyProgram && hasLoader(pid, path) && !(await runLoader(follower, tracee))) return;
  await watch(follower, tracee);
  if (sites.length === 0) return;
  const missing = await arm(tracer, tracee, armed.image, armed.options);
  if (tracee.injection !== null) unpatched.push(...missing);
}

async function runLoader({ tracer, waiting }: Follower, tracee: Tracee): Promise<boolean> {
  const arrival = (): Promise<boolean> =>
    new Promise((resolve) => {
      tracee.held = false;
      waiting.set(tracee.pid, resolve);
    });
  const reached = await runToEntry(tracer, tracee.pid, arrival);
  if (reached) tracee.held = true;
  return reached;
}

/** Lets a held process go on. */
export async function release({ tracees, tracer }: Follower, pid: number): Promise<void> {
  const tracee = tracees.get(pid);
  if (tracee === undefined || !tracee.held) return;
  tracee.held = false;
  try {
    await tracer.release(pid);
  } catch (error) {
    if (!(isSystemFailure(error) && error.errno === ESRCH)) throw error;
  }
}

/** Patches every process there is and every program executed from now on. */
export async function armAll(
  follower: Follower,
  image: SessionImage,
  options: ArmOptions,
): Promise<void> {
  const { tracer, tracees, unpatched } = follower;
  follower.armed = { image, options };
  follower.state = "armed";
  for (const tracee of [...tracees.values()]) {
    await observe(follower, tracee);
    if (tracee.held) await armHeld(follower, tracee);
    else {
      await watch(follower, tracee);
      unpatched.push(...(await arm(tracer, tracee, image, options)));
    }
  }
}

/** Takes everything back and lets go of all processes. */
export async function disarmAll(follower: Follower): Promise<Remains> {
  const { tracees, tracer, work } = follower;
  follower.state = "ending";
  const remains = { leaked: [] as Leaked[], foreign: [] as string[], stuck: [] as Stuck[] };
  const failed = new Set<number>();
  const attempt = async (tracee: Tracee, step: () => Promise<void>): Promise<void> => {
    if (failed.has(tracee.pid) || tracees.get(tracee.pid) !== tracee) return;
    try {
      await step();
    } catch (error) {
      if (isSystemFailure(error) && error.errno === ESTALE) return;
      if (!tracees.has(tracee.pid)) return;
      failed.add(tracee.pid);
      remains.stuck.push({ pid: tracee.pid, reason: messageOf(error) });
    }
  };
  const left = (): Tracee[] => [...tracees.values()].filter(({ pid }) => !failed.has(pid));
  for (let list = left(); list.length > 0; list = left()) {
    await Promise.all(work.values());
    for (const tracee of list) {
      await attempt(tracee, async () => {
        if (tracee.watched.length > 0) await tracer.watchData(tracee.pid, []);
        remains.foreign.push(...(await disarm(tracer, tracee)));
      });
    }
    for (const tracee of list) {
      await attempt(tracee, async () => {
        const leaked = await letGo(tracer, tracee);
        tracees.delete(tracee.pid);
        if (leaked !== null) remains.leaked.push(leaked);
      });
    }
  }
  return remains;
}

type Stuck = Remains["stuck"][number];

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The process executed another program meanwhile: what was to be undone is gone. */
const ESTALE = 116;
const ESRCH = 3;
