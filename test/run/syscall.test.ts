/** process.syscall and .return: threads, children, interrupted calls, attaching, being killed. */
import { basename } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, start, startWastap, wastap } from "../support/tools.js";

const s = suite("run/syscall");
const reason = cannotTrace();
if (reason !== null) process.stdout.write(`skipped: ${reason}\n`);
const test = reason === null ? s : s.skip;

/** Numbers of system calls (asm/unistd_64.h). */
const READ = 0;
const GETPRIORITY = 140;
const EXIT_GROUP = 231;

test("every call of threads and children is seen once, with its arguments and result", () => {
  const program = buildProgram("calls");
  const script = `
    global begun, done
    probe process.syscall {
      if ($syscall == ${GETPRIORITY}) begun[$arg1, $arg2, tid() == pid()]++
    }
    probe process.syscall.return {
      if ($syscall == ${GETPRIORITY}) done[$return, tid() == pid()]++
      if ($syscall == ${READ} && $return <= 1) printf("read %d\\n", $return)
    }
    probe process.syscall {
      if ($syscall == ${EXIT_GROUP}) printf("%s ends with %d\\n", execname(), $arg1)
    }
    probe process.syscall.return { if ($syscall == ${EXIT_GROUP}) println("impossible") }
    probe end {
      foreach ([a, b, main] in begun) printf("%d %d %d: %d\\n", a, b, main, begun[a, b, main])
      foreach ([r, main] in done) printf("%d %d: %d\\n", r, main, done[r, main])
    }`;
  const run = wastap(["-c", program, "-e", script]);
  assert.is(run.status, 0, run.stderr);
  const lines = run.stdout.trim().split("\n");
  assert.is(lines.filter((line) => line === `${basename(program)} ends with 7`).length, 1);
  assert.is(lines.filter((line) => line === `${basename(program)} ends with 0`).length, 1);
  for (const expected of ["1234567 1 0: 5", "1234567 2 0: 5", "-22 0: 10", "right"]) {
    assert.is(lines.filter((line) => line === expected).length, 1, expected);
  }
  // A call that a signal ends or restarts ends with the kernel's ERESTARTSYS, as the kernel has it.
  const reads = lines.filter((line) => line.startsWith("read"));
  assert.ok(reads.includes("read -512"));
  assert.equal(
    reads.filter((line) => line !== "read -512"),
    ["read 1"],
  );
});

test("text that the arguments point to is read from the process", () => {
  const script = `probe process("/bin/cat").syscall {
      if ($syscall == 257 && user_string($arg2) == "/etc/hostname") println("opened ", pn())
    }`;
  const run = wastap(["-c", "cat /etc/hostname", "-e", script]);
  assert.is(run.status, 0, run.stderr);
  assert.match(run.stdout, /^opened process\(".*cat"\)\.syscall$/m);
});

test("programs that are not named are not stopped", () => {
  const program = buildProgram("calls");
  const script = `global n probe process("/bin/cat").syscall { n++ } probe end { println(n) }`;
  const run = wastap(["-c", program, "-e", script]);
  assert.is(run.stdout, "right\n0\n", run.stderr);
});

test("a call that waits when we attach goes on", async () => {
  const target = start(buildProgram("calls"), ["wait", "1"]);
  await target.until(/waiting/);
  const script = `probe process.syscall.return { if ($syscall == ${READ}) printf("%d\\n", $return) }`;
  const tracer = startWastap(["-v", "-x", `${target.pid}`, "-e", script]);
  await tracer.until(/probes armed/, "errors");
  target.child.stdin?.end("g");
  const { status, stdout } = await target.finished();
  assert.is(stdout, "waiting\nright\n");
  assert.is(status, 0);
  assert.match((await tracer.finished()).stdout, /^1\n/);
});

test("a process whose tracer is killed or ends goes on unharmed", async () => {
  const script = `global n probe process.syscall, process.syscall.return {
    if (++n == 1 || n == 10 || n == 50 || n == 150) printf("seen %d\\n", n)
  }`;
  for (let round = 0; round < 8; round++) {
    const target = start(buildProgram("calls"), ["wait", "5"]);
    await target.until(/waiting/);
    const tracer = startWastap(["-v", "-x", `${target.pid}`, "-e", script]);
    await tracer.until(/probes armed/, "errors");
    target.child.stdin?.end("g");
    await tracer.until(new RegExp(`seen ${[1, 10, 50, 150][round % 4]}\n`));
    tracer.child.kill(round === 7 ? "SIGINT" : "SIGKILL");
    await tracer.finished();
    const { status, stdout, stderr } = await target.finished();
    assert.is(stdout, "waiting\nright\n", stderr);
    assert.is(status, 0);
  }
});

s.run();
