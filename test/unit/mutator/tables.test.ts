/** Tables of modules: symbols against nm, lines by address, what is made once. */
import { existsSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ElfImage, parseElf, SEGMENT, viewOf } from "../../../base/elf/image.js";
import { buildLineTable } from "../../../shim/mutator/tables/line-table.js";
import { buildSymbolTable } from "../../../shim/mutator/tables/symbol-table.js";
import { buildUnwindTable } from "../../../shim/mutator/tables/unwind-table.js";
import { LINE, LINES, SYMBOL, SYMBOLS, UNWIND } from "../../../wasm-runtime/layout/modules.js";

const s = suite("mutator/tables");

/** What a symbol table says of `address`: name, offset, size; null for nothing. */
function lookUp(table: Uint8Array, address: number): [string, number, number] | null {
  const view = viewOf(table);
  const row = lastRow(view, address);
  const at = row < 0 ? 0 : view.getUint32(view.getUint32(SYMBOLS.rows, true) + 4 * row, true);
  if (at === 0) return null;
  const offset = address - view.getUint32(at + SYMBOL.address, true);
  const name = textAt(table, view.getUint32(at + SYMBOL.name, true));
  return [name, offset, view.getUint32(at + SYMBOL.size, true)];
}

function lastRow(view: DataView, address: number): number {
  const count = view.getUint32(SYMBOLS.rowCount, true);
  const addresses = view.getUint32(SYMBOLS.addresses, true);
  let row = -1;
  while (row + 1 < count && view.getUint32(addresses + 4 * (row + 1), true) <= address) row++;
  return row;
}

function textAt(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString();
}

/** An image whose code is [0x1000, 0x9000), without symbols of its own. */
const bare: ElfImage = {
  name: "bare",
  bytes: new Uint8Array(),
  type: 3,
  machine: 62,
  entry: 0,
  segments: [
    {
      type: SEGMENT.load,
      flags: 5,
      offset: 0,
      address: 0x1000,
      fileSize: 0x8000,
      memorySize: 0x8000,
      alignment: 4096,
    },
  ],
  sections: [],
  buildId: null,
};

const symbol = (name: string, address: number, size: number, binding = 1) => ({
  name,
  address,
  size,
  binding,
});

s("an address belongs to the innermost symbol that reaches to it", () => {
  const table = buildSymbolTable(bare, 0x1000, () => [
    symbol("outer", 0x2000, 0x100),
    symbol("inner", 0x2040, 0x10, 0),
    symbol("__alias", 0x2000, 0x100),
    symbol("weak", 0x2000, 0x100, 2),
    symbol("sizeless", 0x3000, 0),
    symbol("last@@V1", 0x3100, 8),
    symbol("_ZN3geo4areaEi", 0x3200, 8),
  ]);
  assert.ok(table !== null);
  const at = (address: number) => lookUp(table ?? new Uint8Array(), address - 0x1000);
  assert.is(at(0x1fff), null);
  assert.equal(at(0x2000), ["outer", 0, 0x100]);
  assert.equal(at(0x2044), ["inner", 4, 0x10]);
  assert.equal(at(0x2050), ["outer", 0x50, 0x100]);
  assert.is(at(0x2100), null);
  assert.equal(at(0x30ff), ["sizeless", 0xff, 0x100]);
  assert.equal(at(0x3107), ["last", 7, 8]);
  assert.is(at(0x3108), null);
  assert.equal(at(0x3204), ["geo::area(int)", 4, 8]);
});

s("a file without symbols has no table", () => {
  assert.is(
    buildSymbolTable(bare, 0x1000, () => []),
    null,
  );
  assert.is(buildLineTable(bare, 0x1000, []), null);
  assert.is(buildUnwindTable(bare, 0x1000), null);
});

s("lines by address, without what the linker left out", () => {
  const row = (address: number, line: number, isEndSequence = false, file = "a.c") => ({
    address,
    file,
    line,
    isEndSequence,
  });
  const rows = [row(0, 7), row(0x10, 8), row(0x2000, 1), row(0x2004, 1), row(0x2008, 2)];
  const more = [row(0x2010, 2, true), row(0x2010, 9, false, "b.c"), row(0x2020, 9, true, "b.c")];
  const table = buildLineTable(bare, 0x1000, [...rows, ...more]);
  assert.ok(table !== null);
  const view = viewOf(table ?? new Uint8Array());
  const found = Array.from({ length: view.getUint32(LINES.rowCount, true) }, (_, index) => {
    const address = view.getUint32(view.getUint32(LINES.addresses, true) + 4 * index, true);
    const at = view.getUint32(LINES.rows, true) + LINE.bytes * index;
    const file = view.getUint32(at + LINE.file, true);
    const line = view.getUint32(at + LINE.line, true);
    return `${(address + 0x1000).toString(16)} ${file === 0 ? "end" : `${textAt(table ?? new Uint8Array(), file)}:${line}`}`;
  });
  assert.equal(found, ["2000 a.c:1", "2008 a.c:2", "2010 b.c:9", "2020 end"]);
});

s("rules of a library: ascending rows, found by page", () => {
  const path = "/lib/x86_64-linux-gnu/libc.so.6";
  if (!existsSync(path)) return;
  const table = buildUnwindTable(parseElf(readFileSync(path), path), 0);
  assert.ok(table !== null);
  const words = new Uint32Array((table ?? new Uint8Array(UNWIND.bytes)).buffer);
  const list = (field: number, count: number): Uint32Array => {
    const at = (words[field / 4] ?? 0) / 4;
    return words.subarray(at, at + count);
  };
  const count = words[UNWIND.rowCount / 4] ?? 0;
  const addresses = list(UNWIND.addresses, count);
  const rules = list(UNWIND.rules, count);
  assert.ok(count > 10_000);
  assert.ok(addresses.every((address, row) => row === 0 || address > (addresses[row - 1] ?? 0)));
  assert.ok(rules.every((rule) => rule === 0 || (rule >= UNWIND.bytes && rule % 4 === 0)));
  const pages = list(UNWIND.pages, words[UNWIND.pageCount / 4] ?? 0);
  for (const [page, row] of pages.slice(0, -1).entries()) {
    const start = page << UNWIND.pageShift;
    assert.ok(row === 0 || (addresses[row] ?? 0) <= start, `page ${page}`);
    assert.ok((addresses[row + 1] ?? start + 1) > start, `page ${page}`);
  }
});

s.run();
