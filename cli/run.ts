/**
 * Pass 5: one run of a bundle against its target.
 *
 * Order of a session (SystemTap langref §3, language of probe points): init, begin probes by order,
 * the other probes are armed, a started target begins to run; … ; exit(), the end of the target, an
 * interrupt or too many errors end it: patches are removed, then end (or error) probes run by order.
 */

import type { Session } from "../shim/mutator/session.js";
import type { Subject } from "../shim/mutator/subject.js";
import type { BundleProbe } from "../wasm-runtime/bundle.js";
import { SESSION_STATE } from "../wasm-runtime/layout/memory.js";
import type { RecordReader } from "../wasm-runtime/records/read.js";
import { countLosses, type Losses } from "./losses.js";
import type { Messages } from "./messages.js";
import type { Monitor } from "./monitor.js";
import type { RecordPrinter } from "./print-records.js";
import type { ProcessProbes } from "./process-probes.js";
import type { Procfs } from "./procfs.js";
import { sessionState } from "./session-state.js";
import type { ThreadProbes } from "./thread-probes.js";
import { startTimers } from "./timers.js";
import { reportUnarmed, reportUnpatched, type UnpatchedReport } from "./unprobed.js";

/** Milliseconds between two looks at the rings while nothing comes in. */
const IDLE_POLL_MS = 10;
/** Milliseconds between two looks while records come in. */
const BUSY_POLL_MS = 1;

const TOO_MANY_SKIPPED =
  "Skipped too many probes, check MAXSKIPPED or try again with stap -t for more details.";

/** What a run needs besides the session. */
export interface RunContext {
  readonly session: Session;
  readonly probes: readonly BundleProbe[];
  readonly maxSkipped: number;
  readonly reader: RecordReader;
  readonly print: RecordPrinter;
  readonly messages: Messages;
  readonly processProbes: ProcessProbes;
  readonly threadProbes: ThreadProbes;
  readonly procfs: Procfs;
  readonly monitor: Monitor | null;
  /** Called when the probes are armed. */
  armed(): void;
  /** Settles at the first signal to end. */
  readonly interrupted: Promise<void>;
  /** The target was started by us and waits: it is killed if it never came to run. */
  readonly ownsTarget: boolean;
  /** Every place that cannot be probed is named. */
  readonly isVerbose: boolean;
  /** Ends the session after this time; null = never. */
  readonly timeoutMs: number | null;
}

/** How a run ended. */
export interface RunResult {
  /** True if there was an error, whether or not the session went on after it. */
  readonly failed: boolean;
  /** True if the program that was started ended with a status other than 0. */
  readonly targetFailed: boolean;
}

/** Runs begin probes, arms, waits for an ending, disarms, runs end or error probes, reports. */
export async function runSession(context: RunContext): Promise<RunResult> {
  try {
    return await runToEnd(context);
  } finally {
    context.procfs.close();
    await context.session.close();
  }
}

async function runToEnd(context: RunContext): Promise<RunResult> {
  const { session, probes, messages } = context;
  const state = sessionState(session.memory);
  const unpatched = reportUnpatched(session, messages, context.isVerbose);
  const run = { begun: false, targetFailed: false, unpatched };
  try {
    runOrdered(context, "begin");
    drain(context);
    if (state.get() === SESSION_STATE.starting) await runArmed(context, run);
    unpatched.update();
    if (run.begun) reportUnarmed(session, probes, messages);
  } finally {
    if (context.ownsTarget && !run.begun) process.kill(session.pid, "SIGKILL");
    await disarm(context);
  }
  drain(context, true);
  if (state.get() !== SESSION_STATE.error) {
    state.set(SESSION_STATE.stopping);
    runOrdered(context, "end");
  }
  // An end probe may have been the one that failed.
  if (state.get() === SESSION_STATE.error) runOrdered(context, "error");
  drain(context, true);
  reportLosses(context);
  return { failed: context.messages.hasErrors(), targetFailed: run.targetFailed };
}

/** What a run has come to. */
interface Progress {
  begun: boolean;
  targetFailed: boolean;
  readonly unpatched: UnpatchedReport;
}

async function runArmed(context: RunContext, progress: Progress): Promise<void> {
  const { session, processProbes, threadProbes } = context;
  const state = sessionState(session.memory);
  const run = (index: number, subject: Subject | null = null): void =>
    runLocal(context, index, subject);
  state.set(SESSION_STATE.running);
  threadProbes.start(run);
  await session.arm();
  progress.unpatched.update();
  const timers = startTimers(context.probes, run, session.whenRunning);
  const own = {
    memory: session.memory,
    whenRunning: session.whenRunning,
    run: (probe: number) => runWhileRunning(context, probe),
  };
  context.procfs.start(own);
  context.monitor?.start(own);
  processProbes.start(run, session.whenRunning);
  context.armed();
  await session.resume();
  progress.begun = true;
  const ending = await untilEnding(context);
  timers.stop();
  context.procfs.close();
  context.monitor?.stop();
  processProbes.stop();
  threadProbes.stop();
  if (ending.kind !== "target ended" || !context.ownsTarget) return;
  progress.targetFailed = ending.status !== 0;
  reportStatus(context, ending.status);
}

async function disarm({ session, messages }: RunContext): Promise<void> {
  const { leaked, foreign, stuck } = await session.disarm();
  for (const { pid, reason } of leaked) messages.warning(`process ${pid}: ${reason}`);
  for (const text of foreign) messages.warning(text);
  for (const { pid, reason } of stuck) messages.warning(`process ${pid}: ${reason}`);
}

function reportStatus({ messages }: RunContext, status: number): void {
  const signal = status & 0x7f;
  const code = (status >> 8) & 0xff;
  if (signal !== 0)
    messages.warning(`Child process exited with signal ${signal} (${signalText(signal)})`);
  else if (code !== 0) messages.warning(`Child process exited with status ${code}`);
}

/** strsignal(3) of the signals that end programs. */
const SIGNAL_TEXTS: Readonly<Record<number, string>> = {
  1: "Hangup",
  2: "Interrupt",
  3: "Quit",
  4: "Illegal instruction",
  5: "Trace/breakpoint trap",
  6: "Aborted",
  7: "Bus error",
  8: "Floating point exception",
  9: "Killed",
  10: "User defined signal 1",
  11: "Segmentation fault",
  12: "User defined signal 2",
  13: "Broken pipe",
  14: "Alarm clock",
  15: "Terminated",
  16: "Stack fault",
  24: "CPU time limit exceeded",
  25: "File size limit exceeded",
  31: "Bad system call",
};

function signalText(signal: number): string {
  return SIGNAL_TEXTS[signal] ?? `Unknown signal ${signal}`;
}

type Ending =
  | { readonly kind: "exit" | "interrupt" | "timeout" | "output closed" }
  | { readonly kind: "target ended"; readonly status: number };

function untilEnding(context: RunContext): Promise<Ending> {
  const { session, timeoutMs } = context;
  const state = sessionState(session.memory);
  return new Promise((resolve) => {
    let poll: NodeJS.Timeout | undefined;
    let limit: NodeJS.Timeout | undefined;
    const end = (ending: Ending): void => {
      clearTimeout(poll);
      clearTimeout(limit);
      resolve(ending);
    };
    const look = (): void => {
      const seen = drain(context);
      const over = state.get() !== SESSION_STATE.running || hasFailed(context);
      if (seen < 0) end({ kind: "output closed" });
      else if (over) end({ kind: "exit" });
      else poll = setTimeout(look, seen > 0 ? BUSY_POLL_MS : IDLE_POLL_MS);
    };
    context.interrupted.then(() => end({ kind: "interrupt" }));
    if (timeoutMs !== null) limit = setTimeout(() => end({ kind: "timeout" }), timeoutMs);
    session.targetEnded.then((status) => end({ kind: "target ended", status }));
    look();
  });
}

/** Prints what is in the rings; number of records, -1 once nobody reads the output. */
function drain(context: RunContext, final = false): number {
  const records = context.reader.poll({ final });
  return context.print(records) ? records.length : -1;
}

function runOrdered(context: RunContext, kind: "begin" | "end" | "error"): void {
  const state = sessionState(context.session.memory);
  const ordered = context.probes
    .map((probe, index) => ({ point: probe.point, index }))
    .flatMap(({ point, index }) =>
      point.kind === kind && "order" in point ? [{ order: point.order, index }] : [],
    )
    .sort((a, b) => a.order - b.order || a.index - b.index);
  const initial = state.get();
  for (const { index } of ordered) {
    if (state.get() !== initial) return;
    runLocal(context, index);
    drain(context);
  }
}

/** For what goes on happening until the session is told to end. */
function runWhileRunning(context: RunContext, index: number): void {
  const state = sessionState(context.session.memory);
  if (state.get() === SESSION_STATE.running) runLocal(context, index);
}

function runLocal({ session }: RunContext, index: number, subject: Subject | null = null): void {
  const trap = session.runHandler(index, subject);
  if (trap !== 0) sessionState(session.memory).set(SESSION_STATE.error);
}

/** Ends the session in the error state if too much was skipped or the engine ended a handler. */
function hasFailed(context: RunContext): boolean {
  const { skipped, traps } = countLosses(context.session);
  const tooMany = skipped > context.maxSkipped;
  if (tooMany) context.messages.error(TOO_MANY_SKIPPED);
  if (!tooMany && traps.length === 0) return false;
  sessionState(context.session.memory).set(SESSION_STATE.error);
  return true;
}

function reportLosses(context: RunContext): void {
  const { messages, reader } = context;
  const losses = countLosses(context.session);
  const { skipped, errors } = losses;
  if (errors > 0 || skipped > 0) {
    messages.warning(`Number of errors: ${errors}, skipped probes: ${skipped}`);
  }
  if (losses.missedReturns > 0) {
    messages.warning(
      `${losses.missedReturns} or more returns were not seen: no jump fits where the function ends, and code that is returned to could not be patched`,
    );
  }
  reportTraps(context, losses);
  const missed = context.session.missedEvents();
  if (missed > 0) {
    messages.warning(
      `${missed} watched events were not seen: they came too fast, or the thread blocks SIGURG`,
    );
  }
  const { records, missing, garbage } = reader.lost();
  if (records > 0) {
    messages.warning(`${records} records were lost: the buffers were full (raise -s)`);
  }
  if (missing > 0) messages.warning(`${missing} records were begun but never finished`);
  if (garbage > 0) messages.warning(`${garbage} records made no sense; the target damaged them`);
}

function reportTraps({ probes, messages }: RunContext, { traps, lastTrapProbe }: Losses): void {
  const name = probes[lastTrapProbe]?.name ?? "?";
  for (const [reason, hits] of traps) {
    messages.error(`${hits} handlers were ended: ${reason} (last: ${name})`);
  }
}
