/** kill -9 of the mutator at any moment: the target computes on, the guard says it is dead. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exists, readMappings, readMemory } from "../../shim/mutator/process.js";
import { CONTROL } from "../../wasm-runtime/layout/shared.js";
import { cannotBeNobody, NOBODY } from "../support/install.js";
import { mappingNames, statusField } from "../support/process.js";
import { createRandom } from "../support/random.js";
import { buildProgram, cannotTrace } from "../support/tools.js";
import { compileBundle, countScript, launch, runDriver } from "./support.js";

const s = suite("mutator/kill");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const KILLS = Number(process.env["WASTAP_KILLS"] ?? "20");
const OWNER_DIED = 0x4000_0000;
const directory = mkdtempSync(join(tmpdir(), "wastap-kill-"));
s.after(() => rmSync(directory, { recursive: true }));

function bundleFor(program: string): string {
  const file = join(directory, "bundle.wasm");
  writeFileSync(file, compileBundle(countScript(program)));
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
  const shared = readMappings(pid).find((m) => m.path.startsWith("/memfd:wastap "));
  assert.ok(shared);
  const guard = readMemory(pid, shared.start + CONTROL.guard, 4);
  assert.is(new DataView(guard.buffer).getUint32(0, true) & OWNER_DIED, OWNER_DIED);
  process.kill(pid, "SIGTERM");
  assert.not.match((await finished()).stdout, /WRONG/);
});

const closed = missing ?? cannotBeNobody();
if (missing === null && closed !== null) process.stdout.write(`skipped: ${closed}\n`);
(closed === null ? s : s.skip)(
  "a user without privileges traces a process of their own",
  async () => {
    const program = buildProgram("hot");
    const bundle = bundleFor(program);
    chmodSync(directory, 0o755);
    const { target: pid, finished } = await launch(program, ["2"], { uid: NOBODY });
    const uid = { uid: NOBODY, gid: NOBODY };
    const result = await runDriver(pid, bundle, { word: "", delayMs: null, runMs: 50, ...uid });
    assert.match(result.output, /values [1-9]\d* [1-9]\d*\n/);
    assert.match(result.output, /"leaked":\[\],"foreign":\[\],"stuck":\[\]/);
    process.kill(pid, "SIGTERM");
    assert.not.match((await finished()).stdout, /WRONG/);
  },
);

s.run();
