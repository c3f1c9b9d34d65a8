/**
 * The WebAssembly core test suite and the threads proposal's, run as machine code in this process.
 * Needs the suite's files beside the package and wast2json of wabt.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { KNOWN_FAILURES } from "./known-failures.js";
import { runFile } from "./runner.js";

const test = suite("spec");
const SUITE = join(PACKAGE_ROOT, "..", "shared", "wasm-testsuite");

function unmetNeed(): string | null {
  if (!existsSync(SUITE)) return "the WebAssembly test suite is not beside the package";
  if (spawnSync("wast2json", ["--version"]).error !== undefined)
    return "wast2json is not installed";
  return null;
}

const need = unmetNeed();
if (need !== null) {
  process.stdout.write(`skipped: ${need}\n`);
  test.skip(need, () => undefined);
} else {
  const directory = mkdtempSync(join(tmpdir(), "wastap-spec-"));
  let passed = 0;
  let textOnly = 0;
  for (const file of readdirSync(SUITE).filter((name) => name.endsWith(".wast"))) {
    const name = basename(file, ".wast");
    test(name, () => {
      const json = join(directory, `${name}.json`);
      const made = spawnSync("wast2json", ["--enable-threads", join(SUITE, file), "-o", json], {
        encoding: "utf8",
      });
      assert.is(made.status, 0, made.stderr);
      const report = runFile(json);
      passed += report.passed;
      textOnly += report.textOnly;
      const known = KNOWN_FAILURES.filter((k) => k.file === name).map((k) => k.line);
      const lines = report.failures.map((f) => f.line);
      const unexpected = report.failures.filter((f) => !known.includes(f.line));
      assert.equal(
        unexpected.map((f) => `${file}:${f.line}: ${f.message}`),
        [],
      );
      assert.equal(
        known.filter((line) => !lines.includes(line)),
        [],
        "known failures that pass",
      );
    });
  }
  test.after(() => {
    rmSync(directory, { recursive: true });
    process.stdout.write(
      `${passed} commands passed, ${KNOWN_FAILURES.length} known failures, ${textOnly} of the text format left to wast2json\n`,
    );
  });
}

test.run();
