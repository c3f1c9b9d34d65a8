/**
 * The tables of an ELF file: header, program headers, sections, build-id.
 *
 * Takes the bytes of a 64-bit little-endian ELF file (or of a loaded image such as the vDSO) and
 * gives plain records; never reads outside the bytes. Source: System V gABI 4.1 ch. 4-5, elf(5).
 */
// biome-ignore lint/style/noRestrictedImports: target-error.ts is part of base, one folder up
import { TargetError } from "../target-error.js";

/** A program header. Addresses and sizes in bytes. */
export interface ElfSegment {
  /** PT_… number, see SEGMENT. */
  readonly type: number;
  /** PF_X 1, PF_W 2, PF_R 4. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

/** A section header with its name. */
export interface ElfSection {
  readonly name: string;
  /** SHT_… number, see SECTION. */
  readonly type: number;
  /** SHF_WRITE 1, SHF_ALLOC 2, SHF_EXECINSTR 4. */
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/** A parsed ELF file. */
export interface ElfImage {
  /** Path or other name, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** ET_EXEC 2, ET_DYN 3, ET_REL 1, see FILE_TYPE. */
  readonly type: number;
  /** EM_… number; EM_X86_64 is 62. */
  readonly machine: number;
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  /** GNU build-id in hex, null if there is none. */
  readonly buildId: string | null;
}

/** e_type values (elf(5)). */
export const FILE_TYPE = { relocatable: 1, executable: 2, shared: 3, core: 4 } as const;
/** e_machine of x86-64. */
export const MACHINE_X86_64 = 62;
/** p_type values (elf(5)). */
export const SEGMENT = { load: 1, dynamic: 2, interpreter: 3, note: 4, tls: 7 } as const;
/** sh_type values (elf(5)). */
export const SECTION = {
  symbols: 2,
  note: 7,
  noBits: 8,
  dynamicSymbols: 11,
  versionDefinitions: 0x6ffffffd,
  versions: 0x6fffffff,
} as const;

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const NOTE_BUILD_ID = 3;

/** Parses the tables of an ELF file; throws TargetError if `bytes` are not 64-bit little-endian ELF. */
export function parseElf(bytes: Uint8Array, name: string): ElfImage {
  const view = checkIdentity(bytes, name);
  const segments = readSegments(view);
  const sections = readSections(view, bytes);
  return {
    name,
    bytes,
    type: view.getUint16(16, true),
    machine: view.getUint16(18, true),
    entry: word(view, 24),
    segments,
    sections,
    buildId: readBuildId(bytes, segments, sections),
  };
}

/** True if `bytes` begin with the ELF magic number. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Bytes of a section; empty for SHT_NOBITS or when the file is cut off. */
export function sectionBytes(image: ElfImage, section: ElfSection): Uint8Array {
  if (section.type === SECTION.noBits) return new Uint8Array();
  return image.bytes.subarray(section.offset, section.offset + section.size);
}

/** First section called `name`, or null. */
export function findSection(image: ElfImage, name: string): ElfSection | null {
  return image.sections.find((section) => section.name === name) ?? null;
}

/** File offset of the ELF address `address`, or null if no loaded segment has bytes for it. */
export function fileOffset(image: ElfImage, address: number): number | null {
  for (const s of image.segments) {
    if (s.type !== SEGMENT.load) continue;
    if (address >= s.address && address < s.address + s.fileSize) {
      return address - s.address + s.offset;
    }
  }
  return null;
}

/** True if `address` lies in an executable segment. */
export function isExecutableAddress(image: ElfImage, address: number): boolean {
  return isLoaded(image, address, 1);
}

/** True if `address` lies in a writable segment. */
export function isWritableAddress(image: ElfImage, address: number): boolean {
  return isLoaded(image, address, 2);
}

/** True if `address` lies in a segment with the PF_… `flag`. */
function isLoaded(image: ElfImage, address: number, flag: number): boolean {
  return image.segments.some(
    (s) =>
      s.type === SEGMENT.load &&
      (s.flags & flag) !== 0 &&
      address >= s.address &&
      address < s.address + s.memorySize,
  );
}

/** NUL-terminated Latin-1 string at `offset`; stops at the end of `bytes`. */
export function cString(bytes: Uint8Array, offset: number): string {
  let text = "";
  for (let at = offset; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** DataView over exactly `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Unsigned 64-bit word at `offset` as a number; values from 2^53 lose low bits. */
export function word(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

/** One entry of a note section or segment. */
export interface ElfNote {
  readonly owner: string;
  readonly type: number;
  readonly description: Uint8Array;
}

/** The notes in `bytes`, entries aligned to four bytes (gABI ch. 5 "Note Section"). */
export function readNotes(bytes: Uint8Array): ElfNote[] {
  const view = viewOf(bytes);
  const notes: ElfNote[] = [];
  let at = 0;
  while (at + 12 <= bytes.length) {
    const nameSize = view.getUint32(at, true);
    const descriptionSize = view.getUint32(at + 4, true);
    const type = view.getUint32(at + 8, true);
    const start = at + 12 + align4(nameSize);
    if (start + descriptionSize > bytes.length) break;
    notes.push({
      owner: cString(bytes.subarray(at + 12, at + 12 + nameSize), 0),
      type,
      description: bytes.subarray(start, start + descriptionSize),
    });
    at = start + align4(descriptionSize);
  }
  return notes;
}

function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}

function checkIdentity(bytes: Uint8Array, name: string): DataView {
  const fail = (why: string): never => {
    throw new TargetError(`'${name}' ${why}`, { operation: "read ELF", subject: name });
  };
  if (!isElf(bytes)) return fail("is not an ELF file");
  if (bytes[4] === 1) return fail("is a 32-bit ELF file; only 64-bit files can be probed");
  if (bytes[4] !== 2 || bytes[5] !== 1) return fail("is not a little-endian 64-bit ELF file");
  if (bytes.length < HEADER_BYTES) return fail("is cut off within its ELF header");
  return viewOf(bytes);
}

function readSegments(view: DataView): ElfSegment[] {
  const offset = word(view, 32);
  const entrySize = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = offset + i * entrySize;
    if (entrySize < SEGMENT_BYTES || at + SEGMENT_BYTES > view.byteLength) break;
    segments.push({
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: word(view, at + 8),
      address: word(view, at + 16),
      fileSize: word(view, at + 32),
      memorySize: word(view, at + 40),
      alignment: word(view, at + 48),
    });
  }
  return segments;
}

function readSections(view: DataView, bytes: Uint8Array): ElfSection[] {
  const offset = word(view, 40);
  const entrySize = view.getUint16(58, true);
  const fits = (at: number): boolean =>
    offset > 0 && entrySize >= SECTION_BYTES && at + SECTION_BYTES <= view.byteLength;
  if (!fits(offset)) return [];
  // gABI: counts that do not fit are in section 0 (sh_size, sh_link).
  const count = view.getUint16(60, true) || word(view, offset + 32);
  const namesIndex = view.getUint16(62, true);
  const namesSection = namesIndex === 0xffff ? view.getUint32(offset + 40, true) : namesIndex;
  const namesAt = offset + namesSection * entrySize;
  const names = fits(namesAt) ? word(view, namesAt + 24) : bytes.length;
  const sections: ElfSection[] = [];
  for (let i = 0; i < count; i++) {
    const at = offset + i * entrySize;
    if (!fits(at)) break;
    sections.push({
      name: cString(bytes, names + view.getUint32(at, true)),
      type: view.getUint32(at + 4, true),
      flags: word(view, at + 8),
      address: word(view, at + 16),
      offset: word(view, at + 24),
      size: word(view, at + 32),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
      entrySize: word(view, at + 56),
    });
  }
  return sections;
}

function readBuildId(
  bytes: Uint8Array,
  segments: readonly ElfSegment[],
  sections: readonly ElfSection[],
): string | null {
  const areas = [
    ...sections
      .filter((s) => s.type === SECTION.note)
      .map((s) => bytes.subarray(s.offset, s.offset + s.size)),
    ...segments
      .filter((s) => s.type === SEGMENT.note)
      .map((s) => bytes.subarray(s.offset, s.offset + s.fileSize)),
  ];
  for (const area of areas) {
    const note = readNotes(area).find((n) => n.type === NOTE_BUILD_ID && n.owner === "GNU");
    if (note) return hex(note.description);
  }
  return null;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
