/** What .dwo files had is found in PROGRAM.dwp, as GNU's and LLVM's tools write it. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findSection, parseElf } from "../../../base/elf/image.js";
import { TargetError } from "../../../base/target-error.js";
import { openDebugInfo } from "../../../compiler/dwarf/debug-info.js";
import {
  addressByNm,
  compileInto,
  emptyDirectory,
  missingTool,
  runTool,
} from "../../support/dwarf-programs.js";

const s = suite("dwarf/package");

/** Compiler, version of DWARF, packager, more flags. */
const FORMS: readonly (readonly [string, number, string, string?])[] = [
  ["g++", 4, "dwp"],
  ["g++", 4, "dwp", "-fdebug-types-section"],
  ["g++", 4, "llvm-dwp"],
  ["g++", 5, "llvm-dwp"],
  ["clang++", 4, "llvm-dwp"],
  ["clang++", 5, "llvm-dwp"],
  ["clang++", 5, "llvm-dwp", "-fdebug-types-section"],
];

/** A program whose .dwo files are only in its package. */
function build([compiler, version, packager, flag]: (typeof FORMS)[number]): string {
  const name = `${compiler}${version}${packager}${flag ?? ""}`.replaceAll(/[^A-Za-z0-9]/g, "");
  const directory = emptyDirectory(join("package", name));
  const flags = ["-O2", `-gdwarf-${version}`, "-gsplit-dwarf", ...(flag ? [flag] : [])];
  compileInto(directory, "shapes.o", { source: "shapes.cc", compiler, flags: [...flags, "-c"] });
  runTool(compiler, ["shapes.o", "-o", "shapes"], directory);
  runTool(packager, ["-e", "shapes", "-o", "shapes.dwp"], directory);
  for (const file of readdirSync(directory)) {
    if (/\.(dwo|o)$/.test(file)) rmSync(join(directory, file));
  }
  return join(directory, "shapes");
}

for (const form of FORMS) {
  const missing = missingTool(["nm", form[0], form[2]]);
  if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
  const test = missing === null ? s : s.skip;

  test(`${form.join(" ")}: functions, types, locations`, () => {
    const path = build(form);
    const info = openDebugInfo(path);
    assert.ok(info);
    const area = info?.functions("area").find(({ isInlined }) => !isInlined);
    assert.ok(area);
    if (!info || !area) return;
    assert.is(area.entryPc, addressByNm(path, "shapes::area(shapes::Point const*, int)"));
    assert.is(area.qualifiedName, "shapes::area");
    assert.match(area.file ?? "", /shapes\.cc$/);
    const [point] = info.children(area.die.id);
    assert.ok(point);
    if (!point) return;
    const pointer = info.reference(point, "type");
    const constant = pointer === null ? null : info.reference(pointer, "type");
    const type = constant === null ? null : info.reference(constant, "type");
    const whole = type === null ? null : (info.reference(type, "signature") ?? type);
    const members = whole === null ? [] : info.children(whole.id);
    assert.ok(members.some((member) => info.text(member, "name") === "y"));
    assert.is(info.locations(point.id, "location")[0]?.operations[0]?.atom, "reg");
  });
}

const missing = missingTool(["clang++", "llvm-dwp"]);
const test = missing === null ? s : s.skip;

test("a package with a damaged index is an error", () => {
  const path = build(["clang++", 5, "llvm-dwp", "-DDAMAGED"]);
  const bytes = readFileSync(`${path}.dwp`);
  const index = findSection(parseElf(bytes, path), ".debug_cu_index");
  bytes.writeUInt32LE(0x7fffffff, (index?.offset ?? 0) + 12);
  writeFileSync(`${path}.dwp`, bytes);
  assert.throws(
    () => openDebugInfo(path),
    (error: Error) => error instanceof TargetError,
  );
});

s.run();
