/**
 * Looks that traced processes ask for: a thread waits in the shim until its process has been looked
 * at: two seconds, sixty while we are at work, not at all once we are dead (shim/inject/requests.c).
 *
 *     PRIVATE.asked ≠ answered   the process waits, or has waited, for an answer
 *     PRIVATE.missed             the last request that it did not wait for
 *     CONTROL.requests           raised with each request, by any process
 *     CONTROL.answers            raised with each answer, to any process
 *     CONTROL.listener           1 while requests are taken, more while we are at work
 */
import { viewOf } from "../../base/elf/image.js";
import { PRIVATE } from "../../wasm-runtime/layout/private.js";
import { CONTROL } from "../../wasm-runtime/layout/shared.js";
import { type Injection, type SharedArea, stateOf } from "./inject.js";
import { readMemory } from "./process.js";
import { startBell, type Tracer, wakeWaiters } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";

/** What takes requests. */
export interface RequestListener {
  /** Tells those who wait that we are at work, until the function that it gives is called. */
  work(): () => void;
  stop(): void;
}

/** Begins to take requests; `ring` is called when there are some. */
export function listenForRequests({ buffer }: SharedArea, ring: () => void): RequestListener {
  const bell = startBell(buffer, CONTROL.requests, ring);
  const listener = new DataView(buffer, CONTROL.listener, 4);
  let listens = 1;
  let works = 0;
  const tell = (): void => listener.setUint32(0, listens === 0 ? 0 : listens + works, true);
  tell();
  return {
    work: () => {
      works++;
      tell();
      return () => {
        works--;
        tell();
      };
    },
    stop: () => {
      listens = 0;
      tell();
      wakeWaiters(buffer, CONTROL.answers);
      bell.stop();
    },
  };
}

/** Requests of a process that have not been answered: those behind `answered` up to `asked`. */
export interface LookRequest {
  readonly asked: number;
  readonly answered: number;
}

/** What a process asks for now; null if all has been answered. */
export function pendingRequest(
  pid: number,
  injection: Injection,
  { meta }: RunnableBundle,
): LookRequest | null {
  const at = stateOf(injection, meta.memory.slotCount) + PRIVATE.asked;
  const words = viewOf(readMemory(pid, at, 8));
  const request = { asked: words.getUint32(0, true), answered: words.getUint32(4, true) };
  return request.asked === request.answered ? null : request;
}

/** Answers requests of a process. */
export async function answerRequest(
  tracer: Tracer,
  pid: number,
  injection: Injection,
  { bundle, shared }: { readonly bundle: RunnableBundle; readonly shared: SharedArea },
  { asked }: LookRequest,
): Promise<void> {
  const address = stateOf(injection, bundle.meta.memory.slotCount) + PRIVATE.answered;
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, asked, true);
  await tracer.write(pid, [{ address, bytes }]);
  wakeWaiters(shared.buffer, CONTROL.answers);
}

/** Whether a process has not waited for the answer to a request that was about its libraries. */
export function missedLibraries(
  pid: number,
  injection: Injection,
  { meta }: RunnableBundle,
  { asked, answered }: LookRequest,
): boolean {
  const at = stateOf(injection, meta.memory.slotCount) + PRIVATE.librariesMissed;
  const missed = viewOf(readMemory(pid, at, 4)).getUint32(0, true);
  return missed > answered && missed <= asked;
}
