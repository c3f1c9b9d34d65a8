/**
 * Which data of a process is watched (process.data): finds what points name and cuts it into what
 * a debug register can watch, 1, 2, 4 or 8 bytes at a multiple of their number (Intel SDM vol. 3
 * §17.2.5).
 */
import { findSection } from "../../base/elf/image.js";
import { type DataSymbol, findDataSymbol } from "../../base/elf/symbols.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import type { ModuleNeeds } from "./modules.js";
import { BREAKPOINT } from "./perf-events.js";
import { type Module, openablePath } from "./process.js";
import { WATCH, type WatchRow } from "./ptrace.js";
import type { DebugSource } from "./tables/debug-source.js";
import type { Watched } from "./watch.js";

type WatchPoint = Extract<BundlePoint, { readonly kind: "watch" }>;

/** Which data is to be watched of a process. */
export interface DataPlan {
  readonly watched: readonly Watched[];
  /** Every name was found. */
  readonly isComplete: boolean;
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
const NOTHING: DataPlan = { watched: [], isComplete: true, refusal: null };

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
  let refusal: string | null = null;
  for (const { probe, point } of points) {
    const place = placeOf(point, process, debugSource);
    if (place === null) isComplete = false;
    if (place?.isThreadLocal) {
      refusal ??= `"${point.symbol}" is thread-local: each thread has its own, at an address that may not be known before it is used`;
      continue;
    }
    const access = point.access === "write" ? WRITES : ALL_ACCESSES;
    for (const { address, bytes } of place === null ? [] : piecesOf(place)) {
      const row: WatchRow = [WATCH.stops, BREAKPOINT, 0n, 1, 0, access, address, bytes];
      const key = row.join();
      data.set(key, { row, probes: [...(data.get(key)?.probes ?? []), probe] });
    }
  }
  return { watched: [...data.values()], isComplete, refusal };
}

interface Place {
  readonly address: number;
  readonly bytes: number;
  readonly isThreadLocal: boolean;
}

/** Where the data of `point` is; of more than a register can watch, its beginning. */
function placeOf(
  { symbol, address, bytes }: WatchPoint,
  { pid, modules }: WatchedProcess,
  source: DebugSource,
): Place | null {
  if (symbol === null) return { address, bytes: bytes ?? 1, isThreadLocal: false };
  const placed = (data: DataSymbol | null, { loadBias }: Module): Place[] => {
    if (data === null) return [];
    const size = Math.min(data.size || 1, MAX_BYTES);
    const { isThreadLocal } = data;
    return [{ address: data.address + loadBias, bytes: bytes ?? size, isThreadLocal }];
  };
  const own = modules().flatMap((module) => placed(findDataSymbol(module.image, symbol), module));
  const [found = own[0]] = own.filter(({ isThreadLocal }) => !isThreadLocal);
  if (found !== undefined) return found;
  for (const module of modules().filter(({ image }) => findSection(image, ".symtab") === null)) {
    const path = openablePath(pid, module.file);
    const [first] = placed(path === null ? null : source.data(path, symbol), module);
    if (first !== undefined) return first;
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
