/**
 * Chooses the bytes of one function to overwrite for a site.
 *
 * A region is a run of whole instructions, entered only at its first byte, long enough for a jump.
 * In order of preference it is: the site's instruction and those behind it; the same with the
 * filler between functions; a run that begins before the site in the same straight line of code;
 * two bytes for a short jump to an island that holds the long one; one byte for int3.
 *
 * An island is five bytes of filler or, where there is none, of a host: a region without a probe
 * near by that is moved to a trampoline too, and has bytes left behind its own jump. It may be in
 * another function.
 *
 * Where none of this fits, a region may be entered at other places than its start if all jumps to
 * them are moved to trampolines too: there they lead to the copies.
 */
import type { Insn } from "./decode.js";
import { bytesOf, type FunctionCode } from "./functions.js";
import { PAGE_BYTES } from "./maps.js";
import { endsRegion, whyUnmovable } from "./relocate.js";

/** How a region's first instruction is overwritten. */
export type Technique = "plain" | "padding" | "backward" | "island" | "breakpoint";

/** Bytes to overwrite; ELF addresses. */
export interface Region {
  readonly code: FunctionCode;
  /** Indexes in `code.insns`: first and one past the last displaced instruction. */
  readonly first: number;
  readonly last: number;
  readonly start: number;
  /** Behind the bytes that a jump may overwrite, filler included. */
  readonly end: number;
  /** Where control goes on behind the displaced instructions. */
  readonly next: number;
  readonly technique: Technique;
  readonly island: Island | null;
  /** Addresses behind the start that jumps of the function lead to. */
  readonly entries: readonly number[];
}

/** Place of the long jump that a short one leads to. */
export interface Island {
  readonly address: number;
  readonly code: FunctionCode;
  /** Region whose bytes hold it, null if it lies in filler. */
  readonly host: Region | null;
}

/** Rules that hold for all regions of a plan. */
export interface RegionRules {
  readonly allowBreakpoints: boolean;
  /** The process has shadow stacks: a copied call cannot push the original's return address. */
  readonly shadowStacks: boolean;
  /** True if a region may not hold `address` but as its first. */
  readonly isTarget: (code: FunctionCode, address: number) => boolean;
  /** The functions with code in reach of a short jump at `address`, nearest first. */
  readonly around: (address: number) => readonly FunctionCode[];
  /** True if one of these bytes of filler holds an island or the end of another region's jump. */
  readonly isFillerUsed: (start: number, end: number) => boolean;
  /** True if one of these bytes belongs to a region already chosen. */
  readonly isTaken: (start: number, end: number) => boolean;
}

/** jmp rel32 */
export const JUMP_BYTES = 5;
/** jmp rel8 */
export const SHORT_JUMP_BYTES = 2;
/** Reason for refusing what would fit if it were alone. */
export const TOO_CLOSE = "it is too close to another site";
/** Instructions before a site that a region may begin with. */
const MOST_BACKWARD = 6;
const SHORT_MOST = 127;
const SHORT_LEAST = -128;

/**
 * Regions for a site at instruction `site`, best first. They are made as they are asked for: the
 * first one mostly does.
 */
export function* candidates(
  code: FunctionCode,
  site: number,
  rules: RegionRules,
): Generator<Region> {
  const own = regionFrom(code, site, site, JUMP_BYTES, rules);
  const isBest = typeof own !== "string" && preference(own) === PREFERENCE.plain;
  if (isBest) yield own;
  const found = runsAround(code, site, rules).filter(({ first }) => !isBest || first !== site);
  const isGood = (region: Region): boolean => preference(region) < PREFERENCE.island;
  yield* inOrder(found.filter(isGood));
  const short = shortRegion(code, site, site, rules);
  yield* inOrder([...found.filter((region) => !isGood(region)), ...(short ? [short] : [])]);
  yield* enteredRegions(code, site, rules);
  const single = rules.allowBreakpoints ? regionFrom(code, site, site, 1, rules) : "";
  if (typeof single !== "string") yield { ...single, technique: "breakpoint" };
}

/** Regions with long jumps that hold instruction `site`, those that begin near it first. */
export function runsAround(code: FunctionCode, site: number, rules: RegionRules): Region[] {
  const found: Region[] = [];
  for (let first = site; first >= Math.max(0, site - MOST_BACKWARD); first--) {
    const region = regionFrom(code, first, site, JUMP_BYTES, rules);
    if (typeof region !== "string") found.push(region);
  }
  return found;
}

/** Regions with places inside that are jumped to, but from the function alone. */
function* enteredRegions(code: FunctionCode, site: number, rules: RegionRules): Generator<Region> {
  const allowing: RegionRules = {
    ...rules,
    isTarget: ({ fixedTargets }, address) => fixedTargets.has(address),
  };
  for (let first = site; first >= Math.max(0, site - MOST_BACKWARD); first--) {
    const region = regionFrom(code, first, site, JUMP_BYTES, allowing);
    if (typeof region === "string") continue;
    const { start, next } = region;
    const isInside = (address: number): boolean => address > start && address < next;
    const entries = [...code.targets].filter(isInside);
    // Some code jumps over the prefix of an instruction.
    const areCopied = entries.every((entry) => code.insns.indexOf(entry) >= 0);
    if (areCopied) yield { ...region, entries };
  }
}

function inOrder(regions: readonly Region[]): Region[] {
  return [...regions].sort((a, b) => preference(a) - preference(b));
}

const PREFERENCE = { plain: 0, padding: 1, backward: 2, island: 3, breakpoint: 4 } as const;

/**
 * A write that crosses pages is two writes to the kernel, and we may be killed between them: such
 * a jump comes last.
 */
function preference({ technique, start }: Region): number {
  const length = technique === "island" ? SHORT_JUMP_BYTES : JUMP_BYTES;
  return PREFERENCE[technique] + (crossesPage(start, length) ? PREFERENCE.breakpoint : 0);
}

function crossesPage(address: number, length: number): boolean {
  return (address % PAGE_BYTES) + length > PAGE_BYTES;
}

/**
 * The region that begins at instruction `first`, holds instruction `through` and at least
 * `least` bytes; or why there is none.
 */
export function regionFrom(
  code: FunctionCode,
  first: number,
  through: number,
  least: number,
  rules: RegionRules,
): Region | string {
  const start = code.insns.item(first)?.address ?? 0;
  let at = first;
  let end = start;
  for (; at <= through || end - start < least; at++) {
    const insn = code.insns.item(at);
    if (insn === undefined || insn.address >= code.end) break;
    const why = whyNotIn(code, insn, rules);
    if (why !== null) return why;
    end = insn.address + insn.length;
    if (hasInnerTarget(code, start, end, rules)) return "the code behind it is jumped to";
    if (endsRegion(insn)) {
      at++;
      break;
    }
  }
  if (at <= through) return "control does not reach it in a straight line";
  const last = code.insns.item(at - 1);
  if (last === undefined) return "there is no instruction";
  const region = { code, first, last: at, start, next: end, island: null, entries: [] } as const;
  if (rules.isFillerUsed(start, end)) return TOO_CLOSE;
  if (end - start >= least) {
    const technique = first < through ? "backward" : "plain";
    return { ...region, end, technique };
  }
  const filled = fillerEnd(code, at, last, end, rules);
  if (filled - start < least) return "too few bytes before the end of the function or a call";
  return { ...region, end: start + least, technique: "padding" };
}

function whyNotIn(code: FunctionCode, insn: Insn, rules: RegionRules): string | null {
  const isCall = insn.flow === "call" || insn.flow === "indirect-call";
  if (isCall && rules.shadowStacks) return "a call cannot be moved in a process with shadow stacks";
  return whyUnmovable({ insn, bytes: bytesOf(code, insn) });
}

function hasInnerTarget(
  code: FunctionCode,
  start: number,
  end: number,
  rules: RegionRules,
): boolean {
  for (let address = start + 1; address < end; address++) {
    if (rules.isTarget(code, address)) return true;
  }
  return false;
}

/** End of the free filler that begins at `end`, behind instruction `last`; `end` if none. */
function fillerEnd(
  code: FunctionCode,
  at: number,
  last: Insn,
  end: number,
  rules: RegionRules,
): number {
  const isCall = last.flow === "call" || last.flow === "indirect-call";
  // Behind a call nobody returns from; any other call returns to what looks like filler.
  if (!endsRegion(last) || (isCall && end < code.end)) return end;
  let filled = end;
  for (let i = at; i < code.insns.length; i++) {
    const insn = code.insns.item(i);
    if (!insn?.isFiller || isInsideTaken(code, insn, rules)) break;
    filled = insn.address + insn.length;
  }
  return filled;
}

function isInsideTaken(code: FunctionCode, insn: Insn, rules: RegionRules): boolean {
  const end = insn.address + insn.length;
  return rules.isTaken(insn.address, end) || hasInnerTarget(code, insn.address - 1, end, rules);
}

/**
 * A region of two bytes or more, from instruction `site` or the one before through `through`, whose
 * short jump leads to an island.
 */
export function shortRegion(
  code: FunctionCode,
  site: number,
  through: number,
  rules: RegionRules,
): Region | null {
  for (const find of [inFiller, inHost]) {
    for (let first = site; first >= Math.max(0, site - 1); first--) {
      const region = regionFrom(code, first, through, SHORT_JUMP_BYTES, rules);
      const found = typeof region === "string" ? null : find(region, rules);
      if (found) return found;
    }
  }
  return null;
}

function inFiller(region: Region, rules: RegionRules): Region | null {
  for (const code of rules.around(region.start)) {
    const address = findIsland(code, region.start, rules);
    if (address !== 0) {
      return { ...region, technique: "island", island: { address, code, host: null } };
    }
  }
  return null;
}

/** Takes the nearest host in reach. */
function inHost(region: Region, rules: RegionRules): Region | null {
  const { start } = region;
  const hosts = rules.around(start).flatMap((code) => [...hostsIn(code, region, rules)]);
  hosts.sort((a, b) => Math.abs(a.start - start) - Math.abs(b.start - start));
  const [host] = hosts;
  if (host === undefined) return null;
  const island = { address: host.start + JUMP_BYTES, code: host.code, host };
  return { ...region, technique: "island", island };
}

/** Free regions of `code` with room for an island in reach of `region`. */
function* hostsIn(code: FunctionCode, region: Region, rules: RegionRules): Generator<Region> {
  const from = region.start + SHORT_JUMP_BYTES;
  const first = code.insns.firstFrom(from + SHORT_LEAST - JUMP_BYTES);
  for (let at = first; at < code.insns.length; at++) {
    const island = (code.insns.item(at)?.address ?? 0) + JUMP_BYTES;
    if (island - from > SHORT_MOST) return;
    const host = regionFrom(code, at, at, 2 * JUMP_BYTES, rules);
    if (typeof host === "string" || host.technique !== "plain") continue;
    if (crossesPage(host.start, JUMP_BYTES) || crossesPage(island, JUMP_BYTES)) continue;
    const overlaps = host.start < region.end && host.end > region.start;
    if (!overlaps && !rules.isTaken(host.start, host.end)) yield host;
  }
}

/** Address of five free bytes of filler in reach of a short jump at `start`, 0 if there are none. */
function findIsland(code: FunctionCode, start: number, rules: RegionRules): number {
  const from = start + SHORT_JUMP_BYTES;
  const first = code.insns.firstFrom(from + SHORT_LEAST - SHORT_MOST);
  for (let at = Math.max(1, first); at <= code.insns.length; at++) {
    const last = code.insns.item(at - 1);
    if (last === undefined || last.isFiller) continue;
    const begin = last.address + last.length;
    if (begin - from > SHORT_MOST) return 0;
    const end = fillerEnd(code, at, last, begin, rules);
    const island = Math.max(begin, from + SHORT_LEAST);
    if (crossesPage(island, JUMP_BYTES)) continue;
    if (end - island >= JUMP_BYTES && island - from <= SHORT_MOST) return island;
  }
  return 0;
}
