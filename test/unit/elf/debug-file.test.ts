/** Symbols of a stripped program come from its separate debug file, through libdw. */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openModule } from "../../../compiler/elf/read.js";
import { buildProgram, hasProgram } from "../../support/tools.js";

const s = suite("elf/debug-file");
const available = hasProgram("gcc") && hasProgram("objcopy");
const test = available ? s : s.skip;
if (!available) process.stdout.write("skipped: no gcc or objcopy\n");

test("a stripped program has the symbols of the file that .gnu_debuglink names", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-debug-"));
  const [program, debug] = [join(directory, "prog"), join(directory, "prog.debug")];
  const original = buildProgram("work", ["-g"]);
  execFileSync("objcopy", ["--only-keep-debug", original, debug]);
  execFileSync("objcopy", ["--strip-all", `--add-gnu-debuglink=${debug}`, original, program]);
  const stripped = openModule(program);
  const whole = openModule(original);
  const find = (module: typeof whole): number | undefined =>
    module.symbols.find((symbol) => symbol.name === "work")?.address;
  assert.is(find(stripped), find(whole));
  assert.ok(find(whole) !== undefined);
  assert.ok(stripped.hasDebugInfo);
});

test("a stripped program without a debug file has no such symbols", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-debug-"));
  const program = join(directory, "prog");
  execFileSync("objcopy", ["--strip-all", buildProgram("work", ["-s"]), program]);
  const stripped = openModule(program);
  assert.is(
    stripped.symbols.find((symbol) => symbol.name === "work"),
    undefined,
  );
  assert.not.ok(stripped.hasDebugInfo);
});

s.run();
