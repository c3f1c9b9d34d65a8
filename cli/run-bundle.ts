/** From a bundle to a finished run: check, compile to machine code, start the session, run, report. */

import { basename } from "node:path";
import { readPrebuilt } from "../base/prebuilt.js";
import type { RunnableBundle } from "../shim/mutator/runnable.js";
import {
  type Session,
  type SessionOptions,
  type SessionTarget,
  startSession,
} from "../shim/mutator/session.js";
import { showPlan } from "../shim/mutator/show-plan.js";
import { compileImage } from "../wasm-runtime/aot/compile.js";
import { validateModule } from "../wasm-runtime/aot/validate.js";
import type { BundleMeta } from "../wasm-runtime/bundle.js";
import { readBundle } from "../wasm-runtime/bundle-read.js";
import { createRecordReader } from "../wasm-runtime/records/read.js";
import { disassemble } from "../wasm-runtime/x64/print.js";
import { commandWords } from "./command.js";
import { openDebugSource } from "./debug-source.js";
import { explain } from "./explain.js";
import { firstInterrupt } from "./interrupts.js";
import type { KeptRecords } from "./kept-records.js";
import { createMessages, type Messages } from "./messages.js";
import { hasScreen, type Monitor, openMonitor } from "./monitor.js";
import type { Options } from "./options.js";
import { type Output, openOutput, say } from "./output.js";
import { createRecordPrinter } from "./print-records.js";
import { createProcessProbes } from "./process-probes.js";
import { openProcfs } from "./procfs.js";
import { type RunContext, runSession } from "./run.js";
import { createThreadProbes } from "./thread-probes.js";

/**
 * Runs the bundle in `bytes`, called `bundleName` in messages, as `options` say; `armed` is called when
 * its probes are. Gives the exit status.
 */
export async function runBundle(
  bytes: Uint8Array,
  bundleName: string,
  options: Options,
  armed: () => void,
): Promise<number> {
  const { meta } = readBundle(bytes, bundleName);
  const bundle = { meta, code: compileBundle(bytes, meta, options) };
  const name = sessionName(bundleName, options);
  const verbosity = options.verbosity[4] ?? 0;
  const kept = await openKept(name, options);
  const output = kept?.output ?? openOutput(options.output, options.rotation);
  const started = performance.now();
  if (verbosity > 0) say("Pass 5: starting run.");
  const { monitorMs: intervalMs } = options;
  const monitor =
    intervalMs === null || !hasScreen()
      ? null
      : openMonitor({ meta, moduleName: name, intervalMs });
  let isDetached = false;
  const tell = (line: string): void => {
    if (kept !== null && isDetached) kept.say(line);
    else (monitor?.say ?? say)(line);
  };
  const detach = (): void => {
    if (isDetached) return;
    if (kept !== null) say(`${DETACHING} "wastap --attach=${name}".`);
    isDetached = true;
    armed();
  };
  try {
    const context = await openRun(bundle, options, {
      name,
      output: options.output === null ? (monitor?.output ?? output) : output,
      monitor,
      say: tell,
      ended: kept?.ended ?? null,
      armed: () => {
        if (verbosity > 0) tell("Pass 5: probes armed.");
        detach();
      },
    });
    const { failed, targetFailed } = await runSession(context);
    await monitor?.finish();
    output.close();
    const ms = (performance.now() - started).toFixed(0);
    if (verbosity > 0) tell(`Pass 5: run completed in ${ms}ms.`);
    const status = failed || targetFailed ? 1 : 0;
    if (status !== 0) tell("Pass 5: run failed.  [man error::pass5]");
    if (kept !== null && status === 0) detach();
    if (isDetached) await kept?.finish(status);
    return status;
  } catch (error) {
    if (kept === null || !isDetached) throw error;
    const status = explain(error, kept.say);
    await kept.finish(status);
    return status;
  } finally {
    monitor?.close();
    kept?.close();
  }
}

const DETACHING = "Disconnecting from the session; its records are kept. To reconnect, type";
const MEGABYTE = 2 ** 20;

/** Memory for the records of -F without -o; null where they go elsewhere. */
async function openKept(name: string, options: Options): Promise<KeptRecords | null> {
  if (!options.flightRecorder || options.output !== null) return null;
  const { keepRecords } = await import("./kept-records.js");
  return keepRecords(name, options.bufferMegabytes * MEGABYTE);
}

/** Where a run shows what it does. */
interface Front {
  /** Of the session. */
  readonly name: string;
  readonly output: Output;
  readonly monitor: Monitor | null;
  readonly say: (line: string) => void;
  /** Settles when somebody elsewhere ends the session. */
  readonly ended: Promise<void> | null;
  readonly armed: () => void;
}

async function openRun(
  bundle: RunnableBundle,
  options: Options,
  { name, output, monitor, say, ended, armed }: Front,
): Promise<RunContext> {
  const { meta } = bundle;
  const repeat = (options.verbosity[4] ?? 0) > 0;
  const messages = createMessages({ repeat, noWarnings: options.noWarnings, say });
  for (const warning of meta.warnings) messages.warning(warning);
  const interrupted = Promise.race([firstInterrupt(), ...(ended === null ? [] : [ended])]);
  const processProbes = createProcessProbes(meta.probes);
  const threadProbes = createThreadProbes(meta.probes);
  const parent = options.directory ?? "/var/tmp";
  const procfs = openProcfs(meta.probes, meta.memory, { parent, name });
  if (procfs.path !== null) say(`Control files are in ${procfs.path}`);
  const session = await openSession(bundle, options, messages, {
    ...(procfs.path === null ? {} : { name }),
    onProcess: processProbes.happened,
    onStop: threadProbes.stopped,
  }).catch((error: unknown) => {
    procfs.close();
    throw error;
  });
  return {
    session,
    probes: meta.probes,
    maxSkipped: meta.session.maxSkipped,
    reader: createRecordReader(session.memory, meta),
    print: createRecordPrinter(meta, output, messages),
    messages,
    processProbes,
    threadProbes,
    procfs,
    monitor,
    ownsTarget: options.command !== null,
    interrupted,
    isVerbose: (options.verbosity[4] ?? 0) > 0,
    timeoutMs: options.timeoutMs,
    armed,
  };
}

/** Unique unless the user chose it. */
function sessionName(bundleName: string, { moduleName }: Options): string {
  return moduleName ?? `${basename(bundleName, ".wasm")}_${process.pid}`;
}

function compileBundle(
  bytes: Uint8Array,
  meta: BundleMeta,
  options: Options,
): RunnableBundle["code"] {
  const started = performance.now();
  const handlers = meta.probes.map((probe) => probe.handler);
  const image = compileImage([
    { name: "lib", module: validateModule(readPrebuilt("library.wasm")), keep: ["recover"] },
    { name: "bundle", module: validateModule(bytes), keep: ["init", ...handlers] },
  ]);
  if ((options.verbosity[4] ?? 0) > 1) {
    const ms = (performance.now() - started).toFixed(0);
    say(`Pass 5: compiled ${image.bytes.length} bytes of machine code in ${ms}ms.`);
  }
  if (options.dump.has("x64")) sayCode(image, handlers);
  return image;
}

/** Listing of the handlers, from their entry thunks on. */
function sayCode({ bytes, functions }: RunnableBundle["code"], handlers: readonly string[]): void {
  say(`# ${handlers.length} handlers`);
  for (const [key, { offset, bytes: size }] of functions) {
    say(`${key}:`);
    for (const line of disassemble(bytes.subarray(offset, offset + size))) {
      say(`  ${(offset + line.offset).toString(16).padStart(6)}  ${line.text}`);
    }
  }
}

async function openSession(
  bundle: RunnableBundle,
  options: Options,
  messages: Messages,
  more: Pick<SessionOptions, "name" | "onProcess" | "onStop">,
): Promise<Session> {
  return startSession({
    bundle,
    target: sessionTarget(options),
    allowBreakpoints: options.allowBreakpoints,
    debugSource: await openDebugSource(bundle.meta),
    ...more,
    onWarning: messages.warning,
    ...(options.dump.has("plan") ? { onPlan: (draft) => say(showPlan(draft)) } : {}),
  });
}

function sessionTarget({ pid, command }: Options): SessionTarget {
  if (pid !== null) return { kind: "attach", pid };
  if (command === null) return { kind: "none" };
  return { kind: "spawn", argv: commandWords(command) };
}
