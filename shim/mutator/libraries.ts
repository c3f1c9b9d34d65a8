/**
 * Libraries that a process opens and closes while it is probed.
 *
 * The dynamic loader calls an empty function, `_dl_debug_state`, when it has mapped libraries, before
 * any of their code runs, and when it has unmapped some (struct r_debug, link.h; glibc and musl). A
 * site without a probe is put there: its handler in the shim has the process looked at (requests.ts).
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
import { sitesOf } from "./matching.js";
import type { PlanSite } from "./plan.js";
import { findLoader, findProgram, type Module, readMemory } from "./process.js";
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
