/**
 * The stubs through which a module calls functions of others: .plt, .plt.sec, .plt.got.
 *
 * Each jumps through a word of the global offset table, which a relocation ties to a name:
 *
 *     [endbr64]  [bnd] jmp *slot(%rip)      f3 0f 1e fa   f2 ff 25 disp32
 *
 * Source: SysV AMD64 ABI §5.2 "Procedure Linkage Table", §B.1 (table of two parts).
 */
import { cString, type ElfImage, sectionBytes, viewOf, word } from "../../base/elf/image.js";

/** A stub and the function that it jumps to. */
export interface PltStub {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

const SECTIONS: readonly string[] = [".plt", ".plt.sec", ".plt.got"];
const JUMP: readonly number[] = [0xff, 0x25];
const JUMP_BYTES = 6;
const BND = 0xf2;
const ENDBR64: readonly number[] = [0xf3, 0x0f, 0x1e, 0xfa];

/** The stubs of `image` by address. */
export function readPlt(image: ElfImage): PltStub[] {
  const slots = readSlots(image);
  return image.sections
    .filter((section) => SECTIONS.includes(section.name))
    .flatMap((section) => findStubs(sectionBytes(image, section), section.address, slots))
    .sort((a, b) => a.address - b.address);
}

const SHT_RELA = 4;
const RELA_BYTES = 24;
const SYMBOL_BYTES = 24;
/** R_X86_64_GLOB_DAT and R_X86_64_JUMP_SLOT (SysV AMD64 ABI table 4.9). */
const SLOT_TYPES: readonly number[] = [6, 7];

/** Names by the address of their slot. */
function readSlots(image: ElfImage): ReadonlyMap<number, string> {
  const slots = new Map<number, string>();
  for (const section of image.sections) {
    const symbols = image.sections[section.link];
    const strings = symbols && image.sections[symbols.link];
    if (section.type !== SHT_RELA || !symbols || !strings) continue;
    const view = viewOf(sectionBytes(image, section));
    const names = sectionBytes(image, strings);
    const table = viewOf(sectionBytes(image, symbols));
    for (let at = 0; at + RELA_BYTES <= view.byteLength; at += RELA_BYTES) {
      const symbol = view.getUint32(at + 12, true) * SYMBOL_BYTES;
      if (!SLOT_TYPES.includes(view.getUint32(at + 8, true))) continue;
      if (symbol === 0 || symbol + SYMBOL_BYTES > table.byteLength) continue;
      slots.set(word(view, at), cString(names, table.getUint32(symbol, true)));
    }
  }
  return slots;
}

function findStubs(bytes: Uint8Array, base: number, slots: ReadonlyMap<number, string>): PltStub[] {
  const view = viewOf(bytes);
  const stubs: PltStub[] = [];
  for (let at = 0; at + JUMP_BYTES <= bytes.length; at++) {
    if (!hasBytes(bytes, at, JUMP)) continue;
    const end = at + JUMP_BYTES;
    const name = slots.get(base + end + view.getInt32(at + JUMP.length, true));
    if (name === undefined) continue;
    const jump = bytes[at - 1] === BND ? at - 1 : at;
    const marked = hasBytes(bytes, jump - ENDBR64.length, ENDBR64);
    const start = marked ? jump - ENDBR64.length : jump;
    stubs.push({ name, address: base + start, size: end - start });
  }
  return stubs;
}

function hasBytes(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  return at >= 0 && expected.every((byte, i) => bytes[at + i] === byte);
}
