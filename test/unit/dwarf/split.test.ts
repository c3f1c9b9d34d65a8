/** Files that belong to a program, when they are missing or change after a script was compiled. */
import { spawnSync } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openDebugInfo } from "../../../compiler/dwarf/debug-info.js";
import { debugFilesOf } from "../../../compiler/dwarf/open.js";
import { compileInto, emptyDirectory, missingTool, runTool } from "../../support/dwarf-programs.js";
import { wastap } from "../../support/tools.js";

const s = suite("dwarf/split");
const missing = missingTool(["gcc", "dwz"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const directory = emptyDirectory("split");

/** A program whose debug information is in a .dwo file, under a name of its own. */
function splitProgram(name: string, version: number): { program: string; part: string } {
  const flags = ["-O1", "-pthread", `-gdwarf-${version}`, "-gsplit-dwarf"];
  const program = compileInto(directory, name, { source: "calls.c", compiler: "gcc", flags });
  return { program, part: join(directory, `${name}-calls.dwo`) };
}

function compileScript(program: string): ReturnType<typeof wastap> {
  const script = `probe process("${program}").function("*@calls.c").call { println($$parms) }`;
  const env = { WASTAP_DIR: join(directory, "cache") };
  return wastap(["-v", "-p4", "-e", script], { env, cwd: directory });
}

for (const version of [4, 5]) {
  test(`a missing .dwo file of DWARF ${version} is told, also after it was there`, () => {
    const { program, part } = splitProgram(`split${version}`, version);
    assert.is(compileScript(program).status, 0);
    const again = compileScript(program);
    assert.match(again.stderr, /Pass 3: using cached/);
    renameSync(part, `${part}.away`);
    const without = compileScript(program);
    const warning = `WARNING: cannot find ${part} with debug information of ${program}\n`;
    assert.is(without.stderr.split(warning).length, 2, without.stderr);
    assert.is(without.status, 1);
    renameSync(`${part}.away`, part);
    assert.is(compileScript(program).status, 0);
  });
}

for (const version of [4, 5]) {
  test(`.dwo files of DWARF ${version} that are compressed with zstd`, () => {
    const { program, part } = splitProgram(`packed${version}`, version);
    const flag = "--compress-debug-sections=zstd";
    if (spawnSync("objcopy", [flag, part]).status !== 0) return;
    assert.match(runTool("readelf", ["-tW", part], "/"), /ZSTD/);
    const info = openDebugInfo(program);
    assert.ok((info?.functions("main").length ?? 0) > 0);
    assert.equal(info?.missingFiles(), []);
    assert.ok(debugFilesOf(program).includes(part));
  });
}

test("a compilation depends on the file that dwz made, wherever it is found", () => {
  const flags = ["-O1", "-g", "-pthread"];
  const compile = (name: string): string =>
    compileInto(directory, name, { source: "calls.c", compiler: "gcc", flags });
  const [first, second] = [compile("one"), compile("two")];
  runTool("dwz", ["-m", join(directory, "common"), "-h", first, second], directory);
  assert.ok(openDebugInfo(first));
  assert.ok(debugFilesOf(first).includes(join(directory, "common")));
});

s.after(() => rmSync(directory, { recursive: true }));
s.run();
