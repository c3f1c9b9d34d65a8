/**
 * Functions of a module as patch planning sees them: their instructions and every address that
 * control may reach other than from the instruction before.
 *
 * A region of patched bytes may hold no such address but its first, so what is unknown here would
 * crash a process. Known are: direct jumps of the function and of its neighbours; 32-bit
 * displacements anywhere in the module's code that lead near a site (a scan over raw bytes: what
 * it finds by chance only costs a region); jump tables; code pointers in relocations and, in
 * programs that are not position-independent, in data; endbr64. What a scan finds in the middle of
 * an instruction counts only if a decoded jump leads there.
 */
import { once } from "../../base/remember.js";
import { firstAbove } from "../../base/search.js";
import { type CodeRange, readModule } from "./code-range.js";
import type { Insn } from "./decode.js";
import { decodeAll, type Instructions } from "./instructions.js";
import { indexJumps, type JumpIndex, leadingInto, POINTER, RELOCATED } from "./jump-scan.js";
import { type TableUser, tableTargets } from "./jump-tables.js";

/** A function or a part of one (`.cold`). */
export interface FunctionRange {
  readonly address: number;
  /** 0 if unknown: up to the next function, at most `limit` bytes. */
  readonly size: number;
  readonly limit?: number;
  /** "" if unknown. */
  readonly name: string;
  /** A part of another function, entered by jumps only. */
  readonly isPart: boolean;
}

/** Code of one module. All addresses are those of the ELF file. */
export interface ModuleCode {
  readonly path: string;
  /** What to add to an ELF address to get the address in the process. */
  readonly loadBias: number;
  /** Executable segments, and the other ones that have bytes in the file. */
  readonly code: readonly CodeRange[];
  readonly data: readonly CodeRange[];
  /** By address. */
  readonly functions: readonly FunctionRange[];
  /** Addresses of code found in relocations and exception tables. */
  readonly codePointers: readonly number[];
  /** Whether a function has its frame at an address, by call frame information; null if unknown. */
  readonly hasFrame?: (address: number) => boolean | null;
  /** Of a Go program: address of the list of its goroutines. */
  readonly goroutines?: number;
}

/** The decoded instructions of one function. */
export interface FunctionCode {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** False if no symbol says where the function starts. */
  readonly isKnown: boolean;
  /** Bytes of the function and of the filler behind it. */
  readonly bytes: Uint8Array;
  /** Instructions of the function, then of the filler behind it. */
  readonly insns: Instructions;
  /** Address behind the filler. */
  readonly fillerEnd: number;
  /** Addresses in `bytes` that control may reach other than from the instruction before. */
  readonly targets: ReadonlySet<number>;
  /** Those that something else than a jump of the function leads to. */
  readonly fixedTargets: ReadonlySet<number>;
  /** The function sets the direction flag. */
  readonly usesDirection: boolean;
}

/** Functions of a module, analysed when first asked for. */
export interface FunctionIndex {
  readonly module: ModuleCode;
  /** What may lead somewhere from afar. */
  readonly jumps: () => JumpIndex;
  readonly cache: Map<number, FunctionCode | null>;
  /** Instructions of functions, and of the filler behind them, by start. */
  readonly bodies: Map<number, Instructions>;
  /** Where tables lead that functions refer to, by start of these. */
  readonly tables: Map<number, ReadonlySet<number>>;
}

/** Most bytes of code looked at where no symbol bounds a function. */
const UNKNOWN_BYTES = 4096;
/** Filler between two functions: at most this much is used. */
const FILLER_BYTES = 64;
/** Displacements of short jumps (Intel SDM vol. 2 Jcc) reach this far, plus the instruction. */
const SHORT_REACH = 130;

/** Prepares looking at functions of `module`. */
export function indexFunctions(module: ModuleCode): FunctionIndex {
  const jumps = once(() => indexJumps(module));
  return { module, jumps, cache: new Map(), bodies: new Map(), tables: new Map() };
}

/** The function that contains `address`, or the code from there on if no symbol does. */
export function functionAt(index: FunctionIndex, address: number): FunctionCode | null {
  const range = rangeAt(index.module, address);
  const key = range?.address ?? address;
  const known = index.cache.get(key);
  if (known !== undefined) return known;
  const code = analyse(index, range, address);
  index.cache.set(key, code);
  return code;
}

/** A function with its size, which is a guess if it is not bounded. */
export interface BoundedRange extends FunctionRange {
  readonly isBounded: boolean;
}

/** The function or part of one whose range contains `address`. */
export function rangeAt(module: ModuleCode, address: number): BoundedRange | null {
  const after = firstAbove(module.functions.length, (i) => startOf(module, i), address);
  const found = module.functions[after - 1];
  if (found === undefined) return null;
  const next = startOf(module, after);
  const most = Math.min(next - found.address, found.limit ?? UNKNOWN_BYTES, UNKNOWN_BYTES);
  const size = found.size > 0 ? found.size : most;
  if (address >= found.address + size) return null;
  return { ...found, size, isBounded: found.size > 0 };
}

function startOf(module: ModuleCode, index: number): number {
  return module.functions[index]?.address ?? Number.MAX_SAFE_INTEGER;
}

/** Start of the first function above `address`. */
function nextFunction(module: ModuleCode, address: number): number {
  const after = firstAbove(module.functions.length, (i) => startOf(module, i), address);
  return startOf(module, after);
}

/** The instruction that starts at `address`. */
export function insnAt(code: FunctionCode, address: number): Insn | undefined {
  return code.insns.item(code.insns.indexOf(address));
}

/** Bytes of `insn`. */
export function bytesOf(code: FunctionCode, insn: Insn): Uint8Array {
  const at = insn.address - code.start;
  return code.bytes.subarray(at, at + insn.length);
}

function analyse(
  index: FunctionIndex,
  range: FunctionRange | null,
  address: number,
): FunctionCode | null {
  const { module } = index;
  const start = range?.address ?? address;
  const size = range?.size ?? Math.min(UNKNOWN_BYTES, nextFunction(module, address) - address);
  const bytes = readModule(module.code, start, size + FILLER_BYTES);
  if (bytes.length < size && range !== null) return null;
  const insns = instructionsAt(index, { address: start, size }, range !== null);
  const end = start + size;
  const targets = new Set<number>();
  const add = (target: number): void => {
    if (target >= start && target < end + FILLER_BYTES) targets.add(target);
  };
  const direct = insns.direct();
  addMarks(direct, insns.landingMarks(), add);
  const isBetween = (target: number): boolean => target >= end || insns.indexOf(target) >= 0;
  const jumps = direct.filter(isJump);
  const ownJumps = new Map(jumps.map((insn) => [insn.address + insn.length, insn.target]));
  const parts = new Map<number, BoundedRange>();
  const isPart = range?.isPart === true;
  for (const [target, sources] of leadingInto(module, index.jumps(), start, end + FILLER_BYTES)) {
    if (sources.every((source) => ownJumps.get(source) === target)) continue;
    const isSure = isBetween(target) || range === null || sources.includes(RELOCATED);
    if (isSure || isReal(index, target, sources)) add(target);
    if (target === start && !isPart) continue;
    const others = sources.filter((source) => source <= start || source > end);
    for (const part of jumpingTo(index, target, others)) parts.set(part.address, part);
  }
  addNeighbours(index, start, end, add);
  addStarts(module, start, end, add);
  addLabels(insns, end, add);
  addTables(index, { start, end, bytes, insns }, add);
  for (const part of parts.values()) addTables(index, userOf(index, part), add);
  // Only tables of another part lead here.
  if (isPart && parts.size === 0) for (const { address: each } of insns) add(each);
  const fixedTargets = new Set(targets);
  for (const { target } of jumps) add(target);
  return {
    start,
    end,
    name: range?.name ?? "",
    isKnown: range !== null,
    bytes,
    insns,
    fillerEnd: insns.length === 0 ? end : lastEnd(insns),
    targets,
    fixedTargets,
    usesDirection: insns.setsDirection(),
  };
}

/** Instructions at `address`; of functions, whose ends are known, with the filler behind them. */
function instructionsAt(
  { module, bodies }: FunctionIndex,
  { address, size }: Pick<FunctionRange, "address" | "size">,
  isFunction = true,
): Instructions {
  const known = bodies.get(address);
  if (known) return known;
  const end = address + size;
  const gap = isFunction ? nextFunction(module, end - 1) - end : 0;
  const filler = Math.max(0, Math.min(gap, FILLER_BYTES));
  const insns = decodeAll(readModule(module.code, address, size + filler), address, size);
  bodies.set(address, insns);
  return insns;
}

function lastEnd(insns: Instructions): number {
  const last = insns.item(insns.length - 1);
  return last === undefined ? 0 : last.address + last.length;
}

/** True for direct jumps, conditional ones too. */
export function isJump({ flow, target }: Insn): boolean {
  return target >= 0 && flow !== "call";
}

/** Takes an address that control may reach. */
type AddTarget = (target: number) => void;

/** What calls among the instructions with a target lead to, and what is marked as a landing place. */
function addMarks(direct: readonly Insn[], marks: readonly Insn[], add: AddTarget): void {
  for (const { flow, target, address, length } of direct) {
    if (flow === "call" && target !== address + length) add(target);
  }
  for (const { address } of marks) add(address);
}

/** Whether one of the jumps that seem to end at `sources` is one, and leads to `target`. */
function isReal(index: FunctionIndex, target: number, sources: readonly number[]): boolean {
  return sources.some((source) => {
    if (source === POINTER) return false;
    const range = rangeAt(index.module, source - 1);
    if (range === null) return true;
    const insns = instructionsAt(index, range);
    return insns.direct().some((insn) => insn.target === target);
  });
}

/** Functions that start inside of another one: other modules may call them. */
function addStarts({ functions }: ModuleCode, start: number, end: number, add: AddTarget): void {
  const first = firstAbove(functions.length, (i) => functions[i]?.address ?? 0, start);
  for (let i = first; (functions[i]?.address ?? end) < end; i++) add(functions[i]?.address ?? end);
}

/** Addresses of labels before `end`: whoever has one may jump there. */
function addLabels(insns: Instructions, end: number, add: AddTarget): void {
  for (const label of insns.ripTargets()) {
    if (label < end && insns.indexOf(label) >= 0) add(label);
  }
}

function addTables(index: FunctionIndex, user: TableUser, add: AddTarget): void {
  const isInsn = (address: number): boolean => isInsnStart(index, address);
  const found = index.tables.get(user.start) ?? tableTargets(index.module, user, isInsn);
  index.tables.set(user.start, found);
  for (const target of found) add(target);
}

function userOf(index: FunctionIndex, part: BoundedRange): TableUser {
  const { address: start, size } = part;
  const bytes = readModule(index.module.code, start, size + FILLER_BYTES);
  return { start, end: start + size, bytes, insns: instructionsAt(index, part) };
}

/** Bytes of jumps with a 32-bit displacement: jmp, jcc (Intel SDM vol. 2). */
const JUMP_LENGTHS: readonly number[] = [5, 6];

/** The other functions, or parts of one, that jump to `target` directly, as `sources` seem to. */
function jumpingTo(
  index: FunctionIndex,
  target: number,
  sources: readonly number[],
): BoundedRange[] {
  return sources.flatMap((source) => {
    const range = source > 0 ? rangeAt(index.module, source - 1) : null;
    if (range === null) return [];
    const insns = instructionsAt(index, range);
    const jump = JUMP_LENGTHS.map((length) => insns.item(insns.indexOf(source - length)));
    return jump.some((insn) => insn?.target === target && isJump(insn)) ? [range] : [];
  });
}

/** Whether an instruction of some function begins at `address`. */
function isInsnStart(index: FunctionIndex, address: number): boolean {
  const { module } = index;
  const isCode = module.code.some(
    (code) => address >= code.address && address < code.address + code.bytes.length,
  );
  const range = isCode ? rangeAt(module, address) : null;
  return range?.isBounded === true && instructionsAt(index, range).indexOf(address) >= 0;
}

/** Jumps of the functions before and behind that are short, which the scan of bytes leaves out. */
function addNeighbours(index: FunctionIndex, start: number, end: number, add: AddTarget): void {
  const { module } = index;
  const after = firstAbove(module.functions.length, (i) => startOf(module, i), start);
  for (const neighbour of [module.functions[after - 2], module.functions[after]]) {
    const range = neighbour && rangeAt(module, neighbour.address);
    if (!range || range.address + range.size + SHORT_REACH < start) continue;
    if (range.address - SHORT_REACH > end) continue;
    const insns = instructionsAt(index, range);
    const first = insns.firstFrom(start - SHORT_REACH);
    const last = insns.firstFrom(end + SHORT_REACH + 1);
    const direct = insns.direct(first, last);
    addMarks(direct, insns.landingMarks(first, last), add);
    for (const insn of direct) if (isJump(insn)) add(insn.target);
  }
}
