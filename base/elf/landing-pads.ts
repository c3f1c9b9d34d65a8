/**
 * Where exceptions are handled: addresses in the middle of functions to which the unwinder jumps,
 * from .gcc_except_table. Source: Itanium C++ ABI, "Exception Handling Tables" (LSDA), LSB core 5.0
 * §10.5.1 (DW_EH_PE encodings).
 */
import { byte, type Cursor, type FrameEntry, readNumber, unsigned } from "./cfi.js";
import { type ElfImage, findSection, sectionBytes, viewOf } from "./image.js";

const OMITTED = 0xff;
const FORMAT_MASK = 0x0f;

/** ELF addresses of the landing pads of `entries`. */
export function landingPads(image: ElfImage, entries: readonly FrameEntry[]): number[] {
  const section = findSection(image, ".gcc_except_table");
  if (section === null) return [];
  const bytes = sectionBytes(image, section);
  const cursor = { bytes, view: viewOf(bytes), at: 0 };
  const pads: number[] = [];
  // Tables that overlap are damage, and could be as many as there are entries.
  let left = bytes.length;
  for (const { start, handlers } of entries) {
    const from = handlers - section.address;
    if (from < 0 || from >= bytes.length || left < 0) continue;
    cursor.at = from;
    for (const pad of readPads(cursor, start)) pads.push(pad);
    left -= cursor.at - from;
  }
  return pads;
}

/** The pads of the table at `cursor`, of a function that starts at `start`. */
function readPads(cursor: Cursor, start: number): number[] {
  const baseEncoding = byte(cursor);
  const base = baseEncoding === OMITTED ? start : readNumber(cursor, baseEncoding & FORMAT_MASK);
  if (byte(cursor) !== OMITTED) unsigned(cursor); // where types are
  const format = byte(cursor) & FORMAT_MASK;
  const length = unsigned(cursor);
  const end = Math.min(cursor.at + length, cursor.bytes.length);
  const pads: number[] = [];
  while (cursor.at < end) {
    readNumber(cursor, format); // start of the calls
    readNumber(cursor, format); // their length
    const pad = readNumber(cursor, format);
    unsigned(cursor); // action
    if (pad !== 0) pads.push(base + pad);
  }
  return pads;
}
