/** Attaching to a running program, and leaving it as it was. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as turn } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { codeOf, mappingNames, statusField } from "../support/process.js";
import { buildProgram, cannotTrace, type Running, start, startWastap } from "../support/tools.js";

const s = suite("run/attach");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

async function startHot(threads: number, limit = "true"): Promise<Running> {
  const args = ["-c", `${limit}; exec "$0" "$@"`, buildProgram("hot"), String(threads)];
  const target = start("/bin/sh", args);
  await target.until(/ready/);
  return target;
}

async function expectUnharmed(target: Running): Promise<void> {
  target.child.kill("SIGTERM");
  const result = await target.finished();
  assert.match(result.stdout, /rounds \d+\n$/);
  assert.not.match(result.stdout, /WRONG/);
  assert.is(result.status, 0);
}

test("threads that run and threads that start later are probed; Ctrl-C restores every byte", async () => {
  const target = await startHot(4);
  const code = codeOf(target.pid);
  const mappings = mappingNames(target.pid);
  const script = `global hits
    probe process("${buildProgram("hot")}").function("look") { hits[tid()]++ }
    probe timer.ms(200) { n = 0; foreach (t in hits) n++; printf("threads %d\\n", n) }
    probe end { println("ended") }`;
  const tap = startWastap(["-e", script, "-x", String(target.pid)]);
  await tap.until(/threads 4\n/);
  target.child.kill("SIGUSR1");
  await target.until(/started/);
  await tap.until(/threads 5\n/);
  assert.not.equal(codeOf(target.pid), code, "the code is patched meanwhile");
  tap.child.kill("SIGINT");
  const result = await tap.finished();
  assert.is(result.status, 0, result.stderr);
  assert.match(result.stdout, /threads 5\n(threads \d+\n)*ended\n$/);
  assert.is(statusField(target.pid, "TracerPid"), 0);
  for (const [name, bytes] of codeOf(target.pid)) {
    assert.ok(code.get(name)?.equals(bytes), `${name} is as before`);
  }
  const left = mappingNames(target.pid).filter((name) => !mappings.includes(name));
  assert.equal(left, [], "nothing of ours is left mapped");
  await expectUnharmed(target);
});

test("the end of the target ends the session", async () => {
  const target = await startHot(2);
  const script = `global n probe process("${buildProgram("hot")}").function("halve") { n++ }
    probe timer.ms(10) { if (n > 0) println("counting") } probe end { printf("%d\\n", n > 0) }`;
  const tap = startWastap(["-v", "-e", script, "-x", String(target.pid)]);
  await tap.until(/counting/);
  await expectUnharmed(target);
  const result = await tap.finished();
  assert.match(result.stdout, /^(counting\n)+1\n$/);
});

test("attaching again and again leaves nothing behind", async () => {
  const target = await startHot(3);
  const code = codeOf(target.pid);
  const script = `global n probe process("${buildProgram("hot")}").function("look") { n++ }
    probe timer.ms(20) { if (n > 100) exit() }
    probe end { println("counted") }`;
  for (let round = 0; round < 10; round++) {
    const result = await startWastap(["-e", script, "-x", String(target.pid)]).finished();
    assert.is(result.stdout, "counted\n", result.stderr);
  }
  for (const [name, bytes] of codeOf(target.pid)) {
    assert.ok(code.get(name)?.equals(bytes), `${name} is as before`);
  }
  await expectUnharmed(target);
});

/** A thread of `pid` other than the first, once that has ended. */
async function laterThread(pid: number): Promise<number> {
  while (!/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) await turn();
  return Number(readdirSync(`/proc/${pid}/task`).find((tid) => tid !== String(pid)));
}

for (const isBefore of [true, false]) {
  const when = isBefore ? "before it is attached to" : "while it is probed";
  test(`a process whose main thread has ended ${when} is probed and left as it was`, async () => {
    const program = buildProgram("leaderless");
    const target = start(program, isBefore ? [] : ["later"]);
    await target.until(/ready/);
    const known = isBefore ? await laterThread(target.pid) : target.pid;
    const code = codeOf(known);
    const script = `global hits, before probe process("${program}").function("work") { hits[tid()]++ }
      probe timer.ms(10) {
        foreach (t in hits) { now = hits[t] n += now != before[t] before[t] = now }
        printf("threads %d\\n", n)
      }`;
    const tap = startWastap(["-e", script, "-x", String(target.pid)]);
    await tap.until(/threads 2\n/);
    target.child.kill("SIGUSR1");
    const tid = await laterThread(target.pid);
    const seen = tap.output().length;
    await tap.until(new RegExp(`^[^]{${seen}}[^]*threads 2\n`));
    tap.child.kill("SIGINT");
    const result = await tap.finished();
    assert.is(result.stderr, "");
    assert.is(result.status, 0);
    const now = codeOf(tid);
    for (const [name, bytes] of code) assert.ok(now.get(name)?.equals(bytes), name);
    assert.not.match(mappingNames(tid).join(), /wastap/);
    await expectUnharmed(target);
  });
}

test("a target that may not write large files is no worse off", async () => {
  const target = await startHot(2, "ulimit -f 1");
  const script = `global n probe process("${buildProgram("hot")}").function("look") { n++ }
    probe timer.ms(20) { if (n > 100) exit() }
    probe end { println("counted") }`;
  const result = await startWastap(["-e", script, "-x", String(target.pid)]).finished();
  assert.is(result.stdout, "counted\n", result.stderr);
  await expectUnharmed(target);
});

s.run();
