/**
 * The traced processes of a session and what happens to them: fork, exec, exit.
 *
 * Events of one process are handled one after the other. A forked child runs at once and has its
 * parent's patches; a program that is executed is held until it is known whether probes concern
 * it. Until `arm` nothing is patched; once `disarm` has begun nothing is patched any more.
 */
import { isDeepStrictEqual } from "node:util";
import { once } from "../../base/remember.js";
import { TargetError } from "../../base/target-error.js";
import { STOP_MS } from "./apply.js";
import { type ArmOptions, arm, type Unpatched } from "./arm.js";
import { targetError } from "./errors.js";
import type { SessionImage } from "./inject.js";
import { isLibrary, isLoaded, LIBRARIES_CHANGED } from "./libraries.js";
import { type ThreadStop, threadStop, wantsCalls } from "./observe.js";
import { planEvents } from "./perf-events.js";
import { executablePath, readMappings, readModules } from "./process.js";
import {
  isSystemFailure,
  REGISTER,
  type Registers,
  type TraceEvent,
  type Tracer,
} from "./ptrace.js";
import {
  answerRequest,
  type LookRequest,
  listenForRequests,
  missedLibraries,
  pendingRequest,
  type RequestListener,
} from "./requests.js";
import { armReturnSites } from "./return-sites.js";
import type { StopCounter } from "./stops.js";
import {
  forgetImage,
  forkedTracee,
  learnModules,
  learnThreadId,
  newTracee,
  type Tracee,
} from "./tracee.js";
import { cannotWatch, watchProcess, whyNotWatched } from "./watch.js";
import { planData } from "./watched-data.js";

/** A thing that happened to a process, for process.begin and the like. */
export interface ProcessEvent {
  readonly kind: "begin" | "end" | "thread.begin" | "thread.end";
  readonly pid: number;
  readonly tid: number;
  /** Executable, null if it cannot be known. */
  readonly path: string | null;
  /** What it was before has been replaced already by another program. */
  readonly isReplaced: boolean;
  /** Lets the thread go on, which waits if it can; until `wait`, if handlers are to come yet. */
  readonly done: () => unknown;
  readonly wait: () => unknown;
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

/** The processes of a session. Its fields are changed by the functions of this file and of leave.ts. */
export interface Follower {
  readonly tracer: Tracer;
  /** Does something between two stops of processes. */
  readonly whenNone: StopCounter["whenNone"];
  readonly listener: FollowListener;
  readonly tracees: Map<number, Tracee>;
  /** Executables of processes, kept for their end. */
  readonly paths: Map<number, string | null>;
  /** Threads, and processes, whose end has been told before they are gone. */
  readonly left: Set<number>;
  /** Who waits for a program to be loaded with its libraries, or to be gone. */
  readonly waiting: Map<number, () => void>;
  /** What is being done to a process, one thing after the other. */
  readonly work: Map<number, Promise<void>>;
  /** Probes that are in some probed process not to be found or not possible. */
  readonly unpatched: Unpatched[];
  /** Watched events that came too fast, or in threads that block the signal of it. */
  missedEvents: number;
  state: "idle" | "armed" | "ending";
  armed: { readonly image: SessionImage; readonly options: ArmOptions } | null;
  requests: RequestListener | null;
  /** What was warned of. */
  readonly warnings: Set<string>;
}

/** Follows processes traced by the tracer of `stops`. */
export function createFollower(stops: StopCounter, listener: FollowListener): Follower {
  return {
    tracer: stops.tracer,
    whenNone: stops.whenNone,
    listener,
    tracees: new Map(),
    paths: new Map(),
    left: new Set(),
    waiting: new Map(),
    work: new Map(),
    unpatched: [],
    missedEvents: 0,
    state: "idle",
    armed: null,
    requests: null,
    warnings: new Set(),
  };
}

/** Takes note of an event of the tracing thread. */
export function follow(follower: Follower, event: TraceEvent): void {
  const { tracees, paths, left } = follower;
  const { pid, tid, value } = event;
  switch (event.kind) {
    case "fork":
      tracees.set(pid, forkedTracee(tracees.get(value), pid));
      report(follower, "begin", event);
      break;
    case "exec":
      executed(follower, event);
      break;
    case "leave":
      left.add(value === 1 ? pid : tid);
      report(follower, value === 1 ? "end" : "thread.end", event);
      break;
    case "exit":
      tracees.delete(pid);
      arrive(follower, pid);
      if (!left.delete(pid)) report(follower, "end", event);
      left.delete(tid);
      paths.delete(pid);
      follower.listener.onExit(pid, value);
      break;
    case "threadBegin":
      report(follower, "thread.begin", event);
      break;
    case "threadEnd":
      if (!left.delete(tid)) report(follower, "thread.end", event);
      break;
    case "call":
    case "callEnd":
    case "sample":
    case "watched":
    case "recorded":
      stopped(follower, event);
      break;
    case "missed":
      follower.missedEvents += value;
      break;
    case "unwatched":
      warnUnwatched(follower, event);
      break;
    case "groupStop":
      break;
  }
}

/** Once for all threads of a process that have the same reason. */
function warnUnwatched({ warnings, listener }: Follower, { pid, tid, value }: TraceEvent): void {
  const reason = whyNotWatched(value) ?? `error ${value}`;
  const about = `threads of process ${pid} are not watched: ${reason}`;
  if (!warnings.has(about)) listener.onWarning(`new ${about} (the first is ${tid})`);
  warnings.add(about);
}

function stopped(follower: Follower, event: TraceEvent): void {
  const { listener, paths, tracees, tracer, whenNone } = follower;
  const { pid, registers } = event;
  const tracee = tracees.get(pid);
  const stop = threadStop(event, paths.get(pid) ?? null, tracee?.watched ?? []);
  if (tracee !== undefined && registers !== undefined) showOriginal(tracee, registers);
  whenNone(() => {
    try {
      if (follower.state === "armed" && stop !== null) listener.onStop(stop);
    } finally {
      if (event.kind === "recorded") tracer.acknowledge(event.tid);
      else tracer.unpark(event.tid);
    }
  });
}

/** Has a thread that stands at a displaced instruction be where the program has that. */
function showOriginal({ modules }: Tracee, registers: Registers): void {
  const rip = Number(registers[REGISTER.rip] ?? 0n);
  for (const { area, regions } of modules) {
    if (area === null || rip < area.address || rip >= area.address + area.bytes) continue;
    const region = regions.find((each) => rip >= each.trampoline && rip < each.trampolineEnd);
    const origin = region?.origins.find(({ from }) => from === rip);
    if (origin !== undefined) registers[REGISTER.rip] = BigInt(origin.to);
  }
}

function arrive({ waiting }: Follower, pid: number): void {
  waiting.get(pid)?.();
  waiting.delete(pid);
}

/** The thread of an event, which may be parked. */
type About = Pick<TraceEvent, "pid" | "tid" | "isParked">;

function report(
  { paths, listener, tracer }: Follower,
  kind: ProcessEvent["kind"],
  { pid, tid, isParked }: About,
  isReplaced = false,
): void {
  if (kind === "begin" || !paths.has(pid)) paths.set(pid, executablePath(pid));
  listener.onProcess({
    kind,
    pid,
    tid: kind === "end" ? pid : tid,
    path: paths.get(pid) ?? null,
    isReplaced,
    done: () => isParked && tracer.unpark(tid),
    wait: () => isParked && tracer.park(tid),
  });
}

/** Tells of a process that is attached, and of its threads `tids`, as if they began now. */
export function reportAttached(follower: Follower, pid: number, tids: readonly number[]): void {
  report(follower, "begin", { pid, tid: pid, isParked: false });
  for (const tid of tids) {
    if (tid !== pid) report(follower, "thread.begin", { pid, tid, isParked: false });
  }
}

function executed(follower: Follower, event: TraceEvent): void {
  const { tracees, paths } = follower;
  const { pid } = event;
  const tracee = tracees.get(pid) ?? newTracee(pid);
  tracees.set(pid, tracee);
  forgetImage(tracee);
  tracee.held = true;
  arrive(follower, pid);
  if (paths.has(pid)) report(follower, "end", { ...event, isParked: false }, true);
  report(follower, "begin", event);
  if (follower.state === "armed") enqueue(follower, pid, () => followExec(follower, tracee));
}

/** Has `task` done when all else that is to be done to a process is done. */
function enqueue({ work }: Follower, pid: number, task: () => Promise<void>): Promise<void> {
  const before = work.get(pid) ?? Promise.resolve();
  const mine = before.then(task, task);
  work.set(pid, mine);
  const forget = (): void => {
    if (work.get(pid) === mine) work.delete(pid);
  };
  mine.then(forget, forget);
  return mine;
}

/** Attaches, by `attach`, to a process that is found while armed, and patches it. */
export function takeIn(follower: Follower, pid: number, attach: () => Promise<void>): void {
  const task = async (): Promise<void> => {
    if (follower.state !== "armed") return;
    await attach();
    const tracee = follower.tracees.get(pid);
    if (tracee === undefined || tracee.injection !== null) return;
    try {
      await probe(follower, tracee);
    } catch (cause) {
      warn(follower, tracee, targetError("arm probes", pid, cause));
    }
  };
  enqueue(follower, pid, task).catch(ignoreGone);
}

/** Patches a process for the first time. */
async function probe(follower: Follower, tracee: Tracee): Promise<readonly Unpatched[]> {
  await observe(follower, tracee);
  return update(follower, tracee);
}

/** A program that was executed while armed; its loader tells of the libraries. */
async function followExec(follower: Follower, tracee: Tracee): Promise<void> {
  try {
    await probe(follower, tracee);
  } catch (cause) {
    if (tracee.held) warn(follower, tracee, targetError("follow a program", tracee.pid, cause));
  }
  if (follower.state === "armed") await release(follower, tracee.pid);
}

function warn({ tracees, listener, warnings }: Follower, { pid }: Tracee, error: Error): void {
  if (!tracees.has(pid) || warnings.has(error.message)) return;
  warnings.add(error.message);
  listener.onWarning(error.message);
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

/** Watches what a process now has of what handlers look at. */
async function watch({ armed, paths, tracer }: Follower, tracee: Tracee): Promise<void> {
  if (armed === null) return;
  const { pid } = tracee;
  const modules = once(() => readModules(pid, readMappings(pid)));
  const { bundle } = armed.image;
  const { watched: data, awaitsLoader, refusal } = planData(armed.image, { pid, modules });
  tracee.awaitsLoader = awaitsLoader;
  if (refusal !== null) throw cannotWatch("data", pid, refusal);
  const watched = [...data, ...planEvents(bundle, pid, paths.get(pid) ?? null)];
  if (isDeepStrictEqual(watched, tracee.watched)) return;
  tracee.watched = watched;
  const runs = !tracee.held;
  if (runs) await tracer.stop(pid, STOP_MS);
  try {
    await watchProcess(tracer, pid, watched);
  } finally {
    if (runs) await tracer.resume(pid);
  }
  for (const { probes } of watched) for (const probe of probes) armed.options.armed.add(probe);
}

/** Patches what is new in a process; gives the probes that are in no module of it. */
async function update(follower: Follower, tracee: Tracee): Promise<readonly Unpatched[]> {
  const { armed, tracer, unpatched } = follower;
  if (armed === null) return [];
  const { refused, missing, hasChanged } = await arm(tracer, tracee, armed.image, armed.options);
  unpatched.push(...refused);
  if (hasChanged || tracee.awaitsLoader) await watch(follower, tracee);
  await learnModules(tracer, tracee, armed.image);
  return missing;
}

/** Looks at all processes that ask for it. */
function answerRequests(follower: Follower): void {
  const { armed, tracees } = follower;
  if (armed === null) return;
  for (const tracee of tracees.values()) {
    const { pid, injection } = tracee;
    if (injection === null || requestOf(armed.image, tracee) === null) continue;
    enqueue(follower, pid, () => lookAgain(follower, tracee));
  }
}

function requestOf({ bundle }: SessionImage, { pid, injection }: Tracee): LookRequest | null {
  try {
    return injection === null ? null : pendingRequest(pid, injection, bundle);
  } catch {
    return null;
  }
}

/**
 * Looks at what has changed in a process: it has asked for it, or it is time. Those who wait for
 * its libraries find it held.
 */
async function lookAgain(follower: Follower, tracee: Tracee): Promise<void> {
  const { armed, tracer, waiting, tracees } = follower;
  const { pid, programs } = tracee;
  if (armed === null || follower.state !== "armed" || tracees.get(pid) !== tracee) return;
  const request = requestOf(armed.image, tracee);
  const rest = follower.requests?.work();
  try {
    await update(follower, tracee);
    if (request !== null) await armReturnSites(tracer, tracee, armed.image, armed.options);
    if (waiting.has(pid) && isLoaded(pid, readModules(pid, readMappings(pid)))) {
      await hold(follower, tracee);
      arrive(follower, pid);
    }
  } catch (cause) {
    // Without memory it has ended meanwhile, which is about to be told.
    const hasEnded = readMappings(pid).length === 0;
    if (!hasEnded) warn(follower, tracee, targetError("look at a process", pid, cause));
  } finally {
    rest?.();
  }
  const { injection } = tracee;
  if (request === null || injection === null || tracee.programs !== programs) return;
  try {
    await answerRequest(tracer, pid, injection, armed.image, request);
    if (!missedLibraries(pid, injection, armed.image.bundle, request)) return;
  } catch (cause) {
    return ignoreGone(cause);
  }
  const went = `process ${pid} opened libraries and went on before they were probed`;
  warn(follower, tracee, new Error(`${went}: hits may be missing`));
}

/** Looks once more for where the threads of a process keep their ids. */
export function lookForThreadId(follower: Follower, tracee: Tracee): void {
  enqueue(follower, tracee.pid, () => learnThreadId(follower.tracer, tracee));
}

/** Looks at a process now and then: for one whose loader tells nothing, or waited in vain. */
export function lookLater(follower: Follower, tracee: Tracee): void {
  const { pid } = tracee;
  if (!follower.work.has(pid)) enqueue(follower, pid, () => lookAgain(follower, tracee));
}

async function hold({ tracer }: Follower, tracee: Tracee): Promise<void> {
  const { pid } = tracee;
  await tracer.stop(pid, STOP_MS);
  tracee.held = true;
  await tracer.hold(pid);
  await tracer.resume(pid);
}

/**
 * Lets a program that is held where it begins run until its libraries are mapped, before any of
 * their code runs; it is held there again.
 */
async function runLoader(follower: Follower, tracee: Tracee): Promise<void> {
  const { pid } = tracee;
  if (isLoaded(pid, readModules(pid, readMappings(pid)))) return;
  const regions = tracee.modules.flatMap((module) => module.regions);
  if (!regions.some(({ probes }) => probes.includes(LIBRARIES_CHANGED))) return;
  const arrival = new Promise<void>((resolve) => {
    follower.waiting.set(pid, resolve);
  });
  await release(follower, pid);
  await arrival;
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

/**
 * Patches every process there is and every program executed from now on. Throws if that fails in
 * process `target`; of others it is told.
 */
export async function armAll(
  follower: Follower,
  image: SessionImage,
  options: ArmOptions,
  target: number,
): Promise<void> {
  const { tracees, unpatched } = follower;
  follower.armed = { image, options };
  follower.state = "armed";
  follower.requests = listenForRequests(image.shared, () => answerRequests(follower));
  for (const tracee of [...tracees.values()]) {
    await enqueue(follower, tracee.pid, async () => {
      const missing = await probe(follower, tracee);
      const isTarget = tracee.pid === target && !tracee.held;
      if (isTarget) unpatched.push(...missing.filter(({ module }) => !isLibrary(module)));
    }).catch((cause: unknown) => {
      if (tracee.pid === target) throw cause;
      warn(follower, tracee, targetError("arm probes", tracee.pid, cause));
    });
    if (tracee.held) await runLoader(follower, tracee);
  }
}

/** For a process that ended meanwhile. */
function ignoreGone(error: unknown): undefined {
  if (!isSystemFailure(error) && !(error instanceof TargetError)) throw error;
}

const ESRCH = 3;
