/**
 * What patch planning needs to know of an ELF file: code, data, function ranges, code pointers.
 *
 * Ranges come from symbols and from .eh_frame, which stripped files have too, and which covers
 * static functions and `.cold` parts (DWARF 5 §6.4; LSB Core 5.0 §10.6).
 */
import {
  type ElfImage,
  findSection,
  SEGMENT,
  sectionBytes,
  viewOf,
  word,
} from "../../base/elf/image.js";
import { type ElfSymbol, findSymbolAddress, readFunctionSymbols } from "../../base/elf/symbols.js";
import type { CodeRange } from "./code-range.js";
import { findFrames } from "./frame-finder.js";
import {
  type FunctionIndex,
  type FunctionRange,
  indexFunctions,
  type ModuleCode,
} from "./functions.js";
import { isStackGrowth } from "./go-code.js";

/** Reads `image`, which is loaded at `loadBias`; `path` names it in plans. */
export function moduleCode(image: ElfImage, path: string, loadBias: number): ModuleCode {
  const loaded = image.segments.filter((s) => s.type === SEGMENT.load && s.fileSize > 0);
  const ranges = (executable: boolean): CodeRange[] =>
    loaded
      .filter((s) => ((s.flags & 1) !== 0) === executable)
      .map((s) => ({
        address: s.address,
        bytes: image.bytes.subarray(s.offset, s.offset + s.fileSize),
      }));
  const functions = functionRanges(image);
  const goroutines = functions.some(isStackGrowth) && findSymbolAddress(image, "runtime.allgs");
  return {
    path,
    loadBias,
    code: ranges(true),
    data: ranges(false),
    functions,
    codePointers: relocatedPointers(image),
    hasFrame: findFrames(image),
    ...(goroutines ? { goroutines } : {}),
  };
}

const indexes = new WeakMap<ElfImage, FunctionIndex>();

/** The same with the functions of the file, which are looked at once; it may have several paths. */
export function moduleFunctions(
  image: ElfImage,
  path: string,
  loadBias: number,
): { readonly code: ModuleCode; readonly index: FunctionIndex } {
  const index = indexes.get(image) ?? indexFunctions(moduleCode(image, path, loadBias));
  indexes.set(image, index);
  const code = { ...index.module, path, loadBias };
  return { code, index: { ...index, module: code } };
}

function functionRanges(image: ElfImage): FunctionRange[] {
  const ranges = new Map<number, FunctionRange>();
  for (const range of readFrames(image)) ranges.set(range.address, range);
  const symbols = readFunctionSymbols(image);
  for (const [i, { address, size: stated, name, kind }] of symbols.entries()) {
    if (kind === "untyped") continue;
    const other = ranges.get(address);
    const size = Math.max(stated, other?.size ?? 0);
    ranges.set(address, {
      address,
      size,
      name: other?.name || name,
      isPart: (other?.isPart ?? false) || /\.cold(\.\d+)?$/.test(name),
      ...(size > 0 ? {} : { limit: endOfCode(image, symbols, i) - address }),
    });
  }
  return [...ranges.values()].sort((a, b) => a.address - b.address);
}

/** Where the code of a symbol without a size ends at the latest: at another label, or its section. */
function endOfCode(image: ElfImage, symbols: readonly ElfSymbol[], index: number): number {
  const start = symbols[index]?.address ?? 0;
  let next = index + 1;
  while (symbols[next]?.address === start) next++;
  const section = image.sections.find(
    ({ address, size, flags }) =>
      (flags & SHF_EXECINSTR) !== 0 && start >= address && start < address + size,
  );
  const ends = [symbols[next]?.address, section && section.address + section.size];
  return Math.min(...ends.filter((end) => end !== undefined));
}

/** gABI ch. 4 "Section Attribute Flags". */
const SHF_EXECINSTR = 4;

/** Addends of R_X86_64_RELATIVE and R_X86_64_IRELATIVE (SysV AMD64 ABI table 4.9). */
function relocatedPointers(image: ElfImage): number[] {
  const pointers: number[] = [];
  for (const section of image.sections) {
    if (section.type !== SHT_RELA) continue;
    const view = viewOf(sectionBytes(image, section));
    for (let at = 0; at + RELA_BYTES <= view.byteLength; at += RELA_BYTES) {
      const type = view.getUint32(at + 8, true);
      if (type === R_RELATIVE || type === R_IRELATIVE) pointers.push(word(view, at + 16));
    }
  }
  return pointers;
}

const SHT_RELA = 4;
const RELA_BYTES = 24;
const R_RELATIVE = 8;
const R_IRELATIVE = 37;

/** Position in .eh_frame; `base` is the ELF address of its first byte. */
interface Cursor {
  readonly view: DataView;
  readonly base: number;
  at: number;
}

interface CommonInfo {
  /** DW_EH_PE_… of addresses in its FDEs. */
  readonly encoding: number;
  readonly hasAugmentationData: boolean;
}

/** Ranges of all frame descriptions. */
function readFrames(image: ElfImage): FunctionRange[] {
  const section = findSection(image, ".eh_frame");
  if (!section) return [];
  const view = viewOf(sectionBytes(image, section));
  const commons = new Map<number, CommonInfo | null>();
  const ranges: FunctionRange[] = [];
  // The first stub of the PLT begins with what the others push, but no function goes on there.
  const stubs = findSection(image, ".plt")?.address;
  let at = 0;
  while (at + 8 <= view.byteLength) {
    const length = view.getUint32(at, true);
    if (length === 0 || length === 0xffffffff) break;
    const end = at + 4 + length;
    if (end > view.byteLength) break;
    const id = view.getUint32(at + 4, true);
    if (id === 0) commons.set(at, readCommon({ view, base: section.address, at: at + 8 }));
    else {
      const common = commons.get(at + 4 - id);
      const cursor = { view, base: section.address, at: at + 8 };
      const range = common ? readDescription(cursor, common, end) : null;
      if (range) ranges.push(range.address === stubs ? { ...range, isPart: false } : range);
    }
    at = end;
  }
  return ranges;
}

/** Common information entry behind its id; null for augmentations that are not understood. */
function readCommon(cursor: Cursor): CommonInfo | null {
  const { view } = cursor;
  cursor.at++; // version
  let augmentation = "";
  for (let c = view.getUint8(cursor.at++); c !== 0; c = view.getUint8(cursor.at++)) {
    augmentation += String.fromCharCode(c);
  }
  uleb(cursor); // code alignment
  uleb(cursor); // data alignment: only skipped, so its sign does not matter
  uleb(cursor); // return address register
  if (!augmentation.startsWith("z")) {
    return augmentation === "" ? { encoding: 0, hasAugmentationData: false } : null;
  }
  uleb(cursor);
  let encoding = 0;
  for (const letter of augmentation.slice(1)) {
    if (letter === "R") encoding = view.getUint8(cursor.at++);
    else if (letter === "L") cursor.at++;
    else if (letter === "P") encodedPointer(cursor, view.getUint8(cursor.at++));
    else if (letter !== "S" && letter !== "B") return null;
  }
  return { encoding, hasAugmentationData: true };
}

function readDescription(cursor: Cursor, common: CommonInfo, end: number): FunctionRange | null {
  const address = encodedPointer(cursor, common.encoding);
  const size = encodedPointer(cursor, common.encoding & 0x0f);
  if (!(size > 0) || address <= 0) return null;
  if (common.hasAugmentationData) {
    const bytes = uleb(cursor);
    cursor.at += bytes;
  }
  return { address, size, name: "", isPart: startsWithFrame(cursor, end) };
}

/**
 * True if the canonical frame address is not rsp + 8 at the first instruction: the range goes on
 * with a frame that another range has set up. (DW_CFA_def_cfa 0x0c, DW_CFA_def_cfa_offset 0x0e,
 * DW_CFA_def_cfa_expression 0x0f, DW_CFA_remember_state 0x0a: DWARF 5 §7.24.)
 */
function startsWithFrame(cursor: Cursor, end: number): boolean {
  if (cursor.at >= end) return false;
  const operation = cursor.view.getUint8(cursor.at);
  if (operation === 0x0e) {
    cursor.at++;
    return uleb(cursor) !== 8;
  }
  return operation === 0x0c;
}

function uleb(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = cursor.view.getUint8(cursor.at++);
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

/** Pointer in an encoding of LSB Core 5.0 §10.5.1; relative to itself where the encoding says so. */
function encodedPointer(cursor: Cursor, encoding: number): number {
  const { view, at } = cursor;
  const relative = (encoding & 0x70) === 0x10 ? cursor.base + at : 0;
  const read = readers[encoding & 0x0f];
  if (read === undefined) return Number.NaN;
  cursor.at += read.bytes;
  return relative + read.value(view, at);
}

interface PointerReader {
  readonly bytes: number;
  readonly value: (view: DataView, at: number) => number;
}

/** DW_EH_PE_absptr, udata2, udata4, udata8, sdata2, sdata4, sdata8. */
const readers: { readonly [format: number]: PointerReader } = {
  0: { bytes: 8, value: word },
  2: { bytes: 2, value: (view, at) => view.getUint16(at, true) },
  3: { bytes: 4, value: (view, at) => view.getUint32(at, true) },
  4: { bytes: 8, value: word },
  10: { bytes: 2, value: (view, at) => view.getInt16(at, true) },
  11: { bytes: 4, value: (view, at) => view.getInt32(at, true) },
  12: { bytes: 8, value: (view, at) => Number(view.getBigInt64(at, true)) },
};
