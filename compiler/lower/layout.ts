/**
 * Linear memory of a bundle, in order: library data, globals and arrays, constants, thread
 * contexts (the last one is the mutator's), record rings (wasm-runtime/layout/).
 */

import type { BundleMemory } from "../../wasm-runtime/bundle.js";
import { WASM_PAGE_BYTES } from "../../wasm-runtime/layout/shared.js";
import { align8 } from "../../wasm-runtime/layout/values.js";
import type { FunctionInstance, Handler, Program } from "../types/program.js";
import type { Limits } from "./limits.js";
import { alignUp } from "./storage.js";
import type { UsageTable } from "./usage.js";

/** Number of rings: threads that can print in one session. */
const RING_COUNT = 128;
/** Least bytes of a ring, a multiple of PAGE_BYTES. */
const LEAST_RING_BYTES = 65536;
/** Scratch memory that library functions may take in a handler. */
const LIBRARY_SCRATCH_BYTES = 4096;
/** Unit in which contexts and rings are laid out, so that threads share no page. */
const PAGE_BYTES = 4096;

/** What the layout depends on. */
export interface LayoutInput {
  readonly limits: Limits;
  /** First address behind globals and constants. */
  readonly dataEnd: number;
  /** First offset in a context behind shards and reductions. */
  readonly contextEnd: number;
  /** Bytes of string frames that one handler and its callees need at most. */
  readonly frameBytes: number;
  readonly bufferMegabytes: number;
  /** Area of control files. */
  readonly procfs: number;
  readonly procfsBytes: number;
}

/** Places contexts and rings. */
export function layOut(input: LayoutInput): BundleMemory {
  const { limits, contextEnd } = input;
  const strings = 3 * align8(limits.maxString);
  const scratch = input.frameBytes + strings + LIBRARY_SCRATCH_BYTES;
  const contextStride = alignUp(contextEnd + scratch, PAGE_BYTES);
  const contextBase = alignUp(input.dataEnd, PAGE_BYTES);
  const ringBase = contextBase + (limits.slotCount + 1) * contextStride;
  const ringBytes = Math.max(LEAST_RING_BYTES, (input.bufferMegabytes * 1048576) / RING_COUNT);
  return {
    pages: Math.ceil((ringBase + RING_COUNT * ringBytes) / WASM_PAGE_BYTES),
    contextBase,
    contextStride,
    slotCount: limits.slotCount,
    scratchOffset: contextEnd,
    ringBase,
    ringBytes,
    ringCount: RING_COUNT,
    procfs: input.procfs,
    procfsBytes: input.procfsBytes,
    maxString: limits.maxString,
  };
}

/** Bytes of string frames that the handlers of `program` need at most, with all they call. */
export function deepestFrames(
  program: Program,
  usages: UsageTable,
  frames: ReadonlyMap<Handler | FunctionInstance, number>,
  maxNesting: number,
): number {
  const known = new Map<Handler | FunctionInstance, number>();
  const own = (root: Handler | FunctionInstance): number => frames.get(root) ?? 0;
  const deepest = (root: Handler | FunctionInstance): number => {
    const found = known.get(root);
    if (found !== undefined) return found;
    known.set(root, 0);
    const callees = [...usages.own(root).calls].map(deepest);
    const total = own(root) + Math.max(0, ...callees);
    known.set(root, total);
    return total;
  };
  const recursive = program.functions.filter((fn) => usages.isRecursive(fn)).map(own);
  const recursion = Math.max(0, ...recursive) * maxNesting;
  return (
    program.handlers.reduce((most, handler) => Math.max(most, deepest(handler)), 0) + recursion
  );
}

/** Depth of calls below `root`; a call that leads back into itself counts once. */
export function callDepth(
  root: Handler | FunctionInstance,
  usages: UsageTable,
  known: Map<Handler | FunctionInstance, number> = new Map(),
): number {
  const found = known.get(root);
  if (found !== undefined) return found;
  known.set(root, 0);
  const depths = [...usages.own(root).calls].map((fn) => 1 + callDepth(fn, usages, known));
  const depth = Math.max(0, ...depths);
  known.set(root, depth);
  return depth;
}
