/**
 * Where the functions of a file have a frame, by its call frame information: at their first
 * instruction and behind their epilogue the canonical frame address is rsp + 8 (DWARF 5 §6.4,
 * SysV AMD64 ABI §3.2.2).
 */
import {
  type FrameEntry,
  type FrameSection,
  frameSections,
  readFrameEntries,
} from "../../base/elf/cfi.js";
import { RULE, runFrameEntries } from "../../base/elf/cfi-rows.js";
import type { ElfImage } from "../../base/elf/image.js";
import { once } from "../../base/remember.js";
import { firstAbove } from "../../base/search.js";

/** DWARF number of rsp (SysV AMD64 ABI figure 3.36). */
const STACK_POINTER = 7;
const RETURN_ADDRESS_BYTES = 8;

/** Whether there is more than a return address on the stack at an ELF address; null if unknown. */
export type FrameFinder = (address: number) => boolean | null;

/** A finder for `image`, which is looked at when it is asked for the first time. */
export function findFrames(image: ElfImage): FrameFinder {
  const sections = once(() =>
    frameSections(image).map((section) => ({
      section,
      entries: readFrameEntries(section).toSorted((a, b) => a.start - b.start),
    })),
  );
  return (address) => {
    for (const { section, entries } of sections()) {
      const entry = entryAt(entries, address);
      if (entry !== null) return hasFrame(section, entry, address);
    }
    return null;
  };
}

function entryAt(entries: readonly FrameEntry[], address: number): FrameEntry | null {
  const after = firstAbove(entries.length, (i) => entries[i]?.start ?? 0, address);
  const entry = entries[after - 1];
  return entry !== undefined && address < entry.end ? entry : null;
}

function hasFrame(section: FrameSection, entry: FrameEntry, address: number): boolean {
  let found = false;
  runFrameEntries(section, [entry], {
    row: (from, { cfaKind, cfaRegister, cfaValue }) => {
      const isBare = cfaRegister === STACK_POINTER && cfaValue === RETURN_ADDRESS_BYTES;
      if (from <= address) found = cfaKind !== RULE.value || !isBare;
    },
    expression: () => 0,
  });
  return found;
}
