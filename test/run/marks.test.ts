/** Arguments of marks of <sys/sdt.h>, wherever gcc and clang leave them: what the program prints. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { missingTool } from "../support/dwarf-programs.js";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/marks");
const header = ["/usr/include/x86_64-linux-gnu/sys/sdt.h", "/usr/include/sys/sdt.h"];
const missing =
  cannotTrace() ?? (header.some(existsSync) ? null : "no sys/sdt.h (systemtap-sdt-dev)");
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const LEVELS = ["-O0", "-O1", "-O2", "-O3"];
const CONSTRAINTS = [
  [],
  ["-no-pie", "-fno-pie"],
  ["-DCONSTRAINT=g"],
  ["-DCONSTRAINT=r"],
  ["-DCONSTRAINT=m", "-DONLY_VARIABLES"],
];

function checkMarks(program: string): void {
  const directory = mkdtempSync(join(tmpdir(), "wastap-marks-"));
  try {
    const output = join(directory, "marks");
    const here = `process("${program}")`;
    const script = `
      probe ${here}.mark("*") {
        if ($$name != "many") printf("%s %d %d %d %d\\n", $$name, $arg1, $arg2, $arg3, $arg4)
      }
      probe ${here}.mark("many") { printf("many %d %d %d %d\\n", $arg1, $arg6, $arg9, $arg2) }`;
    const result = wastap(["-o", output, "-e", script, "-c", program]);
    assert.is(result.stderr, "");
    assert.is(readFileSync(output, "utf8"), result.stdout);
    assert.ok(result.stdout.split("\n").length > 30);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

for (const compiler of ["gcc", "clang"]) {
  const absent = missing ?? missingTool([compiler]);
  if (absent !== null && missing === null) process.stdout.write(`skipped: ${absent}\n`);
  const test = absent === null ? s : s.skip;
  for (const level of LEVELS) {
    test(`${compiler} ${level}: values in registers, memory and constants`, () => {
      for (const flags of CONSTRAINTS) {
        checkMarks(buildProgram("marks", [level, "-w", ...flags], compiler));
      }
    });
  }
}

s.run();
