/** Headers, symbols and marks of the fixture, and of files that are none. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readDynamic } from "../../../base/elf/dynamic.js";
import {
  FILE_TYPE,
  fileOffset,
  findSection,
  isExecutableAddress,
  MACHINE_X86_64,
  parseElf,
  readNotes,
  SEGMENT,
} from "../../../base/elf/image.js";
import { readSdtNotes } from "../../../base/elf/notes.js";
import {
  addressesNamed,
  type ElfSymbol,
  findSymbolAddress,
  readFunctionSymbols,
} from "../../../base/elf/symbols.js";
import { TargetError } from "../../../base/target-error.js";
import { buildFixture } from "./fixture.js";

const s = suite("elf/image");
const path = buildFixture();
const test = path === null ? s.skip : s;
const image = path === null ? null : parseElf(readFileSync(path), path);

function fixture(): NonNullable<typeof image> {
  assert.ok(image);
  return image;
}

function symbol(name: string): ElfSymbol {
  const found = readFunctionSymbols(fixture()).find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

test("states type, machine, entry and build-id", () => {
  const { type, machine, buildId, entry } = fixture();
  assert.is(type, FILE_TYPE.shared);
  assert.is(machine, MACHINE_X86_64);
  assert.is(buildId, "c0ffee");
  assert.ok(isExecutableAddress(fixture(), entry));
});

test("maps addresses to file offsets", () => {
  const text = findSection(fixture(), ".text");
  assert.ok(text);
  assert.is(fileOffset(fixture(), text.address), text.offset);
  assert.is(fileOffset(fixture(), 2 ** 40), null);
  assert.ok(fixture().segments.some((segment) => segment.type === SEGMENT.interpreter));
});

test("a note longer than its section is none", () => {
  const sizes = Uint32Array.of(0xffffffff, 0xffffffff, 3, 0);
  assert.equal(readNotes(new Uint8Array(sizes.buffer)), []);
});

test("reads functions with size, binding and visibility", () => {
  const work = symbol("work");
  assert.is(work.kind, "function");
  assert.is(work.binding, "global");
  assert.ok(work.size > 0);
  assert.ok(work.exported);
  assert.is(symbol("hidden_work").binding, "local");
  assert.not.ok(symbol("hidden_work").exported);
  assert.is(symbol("work_alias").address, work.address);
});

test("flags indirect functions and leaves out undefined ones", () => {
  assert.is(symbol("chosen").kind, "ifunc");
  const names = readFunctionSymbols(fixture()).map((each) => each.name);
  assert.not.ok(names.includes("__libc_start_main"));
  assert.is(new Set(names).size, names.length);
});

test("finds addresses by a part of the name", () => {
  assert.equal(addressesNamed(fixture(), "den_wor"), new Set([symbol("hidden_work").address]));
  const all = readFunctionSymbols(fixture()).filter(({ name }) => name.includes("work"));
  const found = addressesNamed(fixture(), "work");
  for (const { address, name } of all) assert.ok(found.has(address), name);
  assert.is(addressesNamed(fixture(), "no such symbol").size, 0);
});

test("finds data symbols", () => {
  assert.ok(findSymbolAddress(fixture(), "table"));
  assert.is(findSymbolAddress(fixture(), "no such symbol"), null);
});

test("reads marks with their semaphores and arguments", () => {
  const marks = readSdtNotes(fixture());
  assert.equal(marks.map((mark) => `${mark.provider}:${mark.name} ${mark.args}`).sort(), [
    "other:sale__start ",
    "shop:sale__end 8@%rax 8@-8(%rsp,%rdi,8)",
    "shop:sale__start -4@%edi 8@$-7 2@table+8(%rip)",
  ]);
  const start = marks.find((mark) => mark.name === "sale__start" && mark.provider === "shop");
  assert.ok(start);
  assert.is(start.semaphore, findSymbolAddress(fixture(), "wt_semaphore"));
  const owner = symbol("hidden_work");
  assert.ok(start.address >= owner.address && start.address < owner.address + owner.size);
});

test("moves marks with .stapsdt.base, as prelink leaves it", () => {
  const base = findSection(fixture(), ".stapsdt.base");
  assert.ok(base);
  const sections = fixture().sections.map((section) =>
    section === base ? { ...section, address: section.address + 0x1000 } : section,
  );
  const before = readSdtNotes(fixture());
  const after = readSdtNotes({ ...fixture(), sections });
  assert.equal(
    after.map((mark) => mark.address),
    before.map((mark) => mark.address + 0x1000),
  );
  assert.equal(
    after.map((mark) => mark.semaphore),
    before.map((mark) => (mark.semaphore === 0 ? 0 : mark.semaphore + 0x1000)),
  );
});

test("lists needed libraries", () => {
  assert.ok(readDynamic(fixture()).needed.includes("libc.so.6"));
});

test("reads what it can of a file that is cut off", () => {
  const cut = parseElf(fixture().bytes.subarray(0, 4096), "cut");
  assert.equal(readFunctionSymbols(cut), []);
  assert.equal(readSdtNotes(cut), []);
});

s("refuses what is not a 64-bit ELF file", () => {
  const header = new Uint8Array(64);
  const refuse = (expected: RegExp): void =>
    assert.throws(
      () => parseElf(header, "f"),
      (error: unknown) => error instanceof TargetError && expected.test(error.message),
    );
  refuse(/^'f' is not an ELF file$/);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1]);
  refuse(/32-bit/);
  header.set([2, 2], 4);
  refuse(/little-endian/);
});

s.run();
