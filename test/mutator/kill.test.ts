/** kill -9 of the mutator at any moment: the target computes on, the guard says it is dead. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { exists, readMappings, readMemory } from "../../shim/mutator/process.js";
import { CONTROL } from "../../wasm-runtime/layout.js";
import { mappingNames, statusField } from "../support/process.js";
import { createRandom } from "../support/random.js";
import { buildProgram, cannotTrace } from "../support/tools.js";
import { compileBundle, launch } from "./support.js";

const s = suite("mutator/kill");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const KILLS = Number(process.env["WASTAP_KILLS"] ?? "20");
const DRIVER = join(PACKAGE_ROOT, "dist", "test", "mutator", "driver.js");
/** uid and gid of nobody and nogroup in Debian. */
const NOBODY = 65534;
const OWNER_DIED = 0x4000_0000;
const directory = mkdtempSync(join(tmpdir(), "wastap-kill-"));
s.after(() => rmSync(directory, { recursive: true }));

interface DriverRun {
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Runs the driver; once it says `word`, it is killed `delayMs` later (null: not at all). */
function runDriver(
  pid: number,
  bundle: string,
  { word, delayMs, runMs }: { word: string; delayMs: number | null; runMs: number },
  user: { readonly uid?: number; readonly gid?: number } = {},
): Promise<DriverRun> {
  const child = spawn(process.execPath, [DRIVER, bundle, String(pid), String(runMs)], user);
  let output = "";
  let armed = false;
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (armed || delayMs === null || !output.includes(word)) return;
    armed = true;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
  });
  return new Promise((resolve) => child.on("close", (_, signal) => resolve({ signal, output })));
}

function bundleFor(program: string): string {
  const file = join(directory, "bundle.wasm");
  writeFileSync(
    file,
    compileBundle(`global n, m
      probe process("${program}").function("look") { n++ }
      probe process("${program}").function("halve").return { m++ }
      probe end { printf("%d %d\\n", n, m) }`),
  );
  return file;
}

test(`the target survives ${KILLS} kills, and the next session works`, async () => {
  const random = createRandom();
  const program = buildProgram("hot");
  const bundle = bundleFor(program);
  const { target: pid, finished, output } = await launch(program, ["4"], { deadlineMs: 600_000 });
  const before = mappingNames(pid);
  let killed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const word = random() < 0.7 ? "attaching" : "armed";
    const delayMs = random() * (word === "attaching" ? 400 : 150);
    const result = await runDriver(pid, bundle, { word, delayMs, runMs: 50 });
    if (result.signal !== null) killed++;
    assert.ok(exists(pid), `alive after kill ${kill}: ${output()}`);
    assert.is(statusField(pid, "TracerPid"), 0);
  }
  const last = await runDriver(pid, bundle, { word: "", delayMs: null, runMs: 200 });
  assert.match(last.output, /values [1-9]\d* [1-9]\d*\n/);
  assert.match(last.output, /remains \{"leaked":\[\],"foreign":\[\],"stuck":\[\]\} unpatched 0/);
  assert.equal(
    mappingNames(pid).filter((name) => !before.includes(name)),
    [],
  );
  process.kill(pid, "SIGTERM");
  const result = await finished();
  assert.match(result.stdout, /rounds \d+\n$/);
  assert.not.match(result.stdout, /WRONG/);
  process.stdout.write(`${killed} of ${KILLS} drivers were killed\n`);
});

test("the kernel marks the guard word when the mutator is killed", async () => {
  const program = buildProgram("hot");
  const bundle = bundleFor(program);
  const { target: pid, finished } = await launch(program, ["2"]);
  const { signal } = await runDriver(pid, bundle, { word: "armed", delayMs: 0, runMs: 60_000 });
  assert.is(signal, "SIGKILL");
  const shared = readMappings(pid).find((m) => m.path.startsWith("/memfd:wastap"));
  assert.ok(shared);
  const guard = readMemory(pid, shared.start + CONTROL.guard, 4);
  assert.is(new DataView(guard.buffer).getUint32(0, true) & OWNER_DIED, OWNER_DIED);
  process.kill(pid, "SIGTERM");
  assert.not.match((await finished()).stdout, /WRONG/);
});

const root = missing === null && process.getuid?.() === 0;
if (missing === null && !root) process.stdout.write("skipped: not root, cannot become nobody\n");
(root ? s : s.skip)("a user without privileges traces a process of their own", async () => {
  const program = buildProgram("hot");
  const bundle = bundleFor(program);
  chmodSync(directory, 0o755);
  const { target: pid, finished } = await launch(program, ["2"], { uid: NOBODY });
  const uid = { uid: NOBODY, gid: NOBODY };
  const result = await runDriver(pid, bundle, { word: "", delayMs: null, runMs: 50 }, uid);
  assert.match(result.output, /values [1-9]\d* [1-9]\d*\n/);
  assert.match(result.output, /"leaked":\[\],"foreign":\[\],"stuck":\[\]/);
  process.kill(pid, "SIGTERM");
  assert.not.match((await finished()).stdout, /WRONG/);
});

s.run();
