/**
 * Call frame information: finds the entries (FDEs with their CIEs) of .eh_frame and .debug_frame.
 *
 * Takes the bytes of a section and its ELF address; gives entries whose instructions cfi-rows.ts
 * runs. Damaged entries are left out; nothing outside of the section is read. Source: LSB core 5.0
 * §10.6 (.eh_frame, DW_EH_PE encodings), DWARF 5 §6.4.1 (.debug_frame).
 */
import { type ElfImage, findSection, SECTION, sectionBytes, viewOf, word } from "./image.js";

/** What the entries of several functions have in common (CIE). */
export interface FrameCommon {
  readonly codeFactor: number;
  readonly dataFactor: number;
  /** DWARF number of the column that holds the return address. */
  readonly returnRegister: number;
  /** The frame was made by the kernel to run a signal handler. */
  readonly isSignal: boolean;
  /** DW_EH_PE encoding of addresses in its entries. */
  readonly addressEncoding: number;
  /** Entries have augmentation data. */
  readonly hasAugmentation: boolean;
  /** DW_EH_PE encoding of where its entries say what handles exceptions. */
  readonly handlersEncoding: number;
  /** Initial instructions, as offsets in the section. */
  readonly from: number;
  readonly to: number;
}

/** How to unwind from [start, end) (FDE). */
export interface FrameEntry {
  /** ELF addresses. */
  readonly start: number;
  readonly end: number;
  readonly common: FrameCommon;
  /** Instructions, as offsets in the section. */
  readonly from: number;
  readonly to: number;
  /** ELF address of the table of what handles exceptions (LSDA), 0 if there is none. */
  readonly handlers: number;
}

/** A section with call frame information. */
export interface FrameSection {
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly kind: "eh_frame" | "debug_frame";
}

/** A place in bytes. */
export interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
}

/** DW_EH_PE encodings (LSB core 5.0 §10.5.1). */
const ENCODING = {
  omitted: 0xff,
  formatMask: 0x0f,
  applicationMask: 0x70,
  pcRelative: 0x10,
} as const;
const NO_CIE_64 = 0xffff_ffff_ffff_ffffn;

/** Sections of `image` with call frame information, the one that is used first coming first. */
export function frameSections(image: ElfImage): FrameSection[] {
  return (["eh_frame", "debug_frame"] as const).flatMap((kind): FrameSection[] => {
    const section = findSection(image, `.${kind}`);
    // A separate debug file has the headers of the sections that it does not have.
    if (section === null || section.type === SECTION.noBits) return [];
    if ((section.flags & SHF_COMPRESSED) !== 0) return [];
    return [{ bytes: sectionBytes(image, section), address: section.address, kind }];
  });
}

const SHF_COMPRESSED = 0x800;

/** Entries of `section` in their order there. */
export function readFrameEntries(section: FrameSection): FrameEntry[] {
  const { bytes } = section;
  const cursor: Cursor = { bytes, view: viewOf(bytes), at: 0 };
  const commons = new Map<number, FrameCommon | null>();
  const entries: FrameEntry[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const head = readHead(section, cursor, at);
    if (head === null) break;
    at = head.end;
    if (head.common === null) continue;
    let common = commons.get(head.common);
    if (common === undefined) {
      common = readCommon(section, { ...cursor }, head.common);
      commons.set(head.common, common);
    }
    const entry = common === null ? null : readEntry(section, cursor, head.end, common);
    if (entry !== null) entries.push(entry);
  }
  return entries;
}

interface Head {
  /** Offset behind the record. */
  readonly end: number;
  /** Offset of the CIE; null if this is one. */
  readonly common: number | null;
}

/** Reads length and CIE pointer at `at`; null at the end of the section. */
function readHead(section: FrameSection, cursor: Cursor, at: number): Head | null {
  const { view, bytes } = cursor;
  const short = view.getUint32(at, true);
  const isLong = short === 0xffffffff;
  if (short === 0 || (isLong && at + 12 > bytes.length)) return null;
  const length = isLong ? word(view, at + 4) : short;
  const pointer = at + (isLong ? 12 : 4);
  const size = isLong && section.kind === "debug_frame" ? 8 : 4;
  const end = pointer + length;
  if (end > bytes.length || length < size) return null;
  cursor.at = pointer + size;
  if (section.kind === "eh_frame") {
    const back = view.getUint32(pointer, true);
    return { end, common: back === 0 ? null : pointer - back };
  }
  if (size === 4) {
    const offset = view.getUint32(pointer, true);
    return { end, common: offset === 0xffffffff ? null : offset };
  }
  const offset = view.getBigUint64(pointer, true);
  return { end, common: offset === NO_CIE_64 ? null : Number(offset) };
}

function readCommon(section: FrameSection, cursor: Cursor, at: number): FrameCommon | null {
  if (at < 0 || at + 4 > section.bytes.length) return null;
  const head = readHead(section, cursor, at);
  if (head === null || head.common !== null) return null;
  const version = byte(cursor);
  const augmentation = text(cursor);
  if (version === 4) cursor.at += 2; // sizes of an address and of a segment selector
  const codeFactor = unsigned(cursor);
  const dataFactor = signed(cursor);
  const returnRegister = version === 1 ? byte(cursor) : unsigned(cursor);
  const common = { codeFactor, dataFactor, returnRegister, to: head.end };
  if (augmentation === "") {
    const none = { isSignal: false, addressEncoding: 0, hasAugmentation: false };
    return { ...common, ...none, handlersEncoding: ENCODING.omitted, from: cursor.at };
  }
  if (!augmentation.startsWith("z")) return null;
  const data = unsigned(cursor);
  const from = cursor.at + data;
  let addressEncoding = 0;
  let handlersEncoding: number = ENCODING.omitted;
  for (const letter of augmentation.slice(1)) {
    if (letter === "R") addressEncoding = byte(cursor);
    else if (letter === "L") handlersEncoding = byte(cursor);
    else if (letter === "P") readPointer(section, cursor, byte(cursor));
  }
  const isSignal = augmentation.includes("S");
  return { ...common, isSignal, addressEncoding, handlersEncoding, hasAugmentation: true, from };
}

function readEntry(
  section: FrameSection,
  cursor: Cursor,
  to: number,
  common: FrameCommon,
): FrameEntry | null {
  const { addressEncoding, handlersEncoding, hasAugmentation } = common;
  const start = readPointer(section, cursor, addressEncoding);
  const size = readPointer(section, cursor, addressEncoding & ENCODING.formatMask);
  let handlers = 0;
  if (hasAugmentation) {
    const from = unsigned(cursor) + cursor.at;
    if (handlersEncoding !== ENCODING.omitted && from > cursor.at) {
      handlers = readAddress(section, cursor, handlersEncoding);
    }
    cursor.at = from;
  }
  if (size <= 0 || cursor.at > to) return null;
  return { start, end: start + size, common, from: cursor.at, to, handlers };
}

function readPointer(section: FrameSection, cursor: Cursor, encoding: number): number {
  if (encoding === ENCODING.omitted) return 0;
  const base =
    (encoding & ENCODING.applicationMask) === ENCODING.pcRelative ? section.address + cursor.at : 0;
  return base + readNumber(cursor, encoding & ENCODING.formatMask);
}

/** The same for what may be missing: then the number is 0, whatever it is relative to. */
function readAddress(section: FrameSection, cursor: Cursor, encoding: number): number {
  const number = readNumber({ ...cursor }, encoding & ENCODING.formatMask);
  return number === 0 ? 0 : readPointer(section, cursor, encoding);
}

/** A number in a DW_EH_PE format; 0 behind the end. */
export function readNumber(cursor: Cursor, format: number): number {
  const { view, at } = cursor;
  const size = SIZES[format] ?? 0;
  if (size !== 0 && at + size > view.byteLength) return 0;
  cursor.at += size;
  switch (format) {
    case 0x01:
      return unsigned(cursor);
    case 0x09:
      return signed(cursor);
    case 0x02:
      return view.getUint16(at, true);
    case 0x0a:
      return view.getInt16(at, true);
    case 0x03:
      return view.getUint32(at, true);
    case 0x0b:
      return view.getInt32(at, true);
    default:
      return Number(view.getBigInt64(at, true));
  }
}

/** Bytes of a number by its DW_EH_PE format; LEB128 have none. */
const SIZES: readonly number[] = [8, 0, 2, 4, 8, 8, 8, 8, 8, 0, 2, 4, 8, 8, 8, 8];

/** The next byte, 0 behind the end. */
export function byte(cursor: Cursor): number {
  return cursor.bytes[cursor.at++] ?? 0;
}

/** The next unsigned LEB128 number (DWARF 5 §7.6). */
export function unsigned(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const next = cursor.bytes[cursor.at++] ?? 0;
    value += (next & 0x7f) * scale;
    if (next < 0x80 || scale > LARGEST_SCALE) return value;
  }
}

/** The next signed LEB128 number (DWARF 5 §7.6). */
export function signed(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const next = cursor.bytes[cursor.at++] ?? 0;
    value += (next & 0x7f) * scale;
    if (next >= 0x80 && scale <= LARGEST_SCALE) continue;
    return (next & 0x40) !== 0 ? value - 128 * scale : value;
  }
}

const LARGEST_SCALE = 2 ** 63;

function text(cursor: Cursor): string {
  let found = "";
  for (let next = byte(cursor); next !== 0; next = byte(cursor)) {
    found += String.fromCharCode(next);
  }
  return found;
}
