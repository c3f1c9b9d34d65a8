/** kill -9 of wastap at random moments: the traced process goes on computing correctly. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { statusField } from "../support/process.js";
import { createRandom } from "../support/random.js";
import {
  buildProgram,
  cannotTrace,
  type Running,
  start,
  startWastap,
  wastap,
} from "../support/tools.js";

const s = suite("run/kill");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** Times that wastap is killed. */
const KILLS = Number(process.env["WASTAP_KILLS"] ?? "100");
/**
 * Kills come at random within what the last whole run took, and a little later each time, so that
 * they reach detaching however busy the machine becomes.
 */
const GROWTH = 1.01;

test(`the process survives ${KILLS} kills from attach to detach`, async () => {
  const random = createRandom();
  const program = buildProgram("hot");
  const target = start(program, ["3"], { deadlineMs: 600_000 });
  await target.until(/ready/);
  const script = `global n, texts
    probe process("${program}").function("look") {
      texts[user_string(pointer_arg(1))]++
      try { texts[user_string(pointer_arg(2))]++ } catch { n++ }
    }
    probe process("${program}").function("halve").return { n++ }
    probe timer.ms(300) { exit() }
    probe end { println("done") }`;
  const directory = mkdtempSync(join(tmpdir(), "wastap-kill-"));
  assert.is(wastap(["-p4", "-m", "hot", "-e", script], { cwd: directory }).status, 0);
  const startTap = async (): Promise<Running> => {
    const tap = startWastap(["-v", join(directory, "hot.wasm"), "-x", String(target.pid)]);
    await tap.until(/Pass 5: starting run/, "errors");
    return tap;
  };
  const whole = await startTap();
  const started = performance.now();
  assert.match((await whole.finished()).stdout, /^done\n/);
  let spanMs = performance.now() - started;
  let finished = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const tap = await startTap();
    const begun = performance.now();
    const timer = setTimeout(() => tap.child.kill("SIGKILL"), random() * spanMs);
    const result = await tap.finished();
    clearTimeout(timer);
    if (result.signal === null) {
      finished++;
      spanMs = performance.now() - begun;
    } else spanMs *= GROWTH;
    assert.is(target.child.exitCode, null, `alive after kill ${kill}: ${target.output()}`);
    assert.is(target.child.signalCode, null, `alive after kill ${kill}: ${target.output()}`);
    assert.is(statusField(target.pid, "TracerPid"), 0);
  }
  target.child.kill("SIGTERM");
  const result = await target.finished();
  assert.match(result.stdout, /rounds \d+\n$/);
  assert.not.match(result.stdout, /WRONG/);
  assert.is(result.status, 0);
  process.stdout.write(`${KILLS - finished} of ${KILLS} were killed\n`);
  assert.ok(finished <= KILLS / 4, "most kills came before the end of a run");
});

s.run();
