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
import { FRAME_COLUMNS, type FrameRow, RULE, runFrameEntries } from "../../../base/elf/cfi-rows.js";
import { type ElfImage, isExecutableAddress } from "../../../base/elf/image.js";
import { UNWIND, UNWIND_FLAG, UNWIND_RULE } from "../../../wasm-runtime/layout/modules.js";

/** Table of `image`, whose loaded segments begin at `low` (ELF address); null if it says nothing. */
export function buildUnwindTable(image: ElfImage, low: number): Uint8Array | null {
  const runs = coveringRuns(image);
  if (runs.length === 0) return null;
  const rules = createRules();
  const rows = createRows(low);
  for (const { section, entries } of runs) {
    runFrameEntries(section, entries, {
      row: (address, row, entry) => {
        rows.add(address, rules.offsetOf(row, entry.common.isSignal), entry);
      },
      expression: rules.expression,
    });
  }
  rows.end();
  return encode(rows, rules);
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
interface Rows {
  readonly addresses: number[];
  readonly rules: number[];
  add(address: number, rule: number, entry: FrameEntry): void;
  end(): void;
}

/** Collects rows; addresses are made relative to `low`. */
function createRows(low: number): Rows {
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

/** Rules and expressions as words, each kept once. */
interface Rules {
  readonly words: number[];
  /** Offset in the table of the rules of `row`. */
  offsetOf(row: FrameRow, isSignal: boolean): number;
  /** Offset in the table of an expression. */
  expression(bytes: Uint8Array): number;
}

function createRules(): Rules {
  const words: number[] = [];
  const known = new Map<number, number[]>();
  const expressions = new Map<string, number>();
  const scratch: number[] = [];
  const offsetOf: Rules["offsetOf"] = (row, isSignal) => {
    const hash = encodeRule(row, isSignal, scratch);
    const same = known.get(hash) ?? [];
    const found = same.find((at) => scratch.every((word, i) => words[at + i] === word));
    if (found !== undefined) return UNWIND.bytes + 4 * found;
    known.set(hash, [...same, words.length]);
    words.push(...scratch);
    return UNWIND.bytes + 4 * (words.length - scratch.length);
  };
  const expression: Rules["expression"] = (bytes) => {
    const key = Buffer.from(bytes).toString("latin1");
    const found = expressions.get(key) ?? UNWIND.bytes + 4 * words.length;
    if (found !== UNWIND.bytes + 4 * words.length) return found;
    expressions.set(key, found);
    const padded = new Uint8Array(4 * Math.ceil(bytes.length / 4));
    padded.set(bytes);
    words.push(bytes.length, ...new Uint32Array(padded.buffer));
    return found;
  };
  return { words, offsetOf, expression };
}

/** Writes the words of UNWIND_RULE to `out`; gives a hash of them. */
function encodeRule(row: FrameRow, isSignal: boolean, out: number[]): number {
  out.length = 2;
  out[1] = row.cfaValue >>> 0;
  let hash = Math.imul(row.cfaValue, HASH_MULTIPLIER);
  for (let column = 0; column < FRAME_COLUMNS; column++) {
    const kind = row.kinds[column] ?? RULE.same;
    if (kind === RULE.same) continue;
    const head = column | (kind << 8);
    const value = row.values[column] ?? 0;
    out.push(head, value >>> 0);
    hash = Math.imul((hash ^ head) + value, HASH_MULTIPLIER);
    hash ^= hash >>> 15;
  }
  const count = (out.length - UNWIND_RULE.columns / 4) / 2;
  const flags = isSignal ? UNWIND_FLAG.signal : 0;
  out[0] = (row.cfaKind | (row.cfaRegister << 8) | (count << 16) | (flags << 24)) >>> 0;
  return Math.imul(hash ^ out[0], HASH_MULTIPLIER);
}

/** Knuth vol. 3 §6.4 */
const HASH_MULTIPLIER = 0x9e3779b1;

function encode({ addresses, rules }: Rows, { words }: Rules): Uint8Array {
  const pages = pageIndex(addresses);
  const pagesAt = UNWIND.bytes + 4 * words.length;
  const addressesAt = pagesAt + 4 * pages.length;
  const rulesAt = addressesAt + 4 * addresses.length;
  const table = new Uint32Array((rulesAt + 4 * rules.length) / 4);
  table[UNWIND.rowCount / 4] = addresses.length;
  table[UNWIND.pageCount / 4] = pages.length;
  table[UNWIND.pages / 4] = pagesAt;
  table[UNWIND.addresses / 4] = addressesAt;
  table[UNWIND.rules / 4] = rulesAt;
  table.set(words, UNWIND.bytes / 4);
  table.set(pages, pagesAt / 4);
  table.set(addresses, addressesAt / 4);
  table.set(rules, rulesAt / 4);
  return new Uint8Array(table.buffer);
}

/** For each page up to the one behind the last row: the last row that begins at or before it. */
function pageIndex(addresses: readonly number[]): number[] {
  const pageBytes = 2 ** UNWIND.pageShift;
  const pages: number[] = [];
  for (const [row, address] of addresses.entries()) {
    while (pages.length * pageBytes < address) pages.push(Math.max(row - 1, 0));
  }
  pages.push(addresses.length - 1);
  return pages;
}
