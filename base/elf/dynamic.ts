/** The dynamic section of an ELF file: needed libraries and search paths (gABI ch. 5). */
import { cString, type ElfImage, findSection, sectionBytes, viewOf, word } from "./image.js";

/** What the dynamic loader is told. */
export interface ElfDynamic {
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_SONAME or null. */
  readonly soname: string | null;
  /** DT_RUNPATH or DT_RPATH, split at `:`. */
  readonly searchPath: readonly string[];
}

const ENTRY_BYTES = 16;
const TAG = { needed: 1, soname: 14, rpath: 15, runpath: 29 } as const;

/** Reads .dynamic; everything is empty for a static file. */
export function readDynamic(image: ElfImage): ElfDynamic {
  const section = findSection(image, ".dynamic");
  const strings = section ? image.sections[section.link] : undefined;
  const needed: string[] = [];
  let soname: string | null = null;
  let searchPath: string[] = [];
  if (!section || !strings) return { needed, soname, searchPath };
  const names = sectionBytes(image, strings);
  const view = viewOf(sectionBytes(image, section));
  for (let at = 0; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES) {
    const tag = word(view, at);
    const text = (): string => cString(names, word(view, at + 8));
    if (tag === TAG.needed) needed.push(text());
    else if (tag === TAG.soname) soname = text();
    else if (tag === TAG.rpath || tag === TAG.runpath) searchPath = text().split(":");
  }
  return { needed, soname, searchPath };
}
