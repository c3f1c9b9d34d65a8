/**
 * How the storage that each thread has for a library is found (THREAD_STORAGE): which entry of the
 * threads' vectors it is, and what glibc says of it. Takes the loader's list of libraries.
 *
 * glibc tells debuggers where it keeps that, in `_thread_db_…` (nptl_db/structs.def): u32 bits,
 * elements, offset of a field. musl counts the libraries with thread-local storage in the order in
 * which they were loaded (ldso/dynlink.c), and never unloads one.
 */
import { basename } from "node:path";
import { type ElfImage, fileOffset, SEGMENT, viewOf, word } from "../../base/elf/image.js";
import { findSymbolAddress } from "../../base/elf/symbols.js";
import { threadLocalBytes } from "../../base/elf/thread-local.js";
import { TargetError } from "../../base/target-error.js";
import { debugState } from "./libraries.js";
import {
  findLoader,
  findProgram,
  type Module,
  openMemory,
  type ProcessMemory,
  readMemory,
} from "./process.js";

/** Values of THREAD_STORAGE. */
export interface ThreadStorage {
  readonly number: number;
  readonly distance: number;
  readonly generations: number;
}

/** What is known of a module without such storage. */
export const NO_STORAGE: ThreadStorage = { number: 0, distance: 0, generations: 0 };

/** True if threads have storage of their own for a module. */
export function hasThreadStorage({ image }: Module): boolean {
  return image.segments.some(({ type }) => type === SEGMENT.tls);
}

/** How the storage for `module`, one of `modules` of process `pid`, is found; NO_STORAGE if it cannot. */
export function threadStorage(
  pid: number,
  modules: readonly Module[],
  module: Module,
): ThreadStorage {
  const debug = debugState(pid, modules);
  const loader = findLoader(pid, modules);
  if (debug === null || loader === null || !hasThreadStorage(module)) return NO_STORAGE;
  const memory = openMemory(pid);
  try {
    const lists = linkMaps(memory, debug.address);
    const library = modules.find(({ path }) => /^libc[.-]/.test(basename(path)));
    const layout = library === undefined ? null : layoutOf(library.image);
    if (layout !== null) return inGlibc({ memory, lists, layout, loader }, module);
    return findSymbolAddress(loader.image, MUSL_START) === null
      ? NO_STORAGE
      : inMusl(lists, modules, module);
  } catch (error) {
    if (error instanceof TargetError) return NO_STORAGE;
    throw error;
  } finally {
    memory.close();
  }
}

/** What glibc puts for a block that is not at the same place in all threads: none, and dynamic. */
const NOT_FIXED: readonly bigint[] = [0n, -1n];

/**
 * Where the storage of every thread for `module` begins, counted from its thread pointer; null if
 * threads get it when they first use it, or if that is not known.
 */
export function fixedStorage(
  pid: number,
  modules: readonly Module[],
  module: Module,
): number | null {
  const bytes = findProgram(pid, modules) === module ? threadLocalBytes(module.image) : null;
  if (bytes !== null) return -bytes;
  const { distance } = threadStorage(pid, modules, module);
  if (distance === 0) return null;
  const below = viewOf(readMemory(pid, distance, 8)).getBigInt64(0, true);
  return NOT_FIXED.includes(below) ? null : -Number(below);
}

/** struct r_debug: offsets of r_version, r_map, and r_next of version 2; struct link_map (link.h). */
const DEBUG = { version: 0, map: 8, next: 40, bytes: 48 } as const;
const LINK_MAP = { dynamic: 16, next: 24, bytes: 32 } as const;
/** Bound of lists that may be damaged. */
const MOST_ENTRIES = 10_000;

interface LinkMap {
  readonly address: number;
  /** Address of its dynamic section, which no other library has. */
  readonly dynamic: number;
}

/** Entries of the loader's lists, of all namespaces, in their order. */
function linkMaps(memory: ProcessMemory, debug: number): LinkMap[] {
  const found: LinkMap[] = [];
  for (let space = debug; space !== 0 && found.length < MOST_ENTRIES; ) {
    const state = viewOf(memory.read(space, DEBUG.bytes));
    for (let at = word(state, DEBUG.map); at !== 0 && found.length < MOST_ENTRIES; ) {
      const entry = viewOf(memory.read(at, LINK_MAP.bytes));
      found.push({ address: at, dynamic: word(entry, LINK_MAP.dynamic) });
      at = word(entry, LINK_MAP.next);
    }
    space = state.getInt32(DEBUG.version, true) >= 2 ? word(state, DEBUG.next) : 0;
  }
  return found;
}

function dynamicAddress({ image, loadBias }: Module): number {
  const segment = image.segments.find(({ type }) => type === SEGMENT.dynamic);
  return segment === undefined ? 0 : segment.address + loadBias;
}

const MUSL_START = "__libc_start_main";

function inMusl(
  lists: readonly LinkMap[],
  modules: readonly Module[],
  module: Module,
): ThreadStorage {
  const withStorage = new Map(
    modules.filter(hasThreadStorage).map((each) => [dynamicAddress(each), each]),
  );
  const order = lists.flatMap(({ dynamic }) => withStorage.get(dynamic) ?? []);
  return { ...NO_STORAGE, number: order.indexOf(module) + 1 };
}

/** Offsets in struct link_map and struct rtld_global. */
interface GlibcLayout {
  readonly number: number;
  readonly distance: number;
  readonly generations: number;
}

const layouts = new WeakMap<ElfImage, GlibcLayout | null>();

/** Layout of glibc's structures, by its C library; null if that is none of glibc. */
function layoutOf(image: ElfImage): GlibcLayout | null {
  const known = layouts.get(image);
  if (known !== undefined) return known;
  const number = fieldOffset(image, "link_map_l_tls_modid");
  const distance = fieldOffset(image, "link_map_l_tls_offset");
  const generations = fieldOffset(image, "rtld_global__dl_tls_dtv_slotinfo_list");
  const isKnown = number !== null && distance !== null && generations !== null;
  const layout = isKnown ? { number, distance, generations } : null;
  layouts.set(image, layout);
  return layout;
}

/** Offset of the third word of a description. */
const OFFSET_WORD = 8;

function fieldOffset(image: ElfImage, name: string): number | null {
  const address = findSymbolAddress(image, `_thread_db_${name}`);
  const at = address === null ? null : fileOffset(image, address);
  return at === null ? null : viewOf(image.bytes).getUint32(at + OFFSET_WORD, true);
}

interface Glibc {
  readonly memory: ProcessMemory;
  readonly lists: readonly LinkMap[];
  readonly layout: GlibcLayout;
  readonly loader: Module;
}

function inGlibc({ memory, lists, layout, loader }: Glibc, module: Module): ThreadStorage {
  const dynamic = dynamicAddress(module);
  const map = lists.find((each) => each.dynamic === dynamic);
  const globals = findSymbolAddress(loader.image, "_rtld_global");
  if (map === undefined || globals === null) return NO_STORAGE;
  return {
    number: word(viewOf(memory.read(map.address + layout.number, 8)), 0),
    distance: map.address + layout.distance,
    generations: globals + loader.loadBias + layout.generations,
  };
}
