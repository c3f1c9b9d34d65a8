/**
 * What patch planning needs to know of an ELF file: code, data, function ranges, code pointers.
 *
 * Ranges come from symbols and from .eh_frame, which stripped files have too, and which covers
 * static functions and `.cold` parts (DWARF 5 §6.4; LSB Core 5.0 §10.6).
 */
import {
  byte,
  type Cursor,
  type FrameEntry,
  type FrameSection,
  frameSections,
  readFrameEntries,
  unsigned,
} from "../../base/elf/cfi.js";
import {
  type ElfImage,
  findSection,
  SEGMENT,
  sectionBytes,
  viewOf,
  word,
} from "../../base/elf/image.js";
import { landingPads } from "../../base/elf/landing-pads.js";
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
  const segments = (executable: boolean): CodeRange[] =>
    loaded
      .filter((s) => ((s.flags & 1) !== 0) === executable)
      .map((s) => ({
        address: s.address,
        bytes: image.bytes.subarray(s.offset, s.offset + s.fileSize),
      }));
  const [frames] = frameSections(image).filter(({ kind }) => kind === "eh_frame");
  const entries = frames === undefined ? [] : readFrameEntries(frames);
  const symbols = readFunctionSymbols(image);
  const ranges = frames === undefined ? [] : frameRanges(image, frames, entries);
  const functions = functionRanges(image, ranges, symbols);
  const goroutines = functions.some(isStackGrowth) && findSymbolAddress(image, "runtime.allgs");
  return {
    path,
    loadBias,
    code: segments(true),
    data: segments(false),
    functions,
    codePointers: [
      ...relocatedPointers(image),
      ...landingPads(image, entries),
      ...symbols.filter(isExportedLabel).map(({ address }) => address),
    ],
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

/** Whether other modules may jump to a place in code that is no function. */
function isExportedLabel({ kind, exported }: ElfSymbol): boolean {
  return kind === "untyped" && exported;
}

function functionRanges(
  image: ElfImage,
  frames: readonly FunctionRange[],
  symbols: readonly ElfSymbol[],
): FunctionRange[] {
  const ranges = new Map<number, FunctionRange>();
  for (const range of frames) ranges.set(range.address, range);
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

/** The ranges of frame descriptions. */
function frameRanges(
  image: ElfImage,
  { bytes }: FrameSection,
  entries: readonly FrameEntry[],
): FunctionRange[] {
  // The first stub of the PLT begins with what the others push, but no function goes on there.
  const stubs = findSection(image, ".plt")?.address;
  const view = viewOf(bytes);
  return entries
    .filter(({ start }) => start > 0)
    .map((entry) => ({
      address: entry.start,
      size: entry.end - entry.start,
      name: "",
      isPart: entry.start !== stubs && startsWithFrame({ bytes, view, at: entry.from }, entry.to),
    }));
}

/**
 * True if the canonical frame address is not rsp + 8 at the first instruction: the range goes on
 * with a frame that another range has set up. (DW_CFA_def_cfa 0x0c, DW_CFA_def_cfa_offset 0x0e,
 * DW_CFA_def_cfa_expression 0x0f, DW_CFA_remember_state 0x0a: DWARF 5 §7.24.)
 */
function startsWithFrame(cursor: Cursor, end: number): boolean {
  if (cursor.at >= end) return false;
  const operation = byte(cursor);
  return operation === 0x0c || (operation === 0x0e && unsigned(cursor) !== 8);
}
