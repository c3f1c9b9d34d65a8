/** What is known of the code of a file: once, under several names; where exceptions are handled. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { frameSections, readFrameEntries } from "../../../base/elf/cfi.js";
import { parseElf } from "../../../base/elf/image.js";
import { landingPads } from "../../../base/elf/landing-pads.js";
import { functionAt } from "../../../shim/mutator/functions.js";
import { moduleFunctions } from "../../../shim/mutator/module-code.js";
import {
  addressByNm,
  compileInto,
  emptyDirectory,
  missingTool,
} from "../../support/dwarf-programs.js";
import { buildProgram } from "../../support/tools.js";

const s = suite("mutator/module-code");

s("looks at its functions once, and knows each by its own name", () => {
  const program = buildProgram("hot");
  const image = parseElf(readFileSync(program), program);
  const one = moduleFunctions(image, "/one", 0x1000);
  const other = moduleFunctions(image, "/other", 0x2000);
  assert.is(other.code.path, "/other");
  assert.is(other.index.module, other.code);
  assert.is(other.code.loadBias, 0x2000);
  assert.is(one.index.module.path, "/one");
  assert.is(other.index.bodies, one.index.bodies);
});

s("labels that other modules may jump to are code pointers", () => {
  for (const [flags, isExported] of [
    [["-rdynamic"], true],
    [[], false],
  ] as const) {
    const program = buildProgram("falls", flags);
    const { code } = moduleFunctions(parseElf(readFileSync(program), program), program, 0x1000);
    assert.is(code.codePointers.includes(addressByNm(program, "inside")), isExported);
  }
});

const missing = missingTool(["g++"]);
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

for (const level of ["-O0", "-O2", "-Os"]) {
  (missing === null ? s : s.skip)(`knows where exceptions are handled, ${level}`, () => {
    const directory = emptyDirectory(`pads${level}`);
    const compile = (name: string, ...flags: string[]): string =>
      compileInto(directory, name, { source: "throws.cc", compiler: "g++", flags });
    const assembly = readFileSync(compile("throws.s", level, "-S"), "utf8");
    // Entries of gcc's tables of calls: start, length, landing pad from its function, action.
    const expected = assembly.match(/^\t\.uleb128 \.L\d+-\.L/gm)?.length ?? 0;
    const program = compile("throws", level, "-pthread");
    const image = parseElf(readFileSync(program), program);
    const [section] = frameSections(image);
    const pads = landingPads(image, section ? readFrameEntries(section) : []);
    assert.ok(expected > 0);
    assert.is(pads.length, expected);
    const { code, index } = moduleFunctions(image, program, 0x1000);
    for (const pad of pads) {
      assert.ok(code.codePointers.includes(pad));
      assert.ok(functionAt(index, pad)?.fixedTargets.has(pad));
    }
  });
}

s.run();
