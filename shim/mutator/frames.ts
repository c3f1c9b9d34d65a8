/**
 * Signal frames on the stack of a stopped thread: code that a handler interrupted and returns to.
 *
 * The kernel saves r8 … r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags and the segments in
 * ucontext_t (sigreturn(2), sys/ucontext.h). A saved rip is known by what follows it: eflags with
 * its fixed bit, then cs = 0x33, gs = fs = 0 and ss = 0x2b in one word.
 */
import { viewOf, word } from "../../base/elf/image.js";
import { PRIVATE, THREAD } from "../../wasm-runtime/layout/private.js";
import { findAreas } from "./area.js";
import { type Mapping, mappingAt } from "./maps.js";
import { readMemory } from "./process.js";

/** Where a signal handler returns to. */
export interface SavedPointer {
  /** Where rip is saved. */
  readonly address: number;
  readonly rip: number;
  readonly rsp: number;
}

/** A range of addresses, end not included. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const SCANNED_BYTES = 262144;
const SEGMENTS_LOW = 0x33;
const SEGMENTS_HIGH = 0x002b_0000;
const EFLAGS_FIXED = 2;
const EFLAGS_LIMIT = 0x40_0000;
/** SysV AMD64 ABI §3.2.2 */
const RED_ZONE_BYTES = 128;

/**
 * Signal frames above `rsp`, and on the stacks that it has been left for: for an alternate one, or
 * for one of ours where a handler runs.
 */
export function findSavedPointers(
  pid: number,
  mappings: readonly Mapping[],
  rsp: number,
): SavedPointer[] {
  const found: SavedPointer[] = [];
  const scanned: Range[] = [];
  const stacks = [rsp];
  for (const sp of stacks) {
    const mapping = mappingAt(mappings, sp);
    if (mapping === null || isInside(scanned, sp)) continue;
    // What looks like a signal frame need not be one.
    if (sp !== rsp && !mapping.writable) continue;
    const lowest = sp - RED_ZONE_BYTES;
    const from = Math.max(lowest - (lowest % 8), mapping.start);
    const bytes = readMemory(pid, from, Math.min(mapping.end - from, SCANNED_BYTES));
    scanned.push({ start: from, end: from + bytes.length });
    const saved = scan(bytes, from);
    found.push(...saved);
    stacks.push(...saved.map((pointer) => pointer.rsp), ...callersOf(pid, mappings, sp));
  }
  return found;
}

/** Where the thread was when it came to the stack for handlers that `sp` is on; none for others. */
function callersOf(pid: number, mappings: readonly Mapping[], sp: number): number[] {
  const areas = findAreas(mappings).filter(({ kind, isMapped }) => kind === "private" && isMapped);
  return areas.flatMap(({ address, bytes }) => {
    const stack = address + PRIVATE.stackBytes * Math.floor((sp - address) / PRIVATE.stackBytes);
    const at = stack + PRIVATE.stackBytes - THREAD.bytes + THREAD.entrySp;
    if (sp < address || at >= address + bytes) return [];
    return [word(viewOf(readMemory(pid, at, 8)), 0)];
  });
}

function scan(bytes: Uint8Array, base: number): SavedPointer[] {
  const view = viewOf(bytes);
  const found: SavedPointer[] = [];
  for (let at = 8; at + 24 <= bytes.length; at += 8) {
    if (view.getUint32(at + 16, true) !== SEGMENTS_LOW) continue;
    if (view.getUint32(at + 20, true) !== SEGMENTS_HIGH) continue;
    const flags = view.getUint32(at + 8, true);
    if ((flags & EFLAGS_FIXED) === 0 || flags >= EFLAGS_LIMIT) continue;
    if (view.getUint32(at + 12, true) !== 0) continue;
    const rip = Number(view.getBigUint64(at, true));
    found.push({ address: base + at, rip, rsp: Number(view.getBigUint64(at - 8, true)) });
  }
  return found;
}

/** True if `address` lies in one of `ranges`. */
export function isInside(ranges: readonly Range[], address: number): boolean {
  return ranges.some((range) => address >= range.start && address < range.end);
}
