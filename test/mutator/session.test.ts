/** Whole sessions on real programs: exact counts, what is followed, what is left behind, refusals. */
import { spawn } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Session, type SessionTarget, startSession } from "../../shim/mutator/session.js";
import { SESSION, SESSION_STATE } from "../../wasm-runtime/layout/memory.js";
import { createRecordReader } from "../../wasm-runtime/records/read.js";
import { codeOf, mappingNames, statusField } from "../support/process.js";
import { buildProgram, cannotTrace, hasProgram } from "../support/tools.js";
import { linkBundle } from "./link.js";
import { compileBundle, launch } from "./support.js";

const s = suite("mutator/session");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

function countScript(program: string): string {
  return `global n
    probe process("${program}").function("work") { n++ }
    probe end { printf("%d\\n", n) }`;
}

/** Runs a script on a target until `until` is done; gives what its end probe printed. */
async function run(
  script: string,
  target: SessionTarget,
  until: (session: Session) => Promise<unknown>,
): Promise<{ readonly values: readonly unknown[]; readonly warnings: readonly string[] }> {
  const bundle = linkBundle(compileBundle(script));
  const warnings: string[] = [];
  const onWarning = (message: string): number => warnings.push(message);
  const session = await startSession({ bundle, target, allowBreakpoints: false, onWarning });
  const { buffer, byteOffset } = session.memory;
  const state = new Int32Array(buffer, byteOffset + SESSION.address + SESSION.state, 1);
  Atomics.store(state, 0, SESSION_STATE.running);
  await session.arm();
  await session.resume();
  await until(session);
  assert.equal(await session.disarm(), { leaked: [], foreign: [], stuck: [] });
  Atomics.store(state, 0, SESSION_STATE.stopping);
  for (const [index, { point }] of bundle.meta.probes.entries()) {
    if (point.kind === "end") assert.is(session.runHandler(index), 0);
  }
  const records = createRecordReader(session.memory, bundle.meta).poll({ final: true });
  await session.close();
  const values = records.flatMap((r) =>
    r.items.flatMap((i) => (i.kind === "print" ? i.values : [])),
  );
  return { values: values.map(Number), warnings };
}

const ended = (session: Session): Promise<number> => session.targetEnded;

const KINDS: [string, string[], string][] = [
  ["PIE", ["-pie", "-fPIE"], "gcc"],
  ["non-PIE", ["-no-pie", "-fno-pie"], "gcc"],
  ["static", ["-static"], "gcc"],
  ["static musl", ["-static"], "musl-gcc"],
  ["dynamic musl", [], "musl-gcc"],
];
for (const [kind, flags, compiler] of KINDS) {
  const available = missing === null && hasProgram(compiler);
  if (!available) process.stdout.write(`skipped: ${kind}: no ${compiler}\n`);
  (available ? s : s.skip)(`a started ${kind} program counts exactly`, async () => {
    const program = buildProgram("work", flags, compiler);
    const argv = ["sh", "-c", `exec ${program} 4 50000 0 > /dev/null`];
    const { values } = await run(countScript(program), { kind: "spawn", argv }, ended);
    assert.equal(values, [200000]);
  });
}

test("threads, forked, vforked and executed processes are all counted", async () => {
  const program = buildProgram("storm");
  const argv = ["sh", "-c", `env X=1 ${program} 10 > /dev/null`];
  const { values, warnings } = await run(countScript(program), { kind: "spawn", argv }, ended);
  assert.equal(warnings, []);
  // Per program one set of 1000 calls; per round 4 threads, a forked and an executed child.
  assert.equal(values, [1000 + 10 * (4000 + 1000 + 1000)]);
});

test("a library is probed as soon as the loader has mapped it", async () => {
  const program = buildProgram("work");
  const script = `global n
    probe process("/lib/x86_64-linux-gnu/libc.so.6").function("puts") { n++ }
    probe process("${program}").function("main") { n += 1000 }
    probe end { printf("%d\\n", n) }`;
  const argv = ["sh", "-c", `exec ${program} 1 1 0 > /dev/null`];
  const { values } = await run(script, { kind: "spawn", argv }, ended);
  assert.equal(values, [1000]);
});

test("after attaching and detaching the process is as before", async () => {
  const program = buildProgram("hot");
  const { target: pid, finished } = await launch(program, ["4"]);
  const mappings = mappingNames(pid);
  const code = codeOf(pid);
  const script = `global n, m
    probe process("${program}").function("look") { n++ }
    probe process("${program}").function("halve").return { m++ }
    probe end { printf("%d %d\\n", n, m) }`;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));
  for (let round = 0; round < 3; round++) {
    const { values } = await run(script, { kind: "attach", pid }, pause);
    assert.ok(values.every((value) => Number(value) > 0));
    assert.is(statusField(pid, "TracerPid"), 0);
    assert.equal(mappingNames(pid), mappings);
    assert.equal(codeOf(pid), code);
  }
  process.kill(pid, "SIGTERM");
  const result = await finished();
  assert.match(result.stdout, /rounds \d+\n$/);
  assert.not.match(result.stdout, /WRONG/);
});

async function refusal(target: SessionTarget): Promise<string> {
  const bundle = linkBundle(compileBundle("probe begin { println(1) }"));
  try {
    await startSession({ bundle, target, allowBreakpoints: false });
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
}

test("a target that cannot be traced is refused with the reason", async () => {
  assert.match(await refusal({ kind: "attach", pid: 4194304 }), /no such process/);
  assert.match(await refusal({ kind: "attach", pid: 2 }), /kernel thread/);
  assert.match(await refusal({ kind: "attach", pid: process.pid }), /itself/);
  assert.match(await refusal({ kind: "spawn", argv: ["/nowhere/x"] }), /no such program/);
  const { target: pid, finished } = await launch(buildProgram("hot"), ["1"]);
  const strace = hasProgram("strace") ? spawn("strace", ["-p", String(pid)]) : null;
  if (strace !== null) {
    await new Promise((resolve) => strace.stderr.once("data", resolve));
    const said = await refusal({ kind: "attach", pid });
    assert.match(said, new RegExp(`not permitted: it is already traced by process ${strace.pid}`));
    strace.kill("SIGINT");
    await new Promise((resolve) => strace.once("close", resolve));
  }
  process.kill(pid, "SIGTERM");
  await finished();
});

s.run();
