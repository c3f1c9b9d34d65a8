/**
 * The rules of tables for unwinding (UNWIND_RULE, UNWIND_STATES in wasm-runtime/layout/modules.ts),
 * each kept once, and how a table is put together of rows and rules.
 */
import { FRAME_COLUMNS, type FrameRow, RULE } from "../../../base/elf/cfi-rows.js";
import { UNWIND, UNWIND_FLAG, UNWIND_RULE } from "../../../wasm-runtime/layout/modules.js";

/** Rules and expressions as words, each kept once. */
export interface Rules {
  readonly words: number[];
  /** Offset in the table of the rules of `row`. */
  offsetOf(row: FrameRow, isSignal: boolean): number;
  /** Offset in the table of an expression. */
  expression(bytes: Uint8Array): number;
  /** Offset in the table of UNWIND_STATES, which are kept as they are. */
  states(words: readonly number[]): number;
}

/** No rules yet. */
export function createRules(): Rules {
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
  const states: Rules["states"] = (made) => {
    words.push(...made);
    return UNWIND.bytes + 4 * (words.length - made.length);
  };
  return { words, offsetOf, expression, states };
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

/** Rows by ascending address. */
interface UnwindRows {
  /** Relative to the start of the module. */
  readonly addresses: readonly number[];
  /** Offsets in the table, of rules or of states. */
  readonly rules: readonly number[];
  /** UNWIND.originals: relative to the start of the module. */
  readonly originals?: readonly number[];
}

/** The table of `rows`, whose rules are among `rules`. */
export function encodeUnwindTable(rows: UnwindRows, { words }: Rules): Uint8Array {
  const { addresses, originals = [] } = rows;
  const pages = pageIndex(addresses);
  const lists = [words, pages, addresses, rows.rules, originals];
  const sizes = lists.map((list) => 4 * list.length);
  const at = (list: number): number => sizes.slice(0, list).reduce((a, b) => a + b, UNWIND.bytes);
  const table = new Uint32Array(at(lists.length) / 4);
  table[UNWIND.rowCount / 4] = addresses.length;
  table[UNWIND.pageCount / 4] = pages.length;
  table[UNWIND.pages / 4] = at(1);
  table[UNWIND.addresses / 4] = at(2);
  table[UNWIND.rules / 4] = at(3);
  table[UNWIND.originals / 4] = originals.length === 0 ? 0 : at(4);
  for (const [index, list] of lists.entries()) table.set(list, at(index) / 4);
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
