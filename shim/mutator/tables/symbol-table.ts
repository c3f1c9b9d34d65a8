/**
 * The table by which handlers name addresses (SYMBOLS in wasm-runtime/layout/modules.ts): functions and
 * data objects of one module, from .symtab, else from what its debug file says, else from .dynsym.
 *
 * Every address belongs to the symbol that begins last before it and reaches to it; a symbol whose
 * size is not known reaches to the next one. Names are demangled and without version.
 * Source: gABI ch. 4 "Symbol Table".
 */
import {
  type ElfImage,
  findSection,
  SECTION,
  sectionBytes,
  viewOf,
  word,
} from "../../../base/elf/image.js";
import { SYMBOL, SYMBOLS } from "../../../wasm-runtime/layout/modules.js";
import type { DebugSymbol } from "./debug-source.js";
import { demangleNames } from "./demangle.js";

/** A symbol that has an address. */
interface Symbol {
  readonly address: number;
  readonly size: number;
  /** Which one of several at an address is taken: the lowest. */
  readonly rank: number;
  /** Bytes with its name at `nameAt`, up to a NUL. */
  readonly names: Uint8Array;
  readonly nameAt: number;
}

const SYMBOL_BYTES = 24;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const AT = 0x40;
const UNDERSCORE = 0x5f;

/**
 * Table of `image`, whose loaded segments begin at `low` (ELF address), with the symbols `more` that
 * its debug file has; null if it has no symbols.
 */
export function buildSymbolTable(
  image: ElfImage,
  low: number,
  more: () => readonly DebugSymbol[],
): Uint8Array | null {
  const symbols = distinct(readSymbols(image, more));
  return symbols.length === 0 ? null : encode(symbols, rowsOf(symbols), low);
}

function readSymbols(image: ElfImage, more: () => readonly DebugSymbol[]): Symbol[] {
  if (findSection(image, ".symtab") !== null) return readSection(image, SECTION.symbols);
  const own = readSection(image, SECTION.dynamicSymbols);
  return [...own, ...more().map(fromDebug)];
}

function readSection(image: ElfImage, type: number): Symbol[] {
  const section = image.sections.find((each) => each.type === type);
  const strings = section === undefined ? undefined : image.sections[section.link];
  if (section === undefined || strings === undefined) return [];
  const names = sectionBytes(image, strings);
  const view = viewOf(sectionBytes(image, section));
  const symbols: Symbol[] = [];
  for (let at = SYMBOL_BYTES; at + SYMBOL_BYTES <= view.byteLength; at += SYMBOL_BYTES) {
    const info = view.getUint8(at + 4);
    const index = view.getUint16(at + 6, true);
    const nameAt = view.getUint32(at, true);
    if (!isNamed(info & 15) || index === SHN_UNDEF || index === SHN_ABS) continue;
    const size = word(view, at + 16);
    const rank = rankOf(size, info >> 4, names, nameAt);
    symbols.push({ address: word(view, at + 8), size, rank, names, nameAt });
  }
  return symbols;
}

function isNamed(type: number): boolean {
  return type === STT_FUNC || type === STT_OBJECT || type === STT_GNU_IFUNC;
}

function fromDebug({ name, address, size, binding }: DebugSymbol): Symbol {
  const names = Buffer.from(`${name}\0`);
  return { address, size, rank: rankOf(size, binding, names, 0), names, nameAt: 0 };
}

const STB_LOCAL = 0;
const STB_GLOBAL = 1;

/** Sized before unsized, then global, weak, local, then as few leading underscores as can be. */
function rankOf(size: number, binding: number, names: Uint8Array, nameAt: number): number {
  let underscores = 0;
  while (underscores < 3 && names[nameAt + underscores] === UNDERSCORE) underscores++;
  const visibility = binding === STB_GLOBAL ? 0 : binding === STB_LOCAL ? 2 : 1;
  return (size === 0 ? 16 : 0) + 4 * visibility + underscores;
}

/** By ascending address, one for each. */
function distinct(symbols: readonly Symbol[]): Symbol[] {
  const sorted = symbols.toSorted((a, b) => a.address - b.address || a.rank - b.rank);
  return sorted.filter((symbol, index) => symbol.address !== sorted[index - 1]?.address);
}

/** From `address` on everything belongs to `symbol`, or to none. */
interface Row {
  readonly address: number;
  readonly symbol: Symbol | null;
}

function rowsOf(symbols: readonly Symbol[]): Row[] {
  const rows: Row[] = [];
  const open: { readonly symbol: Symbol; readonly end: number }[] = [];
  const add = (address: number, symbol: Symbol | null): void => {
    if (rows.at(-1)?.address === address) rows.pop();
    if (rows.at(-1)?.symbol !== symbol) rows.push({ address, symbol });
  };
  const close = (limit: number): void => {
    for (let last = open.at(-1); last !== undefined && last.end <= limit; last = open.at(-1)) {
      open.pop();
      while ((open.at(-1)?.end ?? Number.POSITIVE_INFINITY) <= last.end) open.pop();
      add(last.end, open.at(-1)?.symbol ?? null);
    }
  };
  for (const [index, symbol] of symbols.entries()) {
    close(symbol.address);
    add(symbol.address, symbol);
    open.push({ symbol, end: symbol.address + sizeOf(symbols, index) });
  }
  close(Number.POSITIVE_INFINITY);
  return rows;
}

/** Bytes of symbol `index`; up to the next one if they are not known. */
function sizeOf(symbols: readonly Symbol[], index: number): number {
  const { size, address } = symbols[index] ?? { size: 0, address: 0 };
  return size === 0 ? (symbols[index + 1]?.address ?? address + 1) - address : size;
}

function encode(symbols: readonly Symbol[], rows: readonly Row[], low: number): Uint8Array {
  const addressesAt = SYMBOLS.bytes;
  const rowsAt = addressesAt + 4 * rows.length;
  const symbolsAt = rowsAt + 4 * rows.length;
  const namesAt = symbolsAt + SYMBOL.bytes * symbols.length;
  const names = demangleNames(symbols.map(nameOf));
  const table = new Uint32Array(namesAt / 4);
  table[SYMBOLS.rowCount / 4] = rows.length;
  table[SYMBOLS.addresses / 4] = addressesAt;
  table[SYMBOLS.rows / 4] = rowsAt;
  const offsets = new Map<Symbol | null, number>([[null, 0]]);
  for (const [index, symbol] of symbols.entries()) {
    const at = symbolsAt + SYMBOL.bytes * index;
    offsets.set(symbol, at);
    table[(at + SYMBOL.address) / 4] = symbol.address - low;
    table[(at + SYMBOL.size) / 4] = sizeOf(symbols, index);
    table[(at + SYMBOL.name) / 4] = namesAt + (names.starts[index] ?? 0);
  }
  for (const [index, { address, symbol }] of rows.entries()) {
    table[addressesAt / 4 + index] = address - low;
    table[rowsAt / 4 + index] = offsets.get(symbol) ?? 0;
  }
  return Buffer.concat([new Uint8Array(table.buffer), names.text]);
}

/** The name without its version. */
function nameOf({ names, nameAt }: Symbol): Uint8Array {
  let end = names.indexOf(0, nameAt);
  if (end < 0) end = names.length;
  const version = names.indexOf(AT, nameAt + 1);
  return names.subarray(nameAt, version > 0 && version < end ? version : end);
}
