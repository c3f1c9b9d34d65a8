/**
 * kill -9 of the mutator while the target makes one of the system calls that it was sent to make for
 * being injected into. The next session must find all that is left.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exists } from "../../shim/mutator/process.js";
import { SYSCALL } from "../../shim/mutator/remote.js";
import { cannotCount, createSteps, descriptors, named, stepsBehind, WHOLE } from "./steps.js";
import { runDriver } from "./support.js";

const s = suite("mutator/kill-injecting");
const missing = cannotCount();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const steps = createSteps();
s.after(() => steps.close());

test("what a session left that was killed while it mapped memory is taken back", async () => {
  const { target: pid, bundle, before, open, finished, output } = await steps.launch();
  await runDriver(pid, bundle, { ...WHOLE, under: steps.counting });
  const found = stepsBehind([SYSCALL.memfdCreate, SYSCALL.mmap], steps.lines("ptrace"));
  assert.ok(found.length > 10, `${found.length} steps`);
  for (const step of found) {
    let last = { output: "" };
    const where = (): string => `killed at ptrace ${step}: ${output()}${last.output}`;
    const under = steps.killing("ptrace", step);
    const { signal } = await runDriver(pid, bundle, { ...WHOLE, under });
    assert.is(signal, "SIGKILL", where());
    assert.ok(exists(pid), where());
    last = await runDriver(pid, bundle, WHOLE);
    assert.match(last.output, /values [1-9]\d* [1-9]\d*\n/, where());
    assert.match(last.output, /"leaked":\[\],"foreign":\[\],"stuck":\[\]\} unpatched 0/, where());
    assert.equal(named(pid), before, where());
    assert.equal(descriptors(pid), open, where());
  }
  process.kill(pid, "SIGTERM");
  assert.not.match((await finished()).stdout, /WRONG/);
});

s.run();
