/** Wrong input: a clear message on standard error, exit status 1, nothing attached. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { install, NOBODY } from "../support/install.js";
import {
  buildProgram,
  cannotTrace,
  type Finished,
  hasProgram,
  start,
  WASTAP,
  wastap,
} from "../support/tools.js";

const s = suite("run/errors");
const missing = cannotTrace();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** Runs wastap with `args`; what it says when it refuses them. */
function refused(args: readonly string[]): string {
  return complaintOf(wastap(args));
}

/** Expects status 1, no output, no stack trace; returns what was said. */
function complaintOf(result: Pick<Finished, "status" | "stdout" | "stderr">): string {
  assert.is(result.status, 1, result.stderr);
  assert.is(result.stdout, "");
  assert.not.match(result.stderr, /^\s+at .*\.js:\d+/m);
  assert.not.match(result.stderr, /internal error/);
  return result.stderr;
}

s("a syntax error shows the line and a caret", () => {
  const said = refused(["-e", "probe begin { x = }"]);
  assert.match(said, /^parse error: /m);
  assert.match(said, /at <input>:1:19$/m);
  assert.match(said, /^ +source: probe begin \{ x = \}\n +\^$/m);
  assert.match(said, /^1 parse error\.$/m);
  assert.match(said, /^Pass 1: parse failed\./m);
});

s("an unknown function is named, with a similar one", () => {
  const said = refused(["-e", "probe begin { strlem(1) }"]);
  assert.match(said, /semantic error: unresolved function.*strlem/);
  assert.match(said, /similar:.*strlen/);
  assert.match(said, /^Pass 2: analysis failed\./m);
});

s("what was folded to a literal is told as written", () => {
  const of = (value: string): string =>
    refused(["-w", "-p2", "-e", `probe begin { s = "a" s .= ${value} println(s) }`]);
  assert.match(of("@defined($x)"), "expected string but found long: operator '@defined' at");
  assert.match(of("1"), "expected string but found long: number '1' at");
});

s("no script at all", () => {
  assert.match(refused([]), /A script must be specified\./);
});

s("a file that is not there", () => {
  assert.match(refused(["/nowhere/x.stp"]), /"?\/nowhere\/x\.stp"?.*(missing|no such file)/i);
});

s("an unknown option", () => {
  assert.match(refused(["--frobnicate"]), /frobnicate.*\n.*--help/);
});

traced("a limit on files that shared memory does not fit", () => {
  const command = ["-c", 'ulimit -f 1; exec "$0" "$@"', process.execPath, WASTAP];
  const script = ["--disable-cache", "-e", "probe begin { exit() }"];
  const { status, stderr } = spawnSync("/bin/sh", [...command, ...script], { encoding: "utf8" });
  assert.is(status, 1, stderr);
  assert.match(stderr, /^ERROR: cannot make \d+ bytes of shared memory: .*ulimit -f/);
});

s("a bundle that is not one", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  const junk = join(directory, "junk.wasm");
  writeFileSync(junk, "this is not WebAssembly");
  assert.match(refused([junk]), /junk\.wasm.*not a/);
  const empty = join(directory, "empty.wasm");
  writeFileSync(empty, Buffer.from("0061736d01000000", "hex"));
  assert.match(refused([empty]), /empty\.wasm.*(bundle|wastap)/);
});

s("no such process", () => {
  const last = Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"));
  assert.match(refused(["-e", "probe begin { exit() }", "-x", String(last)]), /no such process/i);
});

s("no such program", () => {
  assert.match(refused(["-e", "probe begin { exit() }", "-c", "/nowhere/prog"]), /\/nowhere\/prog/);
});

traced("no such symbol, with the nearest names", () => {
  const program = buildProgram("work");
  const said = refused([
    "-e",
    `probe process("${program}").function("wrok") { exit() }`,
    "-c",
    program,
  ]);
  assert.match(said, /wrok/);
  assert.match(said, /similar.*work/);
});

traced("a process of another user", async () => {
  if (process.getuid?.() !== 0) {
    process.stdout.write("skipped: another user needs root\n");
    return;
  }
  const { main, program } = install("hot");
  const target = start(program, ["1"]);
  await target.until(/ready/);
  const script = `probe process("${program}").function("look") { exit() }`;
  const nobody = { encoding: "utf8", uid: NOBODY, gid: NOBODY, cwd: "/" } as const;
  const args = [main, "-e", script, "-x", String(target.pid)];
  const result = spawnSync(process.execPath, args, nobody);
  target.child.kill("SIGTERM");
  await target.finished();
  assert.match(complaintOf(result), /not permitted.*(user|uid)/i);
});

(missing === null && hasProgram("strace") ? s : s.skip)(
  "a process that something else traces",
  async () => {
    const program = buildProgram("hot");
    const target = start(program, ["1"]);
    await target.until(/ready/);
    const tracer = start("strace", ["-f", "-p", String(target.pid), "-o", "/dev/null"]);
    await tracer.until(/attached/, "errors");
    const script = `probe process("${program}").function("look") { exit() }`;
    const said = refused(["-e", script, "-x", String(target.pid)]);
    tracer.child.kill("SIGKILL");
    target.child.kill("SIGKILL");
    assert.match(said, new RegExp(`already traced by.*${tracer.pid}`));
  },
);

s.run();
