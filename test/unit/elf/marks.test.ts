/** Marks of every version, and sections of marks that are damaged. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type ElfImage,
  findSection,
  isExecutableAddress,
  isWritableAddress,
  parseElf,
} from "../../../base/elf/image.js";
import { readMarks } from "../../../base/elf/marks.js";
import { findSymbolAddress } from "../../../base/elf/symbols.js";
import { seededRandom } from "../../support/random.js";
import { buildProgram, hasProgram } from "../../support/tools.js";

const s = suite("elf/marks");
const missing = hasProgram("gcc") ? null : "no C compiler (gcc)";
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const test = missing === null ? s : s.skip;

const NAMES = ["sold", "counted", "constant__", "sold_to", "guarded"];
/** Words of records that need relocations, kept in place, or none. */
const LAYOUTS = [["-pie", "-fPIE"], ["-Wl,-z,pack-relative-relocs"], ["-no-pie", "-fno-pie"]];

function open(version: number, layout: readonly string[]): ElfImage {
  const path = buildProgram("old-marks", ["-w", `-DVERSION=${version}`, ...layout]);
  return parseElf(readFileSync(path), path);
}

for (const layout of LAYOUTS) {
  test(`records of version 1: ${layout.join(" ")}`, () => {
    const image = open(1, layout);
    const marks = readMarks(image);
    assert.equal(marks.map(({ name }) => name).sort(), [...NAMES].sort());
    assert.ok(marks.every(({ provider, args }) => provider === "" && args === null));
    assertPlaces(image, "guarded_semaphore");
  });
  test(`records of version 2: ${layout.join(" ")}`, () => {
    const image = open(2, layout);
    const marks = readMarks(image);
    assert.equal(marks.map(({ name }) => name).sort(), [...NAMES].sort());
    assert.ok(marks.every(({ provider }) => provider === "shop"));
    assert.match(marks.find(({ name }) => name === "constant__")?.args ?? "", /^\$77 \S+$/);
    assertPlaces(image, "shop_guarded_semaphore");
  });
}

/** Each mark is a nop, and that of `semaphore` has it. */
function assertPlaces(image: ElfImage, semaphore: string): void {
  const text = findSection(image, ".text");
  assert.ok(text);
  for (const { name, address, semaphore: found } of readMarks(image)) {
    assert.is(image.bytes[address - text.address + text.offset], 0x90, name);
    assert.is(found, name === "guarded" ? findSymbolAddress(image, semaphore) : 0, name);
  }
}

test("damaged records are no marks", () => {
  const random = seededRandom(20110101);
  const next = (below: number): number => Math.floor(random() * below);
  for (const version of [1, 2]) {
    const image = open(version, ["-pie", "-fPIE"]);
    const areas = [".probes", ".rela.dyn"].flatMap((name) => findSection(image, name) ?? []);
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from(image.bytes);
      for (let change = 0; change < 4; change++) {
        const area = areas[next(areas.length)];
        assert.ok(area);
        bytes[area.offset + next(area.size)] = next(256);
      }
      const damaged = { ...image, bytes };
      for (const { name, address, semaphore } of readMarks(damaged)) {
        assert.ok(name !== "" && isExecutableAddress(damaged, address));
        assert.ok(semaphore === 0 || isWritableAddress(damaged, semaphore));
      }
    }
  }
});

test("a mark whose semaphore is code is none", () => {
  const image = open(2, ["-no-pie", "-fno-pie"]);
  const bytes = Buffer.from(image.bytes);
  const word = Buffer.alloc(8);
  word.writeBigUInt64LE(BigInt(findSymbolAddress(image, "shop_guarded_semaphore") ?? 0));
  const at = bytes.indexOf(word, findSection(image, ".probes")?.offset);
  bytes.writeBigUInt64LE(BigInt(image.entry), at);
  const names = readMarks({ ...image, bytes }).map(({ name }) => name);
  assert.equal(names.sort(), NAMES.filter((name) => name !== "guarded").sort());
});

test("sections that are cut off hold no marks behind their ends", () => {
  const image = open(2, ["-no-pie", "-fno-pie"]);
  const probes = findSection(image, ".probes");
  assert.ok(probes);
  for (let size = 0; size <= probes.size; size++) {
    const sections = image.sections.map((each) => (each === probes ? { ...each, size } : each));
    assert.ok(readMarks({ ...image, sections }).length <= size / 48);
  }
  assert.equal(readMarks({ ...image, bytes: image.bytes.subarray(0, probes.offset) }), []);
});

s.run();
