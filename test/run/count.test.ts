/** Counting calls exactly, from many threads at once, in programs of every kind. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/count");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

function countScript(program: string): string {
  return `global n probe process("${program}").function("work") { n++ } probe end { printf("%d\\n", n) }`;
}

test("8 threads of 10,000,000 calls each count to 80,000,000", () => {
  const program = buildProgram("work");
  const result = wastap(["-e", countScript(program), "-c", `${program} 8 10000000 0`]);
  assert.is(result.stdout, "threads=8 calls=10000000 sum=444503048\n80000000\n");
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
});

test("a function that ends by jumping to a stub of the PLT returns there, not where the stub goes", () => {
  const program = buildProgram("values", ["-O2", "-Wl,-z,lazy"]);
  const point = `process("${program}").function("change")`;
  const script = `global n, r probe ${point} { n++ } probe ${point}.return { r++ }
    probe end { printf("%d %d\\n", n, r) }`;
  const result = wastap(["-o", `${program}.out`, "-e", script, "-c", program]);
  assert.is(result.status, 0, result.stderr);
  assert.is(readFileSync(`${program}.out`, "utf8"), "1 1\n");
});

test("8 threads add to shared and to own elements of arrays, which all begin unset", () => {
  const program = buildProgram("work");
  const point = `process("${program}").function("work")`;
  const script = `global own, shared
    probe ${point} { own[tid()]++ }
    probe ${point} { shared[ulong_arg(1) & 1023] += 2 }
    probe end {
      foreach (t in own) { printf("%d\\n", own[t]) }
      foreach (k in shared) { n++; sum += shared[k] }
      printf("%d elements, %d\\n", n, sum)
    }`;
  const result = wastap(["-e", script, "-c", `${program} 8 500000 0`]);
  const own = "500000\n".repeat(8);
  assert.is(result.stdout.replace(/^.*\n/, ""), `${own}1024 elements, 8000000\n`);
  assert.is(result.stderr, "");
});

test("the program's exit status is told and does not disturb the script", () => {
  const program = buildProgram("work");
  const result = wastap(["-e", countScript(program), "-c", `${program} 2 1000 7`]);
  assert.is(result.stdout.split("\n")[1], "2000");
  assert.match(result.stderr, /exited with status 7/);
  assert.is(result.status, 1);
});

const KINDS: [string, string[], string][] = [
  ["a PIE", ["-pie", "-fPIE"], "gcc"],
  ["a non-PIE", ["-no-pie", "-fno-pie"], "gcc"],
  ["a static program", ["-static"], "gcc"],
  ["a static PIE", ["-static-pie", "-fPIE"], "gcc"],
  ["a static musl program", ["-static"], "musl-gcc"],
  ["a dynamic musl program", [], "musl-gcc"],
];
for (const [kind, flags, compiler] of KINDS) {
  const available = missing === null && hasProgram(compiler);
  if (!available) process.stdout.write(`skipped: ${kind}: no ${compiler}\n`);
  (available ? s : s.skip)(`${kind} counts exactly`, () => {
    const program = buildProgram("work", flags, compiler);
    const result = wastap(["-e", countScript(program), "-c", `${program} 4 100000 0`]);
    assert.match(result.stdout, /^threads=4 calls=100000 sum=\d+\n400000\n$/);
    assert.is(result.status, 0, result.stderr);
  });
}

s.run();
