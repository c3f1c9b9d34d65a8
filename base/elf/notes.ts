/**
 * Static probe marks of <sys/sdt.h>, version 3: SDT notes (`marks.ts` has those of every version).
 *
 * Note layout: pc, link-time address of .stapsdt.base, semaphore (8 bytes each), then provider,
 * name and argument string, NUL-terminated. Prelink moves code but not notes, so addresses are
 * shifted by how far .stapsdt.base moved. Source: SystemTap wiki UserSpaceProbeImplementation.
 */
import {
  cString,
  type ElfImage,
  findSection,
  readNotes,
  sectionBytes,
  viewOf,
  word,
} from "./image.js";

/** One mark at one place. */
export interface SdtMark {
  /** Empty in version 1. */
  readonly provider: string;
  readonly name: string;
  /** ELF address of the instruction (a nop). */
  readonly address: number;
  /** ELF address of the 16-bit semaphore, 0 if none. */
  readonly semaphore: number;
  /**
   * Operands as the assembler wrote them, e.g. `-4@%edi 8@(%rsp)`; null in version 1, in which
   * arguments are variables of the code.
   */
  readonly args: string | null;
}

const NOTE_STAPSDT = 3;
const FIXED_BYTES = 24;

/** All marks in file order. */
export function readSdtNotes(image: ElfImage): SdtMark[] {
  const notes = findSection(image, ".note.stapsdt");
  if (!notes) return [];
  const base = findSection(image, ".stapsdt.base")?.address ?? 0;
  return readNotes(sectionBytes(image, notes))
    .filter((n) => n.owner === "stapsdt" && n.type === NOTE_STAPSDT)
    .filter((n) => n.description.length > FIXED_BYTES)
    .map((n) => decodeMark(n.description, base));
}

function decodeMark(bytes: Uint8Array, base: number): SdtMark {
  const view = viewOf(bytes);
  const linkedBase = word(view, 8);
  const shift = base !== 0 && linkedBase !== 0 ? base - linkedBase : 0;
  const semaphore = word(view, 16);
  const provider = cString(bytes, FIXED_BYTES);
  const name = cString(bytes, FIXED_BYTES + provider.length + 1);
  return {
    provider,
    name,
    address: word(view, 0) + shift,
    semaphore: semaphore === 0 ? 0 : semaphore + shift,
    args: cString(bytes, FIXED_BYTES + provider.length + name.length + 2),
  };
}
