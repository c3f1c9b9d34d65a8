/**
 * What the dynamic loader writes into the words of an image: relocations with addends of type
 * R_X86_64_RELATIVE, and R_X86_64_64 against the image's own symbols (SysV AMD64 ABI §4.4.1). In
 * the file such words may be zero; compact relocations (SHT_RELR) keep their addends in the words.
 */
import { type ElfImage, findSection, SECTION, sectionBytes, viewOf, word } from "./image.js";

/** Words from `begin` to `end` that are relocated: ELF address → value as an ELF address. */
export function relocatedWords(
  image: ElfImage,
  begin: number,
  end: number,
): ReadonlyMap<number, number> {
  const words = new Map<number, number>();
  const section = findSection(image, ".rela.dyn");
  if (section === null) return words;
  const symbolValue = symbolValues(image, section.link);
  const view = viewOf(sectionBytes(image, section));
  for (let at = 0; at + RELA_BYTES <= view.byteLength; at += RELA_BYTES) {
    const address = word(view, at);
    if (address < begin || address >= end) continue;
    const type = view.getUint32(at + 8, true);
    const addend = Number(view.getBigInt64(at + 16, true));
    if (type === RELATIVE) words.set(address, addend);
    if (type !== ABSOLUTE_64) continue;
    const value = symbolValue(view.getUint32(at + 12, true));
    if (value !== null) words.set(address, value + addend);
  }
  return words;
}

/** r_offset, r_info (type, symbol), r_addend. */
const RELA_BYTES = 24;
const ABSOLUTE_64 = 1;
const RELATIVE = 8;
const SYMBOL_BYTES = 24;

/** Addresses of symbols of the table in section `index` by their numbers; null if undefined. */
function symbolValues(image: ElfImage, index: number): (symbol: number) => number | null {
  const section = image.sections[index];
  const isTable = section?.type === SECTION.dynamicSymbols;
  const view = viewOf(isTable ? sectionBytes(image, section) : new Uint8Array());
  return (symbol) => {
    const at = symbol * SYMBOL_BYTES;
    if (at + SYMBOL_BYTES > view.byteLength || view.getUint16(at + 6, true) === 0) return null;
    return word(view, at + 8);
  };
}
