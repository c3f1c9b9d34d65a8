/**
 * Which locals hold a value that is still needed, at each instruction of a function: backward data
 * flow over the structured code, repeated until the loops are stable (Aho et al., Compilers §9.2.5).
 * From it come the intervals that the register allocator works with.
 */
import { assert } from "../../base/assert.js";
import type { Instruction } from "../module/module.js";
import type { ControlMap } from "./control-map.js";

/** What the allocator needs to know of one local. Positions are instruction indices, inclusive. */
export interface LocalInterval {
  readonly local: number;
  start: number;
  end: number;
  /** Uses and definitions, each counted 8 times per enclosing loop. */
  weight: number;
  /** Live across an instruction that clobbers volatile registers. */
  crossesCall: boolean;
  /** Its value on entry (parameter or zero) matters. */
  liveAtEntry: boolean;
}

type LocalSet = Uint32Array;

interface OpenBlock {
  readonly start: number;
  readonly liveAtEnd: LocalSet;
  liveAtElse: LocalSet | null;
}

class Liveness {
  private readonly body: readonly Instruction[];
  private readonly map: ControlMap;
  private readonly words: number;
  private readonly loops = new Map<number, LocalSet>();
  private open: OpenBlock[] = [];
  live: LocalSet;
  changed = false;

  constructor(body: readonly Instruction[], map: ControlMap, locals: number) {
    this.body = body;
    this.map = map;
    this.words = (locals + 31) >>> 5;
    this.live = new Uint32Array(this.words);
  }

  /** One backward pass; `visit` sees each index with `live` as it is behind that instruction. */
  pass(visit: (index: number) => void): void {
    this.changed = false;
    this.open = [];
    this.live = new Uint32Array(this.words);
    for (let index = this.body.length - 1; index >= 0; index--) {
      visit(index);
      const instruction = this.body[index];
      if (instruction !== undefined) this.step(instruction, index);
    }
  }

  private step(i: Instruction, index: number): void {
    switch (i.op) {
      case "local.get":
        this.live[i.local >>> 5] = (this.live[i.local >>> 5] ?? 0) | (1 << (i.local & 31));
        break;
      case "local.set":
      case "local.tee":
        this.live[i.local >>> 5] = (this.live[i.local >>> 5] ?? 0) & ~(1 << (i.local & 31));
        break;
      case "br":
        this.live = this.atLabel(i.label).slice();
        break;
      case "br_if":
        this.join(this.atLabel(i.label));
        break;
      case "br_table":
        this.live = this.atLabel(i.fallback).slice();
        for (const label of new Set(i.labels)) this.join(this.atLabel(label));
        break;
      case "return":
      case "unreachable":
        this.live = new Uint32Array(this.words);
        break;
      default:
        this.stepBlock(i, index);
    }
  }

  private stepBlock(i: Instruction, index: number): void {
    if (i.op === "end") {
      const start = this.map.partner[index] ?? -1;
      this.open.push({ start, liveAtEnd: this.live.slice(), liveAtElse: null });
      return;
    }
    if (i.op === "else") {
      const block = this.open.at(-1);
      assert(block !== undefined, "else outside of if");
      block.liveAtElse = this.live;
      this.live = block.liveAtEnd.slice();
      return;
    }
    if (i.op !== "block" && i.op !== "loop" && i.op !== "if") return;
    const block = this.open.pop();
    assert(block !== undefined, "block without end");
    if (i.op === "if") this.join(block.liveAtElse ?? block.liveAtEnd);
    if (i.op === "loop") this.remember(index);
  }

  private remember(loop: number): void {
    const before = this.loops.get(loop);
    if (before === undefined || before.some((word, i) => word !== this.live[i]))
      this.changed = true;
    this.loops.set(loop, this.live.slice());
  }

  private atLabel(label: number): LocalSet {
    const block = this.open.at(-1 - label);
    if (block === undefined) return new Uint32Array(this.words);
    if (this.body[block.start]?.op !== "loop") return block.liveAtEnd;
    return this.loops.get(block.start) ?? new Uint32Array(this.words);
  }

  private join(other: LocalSet): void {
    for (let i = 0; i < this.words; i++) this.live[i] = (this.live[i] ?? 0) | (other[i] ?? 0);
  }
}

/** Intervals of the locals that occur in `body`; `isCall` marks what clobbers registers. */
export function liveIntervals(
  body: readonly Instruction[],
  map: ControlMap,
  locals: number,
  isCall: (instruction: Instruction, index: number) => boolean,
): LocalInterval[] {
  const analysis = new Liveness(body, map, locals);
  do analysis.pass(() => undefined);
  while (analysis.changed);
  const found: (LocalInterval | undefined)[] = new Array(locals);
  const touch = (local: number, index: number): LocalInterval => {
    const interval = found[local] ?? {
      local,
      start: index,
      end: index,
      weight: 0,
      crossesCall: false,
      liveAtEntry: false,
    };
    found[local] = interval;
    interval.start = Math.min(interval.start, index);
    interval.end = Math.max(interval.end, index);
    return interval;
  };
  const weights = loopWeights(body);
  analysis.pass((index) => {
    const i = body[index];
    if (i === undefined) return;
    const call = isCall(i, index);
    forEachMember(analysis.live, (local) => {
      const interval = touch(local, index);
      if (call) interval.crossesCall = true;
    });
    if (i.op === "local.get" || i.op === "local.set" || i.op === "local.tee") {
      touch(i.local, index).weight += weights[index] ?? 1;
    }
  });
  forEachMember(analysis.live, (local) => {
    touch(local, -1).liveAtEntry = true;
  });
  return found.filter((interval): interval is LocalInterval => interval !== undefined);
}

function forEachMember(set: LocalSet, visit: (local: number) => void): void {
  for (let word = 0; word < set.length; word++) {
    for (let bits = set[word] ?? 0; bits !== 0; bits &= bits - 1) {
      visit(32 * word + 31 - Math.clz32(bits & -bits));
    }
  }
}

function loopWeights(body: readonly Instruction[]): Float64Array {
  const weights = new Float64Array(body.length);
  const open: number[] = [1];
  for (const [index, { op }] of body.entries()) {
    const weight = open.at(-1) ?? 1;
    if (op === "loop") open.push(Math.min(weight * 8, 4096));
    else if (op === "block" || op === "if") open.push(weight);
    else if (op === "end") open.pop();
    weights[index] = weight;
  }
  return weights;
}
