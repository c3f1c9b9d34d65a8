/**
 * What may lead to places of a module from afar: code pointers of relocations, and by a scan over raw
 * bytes 32-bit displacements that follow an opcode of a jump or call, and in programs that are not
 * position-independent what looks like a pointer to code.
 */
import type { CodeRange } from "./code-range.js";
import type { ModuleCode } from "./functions.js";

/** Stand for the end of a jump: what looks like a pointer; what is one. */
export const POINTER = 0;
export const RELOCATED = -1;

/** All that may lead somewhere in the code of a module, by blocks of that. */
export interface JumpIndex {
  /** Of each block: index of its last jump, -1 for none. Of each code range. */
  readonly last: readonly Int32Array[];
  /** Of each jump: index of the one before in its block; where it leads; its end, POINTER or RELOCATED. */
  readonly before: Int32Array;
  readonly targets: Float64Array;
  readonly ends: Float64Array;
}

const BLOCK_BYTES = 256;
/** Opcode and displacement; pointers. */
const JUMP_BYTES = 5;
const POINTER_BYTES = 8;

/** Looks through a module once. */
export function indexJumps(module: ModuleCode): JumpIndex {
  const last = module.code.map(({ bytes }) =>
    new Int32Array(Math.ceil(bytes.length / BLOCK_BYTES)).fill(-1),
  );
  const before: number[] = [];
  const targets: number[] = [];
  const ends: number[] = [];
  scan(module, (target, end) => {
    for (let i = 0; i < last.length; i++) {
      const blocks = last[i] ?? NO_BLOCKS;
      const block = (target - (module.code[i]?.address ?? 0)) / BLOCK_BYTES;
      if (block < 0 || block >= blocks.length) continue;
      const at = Math.floor(block);
      before.push(blocks[at] ?? -1);
      blocks[at] = targets.length;
      targets.push(target);
      ends.push(end);
    }
  });
  return {
    last,
    before: Int32Array.from(before),
    targets: Float64Array.from(targets),
    ends: Float64Array.from(ends),
  };
}

const NO_BLOCKS = new Int32Array();

/** Addresses in [start, end) that something may lead to → the ends of what does. */
export function leadingInto(
  { code }: ModuleCode,
  index: JumpIndex,
  start: number,
  end: number,
): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  for (const [i, blocks] of index.last.entries()) {
    const base = code[i]?.address ?? 0;
    const first = Math.max(0, Math.floor((start - base) / BLOCK_BYTES));
    for (let block = first; base + block * BLOCK_BYTES < end && block < blocks.length; block++) {
      for (let at = blocks[block] ?? -1; at >= 0; at = index.before[at] ?? -1) {
        const target = index.targets[at] ?? 0;
        if (target < start || target >= end) continue;
        const known = found.get(target);
        if (known === undefined) found.set(target, [index.ends[at] ?? POINTER]);
        else known.push(index.ends[at] ?? POINTER);
      }
    }
  }
  return found;
}

/** Takes what something may lead to, and where the jump ends. */
type Visit = (target: number, end: number) => void;

function scan(module: ModuleCode, visit: Visit): void {
  for (const pointer of module.codePointers) visit(pointer, RELOCATED);
  for (const range of module.code) scanJumps(range, visit);
  // Absolute pointers are in the data of programs that are linked at a fixed address.
  if (module.loadBias === 0) for (const range of module.data) scanPointers(range, visit);
}

function scanJumps({ bytes, address }: CodeRange, visit: Visit): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + JUMP_BYTES <= bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const isJump = byte === 0xe9 || byte === 0xe8;
    const isBranch = (byte & 0xf0) === 0x80 && at > 0 && bytes[at - 1] === 0x0f;
    if (!isJump && !isBranch) continue;
    const end = address + at + JUMP_BYTES;
    visit(end + view.getInt32(at + 1, true), end);
  }
}

function scanPointers({ bytes, address }: CodeRange, visit: Visit): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = (POINTER_BYTES - (address % POINTER_BYTES)) % POINTER_BYTES;
  for (let at = first; at + POINTER_BYTES <= bytes.length; at += POINTER_BYTES) {
    if (view.getUint32(at + 4, true) === 0) visit(view.getUint32(at, true), POINTER);
  }
}
