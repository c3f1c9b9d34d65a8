/** Processes that nobody gave with -c or -x: those that a script names, and all that run a program. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { codeOf, mappingNames } from "../support/process.js";
import {
  buildProgram,
  cannotTrace,
  type Running,
  start,
  startWastap,
  WASTAP,
  wastap,
} from "../support/tools.js";

const s = suite("run/running");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** A copy, so that nobody else runs it. */
const directory = mkdtempSync(join(tmpdir(), "wastap-running-"));
const program = join(directory, "hot");
let targets: Running[] = [];

s.before(async () => {
  if (missing !== null) return;
  cpSync(buildProgram("hot"), program);
  targets = [start(program, ["2"]), start(program, ["1"])];
  for (const target of targets) await target.until(/ready/);
});

s.after(async () => {
  for (const target of targets) {
    target.child.kill("SIGTERM");
    const { stdout, status } = await target.finished();
    assert.match(stdout, /rounds \d+\n$/);
    assert.is(status, 0);
  }
  rmSync(directory, { recursive: true });
});

/** What `script` prints, $1 and $2 being the processes. */
function traced(script: string): string {
  const pids = targets.map(({ pid }) => `${pid}`);
  const { stdout, stderr, status } = wastap(["-w", "-e", script, ...pids]);
  assert.is(stderr, "");
  assert.is(status, 0);
  return stdout;
}

test("all processes that run a program, and they are left as they were", () => {
  const before = targets.map(({ pid }) => codeOf(pid));
  const script = `global n
    probe process("${program}").function("look") { n[pid()]++ }
    probe process("${program}").begin { println(pid() == $1 || pid() == $2 ? "begin" : "?") }
    probe process("${program}").thread.begin { println(tid() != pid() ? "thread" : "?") }
    probe timer.ms(10) { if (n[$1] > 100 && n[$2] > 100) exit() }
    probe end { println("both") }`;
  const lines = traced(script).trimEnd().split("\n");
  assert.equal(lines.toSorted(), ["begin", "begin", "both", "thread", "thread", "thread"]);
  assert.equal(
    targets.map(({ pid }) => codeOf(pid)),
    before,
  );
});

test("the process of an id, and no other", () => {
  const script = `global n
    probe process($2).function("look") { n[pid()]++ }
    probe timer.ms(10) { if (n[$2] > 100) exit() }
    probe end { println($1 in n, " ", n[$2] > 100) }`;
  assert.is(traced(script), "0 1\n");
});

test("processes of several ids", () => {
  const script = `global n
    probe process($1).function("look"), process($2).statement("look@hot.c:*") ? { n[pid()]++ }
    probe process($2).function("look") { n[pid()]++ }
    probe timer.ms(10) { if (n[$1] > 100 && n[$2] > 100) exit() }
    probe end { println("both") }`;
  assert.is(traced(script), "both\n");
});

test("it is said if there is none", () => {
  const idle = join(directory, "idle");
  cpSync(buildProgram("work"), idle);
  const script = `probe process("${idle}").function("work") { println("hit") } probe timer.ms(1) { exit() }`;
  const { stdout, stderr } = wastap(["-e", script]);
  assert.is(stdout, "");
  assert.match(stderr, `WARNING: no process runs "${idle}" yet that could be probed`);
});

test("all processes that have a library, also later, and they are left as they were", async () => {
  const library = join(directory, "opened.so");
  cpSync(buildProgram("opened", ["-fPIC", "-shared"]), library);
  const program = buildProgram("opener", ["-ldl"]);
  const script = `global seen
    probe begin { println("armed") }
    probe process("${library}").function("through") { if (!seen[pid()]++) println("hit ", pid()) }`;
  const early = start(program, [library]);
  while (!mappingNames(early.pid).some((name) => name.includes(library))) await setTimeout(10);
  const before = codeOf(early.pid);
  const tracer = startWastap(["-e", script]);
  await tracer.until(/armed/);
  await tracer.until(new RegExp(`hit ${early.pid}\\n`));
  const late = start(program, [library]);
  await tracer.until(new RegExp(`hit ${late.pid}\\n`));
  tracer.child.kill("SIGINT");
  const { status, stderr } = await tracer.finished();
  assert.is(stderr, "");
  assert.is(status, 0);
  assert.equal(codeOf(early.pid), before);
  for (const { child } of [early, late]) child.kill("SIGKILL");
});

test("it is said once if no process has a library", () => {
  const library = join(directory, "unused.so");
  cpSync(buildProgram("plugin", ["-fPIC", "-shared"]), library);
  const points = `process("${library}").function("*")`;
  const script = `probe ${points} { println("hit") } probe timer.ms(1) { exit() }`;
  const { stdout, stderr } = wastap(["-e", script]);
  assert.is(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  assert.match(lines[0] ?? "", `WARNING: no process has loaded "${library}" yet`);
  assert.match(lines[1] ?? "", /others were never armed: no process loaded ".*unused.so"$/);
  assert.is(lines.length, 2);
});

test("processes that start later, several, and they are left as they were", async () => {
  const late = join(directory, "late");
  cpSync(program, late);
  const script = `global seen
    probe begin { println("armed") }
    probe process("${late}").function("look") { if (!seen[pid()]++) println("hit ", pid()) }
    probe process("${late}").begin { println("begin ", pid()) }`;
  const tracer = startWastap(["-e", script]);
  await tracer.until(/armed/);
  const started = [start(late, ["1"]), start(late, ["2"])];
  for (const { pid } of started) {
    await tracer.until(new RegExp(`begin ${pid}\\n`));
    await tracer.until(new RegExp(`hit ${pid}\\n`));
  }
  tracer.child.kill("SIGINT");
  const { status, stderr } = await tracer.finished();
  assert.is(status, 0);
  assert.match(stderr, /^WARNING: no process runs ".*late" yet/);
  for (const target of started) {
    target.child.kill("SIGTERM");
    const { stdout, status: own } = await target.finished();
    assert.match(stdout, /rounds \d+\n$/);
    assert.is(own, 0);
  }
});

test("other wastaps are left alone", async () => {
  const node = join(directory, "node");
  cpSync(process.execPath, node);
  const armed = 'probe begin { println("armed") }';
  const script = `${armed} probe process("${node}").begin { println("began ", pid()) }`;
  const tracer = startWastap(["-e", script]);
  await tracer.until(/armed/);
  const other = start(node, [WASTAP, "-e", armed]);
  await other.until(/armed/);
  const idle = start(node, ["-e", "process.stdin.resume()"]);
  await tracer.until(new RegExp(`began ${idle.pid}\\n`));
  tracer.child.kill("SIGINT");
  assert.is((await tracer.finished()).stdout, `armed\nbegan ${idle.pid}\n`);
  other.child.kill("SIGINT");
  idle.child.stdin?.end();
  for (const left of [other, idle]) assert.is((await left.finished()).status, 0);
});

s.run();
