/**
 * Which data of a process is watched (process.data): finds what points name and cuts it into what
 * a debug register can watch, 1, 2, 4 or 8 bytes at a multiple of their number (Intel SDM vol. 3
 * §17.2.5). The tracing thread watches it in all threads, forked children inherit it (observe.cc).
 */
import { readFileSync } from "node:fs";
import { findDataSymbol } from "../../base/elf/symbols.js";
import { TargetError } from "../../base/target-error.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import type { Module } from "./process.js";
import { isSystemFailure, type Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";

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
}

/** Registers that x86-64 has for this. */
const DEBUG_REGISTERS = 4;
const MAX_BYTES = 8;
const NOTHING: WatchPlan = { data: [], isComplete: true };

/** What `bundle` wants to watch in a process, whose `modules` are asked for where points name data. */
export function planWatches({ meta }: RunnableBundle, modules: () => readonly Module[]): WatchPlan {
  const points = [...meta.probes.entries()].flatMap(([probe, { point }]) =>
    point.kind === "watch" ? [{ probe, point }] : [],
  );
  if (points.length === 0) return NOTHING;
  const data = new Map<string, WatchedData>();
  let isComplete = true;
  for (const { probe, point } of points) {
    const place = placeOf(point, modules);
    if (place === null) isComplete = false;
    const reads = point.access === "read and write";
    for (const { address, bytes } of place === null ? [] : piecesOf(place)) {
      const key = `${address} ${bytes} ${reads}`;
      const probes = [...(data.get(key)?.probes ?? []), probe];
      data.set(key, { address, bytes, reads, probes });
    }
  }
  return { data: [...data.values()], isComplete };
}

interface Place {
  readonly address: number;
  readonly bytes: number;
}

/** Where the data of `point` is; of more than a register can watch, its beginning. */
function placeOf(
  { symbol, address, bytes }: WatchPoint,
  modules: () => readonly Module[],
): Place | null {
  if (symbol === null) return { address, bytes: bytes ?? 1 };
  for (const { image, loadBias } of modules()) {
    const found = findDataSymbol(image, symbol);
    if (found === null) continue;
    const size = Math.min(found.size || 1, MAX_BYTES);
    return { address: found.address + loadBias, bytes: bytes ?? size };
  }
  return null;
}

/** The fewest aligned pieces that `place` consists of. */
function piecesOf({ address, bytes }: Place): Place[] {
  const pieces: Place[] = [];
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
  if (data.length > DEBUG_REGISTERS) throw failure(pid, tooMany(data), undefined);
  try {
    await tracer.watchData(
      pid,
      data.map(({ address, bytes, reads }) => [address, bytes, reads ? 1 : 0] as const),
    );
  } catch (cause) {
    if (!isSystemFailure(cause)) throw cause;
    throw failure(pid, whyNot(cause.errno) ?? cause.message, cause);
  }
}

function failure(pid: number, reason: string, cause: unknown): TargetError {
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
