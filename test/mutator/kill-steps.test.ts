/**
 * kill -9 of the mutator before any of its system calls that work on the target, one by one, while
 * it takes back what a killed session left. Two sessions more must find all that the two left.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exists } from "../../shim/mutator/process.js";
import { SYSCALL } from "../../shim/mutator/remote.js";
import { statusField } from "../support/process.js";
import { createRandom } from "../support/random.js";
import { cannotCount, createSteps, descriptors, named, stepsBehind, WHOLE } from "./steps.js";
import { runDriver } from "./support.js";

const s = suite("mutator/kill-steps");
const missing = cannotCount();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const steps = createSteps();
s.after(() => steps.close());

/** Every n-th step is tried, and every one that unmaps memory; 1 takes some minutes. */
const STRIDE = Number(process.env["WASTAP_STRIDE"] ?? "32");
/**
 * Sessions killed first: threads are still in the code of each when the next one begins, so that
 * the third one's comes to lie where the first one's was, above the second one's.
 */
const KILLED_BEFORE = 3;
const CALLS = ["ptrace", "pwrite64"] as const;
const KILLED = { word: "armed", delayMs: 5, runMs: 1000 };

/** Steps that are tried, of the calls in `lines`. */
function chosen(lines: readonly string[], offset: number): number[] {
  const unmaps = new Set(stepsBehind([SYSCALL.munmap], lines));
  return lines.flatMap((_, i) => (unmaps.has(i + 1) || i % STRIDE === offset ? [i + 1] : []));
}

test("the target survives a kill at any step of taking back", async () => {
  const random = createRandom();
  const { target: pid, bundle, before, open, finished, output } = await steps.launch();
  const killSome = async (): Promise<void> => {
    for (let i = 0; i < KILLED_BEFORE; i++) await runDriver(pid, bundle, KILLED);
  };
  await killSome();
  const counted = await runDriver(pid, bundle, { ...WHOLE, under: steps.counting });
  assert.match(counted.output, /values [1-9]/);
  const calls = CALLS.map((call) => [call, steps.lines(call)] as const);
  let tried = 0;
  for (const [call, lines] of calls) {
    for (const step of chosen(lines, Math.floor(random() * STRIDE))) {
      let last = { output: "" };
      const where = (): string => `killed at ${call} ${step}: ${output()}${last.output}`;
      await killSome();
      await runDriver(pid, bundle, { ...WHOLE, under: steps.killing(call, step) });
      assert.ok(exists(pid), where());
      assert.is(statusField(pid, "TracerPid"), 0);
      await runDriver(pid, bundle, KILLED);
      assert.ok(exists(pid), where());
      last = await runDriver(pid, bundle, WHOLE);
      assert.match(last.output, /values [1-9]\d* [1-9]\d*\n/, where());
      assert.match(last.output, /"leaked":\[\],"foreign":\[\],"stuck":\[\]\} unpatched 0/, where());
      assert.equal(named(pid), before, where());
      assert.equal(descriptors(pid), open, where());
      tried++;
    }
  }
  process.kill(pid, "SIGTERM");
  const result = await finished();
  assert.match(result.stdout, /rounds \d+\n$/);
  assert.not.match(result.stdout, /WRONG/);
  process.stdout.write(`${tried} steps\n`);
});

s.run();
