/** Sites that no jump fits: refused with the reason, or probed by int3 where the user allows it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/breakpoints");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

function countReturns(program: string, name: string): string {
  return `global n probe process("${program}").function("${name}").return { n++ } probe end { println(n) }`;
}

test("a place that no jump fits is refused, with the place, the reason and what to do", () => {
  const program = buildProgram("lone");
  const result = wastap(["-e", countReturns(program, "tiny"), "-c", `${program} 100`]);
  assert.is(result.stdout, "sum 150\n0\n");
  assert.match(result.stderr, /WARNING: .*tiny at 0x[0-9a-f]+ cannot be probed: .+/);
  assert.match(result.stderr, /--allow-breakpoints/);
  assert.is(result.status, 0);
});

test("of many places with one reason some are named, all with -v", () => {
  const libc = "/lib/x86_64-linux-gnu/libc.so.6";
  const script = `global n probe process("${libc}").function("*").return { n++ } probe end { println(n > 0) }`;
  const warnings = (...options: string[]): string[] => {
    const { stdout, stderr } = wastap([...options, "-e", script, "-c", "expr 1 + 1"]);
    assert.is(stdout, "2\n1\n");
    return stderr.split("\n").filter((line) => line.includes(" cannot be probed: the function"));
  };
  const all = warnings("-v").length;
  const some = warnings();
  assert.ok(all > 20, `${all}`);
  assert.is(some.length, 8);
  assert.match(some.at(-1) ?? "", new RegExp(`: ${all - 7} more places cannot be probed: .*-v`));
});

test("--allow-breakpoints counts it exactly", () => {
  const program = buildProgram("lone");
  const args = [
    "--allow-breakpoints",
    "-e",
    countReturns(program, "tiny"),
    "-c",
    `${program} 5000`,
  ];
  const result = wastap(args);
  assert.is(result.stdout, "sum 7500\n5000\n", result.stderr);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
});

test("a return that no jump fits is seen in the caller", () => {
  const program = buildProgram("lone");
  const args = ["-e", countReturns(program, "lone"), "-c", `${program} 5000`];
  for (const option of [[], ["--allow-breakpoints"]]) {
    const result = wastap([...option, ...args]);
    assert.is(result.stdout, "sum 7500\n5000\n", result.stderr);
    assert.is(result.stderr, "");
  }
});

test("returns that are not seen are counted, and told", () => {
  const script = countReturns(buildProgram("lone"), "lone");
  // Nothing is patched while a program runs whose system calls are filtered.
  const target = `${buildProgram("denied")} ${buildProgram("lone")} 5000 pointer`;
  const result = wastap(["-e", script, "-c", target]);
  const [, seen = ""] = /^sum 7500\n(\d+)\n$/.exec(result.stdout) ?? [];
  const [, missed = ""] =
    /^WARNING: (\d+) or more returns were not seen: no jump fits/m.exec(result.stderr) ?? [];
  assert.is(Number(seen) + Number(missed), 4999, result.stdout + result.stderr);
});

s.run();
