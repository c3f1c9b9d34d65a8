/** -p4 writes a bundle; the bundle runs where there is no compiler, tapset or debuginfo. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/bundle");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** A command line that runs a copy of the modules among which there is no compiler. */
function modulesWithoutCompiler(directory: string): string[] {
  cpSync(join(PACKAGE_ROOT, "dist"), join(directory, "dist"), { recursive: true });
  cpSync(join(PACKAGE_ROOT, "prebuilds"), join(directory, "prebuilds"), { recursive: true });
  cpSync(join(PACKAGE_ROOT, "package.json"), join(directory, "package.json"));
  symlinkSync(join(PACKAGE_ROOT, "node_modules"), join(directory, "node_modules"));
  rmSync(join(directory, "dist", "compiler"), { recursive: true });
  const main = JSON.stringify(join(directory, "dist", "cli", "main.js"));
  const start = `import { main } from ${main}; process.exitCode = await main(process.argv.slice(1))`;
  return ["--input-type=module", "-e", start, "--"];
}

/** A command line that runs a copy of the package without tapsets, packages and libdw. */
function packageWithoutCompiler(directory: string): string[] {
  const bundle = join("dist", "bundle");
  cpSync(join(PACKAGE_ROOT, bundle), join(directory, bundle), { recursive: true });
  cpSync(join(PACKAGE_ROOT, "prebuilds"), join(directory, "prebuilds"), { recursive: true });
  cpSync(join(PACKAGE_ROOT, "package.json"), join(directory, "package.json"));
  rmSync(join(directory, "prebuilds", "linux-x64", "libdw.so.1"));
  return [join(directory, bundle, "wastap.cjs")];
}

test("a bundle runs without compiler and tapsets", () => {
  const program = buildProgram("work");
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  const script = `global n probe process("${program}").function("work") { n++ }
    probe end { printf("%s %d\\n", text_str("a\\tb"), n) }`;
  const compiled = wastap(["-p4", "-m", "count", "-e", script], { cwd: directory });
  assert.is(compiled.status, 0, compiled.stderr);
  assert.match(compiled.stdout, /count\.wasm\n$/);
  const bundle = join(directory, "count.wasm");
  assert.ok(WebAssembly.validate(readFileSync(bundle)));
  for (const install of [modulesWithoutCompiler, packageWithoutCompiler]) {
    const place = mkdtempSync(join(directory, "package-"));
    const args = [...install(place), bundle, "-c", `${program} 4 1000`];
    const run = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.match(run.stdout, /\na\\tb 4000\n$/, run.stderr);
    assert.is(run.status, 0, run.stderr);
  }
  rmSync(directory, { recursive: true });
});

test("a bundle compiled for another build of the program is refused", () => {
  const first = buildProgram("work", ["-DFIRST"]);
  const other = buildProgram("lengths");
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  const program = join(directory, "prog");
  cpSync(first, program);
  const script = `probe process("${program}").function("main") { println("hit") }`;
  assert.is(wastap(["-p4", "-m", "main", "-e", script], { cwd: directory }).status, 0);
  cpSync(other, program);
  const run = wastap([join(directory, "main.wasm"), "-c", program]);
  assert.is(run.status, 1);
  assert.match(run.stderr, /another build|build-id/);
  rmSync(directory, { recursive: true });
});

s("a bundle whose control file lies elsewhere is refused", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  const script = 'probe procfs("in/file").write { exit() }';
  assert.is(wastap(["-p4", "-m", "out", "-e", script], { cwd: directory }).status, 0);
  const bundle = join(directory, "out.wasm");
  const bytes = readFileSync(bundle, "latin1");
  writeFileSync(bundle, bytes.replaceAll("in/file", "../file"), "latin1");
  const run = wastap([bundle]);
  assert.is(run.status, 1);
  assert.match(run.stderr, /point\.path: expected the path of a file below a directory/);
  rmSync(directory, { recursive: true });
});

s.run();
