/**
 * Which data of a process is watched (process.data): finds what points name and cuts it into what
 * a debug register can watch, 1, 2, 4 or 8 bytes at a multiple of their number (Intel SDM vol. 3
 * §17.2.5).
 */
import { findSection } from "../../base/elf/image.js";
import { type DataSymbol, findDataSymbol } from "../../base/elf/symbols.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import { isLoaded } from "./libraries.js";
import type { ModuleNeeds } from "./modules.js";
import { BREAKPOINT } from "./perf-events.js";
import { type Module, openablePath } from "./process.js";
import { WATCH, type WatchRow } from "./ptrace.js";
import type { DebugSource } from "./tables/debug-source.js";
import { fixedStorage } from "./thread-storage.js";
import type { Watched } from "./watch.js";

type WatchPoint = Extract<BundlePoint, { readonly kind: "watch" }>;

/** Which data is to be watched of a process. */
export interface DataPlan {
  readonly watched: readonly Watched[];
  /** Every name was found. */
  readonly isComplete: boolean;
  /** More will be known when the loader is done. */
  readonly awaitsLoader: boolean;
  /** Why something that was found cannot be watched, or null. */
  readonly refusal: string | null;
}

/** A process and what is known of it. */
export interface WatchedProcess {
  readonly pid: number;
  readonly modules: () => readonly Module[];
}

const MAX_BYTES = 8;
/** HW_BREAKPOINT_W and HW_BREAKPOINT_RW (linux/hw_breakpoint.h). */
const WRITES = 2;
const ALL_ACCESSES = 3;
const NOTHING: DataPlan = {
  watched: [],
  isComplete: true,
  awaitsLoader: false,
  refusal: null,
};

/** The data of `process` that the bundle of an image wants to watch. */
export function planData(
  { bundle: { meta }, debugSource }: ModuleNeeds,
  process: WatchedProcess,
): DataPlan {
  const points = [...meta.probes.entries()].flatMap(([probe, { point }]) =>
    point.kind === "watch" ? [{ probe, point }] : [],
  );
  if (points.length === 0) return NOTHING;
  const data = new Map<string, Watched>();
  let isComplete = true;
  let awaitsLoader = false;
  let refusal: string | null = null;
  for (const { probe, point } of points) {
    const place = placeOf(point, process, debugSource);
    if (place === null || place === "later") {
      isComplete = false;
      awaitsLoader ||= place === "later";
      continue;
    }
    if (place === "unknown") {
      refusal ??= `"${point.symbol}" is thread-local, and where threads have it is not known: its library was opened later, or the C library does not tell`;
      continue;
    }
    const { isThreadLocal } = place;
    const access = point.access === "write" ? WRITES : ALL_ACCESSES;
    for (const { address, bytes } of piecesOf(place)) {
      const inThread = isThreadLocal ? 1 : 0;
      const row: WatchRow = [WATCH.stops, BREAKPOINT, 0n, 1, 0, access, address, bytes, inThread];
      const key = row.join();
      data.set(key, { row, probes: [...(data.get(key)?.probes ?? []), probe] });
    }
  }
  return { watched: [...data.values()], isComplete, awaitsLoader, refusal };
}

interface Place {
  /** Of thread-local data counted from the thread pointer. */
  readonly address: number;
  readonly bytes: number;
  readonly isThreadLocal: boolean;
}

/** A place that will be known when the loader is done, or that cannot be known. */
type NoPlace = "later" | "unknown";

/** Where the data of `point` is, null if there is none. */
function placeOf(
  point: WatchPoint,
  process: WatchedProcess,
  source: DebugSource,
): Place | NoPlace | null {
  const found = findData(point, process, source);
  if (!found?.isThreadLocal) return found;
  const { pid } = process;
  const modules = process.modules();
  if (!isLoaded(pid, modules)) return "later";
  const start = found.module === null ? null : fixedStorage(pid, modules, found.module);
  return start === null ? "unknown" : { ...found, address: found.address + start };
}

interface FoundData extends Place {
  /** Whose symbol it is; null if that does not say where it is. */
  readonly module: Module | null;
}

/** The data of `point`; of more than a register can watch, its beginning. */
function findData(
  { symbol, address, bytes }: WatchPoint,
  { pid, modules }: WatchedProcess,
  source: DebugSource,
): FoundData | null {
  if (symbol === null) return { address, bytes: bytes ?? 1, isThreadLocal: false, module: null };
  const placed = (data: DataSymbol | null, module: Module): FoundData[] => {
    if (data === null) return [];
    const size = Math.min(data.size || 1, MAX_BYTES);
    const { isThreadLocal } = data;
    const at = isThreadLocal ? data.address : data.address + module.loadBias;
    return [{ address: at, bytes: bytes ?? size, isThreadLocal, module }];
  };
  const own = modules().flatMap((module) => placed(findDataSymbol(module.image, symbol), module));
  const [found = own[0]] = own.filter(({ isThreadLocal }) => !isThreadLocal);
  if (found !== undefined) return found;
  for (const module of modules().filter(({ image }) => findSection(image, ".symtab") === null)) {
    const path = openablePath(pid, module.file);
    const [first] = placed(path === null ? null : source.data(path, symbol), module);
    // Debug files do not say where in the block of a thread something is.
    if (first !== undefined) return first.isThreadLocal ? { ...first, module: null } : first;
  }
  return null;
}

/** The fewest aligned pieces that `place` consists of. */
function piecesOf({ address, bytes }: Place): Pick<Place, "address" | "bytes">[] {
  const pieces: Pick<Place, "address" | "bytes">[] = [];
  for (let at = address; at < address + bytes; ) {
    let size = MAX_BYTES;
    while (at % size !== 0 || at + size > address + bytes) size /= 2;
    pieces.push({ address: at, bytes: size });
    at += size;
  }
  return pieces;
}
