/** Damaged ELF files: real ones with bytes changed where the DWARF reader looks. */
import { type ElfImage, parseElf } from "../../base/elf/image.js";

/** A file to be damaged. */
export interface Original {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly image: ElfImage;
}

/** An original of `bytes`. */
export function original(name: string, bytes: Uint8Array): Original {
  return { name, bytes, image: parseElf(bytes, name) };
}

/** Values at which arithmetic on sizes and offsets goes wrong. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const MAX_CHANGES = 8;
const ELF_HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
const SHOFF_AT = 40;

/** A copy of `file` with up to eight places changed; sometimes cut off. */
export function damage(file: Original, random: () => number): Uint8Array {
  const bytes = Uint8Array.from(file.bytes);
  const changes = 1 + Math.floor(random() * MAX_CHANGES);
  for (let i = 0; i < changes; i++) change(bytes, pickRange(file, random), random);
  return random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
}

interface ByteRange {
  readonly offset: number;
  readonly size: number;
}

/** Mostly sections that DWARF and CFI are in, else headers. */
function pickRange({ image, bytes }: Original, random: () => number): ByteRange {
  const sections = image.sections.filter(
    ({ name, size }) => size > 0 && /^\.(z?debug|eh_frame|gnu_debug|symtab|strtab|note)/.test(name),
  );
  const picked = sections[Math.floor(random() * sections.length)];
  if (picked !== undefined && random() < 0.9) return picked;
  if (random() < 0.3) return { offset: 0, size: ELF_HEADER_BYTES };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headers = Number(view.getBigUint64(SHOFF_AT, true));
  return { offset: headers, size: image.sections.length * SECTION_HEADER_BYTES };
}

function change(bytes: Uint8Array, { offset, size }: ByteRange, random: () => number): void {
  const at = offset + Math.floor(random() * size);
  if (at + 8 > bytes.length) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const edge = EDGES[Math.floor(random() * EDGES.length)] ?? 0;
  switch (Math.floor(random() * 6)) {
    case 0:
      bytes[at] = Math.floor(random() * 256);
      return;
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return;
    case 2:
      bytes[at] = edge;
      return;
    case 3:
      view.setUint32(at, edge, true);
      return;
    case 4:
      view.setBigUint64(at, BigInt.asUintN(64, -BigInt(edge)), true);
      return;
    default:
      bytes.copyWithin(at, offset + Math.floor(random() * size), at + 16);
  }
}
