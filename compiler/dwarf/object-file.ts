/** Writes an ELF object file (ET_REL, x86-64) that has nothing but sections of bytes (elf(5)). */
import { FILE_TYPE, MACHINE_X86_64, viewOf } from "../../base/elf/image.js";

/** A section to be written. */
export interface ObjectSection {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SHT_PROGBITS = 1;
const SHT_STRTAB = 3;

/** The bytes of the file. */
export function buildObject(sections: readonly ObjectSection[]): Uint8Array {
  const named = [...sections, { name: ".shstrtab", bytes: new Uint8Array() }];
  const names = Buffer.from(`\0${named.map(({ name }) => `${name}\0`).join("")}`);
  const written = named.map((each) =>
    each.name === ".shstrtab" ? { ...each, bytes: names } : each,
  );
  const size = written.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const headers = new Uint8Array((written.length + 1) * SECTION_BYTES);
  const view = viewOf(headers);
  let offset = HEADER_BYTES;
  let nameAt = 1;
  written.forEach(({ name, bytes }, i) => {
    const at = (i + 1) * SECTION_BYTES;
    view.setUint32(at, nameAt, true);
    view.setUint32(at + 4, name === ".shstrtab" ? SHT_STRTAB : SHT_PROGBITS, true);
    view.setBigUint64(at + 24, BigInt(offset), true); // sh_offset
    view.setBigUint64(at + 32, BigInt(bytes.length), true); // sh_size
    view.setBigUint64(at + 48, 1n, true); // sh_addralign
    offset += bytes.length;
    nameAt += name.length + 1;
  });
  const header = fileHeader(HEADER_BYTES + size, written.length + 1);
  return Buffer.concat([header, ...written.map(({ bytes }) => bytes), headers]);
}

/** Elf64_Ehdr; the last section has the names. */
function fileHeader(sectionsAt: number, count: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64-bit, little-endian, version 1
  const view = viewOf(header);
  view.setUint16(16, FILE_TYPE.relocatable, true);
  view.setUint16(18, MACHINE_X86_64, true);
  view.setUint32(20, 1, true); // e_version
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(58, SECTION_BYTES, true);
  view.setUint16(60, count, true);
  view.setUint16(62, count - 1, true);
  return header;
}
