/** The program in one file: what V8 compiled of it is taken, and nothing depends on that. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { loadProgram, PROGRAM_FILE } from "../../../cli/program.js";

const test = suite("unit/cli/program");
const program = loadProgram();

/** What `wastap -p4` writes, run from a copy of the package whose code cache `change` has changed. */
function compileWith(change: (codeCache: string) => void): string {
  const directory = mkdtempSync(join(tmpdir(), "wastap-program-"));
  try {
    for (const part of [join("dist", "bundle"), "prebuilds", "tapsets", "package.json"]) {
      cpSync(join(PACKAGE_ROOT, part), join(directory, part), { recursive: true });
    }
    const bundle = join(directory, "dist", "bundle");
    change(join(bundle, basename(program.codeCachePath)));
    const args = ["-p4", "--disable-cache", "-m", "out", "-e", "probe begin { println(1) }"];
    const done = spawnSync(process.execPath, [join(bundle, "wastap.cjs"), ...args], {
      cwd: directory,
      encoding: "utf8",
    });
    assert.is(done.status, 0, done.stderr);
    return readFileSync(join(directory, "out.wasm"), "base64");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("V8 takes the code cache that make wrote", () => {
  assert.ok(program.hasCodeCache);
});

test("a missing or damaged code cache changes nothing", () => {
  const expected = compileWith(() => undefined);
  assert.is(
    compileWith((path) => rmSync(path)),
    expected,
  );
  assert.is(
    compileWith((path) => truncateSync(path, 1000)),
    expected,
  );
  assert.is(
    compileWith((path) => truncateSync(path, 0)),
    expected,
  );
});

test("the program is in ASCII, which V8 keeps in one byte a character", () => {
  assert.not.match(readFileSync(PROGRAM_FILE, "latin1"), /[^\0-\x7f]/);
});

test.run();
