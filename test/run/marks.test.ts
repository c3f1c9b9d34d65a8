/** Arguments of marks of <sys/sdt.h>, wherever gcc and clang leave them: what the program prints. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { missingTool } from "../support/dwarf-programs.js";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/marks");
const header = ["/usr/include/x86_64-linux-gnu/sys/sdt.h", "/usr/include/sys/sdt.h"];
const missing = header.some(existsSync) ? null : "no sys/sdt.h (systemtap-sdt-dev)";
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

const COMPILERS = new Map(
  ["gcc", "clang"].map((compiler) => [compiler, cannotTrace() ?? missingTool([compiler])]),
);
for (const absent of COMPILERS.values()) {
  if (absent !== null) process.stdout.write(`skipped: ${absent}\n`);
}

for (const [compiler, without] of COMPILERS) {
  const absent = missing ?? without;
  const test = absent === null ? s : s.skip;
  for (const level of LEVELS) {
    test(`${compiler} ${level}: values in registers, memory and constants`, () => {
      for (const flags of CONSTRAINTS) {
        checkMarks(buildProgram("marks", [level, "-w", ...flags], compiler));
      }
    });
  }
}

const separate = missing ?? cannotTrace() ?? missingTool(["objcopy"]);
(separate === null ? s : s.skip)("operands name symbols that only the debug file has", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-marks-"));
  try {
    const program = join(directory, "marks");
    copyFileSync(buildProgram("marks", ["-O2", "-w", "-g"]), program);
    execFileSync("objcopy", ["--only-keep-debug", program, `${program}.debug`]);
    execFileSync("objcopy", ["--strip-all", `--add-gnu-debuglink=${program}.debug`, program]);
    const script = `probe process("${program}").mark("statics") {
      printf("statics %d %d %d %d\\n", $arg1, $arg2, $arg3, $arg4) }`;
    const output = join(directory, "output");
    const seen = wastap(["-o", output, "-e", script, "-c", program]);
    const own = seen.stdout.split("\n").filter((line) => line.startsWith("statics "));
    assert.is(readFileSync(output, "utf8"), `${own.join("\n")}\n`, seen.stderr);
    rmSync(`${program}.debug`);
    const lost = wastap(["-e", script, "-c", program]);
    assert.match(
      lost.stderr,
      /\(%rip\)' of '\$arg\d' is at the symbol '\w+', which '.*' does not have/,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** What the program prints: `NAME VALUE VALUE` for each hit. */
function checkOldMarks(program: string): void {
  const directory = mkdtempSync(join(tmpdir(), "wastap-marks-"));
  try {
    const output = join(directory, "marks");
    const script = `probe process("${program}").mark("*") { println($$name, " ", $arg1, " ", $arg2) }`;
    const result = wastap(["-o", output, "-e", script, "-c", program]);
    assert.is(result.stderr, "");
    assert.is(readFileSync(output, "utf8"), result.stdout);
    assert.is(result.stdout.split("\n").length, 16);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

for (const [compiler, absent] of COMPILERS) {
  const test = absent === null ? s : s.skip;
  test(`${compiler}: marks of versions 1 and 2, in position-independent programs too`, () => {
    for (const version of [1, 2]) {
      for (const flags of [["-O0"], ["-O2"], ["-O2", "-no-pie", "-fno-pie"]]) {
        const options = ["-g", "-w", `-DVERSION=${version}`, ...flags];
        checkOldMarks(buildProgram("old-marks", options, compiler));
      }
    }
  });
}

const test = COMPILERS.get("gcc") === null ? s : s.skip;

test("variables of the code around a mark, arguments with the types that are called like them", () => {
  const program = buildProgram("old-marks", ["-O0", "-g", "-w", "-DVERSION=2"]);
  const script = `
    global n
    probe process("${program}").provider("shop").mark("counted") {
      if ($count == 0)
        printf("%d %s %d %s | %s\\n", $count, $text$, $item->small, $$parms, $$locals)
    }
    probe process("${program}").mark("sold_to") {
      if (n++ == 0)
        printf("%d %u %s %d\\n", $arg1->small, $arg1->large, $arg1$, $arg1->small == $item->small)
    }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", `${program} >/dev/null`]);
  assert.is(stderr, "");
  assert.match(
    stdout,
    /^-3 4000000000 \{.small='\\375', .large=4000000000\} 1\n0 "abc" -3 \$arg1=0x0 \$arg2=0x62 \| arg1=0x0 arg2=0x62\n/,
  );
});

test("arguments are no places; $$vars$ asks for their types", () => {
  const program = buildProgram("old-marks", ["-O0", "-g", "-w", "-DVERSION=2"]);
  const error = (use: string): string => {
    const script = `probe process("${program}").mark("sold_to") { ${use} }`;
    return wastap(["-g", "-p2", "-e", script]).stderr;
  };
  assert.match(error("$arg1 = 2"), /Expecting lvalue for assignment/);
  assert.match(error("println(&$arg1)"), /cannot take address of sdt variable/);
  assert.match(error("println($$vars$)"), /type definition 'sold_to_arg2' not found in/);
  assert.is(error("$arg1->small = $count"), "");
});

test("a mark of version 1 has the variables of its code, listed and named", () => {
  const program = buildProgram("old-marks", ["-O0", "-g", "-w", "-DVERSION=1"]);
  const here = `process("${program}")`;
  assert.is(
    wastap(["-L", `${here}.mark("counted")`]).stdout,
    `${here}.mark("counted") $arg1:int volatile $arg2:char const volatile $item:struct item* $count:int $text:char const*\n`,
  );
  const plain = buildProgram("old-marks", ["-O0", "-w", "-DVERSION=1"]);
  const script = `probe process("${plain}").mark("counted") { println($arg1) }`;
  assert.match(wastap(["-p2", "-e", script]).stderr, /debuginfo scope not found for module/);
});

s.run();
