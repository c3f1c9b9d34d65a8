/**
 * Libraries that a process opens and closes while it is probed.
 *
 * The dynamic loader calls an empty function, `_dl_debug_state`, when it has mapped libraries, before
 * any of their code runs, and when it has unmapped some (struct r_debug, link.h; glibc and musl). A
 * site without a probe is put there: its handler in the shim asks for a look at the process and waits
 * until it is answered: two seconds, ten while we are at work, not at all once we are dead
 * (shim/inject/libraries.c).
 *
 *     PRIVATE.libraryAsked ≠ libraryAnswered   the process waits, or has waited, for an answer
 *     PRIVATE.libraryMissed                    the last request that it did not wait for
 *     CONTROL.libraryRequests                  raised with each request, by any process
 *     CONTROL.libraryAnswers                   raised with each answer, to any process
 *     CONTROL.libraryListener                  1 while requests are taken, more while we are at work
 */
import { readFileSync } from "node:fs";
import { readDynamic } from "../../base/elf/dynamic.js";
import {
  type ElfImage,
  FILE_TYPE,
  findSection,
  parseElf,
  SEGMENT,
  sectionBytes,
  viewOf,
  word,
} from "../../base/elf/image.js";
import { findSymbolAddress } from "../../base/elf/symbols.js";
import { PRIVATE } from "../../wasm-runtime/layout/private.js";
import { CONTROL } from "../../wasm-runtime/layout/shared.js";
import type { Injection, SharedArea } from "./inject.js";
import { sitesOf } from "./matching.js";
import type { PlanSite } from "./plan.js";
import { findLoader, findProgram, type Module, readMemory } from "./process.js";
import { startBell, type Tracer, wakeWaiters } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";

/** Stands for the index of a probe where the loader tells of its libraries. */
export const LIBRARIES_CHANGED = 0xffff_ffff;

const NOTICE = "_dl_debug_state";

/** Whether a bundle has probes in libraries, which any process may open. */
export function probesLibraries(bundle: RunnableBundle): boolean {
  return sitesOf(bundle).some(({ name }) => isLibrary(name.path));
}

const known = new Map<string, boolean>();

/** False for a file that is surely no library: it is a program. */
export function isLibrary(path: string): boolean {
  const found = known.get(path) ?? looksLikeLibrary(path);
  known.set(path, found);
  return found;
}

function looksLikeLibrary(path: string): boolean {
  try {
    const image = parseElf(readFileSync(path), path);
    return image.type === FILE_TYPE.shared && !readDynamic(image).isProgram;
  } catch {
    return true;
  }
}

const notices = new WeakMap<ElfImage, number | null>();

/** The loader of process `pid` and where in it libraries are told of; null if that is not known. */
export function libraryNotice(
  pid: number,
  modules: readonly Module[],
): { readonly module: Module; readonly site: PlanSite } | null {
  const module = findLoader(pid, modules);
  if (module === null) return null;
  const { image } = module;
  const address = notices.get(image) ?? findSymbolAddress(image, NOTICE);
  notices.set(image, address);
  if (address === null) return null;
  const nothing = { floats: false, clobbers: null, semaphore: 0 };
  const site = { ...nothing, probe: LIBRARIES_CHANGED, address, place: "instruction" } as const;
  return { module, site: { ...site, symbol: NOTICE } };
}

const ENTRY_BYTES = 16;
const DT_DEBUG = 21;
/** Offset of r_state in struct r_debug, and RT_CONSISTENT (link.h). */
const STATE_OFFSET = 24;
const CONSISTENT = 0;

/** What a loader tells debuggers (struct r_debug); `address` is 0 if it has not begun to. */
export interface DebugState {
  readonly address: number;
  readonly isConsistent: boolean;
}

/** State of the loader of process `pid`; null for a program without. */
export function debugState(pid: number, modules: readonly Module[]): DebugState | null {
  const program = findProgram(pid, modules);
  if (!program?.image.segments.some(({ type }) => type === SEGMENT.interpreter)) return null;
  const section = findSection(program.image, ".dynamic");
  if (section === null) return null;
  const size = sectionBytes(program.image, section).length;
  const dynamic = viewOf(readMemory(pid, section.address + program.loadBias, size));
  for (let at = 0; at + ENTRY_BYTES <= dynamic.byteLength; at += ENTRY_BYTES) {
    if (word(dynamic, at) !== DT_DEBUG) continue;
    const address = word(dynamic, at + 8);
    if (address === 0) return { address, isConsistent: false };
    const state = viewOf(readMemory(pid, address + STATE_OFFSET, 4)).getUint32(0, true);
    return { address, isConsistent: state === CONSISTENT };
  }
  return null;
}

/** True if all libraries that a program needs are mapped: its loader has come so far. */
export function isLoaded(pid: number, modules: readonly Module[]): boolean {
  return debugState(pid, modules)?.isConsistent ?? true;
}

/** What takes requests. */
export interface LibraryListener {
  /** Tells those who wait that we are at work, until the function that it gives is called. */
  work(): () => void;
  stop(): void;
}

/** Begins to take requests; `ring` is called when there are some. */
export function listenForLibraries({ buffer }: SharedArea, ring: () => void): LibraryListener {
  const bell = startBell(buffer, CONTROL.libraryRequests, ring);
  const listener = new DataView(buffer, CONTROL.libraryListener, 4);
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
      wakeWaiters(buffer, CONTROL.libraryAnswers);
      bell.stop();
    },
  };
}

/** Requests of a process that have not been answered: those behind `answered` up to `asked`. */
export interface LibraryRequest {
  readonly asked: number;
  readonly answered: number;
}

/** What a process asks for now; null if all has been answered. */
export function libraryRequest(
  pid: number,
  injection: Injection,
  { meta }: RunnableBundle,
): LibraryRequest | null {
  const words = viewOf(readMemory(pid, stateOf(injection, meta.memory.slotCount), 8));
  const request = { asked: words.getUint32(0, true), answered: words.getUint32(4, true) };
  return request.asked === request.answered ? null : request;
}

/** Answers requests of a process; false if it did not wait for that. */
export async function answerRequest(
  tracer: Tracer,
  pid: number,
  injection: Injection,
  { bundle, shared }: { readonly bundle: RunnableBundle; readonly shared: SharedArea },
  { asked, answered }: LibraryRequest,
): Promise<boolean> {
  const at = stateOf(injection, bundle.meta.memory.slotCount);
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, asked, true);
  await tracer.write(pid, [{ address: at + ANSWERED, bytes }]);
  wakeWaiters(shared.buffer, CONTROL.libraryAnswers);
  const missed = viewOf(readMemory(pid, at + MISSED, 4)).getUint32(0, true);
  return missed <= answered || missed > asked;
}

const ANSWERED = PRIVATE.libraryAnswered - PRIVATE.libraryAsked;
const MISSED = PRIVATE.libraryMissed - PRIVATE.libraryAsked;

function stateOf({ private: area }: Injection, slotCount: number): number {
  return area.address + slotCount * PRIVATE.stackBytes + PRIVATE.libraryAsked;
}
