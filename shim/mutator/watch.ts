/**
 * Which data of a process is watched (process.data): finds what points name and cuts it into what
 * a debug register can watch, 1, 2, 4 or 8 bytes at a multiple of their number (Intel SDM vol. 3
 * §17.2.5). The tracing thread watches it in all threads, forked children inherit it (observe.cc).
 */
import { readFileSync } from "node:fs";
import { findSection } from "../../base/elf/image.js";
import { type DataSymbol, findDataSymbol } from "../../base/elf/symbols.js";
import { TargetError } from "../../base/target-error.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import type { ModuleNeeds } from "./modules.js";
import { type Module, openablePath } from "./process.js";
import { isSystemFailure, type Tracer } from "./ptrace.js";
import type { DebugSource } from "./tables/debug-source.js";

type WatchPoint = Extract<BundlePoint, { readonly kind: "watch" }>;

/** Bytes of a process that handlers look at when they are accessed. */
export interface WatchedData {
  readonly address: number;
  /** 1, 2, 4 or 8; `address` is a multiple of it. */
  readonly bytes: number;
  readonly reads: boolean;
  /** Indices of the probes whose handlers run. */
  readonly probes: readonly number[];
}

/** What is to be watched of a process. */
export interface WatchPlan {
  readonly data: readonly WatchedData[];
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

/** Registers that x86-64 has for this. */
const DEBUG_REGISTERS = 4;
const MAX_BYTES = 8;
const NOTHING: WatchPlan = { data: [], isComplete: true, refusal: null };

/** What the bundle of `image` wants to watch in `process`. */
export function planWatches(
  { bundle: { meta }, debugSource }: ModuleNeeds,
  process: WatchedProcess,
): WatchPlan {
  const points = [...meta.probes.entries()].flatMap(([probe, { point }]) =>
    point.kind === "watch" ? [{ probe, point }] : [],
  );
  if (points.length === 0) return NOTHING;
  const data = new Map<string, WatchedData>();
  let isComplete = true;
  let refusal: string | null = null;
  for (const { probe, point } of points) {
    const place = placeOf(point, process, debugSource);
    if (place === null) isComplete = false;
    if (place?.isThreadLocal) {
      refusal ??= `"${point.symbol}" is thread-local: each thread has its own, at an address that may not be known before it is used`;
      continue;
    }
    const reads = point.access === "read and write";
    for (const { address, bytes } of place === null ? [] : piecesOf(place)) {
      const key = `${address} ${bytes} ${reads}`;
      const probes = [...(data.get(key)?.probes ?? []), probe];
      data.set(key, { address, bytes, reads, probes });
    }
  }
  return { data: [...data.values()], isComplete, refusal };
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

/** Has accesses to `data` of process `pid` told. Throws TargetError if they cannot be watched. */
export async function watchData(
  tracer: Tracer,
  pid: number,
  data: readonly WatchedData[],
): Promise<void> {
  if (data.length > DEBUG_REGISTERS) throw cannotWatch(pid, tooMany(data));
  try {
    await tracer.watchData(
      pid,
      data.map(({ address, bytes, reads }) => [address, bytes, reads ? 1 : 0] as const),
    );
  } catch (cause) {
    if (!isSystemFailure(cause)) throw cause;
    throw cannotWatch(pid, whyNot(cause.errno) ?? cause.message, cause);
  }
}

/** The failure to watch data of process `pid`. */
export function cannotWatch(pid: number, reason: string, cause?: unknown): TargetError {
  const about = { operation: "watch data", subject: pid };
  return new TargetError(`cannot watch data of process ${pid}: ${reason}`, about, { cause });
}

function tooMany(data: readonly WatchedData[]): string {
  const places = data.map(({ address, bytes }) => `${bytes} at 0x${address.toString(16)}`);
  return `the processor has ${DEBUG_REGISTERS} debug registers, ${data.length} are needed (bytes: ${places.join(", ")})`;
}

/** Why perf_event_open(2) failed, in words that help; null if nothing is known about it. */
export function whyNot(errno: number): string | null {
  switch (errno) {
    case EPERM:
    case EACCES:
      return `perf_event_open is not permitted (kernel.perf_event_paranoid is ${paranoia()}; 2 or less, CAP_PERFMON or root is needed, and no seccomp filter against it)`;
    case ENOSPC:
      return "its debug registers are taken, perhaps by a debugger";
    case EINVAL:
      return "the kernel refuses the address";
    case EMFILE:
      return "too many files are open (ulimit -n)";
    case ENOSYS:
    case ENOENT:
    case EOPNOTSUPP:
      return "the kernel has no perf events for debug registers";
    default:
      return null;
  }
}

function paranoia(): string {
  try {
    return readFileSync("/proc/sys/kernel/perf_event_paranoid", "utf8").trim();
  } catch {
    return "unknown";
  }
}

const EPERM = 1;
const ENOENT = 2;
const EACCES = 13;
const EINVAL = 22;
const EMFILE = 24;
const ENOSPC = 28;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
