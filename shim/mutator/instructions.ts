/**
 * The instructions of a piece of code, packed: big programs have millions of them, and most are
 * never looked at again. What is asked for is given as an `Insn` made for it.
 */
import {
  type CodeFacts,
  FLOWS,
  factsOf,
  type Insn,
  type Instruction,
  withDecoder,
} from "./decode.js";

/** Words of an instruction: offset; length and kind; distance from its end to what it refers to. */
const WORDS = 3;
const LENGTH_MASK = 0xff;
const KIND_SHIFT = 8;

/** Bits of a kind; below them is the index in FLOWS. */
const KIND = {
  flowMask: 0x0f,
  nop: 0x10,
  filler: 0x20,
  landingMark: 0x40,
  /** It has a rip-relative operand. */
  ripRelative: 0x80,
  setsDirection: 0x100,
} as const;

/** Flows with a fixed target (FLOWS begins with them). */
const DIRECT: number = FLOWS.indexOf("call") + 1;

/** Instructions, ascending. */
export class Instructions implements Iterable<Insn> {
  readonly #base: number;
  readonly #words: Int32Array;

  /** Of code at `base`, packed as said above. */
  constructor(base: number, words: Int32Array) {
    this.#base = base;
    this.#words = words;
  }

  get length(): number {
    return this.#words.length / WORDS;
  }

  /** Instruction `index`, undefined where there is none. */
  item(index: number): Insn | undefined {
    const at = index * WORDS;
    if (index < 0 || at >= this.#words.length) return undefined;
    const packed = this.#words[at + 1] ?? 0;
    const address = this.#base + (this.#words[at] ?? 0);
    const length = packed & LENGTH_MASK;
    const kind = packed >>> KIND_SHIFT;
    const reference = address + length + (this.#words[at + 2] ?? 0);
    return {
      address,
      length,
      flow: FLOWS[kind & KIND.flowMask] ?? "other",
      target: isDirect(kind) ? reference : -1,
      ripTarget: (kind & KIND.ripRelative) === 0 ? -1 : reference,
      isNop: (kind & KIND.nop) !== 0,
      isFiller: (kind & KIND.filler) !== 0,
      isLandingMark: (kind & KIND.landingMark) !== 0,
    };
  }

  /** Index of the instruction that begins at `address`, -1 if none does. */
  indexOf(address: number): number {
    const index = this.firstFrom(address);
    return this.#addressOf(index) === address ? index : -1;
  }

  /** Index of the first instruction at `address` or behind. */
  firstFrom(address: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addressOf(middle) < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Instructions `first` to `last` - 1. */
  slice(first: number, last: number): Insn[] {
    return this.#where(() => true, first, last);
  }

  /** Direct jumps and calls among instructions `first` to `last` - 1. */
  direct(first = 0, last: number = this.length): Insn[] {
    return this.#where(isDirect, first, last);
  }

  /** Addresses of rip-relative operands. */
  ripTargets(): number[] {
    const found: number[] = [];
    for (let index = 0; index < this.length; index++) {
      if ((this.#kindOf(index) & KIND.ripRelative) === 0) continue;
      const length = (this.#words[index * WORDS + 1] ?? 0) & LENGTH_MASK;
      found.push(this.#addressOf(index) + length + (this.#words[index * WORDS + 2] ?? 0));
    }
    return found;
  }

  /** Places among instructions `first` to `last` - 1 at which indirect branches may land. */
  landingMarks(first = 0, last: number = this.length): Insn[] {
    return this.#where((kind) => (kind & KIND.landingMark) !== 0, first, last);
  }

  /** True if one of the instructions goes on in a way of `flows`. */
  hasFlow(...flows: readonly Insn["flow"][]): boolean {
    const wanted = new Set(flows.map((flow) => FLOWS.indexOf(flow)));
    return this.#someKind((kind) => wanted.has(kind & KIND.flowMask));
  }

  /** True if one of the instructions sets the direction flag. */
  setsDirection(): boolean {
    return this.#someKind((kind) => (kind & KIND.setsDirection) !== 0);
  }

  *[Symbol.iterator](): Generator<Insn> {
    for (let index = 0; ; index++) {
      const insn = this.item(index);
      if (insn === undefined) return;
      yield insn;
    }
  }

  #addressOf(index: number): number {
    return this.#base + (this.#words[index * WORDS] ?? Number.NaN);
  }

  #kindOf(index: number): number {
    return (this.#words[index * WORDS + 1] ?? 0) >>> KIND_SHIFT;
  }

  #someKind(test: (kind: number) => boolean): boolean {
    for (let index = 0; index < this.length; index++) if (test(this.#kindOf(index))) return true;
    return false;
  }

  #where(test: (kind: number) => boolean, first: number, last: number): Insn[] {
    const found: Insn[] = [];
    for (let index = Math.max(0, first); index < Math.min(last, this.length); index++) {
      const insn = test(this.#kindOf(index)) ? this.item(index) : undefined;
      if (insn !== undefined) found.push(insn);
    }
    return found;
  }
}

function isDirect(kind: number): boolean {
  return (kind & KIND.flowMask) < DIRECT;
}

/**
 * Decodes instructions one after the other up to the first that is none, then the filler behind the
 * first `size` bytes, up to what is none.
 */
export function decodeAll(
  bytes: Uint8Array,
  address: number,
  size: number = bytes.length,
): Instructions {
  const words: number[] = [];
  decodePart(bytes.subarray(0, size), address, 0, words, () => true);
  if (size < bytes.length) {
    decodePart(bytes.subarray(size), address, size, words, (kind) => (kind & KIND.filler) !== 0);
  }
  return new Instructions(address, new Int32Array(words));
}

/** Decodes `bytes`, which lie `offset` behind `base`, while `isWanted`. */
function decodePart(
  bytes: Uint8Array,
  base: number,
  offset: number,
  words: number[],
  isWanted: (kind: number) => boolean,
): void {
  withDecoder(bytes, base + offset, (decoder, insn) => {
    for (let at = 0; at < bytes.length; ) {
      decoder.decodeOut(insn);
      const facts = factsOf(insn);
      const kind = facts === null ? -1 : kindOf(insn, facts, bytes[at] ?? 0);
      if (kind < 0 || !isWanted(kind)) return;
      const { length } = insn;
      words.push(offset + at, length | (kind << KIND_SHIFT));
      at += length;
      words.push(referenceOf(insn, kind, base + offset + at));
    }
  });
}

function kindOf(insn: Instruction, facts: CodeFacts, first: number): number {
  const flow = FLOWS.indexOf(facts.flow);
  const refers = flow >= DIRECT && insn.isIpRelMemoryOperand;
  return (
    flow |
    (facts.isNop ? KIND.nop : 0) |
    (facts.isNop || first === INT3 ? KIND.filler : 0) |
    (facts.isLandingMark ? KIND.landingMark : 0) |
    (facts.setsDirection ? KIND.setsDirection : 0) |
    (refers ? KIND.ripRelative : 0)
  );
}

const INT3 = 0xcc;

/** Distance from `end` to what `insn` refers to; 32 bits in the instruction say it. */
function referenceOf(insn: Instruction, kind: number, end: number): number {
  if (isDirect(kind)) return Number(insn.nearBranchTarget) - end;
  return (kind & KIND.ripRelative) === 0 ? 0 : Number(insn.ipRelMemoryAddress) - end;
}
