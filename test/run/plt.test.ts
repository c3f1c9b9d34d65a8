/** process.plt and .plt.return on stubs of every form, against what the program does. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/plt");
const reason = cannotTrace();
if (reason !== null) process.stdout.write(`skipped: ${reason}\n`);
const test = reason === null ? s : s.skip;

const SCRIPT = `
global calls, returns
probe process("PROGRAM").plt { calls[$$name]++ }
probe process("PROGRAM").plt.return {
  returns[$$name]++
  if ($$name == "strtol" || $$name == "puts") printf("%s %d;", $$name, returnval())
}
probe end {
  foreach (name+ in calls) printf("\\n%s %d %d", name, calls[name], returns[name])
}`;

const BUILDS: readonly (readonly [compiler: string, ...flags: string[]])[] = [
  ["gcc"],
  ["gcc", "-fcf-protection=full", "-Wl,-z,ibtplt"],
  ["gcc", "-fcf-protection=none", "-no-pie", "-Wl,-z,lazy"],
  ["gcc", "-Wl,-z,now"],
  ["clang"],
];

for (const [compiler, ...flags] of BUILDS) {
  const here = hasProgram(compiler) ? test : s.skip;
  if (!hasProgram(compiler)) process.stdout.write(`skipped: no ${compiler}\n`);
  here(`${compiler} ${flags.join(" ")}`, () => {
    const program = buildProgram("stubs", flags, compiler);
    const output = `${program}.out`;
    const script = SCRIPT.replaceAll("PROGRAM", program);
    const run = wastap(["-o", output, "-c", program, "-e", script]);
    assert.is(run.status, 0, run.stderr);
    assert.is(run.stdout, "called\n80\n");
    const printed = readFileSync(output, "utf8").split("\n");
    const lines = printed.filter((line) => !line.startsWith("__cxa_finalize"));
    const values = `${"strtol 7;".repeat(5)}puts 7;`;
    assert.equal(lines, [values, "printf 1 1", "puts 1 1", "strtol 5 5"]);
    assert.is(run.stderr, "");
  });
}

test("a library's stubs are probed in the library", () => {
  const program = buildProgram("stubs");
  const point = `process("${program}").library("libc.so.6").plt("*")`;
  const run = wastap(["-c", program, "-e", `probe ${point} { } probe end { println("ended") }`]);
  assert.is(run.status, 0, run.stderr);
  assert.match(run.stdout, /^called\n80\nended$/m);
});

test("code that calls through the table of addresses has no stubs", () => {
  const program = buildProgram("stubs", ["-fno-plt", "-nostartfiles", "-Wl,-e,main", "-O1"]);
  const run = wastap(["-p2", "-e", `probe process("${program}").plt("puts") { exit() }`]);
  assert.is(run.status, 1);
  assert.match(run.stderr, /no match: '.*' calls nothing through a procedure linkage table/);
});

s.run();
