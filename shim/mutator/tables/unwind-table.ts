/**
 * The table by which the shim unwinds from the code of a module (UNWIND in wasm-runtime/layout/modules.ts):
 * the rows of all entries of .eh_frame, and of .debug_frame where that says more, with equal rules
 * kept once. Takes an ELF image, gives bytes that do not depend on where they will lie.
 */
import {
  type FrameEntry,
  type FrameSection,
  frameSections,
  readFrameEntries,
} from "../../../base/elf/cfi.js";
import { runFrameEntries } from "../../../base/elf/cfi-rows.js";
import { type ElfImage, isExecutableAddress } from "../../../base/elf/image.js";
import { createRules, encodeUnwindTable, type Rules } from "./unwind-rules.js";

/** Table of `image`, whose loaded segments begin at `low` (ELF address); null if it says nothing. */
export function buildUnwindTable(image: ElfImage, low: number): Uint8Array | null {
  const runs = coveringRuns(image);
  if (runs.length === 0) return null;
  const rules = createRules();
  const rows = createRows(low);
  for (const { section, entries } of runs) addEntries(rows, rules, section, entries);
  rows.end();
  return encodeUnwindTable(rows, rules);
}

/** Adds the rows of entries of one section. */
export function addEntries(
  rows: Rows,
  rules: Rules,
  section: FrameSection,
  entries: readonly FrameEntry[],
): void {
  runFrameEntries(section, entries, {
    row: (address, row, entry) => {
      rows.add(address, rules.offsetOf(row, entry.common.isSignal), entry);
    },
    expression: rules.expression,
  });
}

/** Entries of one section that follow each other. */
interface Run {
  readonly section: FrameSection;
  readonly entries: FrameEntry[];
}

/** Entries by ascending address that do not overlap; those of the first section are preferred. */
function coveringRuns(image: ElfImage): Run[] {
  const all = frameSections(image).flatMap((section) =>
    readFrameEntries(section)
      .filter(({ start }) => isExecutableAddress(image, start))
      .map((entry) => ({ section, entry })),
  );
  // The sort is stable, so of two entries for a function that of the first section is kept.
  all.sort((a, b) => a.entry.start - b.entry.start);
  const runs: Run[] = [];
  let covered = 0;
  for (const { section, entry } of all) {
    if (entry.start < covered) continue;
    covered = entry.end;
    const last = runs.at(-1);
    if (last?.section === section) last.entries.push(entry);
    else runs.push({ section, entries: [entry] });
  }
  return runs;
}

/** Rows of a table, with rows that say nothing where no entry covers. */
export interface Rows {
  readonly addresses: number[];
  readonly rules: number[];
  add(address: number, rule: number, entry: FrameEntry): void;
  end(): void;
}

/** Collects rows; addresses are made relative to `low`. */
export function createRows(low: number): Rows {
  const addresses: number[] = [];
  const rules: number[] = [];
  let current: FrameEntry | null = null;
  const push = (address: number, rule: number): void => {
    if (rules.at(-1) === rule) return;
    addresses.push(address - low);
    rules.push(rule);
  };
  return {
    addresses,
    rules,
    add: (address, rule, entry) => {
      if (current !== null && current !== entry && current.end < entry.start) push(current.end, 0);
      current = entry;
      push(address, rule);
    },
    end: () => {
      if (current !== null) push(current.end, 0);
    },
  };
}
