/**
 * A run of a bundle: the tracing thread, shared memory, the traced processes, handlers run here.
 *
 *     startSession   attach or start the target (held), make shared memory, hold the guard, init
 *     arm            patch the target; from here on forked and executed programs are followed
 *     resume         let a started program begin
 *     disarm         restore all code, wait for threads to leave, unmap, detach
 *     close          release guard and tracing thread
 *
 * Whatever happens in between, also kill -9, leaves the target running (ARCHITECTURE.md).
 */
import { dirname } from "node:path";
import { assert } from "../../base/assert.js";
import { prebuiltPath } from "../../base/prebuilt.js";
import { TargetError } from "../../base/target-error.js";
import { SESSION } from "../../wasm-runtime/layout/memory.js";
import { ABI_VERSION, CONTROL } from "../../wasm-runtime/layout/shared.js";
import type { Unpatched } from "./arm.js";
import { attachError, checkTarget, targetError } from "./errors.js";
import {
  armAll,
  createFollower,
  type Follower,
  follow,
  lookForThreadId,
  lookLater,
  type ProcessEvent,
  release,
  reportAttached,
  takeIn,
} from "./follow.js";
import {
  closeShared,
  createShared,
  createSharedIn,
  type SessionImage,
  type SharedArea,
  sharedBytes,
} from "./inject.js";
import { disarmAll, type Remains } from "./leave.js";
import { type LocalEngine, startLocal } from "./local.js";
import { createLocalModules, type LocalModules } from "./local-modules.js";
import { type Sampling, samplePeriods, startSampling, type ThreadStop } from "./observe.js";
import type { PatchDraft } from "./plan.js";
import { isSystemFailure, startTracer, type Tracer } from "./ptrace.js";
import { openRemote } from "./remote.js";
import type { RunnableBundle } from "./runnable.js";
import { isLibrary, namedFiles, namedProcesses, watchFiles } from "./running.js";
import { loadShim, type ShimImage } from "./shim-image.js";
import { createSweeper, type SlotSweeper } from "./slots.js";
import { type Command, spawnHeld } from "./spawn.js";
import { countStops } from "./stops.js";
import type { Subject } from "./subject.js";
import { type DebugSource, NO_DEBUG_SOURCE } from "./tables/debug-source.js";
import { targetId } from "./target-id.js";
import { newTracee } from "./tracee.js";
import { localZone } from "./zone.js";

/** What to run the probes on. */
export type SessionTarget =
  | { readonly kind: "attach"; readonly pid: number }
  | ({ readonly kind: "spawn" } & Command)
  | { readonly kind: "none" };

/** How to run a session. */
export interface SessionOptions {
  readonly bundle: RunnableBundle;
  readonly target: SessionTarget;
  /** Put int3 where no jump fits (dangerous: it kills the target if we are killed). */
  readonly allowBreakpoints: boolean;
  /** Default: one that knows nothing. */
  readonly debugSource?: DebugSource;
  /** Default: the prebuilt one. */
  readonly shim?: ShimImage;
  /** What module_name() gives, if not what the bundle says. */
  readonly name?: string;
  /** Called with each plan of patches before it is applied. */
  readonly onPlan?: (draft: PatchDraft) => void;
  /** Called for begin and end of processes and threads that are traced. */
  readonly onProcess?: (event: ProcessEvent) => void;
  /** Called for each thread that is stopped for handlers; it goes on when this returns. */
  readonly onStop?: (stop: ThreadStop) => void;
  /** Called with what went wrong in a process that is followed. */
  readonly onWarning?: (message: string) => void;
}

/** A session; see the head of this file for the order of calls. */
export interface Session {
  /** Linear memory. */
  readonly memory: Uint8Array;
  /** Control area (CONTROL). */
  readonly control: DataView;
  /** Process attached or started, 0 if none. */
  readonly pid: number;
  /** Wait status of the target once it has ended; never settles without a target. */
  readonly targetEnded: Promise<number>;
  /** Probes that are not in some process, known after `arm`; grows as programs are executed. */
  readonly unpatched: readonly Unpatched[];
  /** Watched events that no handler has seen: too fast, or the thread blocks the signal of it. */
  missedEvents(): number;
  /** Probes with a site or of data that are in some process, or were. */
  readonly armed: ReadonlySet<number>;
  /** Indices of the probes whose modules some process had. */
  readonly found: ReadonlySet<number>;
  /** Processes that are traced now. */
  pids(): number[];
  /**
   * Does `action` once no process is stopped by the session, which is at once or a few milliseconds
   * later: then no thread that is stopped has a lock that handlers of this process wait for.
   */
  whenRunning(action: () => void): void;
  /** Runs the handler of probe `index` in this process; gives the trap reason, 0 = none. */
  runHandler(index: number, subject?: Subject | null): number;
  arm(): Promise<void>;
  resume(): Promise<void>;
  disarm(): Promise<Remains>;
  close(): Promise<void>;
}

const STOP_MS = 10_000;
const SWEEP_MS = 200;
/** How often a process is looked at that has not told where its thread ids are. */
const TID_LOOKS = 5;

interface Started {
  readonly tracer: Tracer;
  readonly follower: Follower;
  readonly pid: number;
  readonly shared: SharedArea;
  readonly engine: LocalEngine;
  readonly image: SessionImage;
  readonly sweeper: SlotSweeper;
  /** Gives the processes that began to run a program which points name. */
  readonly newcomers: () => readonly number[];
}

/** Prepares a session. Throws TargetError if the target cannot be traced or injected into. */
export async function startSession(options: SessionOptions): Promise<Session> {
  let ended: (status: number) => void = () => undefined;
  const targetEnded = new Promise<number>((resolve) => {
    ended = resolve;
  });
  let target = 0;
  let status: number | null = null;
  let dirty = false;
  const { bundle, debugSource = NO_DEBUG_SOURCE } = options;
  const modules = createLocalModules(
    { bundle, debugSource },
    (pid) => follower.tracees.get(pid)?.own ?? [],
  );
  const waits = bundle.meta.probes.some(({ point }) => point.kind === "process");
  const stops = countStops(
    startTracer((event) => {
      if (event.kind === "exit" || event.kind === "threadEnd") dirty = true;
      if (event.kind === "exit") stops.forget(event.pid);
      if (event.kind === "exit" || event.kind === "exec") modules.forget(event.pid);
      follow(follower, event);
    }, waits),
  );
  const { tracer } = stops;
  const follower = createFollower(stops, {
    onExit: (pid, value) => {
      if (pid !== target) return;
      status = value;
      ended(value);
    },
    onProcess: (event) => options.onProcess?.(event),
    onStop: (stop) => options.onStop?.(stop),
    onWarning: (message) => options.onWarning?.(message),
  });
  const started = await start(tracer, follower, options, modules);
  target = started.pid;
  if (status !== null) ended(status);
  const { shared, engine, image, sweeper } = started;
  const look = looker(started, options.onWarning);
  const sweep = (): void => {
    if (follower.state === "armed") look();
    if (!dirty) return;
    dirty = false;
    const owners = [...follower.tracees.values()].flatMap(({ pid, injection }) =>
      injection === null ? [] : [{ pid, injection }],
    );
    sweeper.sweep(owners).catch(ignore);
  };
  const armed = new Set<number>();
  const found = new Set<number>();
  const { allowBreakpoints, onPlan } = options;
  const armOptions = {
    allowBreakpoints,
    armed,
    found,
    ...(onPlan === undefined ? {} : { onPlan }),
  };
  let sampling: Sampling | null = null;
  const timer = setInterval(sweep, SWEEP_MS);
  timer.unref();
  return {
    memory: new Uint8Array(shared.buffer, CONTROL.bytes),
    control: new DataView(shared.buffer, 0, CONTROL.bytes),
    pid: started.pid,
    targetEnded,
    unpatched: follower.unpatched,
    missedEvents: () => follower.missedEvents,
    pids: () => [...follower.tracees.keys()],
    whenRunning: stops.whenNone,
    runHandler: (index, subject = null) => {
      const probe = options.bundle.meta.probes[index];
      assert(probe, `no probe ${index}`);
      return engine.run(probe.handler, index, subject);
    },
    armed,
    found,
    arm: async () => {
      await armAll(follower, image, armOptions, target);
      const periods = samplePeriods(options.bundle.meta.probes.map(({ point }) => point));
      sampling = startSampling(tracer, periods, () => [...follower.tracees.keys()]);
    },
    resume: () => release(follower, started.pid),
    disarm: () => {
      clearInterval(timer);
      sampling?.stop();
      return disarmAll(follower);
    },
    close: () => close(tracer, shared),
  };
}

/** Gives what is done in turns to armed processes, and to those that are to be. */
function looker(
  { tracer, follower, newcomers }: Started,
  onWarning: SessionOptions["onWarning"],
): () => void {
  let looks = 0;
  let turn = 0;
  return () => {
    if (looks++ < TID_LOOKS) {
      for (const tracee of follower.tracees.values()) lookForThreadId(follower, tracee);
    }
    // One process at a time, so that many processes cost no more than one.
    const tracees = [...follower.tracees.values()];
    const tracee = tracees[turn++ % tracees.length];
    if (tracee !== undefined) lookLater(follower, tracee);
    for (const pid of newcomers()) {
      takeIn(follower, pid, () => attachIfAllowed(tracer, follower, pid, onWarning));
    }
  };
}

async function start(
  tracer: Tracer,
  follower: Follower,
  options: SessionOptions,
  modules: LocalModules,
): Promise<Started> {
  const { bundle, target, shim, name, debugSource = NO_DEBUG_SOURCE } = options;
  try {
    const pid = await take(tracer, follower, target);
    const newcomers = watchFiles(target.kind === "none" ? namedFiles(bundle) : []);
    await takeNamed(tracer, follower, options, newcomers());
    const shared = await makeShared(tracer, follower, target, sharedBytes(bundle));
    const guard = await tracer.holdGuard(shared.buffer, CONTROL.guard);
    const image = {
      bundle,
      debugSource,
      shim: shim ?? loadShim(dirname(prebuiltPath("shim.json"))),
      shared,
      guard,
      target: pid === 0 ? null : targetId(pid),
    };
    fillShared(shared, bundle);
    const engine = startLocal(image, modules);
    const trap = engine.start() || engine.run("init", 0);
    assert(trap === 0, `init of the bundle was ended by trap ${trap}`);
    fillSession(shared, pid);
    if (name !== undefined) nameSession(shared, name);
    const sweeper = createSweeper(tracer, shared.buffer, bundle.meta.memory.slotCount);
    return { tracer, follower, pid, shared, engine, image, sweeper, newcomers };
  } catch (error) {
    await disarmAll(follower).catch(ignore);
    await tracer.close().catch(() => tracer.abandon());
    throw error;
  }
}

/** Attaches or starts the target; its process id, 0 for none. */
async function take(tracer: Tracer, follower: Follower, target: SessionTarget): Promise<number> {
  if (target.kind === "none") return 0;
  if (target.kind === "spawn") return spawnHeld(tracer, target);
  await attach(tracer, follower, target.pid);
  return target.pid;
}

/** Attaches to the processes that points name, and to those `running` files that they name. */
async function takeNamed(
  tracer: Tracer,
  follower: Follower,
  options: SessionOptions,
  running: readonly number[],
): Promise<void> {
  const { bundle, target, onWarning } = options;
  for (const pid of namedProcesses(bundle)) await attach(tracer, follower, pid);
  for (const pid of running) await attachIfAllowed(tracer, follower, pid, onWarning);
  if (target.kind !== "none" || follower.tracees.size > 0) return;
  for (const path of namedFiles(bundle)) {
    const verb = isLibrary(path) ? "has loaded" : "runs";
    onWarning?.(`no process ${verb} "${path}" yet that could be probed (-c CMD starts one)`);
  }
}

/** Attaches to one of many processes; if that is refused, it is told. */
async function attachIfAllowed(
  tracer: Tracer,
  follower: Follower,
  pid: number,
  onWarning: SessionOptions["onWarning"],
): Promise<void> {
  try {
    await attach(tracer, follower, pid);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    if (error.errno !== ESRCH) onWarning?.(error.message);
  }
}

async function attach(tracer: Tracer, follower: Follower, pid: number): Promise<void> {
  const { tracees } = follower;
  if (tracees.has(pid)) return;
  checkTarget(pid);
  tracees.set(pid, newTracee(pid));
  try {
    reportAttached(follower, pid, await tracer.seize(pid));
  } catch (cause) {
    // Meanwhile it was forked by a process that is traced.
    if (isSystemFailure(cause) && cause.errno === EBUSY) return;
    tracees.delete(pid);
    throw attachError(pid, cause);
  }
}

const ESRCH = 3;
const EBUSY = 16;

/** The memory object: made by an attached process, so that it works across namespaces; else here. */
async function makeShared(
  tracer: Tracer,
  follower: Follower,
  target: SessionTarget,
  bytes: number,
): Promise<SharedArea> {
  const tracee = target.kind === "attach" ? follower.tracees.get(target.pid) : undefined;
  if (tracee === undefined) return createShared(bytes);
  const { pid } = tracee;
  try {
    await tracer.stop(pid, STOP_MS);
    try {
      const { here, there } = await createSharedIn(openRemote(tracer, pid), bytes);
      tracee.shared = there;
      return here;
    } finally {
      await tracer.resume(pid).catch(ignore);
    }
  } catch (cause) {
    throw targetError("create shared memory", pid, cause);
  }
}

function fillShared(shared: SharedArea, { meta, code }: RunnableBundle): void {
  const control = new DataView(shared.buffer, 0, CONTROL.bytes);
  control.setUint32(CONTROL.abi, ABI_VERSION, true);
  control.setUint32(CONTROL.slotCount, meta.memory.slotCount, true);
  const memory = new Uint8Array(shared.buffer, CONTROL.bytes);
  for (const { address, bytes } of code.initialMemory) memory.set(bytes, address);
}

/** What only this process knows of SESSION; after `init`. */
function fillSession(shared: SharedArea, pid: number): void {
  const session = new DataView(shared.buffer, CONTROL.bytes + SESSION.address, SESSION.bytes);
  session.setBigInt64(SESSION.target, BigInt(pid), true);
  const zone = localZone();
  session.setBigInt64(SESSION.timeZoneOffset, BigInt(zone.secondsWest), true);
  session.setBigInt64(SESSION.random, process.hrtime.bigint(), true);
  const name = Buffer.from(zone.name.slice(0, ZONE_NAME_BYTES - 1));
  for (let i = 0; i < ZONE_NAME_BYTES; i++) session.setUint8(ZONE_NAME + i, name[i] ?? 0);
  session.setInt32(SESSION.timeZoneName, SESSION.address + ZONE_NAME, true);
}

/** Makes `name` what module_name() gives. */
function nameSession(shared: SharedArea, name: string): void {
  const session = new Uint8Array(shared.buffer, CONTROL.bytes + SESSION.address, SESSION.bytes);
  const text = Buffer.from(name).subarray(0, SESSION.bytes - MODULE_NAME - 1);
  session.set(text, MODULE_NAME);
  session[MODULE_NAME + text.length] = 0;
  const at = CONTROL.bytes + SESSION.address + SESSION.moduleName;
  new DataView(shared.buffer).setInt32(at, SESSION.address + MODULE_NAME, true);
}

/** Buffer for the text of tz_name() behind SESSION.timeZoneName. */
const ZONE_NAME = 128;
const ZONE_NAME_BYTES = 16;
/** Buffer for the text of module_name(), up to the end of SESSION. */
const MODULE_NAME: number = ZONE_NAME + ZONE_NAME_BYTES;

async function close(tracer: Tracer, shared: SharedArea): Promise<void> {
  await tracer.releaseGuard();
  try {
    await tracer.close();
  } catch (error) {
    if (!isSystemFailure(error)) throw error;
    tracer.abandon();
  }
  closeShared(shared);
}

/** For what fails because a process ended meanwhile. */
function ignore(): void {}
