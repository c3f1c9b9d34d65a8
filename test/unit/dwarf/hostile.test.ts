/** Files that were made or damaged to mislead the reader: an error or less information, no crash. */
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findSection, parseElf } from "../../../base/elf/image.js";
import { TargetError } from "../../../base/target-error.js";
import { type DebugInfo, openDebugInfo } from "../../../compiler/dwarf/debug-info.js";
import type { LocationEntry } from "../../../compiler/dwarf/locations.js";
import { compileInto, emptyDirectory, missingTool, runTool } from "../../support/dwarf-programs.js";

const s = suite("dwarf/hostile");
const missing = missingTool(["gcc", "g++"]);
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const test = missing === null ? s : s.skip;

function shapes(name: string): string {
  const directory = emptyDirectory(join("hostile", name));
  return compileInto(directory, "shapes", { source: "shapes.cc", compiler: "g++", flags: ["-g"] });
}

function opened(path: string): DebugInfo {
  const info = openDebugInfo(path);
  assert.ok(info);
  return info as DebugInfo;
}

function isTargetError(error: unknown): boolean {
  return error instanceof TargetError;
}

test("references that go round in circles come to an end", () => {
  const directory = emptyDirectory("hostile/cycle");
  const info = opened(
    compileInto(directory, "cycle", { source: "cycle.s", compiler: "gcc", flags: [] }),
  );
  const [unit] = info.units();
  assert.ok(unit);
  const [one, two, type] = unit === undefined ? [] : info.children(unit.die.id);
  assert.ok(one && two && type);
  if (!one || !two || !type) return;
  assert.is(info.text(one, "name"), null);
  assert.is(info.reference(one, "abstract_origin")?.id, two.id);
  assert.is(info.reference(two, "abstract_origin")?.id, one.id);
  assert.is(info.reference(type, "type")?.id, type.id);
  assert.equal(
    info.functions(() => true),
    [],
  );
  assert.is(info.qualifiedName(one), "");
  assert.is(info.unitAt(unit?.ranges[0]?.begin ?? 0)?.name, "cycle.s");
});

test("a file that is cut off before its section headers has no DWARF", () => {
  const path = shapes("cut");
  truncateSync(path, 3000);
  assert.is(openDebugInfo(path), null);
});

test("a file that is cut off within its header", () => {
  const path = shapes("header");
  truncateSync(path, 40);
  assert.throws(() => openDebugInfo(path), isTargetError);
});

test("a file that is no ELF file", () => {
  const path = shapes("text");
  writeFileSync(path, "#!/bin/sh\n");
  assert.throws(() => openDebugInfo(path), isTargetError);
});

test("abbreviations that are not there", () => {
  const path = shapes("no-abbreviations");
  const bytes = readFileSync(path);
  const section = findSection(parseElf(bytes, path), ".debug_abbrev");
  bytes.fill(0, section?.offset ?? 0, (section?.offset ?? 0) + (section?.size ?? 0));
  writeFileSync(path, bytes);
  assert.throws(() => opened(path).functions("area"), isTargetError);
});

test("a damaged file leaves another one readable", () => {
  const path = shapes("beside");
  const damaged = `${path}.damaged`;
  copyFileSync(path, damaged);
  truncateSync(damaged, 40);
  assert.throws(() => openDebugInfo(damaged), isTargetError);
  assert.is(opened(path).functions("area").length, 1);
});

test("of a list with an unknown operation the entries before it are known", () => {
  const directory = emptyDirectory("hostile/unknown");
  const flags = ["-O2", "-gdwarf-4", "-S"];
  const text = compileInto(directory, "values.s", { source: "values.c", compiler: "gcc", flags });
  // DW_OP_GNU_entry_value, where a register does not hold the parameter any more.
  const known = readFileSync(text, "utf8");
  const build = (name: string, assembly: string): DebugInfo => {
    const [source, program] = [join(directory, `${name}.s`), join(directory, name)];
    writeFileSync(source, assembly);
    runTool("gcc", ["-c", "-o", program, source], directory);
    return opened(program);
  };
  const locations = (info: DebugInfo): readonly (readonly LocationEntry[])[] =>
    info
      .functions("change")
      .flatMap(({ die }) => info.children(die.id))
      .filter(({ tag }) => tag === "formal_parameter")
      .map((die) => info.locations(die.id, "location"));
  const all = locations(build("whole", known));
  const isKnown = ({ operations }: LocationEntry): boolean =>
    !operations.some(({ atom }) => atom === "entry_value");
  assert.ok(all.some((entries) => isKnown(entries[0] as LocationEntry) && !entries.every(isKnown)));
  const part = locations(build("part", known.replaceAll(".byte\t0xf3", ".byte\t0xef")));
  assert.equal(
    part.map((entries) => entries.length),
    all.map((entries) => entries.filter(isKnown).length),
  );
});

s.run();
