/** timer.profile: samples of a running program, and of none that sleeps; absolute addresses. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, start, startWastap, wastap } from "../support/tools.js";

const s = suite("run/profile");
const reason = cannotTrace();
if (reason !== null) process.stdout.write(`skipped: ${reason}\n`);
const test = reason === null ? s : s.skip;

test("samples are of the thread that runs, with its registers", () => {
  const script = `global fast, slow, where
    probe timer.profile { fast++; where[uaddr() != 0, execname()]++ }
    probe timer.profile.freq.hz(20) { slow++ }
    probe end {
      printf("%d %d\\n", fast > slow, slow > 0)
      foreach ([known, name] in where) printf("%d %s\\n", known, name)
    }`;
  const run = wastap([
    "-c",
    "sh -c 'i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done'",
    "-e",
    script,
  ]);
  assert.is(run.status, 0, run.stderr);
  assert.is(run.stdout, "1 1\n1 sh\n");
});

test("handlers are not sampled, nor the locks that they have waited for", () => {
  const program = buildProgram("work");
  // The loop takes most of the time, and the samples touch the same array.
  const script = `global x, modules
    probe process("${program}").function("work") { for (i = 0; i < 500; i++) x[i & 7] += i }
    probe timer.profile { x[0]++ modules[umodname(uaddr())]++ }
    probe end { foreach (name in modules) println(name) }`;
  const limits = ["-DMAXACTION=100000", "-DMAXTRYLOCK=10000000"];
  const run = wastap([...limits, "-e", script, "-c", `${program} 1 20000`]);
  assert.match(run.stdout, /^threads=1 calls=20000 /);
  assert.not.match(run.stdout, /unknown/);
  assert.is(run.stderr, "");
});

test("a program that sleeps is not sampled", () => {
  const script = "global n probe timer.profile { n++ } probe end { println(n < 100) }";
  const run = wastap(["-c", "sleep 1", "-e", script]);
  assert.is(run.stdout, "1\n", run.stderr);
});

test("an address of a process is probed where it is", async () => {
  const program = buildProgram("calls", ["-no-pie", "-static"]);
  const target = start(program, ["wait", "1"]);
  await target.until(/waiting/);
  const maps = readFileSync(`/proc/${target.pid}/maps`, "utf8");
  assert.match(maps, /calls/);
  const symbols = wastap([
    "-p2",
    "-e",
    `probe process("${program}").function("in_thread") { exit() }`,
  ]);
  const address = /pc=(0x[0-9a-f]+)/.exec(symbols.stdout)?.[1] ?? "none";
  const script = `global n, r
    probe process(${target.pid}).statement(${address}).absolute { n++ }
    probe process(${target.pid}).statement(${address}).absolute.return { r++ }
    probe end { println(n, " ", r) }`;
  const tracer = startWastap(["-v", "-x", `${target.pid}`, "-e", script]);
  await tracer.until(/probes armed/, "errors");
  target.child.stdin?.end("g");
  assert.is((await target.finished()).status, 0);
  assert.is((await tracer.finished()).stdout, "2 2\n", tracer.errors());
});

s.run();
