/**
 * Where each global lives and what protects it.
 *
 *   reduction   number that traced threads only add to: one i64 in every context, plus a base
 *   shard       scalar statistics: one STAT in every context, merged when read
 *   cell        other scalars, in one place; with a lock unless nobody can change it concurrently
 *   map         arrays, with a lock on the same terms
 *
 * Arrays that only grow (growing.ts) have a lock for new elements alone.
 *
 * Reductions and shards have a lock only if a timer assigns or deletes them while others add, which
 * these share and the timer's handler holds alone, so that no addition is lost or comes back.
 *
 * begin, end, error and timer handlers run one after the other in the mutator, all others in
 * threads of the traced process. begin, end and error handlers need no locks: nothing else runs
 * then, and a process that was killed in a handler may have left one taken. A lock word shares the cache line of the scalar it protects.
 */
import { BUNDLE_DATA_ADDRESS, CONTEXT, PROCFS } from "../../wasm-runtime/layout/memory.js";
import {
  align8,
  HISTOGRAM,
  LOG_BUCKETS,
  linearBuckets,
  type MapShape,
  mapBytes,
  statBytes,
} from "../../wasm-runtime/layout/values.js";
import type { FunctionInstance, Global, Handler, Program, StatUse } from "../types/program.js";
import { growingArrays } from "./growing.js";
import { boundName, usesStack } from "./library-calls.js";
import type { Limits } from "./limits.js";
import { changedGlobals, replacedGlobals, type UsageTable } from "./usage.js";

/** Bytes of a cache line. */
const LINE = 64;

/** STAT_DESCRIPTOR.shift of statistics whose variance nobody asks for. */
const NO_VARIANCE = -1;

/** What a statistics value records. */
export interface StatShape {
  /** One of HISTOGRAM. */
  readonly histogram: number;
  readonly low: bigint;
  readonly high: bigint;
  readonly width: bigint;
  readonly shift: number;
  readonly buckets: number;
  readonly bytes: number;
  /** Columns of the bars of its charts. */
  readonly barWidth: number;
  /** Empty rows of its charts shown around those in use, negative = all. */
  readonly elision: number;
}

/** Place of a global. `lock` is the address of its lock word, null if it needs none. */
export type Storage =
  | {
      readonly kind: "reduction";
      readonly offset: number;
      readonly base: number;
      readonly lock: number | null;
    }
  | {
      readonly kind: "shard";
      readonly offset: number;
      readonly stat: StatShape;
      readonly lock: number | null;
    }
  | { readonly kind: "cell"; readonly address: number; readonly lock: number | null }
  | {
      readonly kind: "map";
      readonly address: number;
      readonly shape: MapShape;
      readonly stat: StatShape | null;
      readonly lock: number | null;
      /** Address of the lock word that only making a new element takes, of an array that only grows. */
      readonly growth: number | null;
    };

/** Result of planning: all globals placed. */
export interface StoragePlan {
  readonly storage: ReadonlyMap<Global, Storage>;
  /** First address behind the globals. */
  readonly end: number;
  /** First offset in a context behind shards and reductions. */
  readonly contextEnd: number;
  /** Offset in a context of the i32 that `next` in a function sets. */
  readonly nextFlag: number;
  /** Address of PROCFS and its bytes, 0 if the program has no control files. */
  readonly procfs: number;
  readonly procfsBytes: number;
  /** Offset in a context of its MATCH, if the program asks for captures. */
  readonly match: number;
  /** Offset in a context of the call chain of the hit, and how many addresses it has at most. */
  readonly frames: number;
  readonly maxFrames: number;
  /** Offset in a context of the memory of embedded code, and its bytes; 0 if there is none. */
  readonly arena: number;
  readonly arenaBytes: number;
}

/** Places all globals of `program`, and in contexts a MATCH of `matchBytes`. */
export function planStorage(
  program: Program,
  usages: UsageTable,
  limits: Limits,
  matchBytes: number,
): StoragePlan {
  const sharing = analyzeSharing(program, usages);
  const storage = new Map<Global, Storage>();
  let memory = BUNDLE_DATA_ADDRESS;
  let context: number = CONTEXT.bundle + 8;
  const take = (bytes: number, alignment: number): number => {
    const address = alignUp(memory, alignment);
    memory = address + bytes;
    return address;
  };
  const takeContext = (bytes: number): number => {
    context += align8(bytes);
    return context - align8(bytes);
  };
  for (const global of program.globals) {
    storage.set(global, place(global, sharing, limits, take, takeContext));
  }
  const procfsBytes = procfsSize(program, limits);
  const procfs = procfsBytes === 0 ? 0 : take(procfsBytes, LINE);
  const match = takeContext(matchBytes);
  const maxFrames = program.functions.some(looksAtStack) ? limits.maxBacktrace : 0;
  const frames = takeContext(8 * maxFrames);
  const arenaBytes = program.handlers.some((handler) => usages.all(handler).hasEmbedded)
    ? arenaSize(limits)
    : 0;
  const arena = takeContext(arenaBytes);
  return {
    storage,
    arena,
    arenaBytes,
    end: alignUp(memory, LINE),
    contextEnd: alignUp(context, LINE),
    nextFlag: CONTEXT.bundle,
    procfs,
    procfsBytes,
    match,
    frames,
    maxFrames,
  };
}

/** Bytes that the largest text of a control file takes, 0 if there are no control files. */
function procfsSize({ probes }: Program, { maxString, procfsBytes }: Limits): number {
  const sizes = probes.flatMap(({ point }) =>
    point.kind === "procfs" ? [maxString, point.bytes ?? procfsBytes] : [],
  );
  return sizes.length === 0 ? 0 : PROCFS.text + align8(Math.max(...sizes));
}

function looksAtStack(fn: FunctionInstance): boolean {
  const name = boundName(fn);
  return name !== null && usesStack(name);
}

/** Room for some strings of full length, twice as wide, and for small objects. */
function arenaSize({ maxString }: Limits): number {
  return align8(65536 + 8 * maxString);
}

/** What `use` of a statistics variable makes it record. */
export function statShape(
  use: StatUse | null,
  hasVariance: boolean,
  { barWidth, elision }: Limits,
): StatShape {
  const shift = hasVariance ? (use?.varianceShift ?? 0) : NO_VARIANCE;
  const none = { low: 0n, high: 0n, width: 0n, shift, barWidth, elision };
  const histogram = use?.histogram;
  if (histogram === undefined || histogram.kind === "none") {
    return { ...none, histogram: HISTOGRAM.none, buckets: 0, bytes: statBytes(0) };
  }
  if (histogram.kind === "log") {
    const bytes = statBytes(LOG_BUCKETS);
    return { ...none, histogram: HISTOGRAM.log, buckets: LOG_BUCKETS, bytes };
  }
  const { low, high, width } = histogram;
  const buckets = linearBuckets(low, high, width);
  const linear = { histogram: HISTOGRAM.linear, low, high, width };
  return { ...none, ...linear, buckets, bytes: statBytes(buckets) };
}

/** True if `handler` runs in the mutator whatever comes; those of processes count not. */
export function runsInMutator({ points }: Handler): boolean {
  return points.every(({ kind }) => !["site", "absolute", "process"].includes(kind));
}

/** True if no other handler runs at the same time: begin before probes are armed, end after. */
export function runsAlone({ points }: Handler): boolean {
  return points.every(({ kind }) => ["begin", "end", "error"].includes(kind));
}

/** `value` rounded up to a multiple of `alignment`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

interface Sharing {
  /** Touched by handlers in the traced process. */
  readonly traced: ReadonlySet<Global>;
  /** Touched there in another way than by additions. */
  readonly tracedOther: ReadonlySet<Global>;
  /** Changed by a handler that can run at the same time as others. */
  readonly changed: ReadonlySet<Global>;
  /** Statistics deleted and numbers assigned by a handler that can run at the same time as others. */
  readonly replaced: ReadonlySet<Global>;
  /** Statistics that @variance is asked of. */
  readonly variances: ReadonlySet<Global>;
  /** Arrays whose elements need no lock. */
  readonly growing: ReadonlySet<Global>;
}

function analyzeSharing(program: Program, usages: UsageTable): Sharing {
  const traced = new Set<Global>();
  const tracedOther = new Set<Global>();
  const changed = new Set<Global>();
  const replaced = new Set<Global>();
  const variances = new Set<Global>();
  for (const handler of program.handlers) {
    const usage = usages.all(handler);
    for (const g of usage.variances) variances.add(g);
    if (!runsAlone(handler)) for (const g of changedGlobals(usage)) changed.add(g);
    if (!runsAlone(handler)) for (const g of replacedGlobals(usage)) replaced.add(g);
    if (runsInMutator(handler)) continue;
    for (const g of [...usage.reads, ...usage.writes]) tracedOther.add(g);
    for (const g of [...usage.reads, ...usage.writes, ...usage.adds]) traced.add(g);
  }
  const growing: ReadonlySet<Global> = new Set();
  const sharing: Sharing = { traced, tracedOther, changed, replaced, variances, growing };
  const isLocked = (global: Global): boolean => needsLock(global, sharing);
  const concurrent = program.handlers.filter((handler) => !runsAlone(handler));
  return { ...sharing, growing: growingArrays(concurrent, { program, usages, isLocked }) };
}

type Take = (bytes: number, alignment: number) => number;

function place(
  global: Global,
  sharing: Sharing,
  limits: Limits,
  take: Take,
  takeContext: (bytes: number) => number,
): Storage {
  const isLocked = needsLock(global, sharing);
  const takeAddLock = (): number | null => (isLocked ? take(LINE, LINE) : null);
  if (global.keys.length > 0) return placeMap(global, sharing, limits, take);
  if (global.type === "stats") {
    const stat = statShape(global.stat, sharing.variances.has(global), limits);
    return { kind: "shard", offset: takeContext(stat.bytes), stat, lock: takeAddLock() };
  }
  if (isReduction(global, sharing)) {
    return { kind: "reduction", offset: takeContext(8), base: take(8, 8), lock: takeAddLock() };
  }
  const bytes = global.type === "long" ? 8 : align8(limits.maxString);
  if (!isLocked) return { kind: "cell", address: take(bytes, 8), lock: null };
  const lock = take(alignUp(8 + bytes, LINE), LINE);
  return { kind: "cell", address: lock + 8, lock };
}

/** True if another thread may change `global` while a handler uses it, in a way that must wait. */
function needsLock(global: Global, sharing: Sharing): boolean {
  const isShard = global.type === "stats" && global.keys.length === 0;
  const onlyAdds = (isShard || isReduction(global, sharing)) && !sharing.replaced.has(global);
  return isShared(global, sharing) && !onlyAdds;
}

/** True if another thread may change `global` while a handler uses it. */
function isShared(global: Global, sharing: Sharing): boolean {
  return sharing.traced.has(global) && sharing.changed.has(global);
}

function isReduction(global: Global, sharing: Sharing): boolean {
  const isNumber = global.type === "long" && global.keys.length === 0;
  return isNumber && isShared(global, sharing) && !sharing.tracedOther.has(global);
}

function placeMap(global: Global, sharing: Sharing, limits: Limits, take: Take): Storage {
  const hasVariance = sharing.variances.has(global);
  const stat = global.type === "stats" ? statShape(global.stat, hasVariance, limits) : null;
  const valueBytes = global.type === "long" ? 8 : (stat?.bytes ?? limits.maxString);
  const shape: MapShape = {
    keys: global.keys,
    valueBytes,
    capacity: global.capacity ?? limits.maxMapEntries,
    maxString: limits.maxString,
  };
  const word = needsLock(global, sharing) ? take(LINE, LINE) : null;
  const [lock, growth] = sharing.growing.has(global) ? [null, word] : [word, null];
  return { kind: "map", address: take(mapBytes(shape), LINE), shape, stat, lock, growth };
}
