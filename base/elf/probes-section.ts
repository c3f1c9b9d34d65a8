/**
 * Static probe marks of <sys/sdt.h> before 2011, versions 1 and 2: records in section `.probes`,
 * whose words the dynamic loader may have to relocate. What does not make sense is no mark.
 *
 *     version 1          version 2
 *     u32 "PRB1"         u32 "UPB2"       at a multiple of 4 bytes
 *     u64 name           u64 name         at the next multiple of 8
 *     u64 pc             u64 provider
 *                        u64 arguments    their number
 *                        u64 operands     text
 *                        u64 pc
 *                        u64 semaphore    or 0
 *
 * Texts lie in the same section. Source: sdt_types.h of SystemTap (public domain).
 */
import {
  type ElfImage,
  type ElfSection,
  findSection,
  isExecutableAddress,
  sectionBytes,
  viewOf,
  word,
} from "./image.js";
import type { SdtMark } from "./notes.js";
import { relocatedWords } from "./relocations.js";
import { addressesOf } from "./symbols.js";

/** All marks of the section in its order. */
export function readProbesSection(image: ElfImage): SdtMark[] {
  const section = findSection(image, ".probes");
  if (section === null) return [];
  const found = [...findRecords(image, section)];
  const searched = found.filter(({ semaphore }) => semaphore === 0).flatMap(semaphoreNames);
  const semaphores = searched.length === 0 ? null : addressesOf(image, new Set(searched));
  return found.map((mark) => {
    const names = mark.semaphore === 0 ? semaphoreNames(mark) : [];
    const [semaphore = mark.semaphore] = names.flatMap((name) => semaphores?.get(name) ?? []);
    return { ...mark, semaphore };
  });
}

/** Names of the variables that may be the semaphore of a mark whose record has none. */
function semaphoreNames({ provider, name }: SdtMark): string[] {
  return [`${provider}_${name}_semaphore`, `${name}_semaphore`];
}

const VERSION_1 = 0x31425250;
const VERSION_2 = 0x32425055;

/** The record is found by its type, as texts of any length may be in between. */
function* findRecords(image: ElfImage, section: ElfSection): Generator<SdtMark> {
  const bytes = sectionBytes(image, section);
  const view = viewOf(bytes);
  let words: ReadonlyMap<number, number> | null = null;
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const type = view.getUint32(at, true);
    if (type !== VERSION_1 && type !== VERSION_2) continue;
    words ??= relocatedWords(image, section.address, section.address + section.size);
    const record: Record = {
      image,
      section,
      bytes,
      words,
      begin: align8(section.address + at + 4),
    };
    const mark = type === VERSION_1 ? version1(record) : version2(record);
    if (mark !== null) yield mark;
  }
}

interface Record {
  readonly image: ElfImage;
  readonly section: ElfSection;
  readonly bytes: Uint8Array;
  readonly words: ReadonlyMap<number, number>;
  /** ELF address of the first word behind the type. */
  readonly begin: number;
}

function version1(record: Record): SdtMark | null {
  const name = textAt(record, 0);
  const address = wordAt(record, 1);
  if (!name || !isExecutableAddress(record.image, address)) return null;
  return { provider: "", name, address, semaphore: 0, args: null };
}

function version2(record: Record): SdtMark | null {
  const name = textAt(record, 0);
  const provider = textAt(record, 1);
  const args = textAt(record, 3);
  const address = wordAt(record, 4);
  if (!name || provider === null || args === null) return null;
  if (!isExecutableAddress(record.image, address)) return null;
  return { provider, name, address, semaphore: wordAt(record, 5), args };
}

/** Word `index` of a record as it is when the image is loaded, but as an ELF address; 0 outside. */
function wordAt({ section, bytes, words, begin }: Record, index: number): number {
  const address = begin + index * 8;
  const offset = address - section.address;
  if (offset + 8 > bytes.length) return 0;
  return words.get(address) ?? word(viewOf(bytes), offset);
}

/** Longer ones are none of the macros'. */
const MOST_CHARACTERS = 4096;

/** The text that word `index` points at; null if it does not end within the section. */
function textAt(record: Record, index: number): string | null {
  const { bytes, section } = record;
  const offset = wordAt(record, index) - section.address;
  if (offset < 0 || offset >= bytes.length) return null;
  const text = bytes.subarray(offset, offset + MOST_CHARACTERS);
  const end = text.indexOf(0);
  return end < 0 ? null : Buffer.from(text.subarray(0, end)).toString("latin1");
}

function align8(address: number): number {
  return Math.ceil(address / 8) * 8;
}
