/**
 * The dynamic section of an ELF file: needed libraries and search paths (gABI ch. 5), flags
 * (elf.h).
 */
import { cString, type ElfImage, findSection, sectionBytes, viewOf, word } from "./image.js";

/** What the dynamic loader is told. */
export interface ElfDynamic {
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_SONAME or null. */
  readonly soname: string | null;
  /** DT_RUNPATH or DT_RPATH, split at `:`. */
  readonly searchPath: readonly string[];
  /** DF_1_PIE: a program, though it can be loaded anywhere. */
  readonly isProgram: boolean;
  /** DT_TEXTREL, DF_TEXTREL: relocations change code. */
  readonly relocatesCode: boolean;
}

const ENTRY_BYTES = 16;
const TAG = {
  needed: 1,
  soname: 14,
  rpath: 15,
  textrel: 22,
  runpath: 29,
  flags: 30,
  flags1: 0x6ffffffb,
} as const;
const DF_1_PIE = 0x0800_0000;
const DF_TEXTREL = 4;

/** Reads .dynamic; everything is empty for a static file. */
export function readDynamic(image: ElfImage): ElfDynamic {
  const section = findSection(image, ".dynamic");
  const strings = section ? image.sections[section.link] : undefined;
  const needed: string[] = [];
  let soname: string | null = null;
  let searchPath: string[] = [];
  let isProgram = false;
  let relocatesCode = false;
  const result = (): ElfDynamic => ({ needed, soname, searchPath, isProgram, relocatesCode });
  if (!section || !strings) return result();
  const names = sectionBytes(image, strings);
  const view = viewOf(sectionBytes(image, section));
  for (let at = 0; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES) {
    const tag = word(view, at);
    const text = (): string => cString(names, word(view, at + 8));
    if (tag === TAG.needed) needed.push(text());
    else if (tag === TAG.soname) soname = text();
    else if (tag === TAG.rpath || tag === TAG.runpath) searchPath = text().split(":");
    else if (tag === TAG.textrel) relocatesCode = true;
    else if (tag === TAG.flags) relocatesCode ||= (word(view, at + 8) & DF_TEXTREL) !== 0;
    else if (tag === TAG.flags1) isProgram = (word(view, at + 8) & DF_1_PIE) !== 0;
  }
  return result();
}
