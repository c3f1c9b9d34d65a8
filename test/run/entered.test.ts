/**
 * Marks at instructions that are jumped to as those behind them are: exact counts, code as before
 * when they are left, and a program that goes on after a kill before any write to its code.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exists } from "../../shim/mutator/process.js";
import { cannotCount, createSteps, WHOLE } from "../mutator/steps.js";
import {
  compileBundle,
  type DriverOptions,
  type DriverRun,
  launch,
  runDriver,
} from "../mutator/support.js";
import { emptyDirectory } from "../support/dwarf-programs.js";
import { codeOf } from "../support/process.js";
import { buildProgram, cannotTrace, start, wastap } from "../support/tools.js";

const s = suite("run/entered");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const program = buildProgram("entered");
const SCRIPT = `global a, b
  probe process("${program}").mark("behind") { a++ }
  probe process("${program}").mark("between") { b++ }
  probe end { printf("%d %d\\n", a, b) }`;

test("every pass of a mark is counted, jumps behind it are none", () => {
  const { stdout, stderr } = wastap(["-e", SCRIPT, "-c", `${program} 100003`]);
  const [, passed] = /^passed (\d+ \d+)$/m.exec(stdout) ?? [];
  assert.is(stdout, `passed ${passed}\n${passed}\n`);
  assert.is(stderr, "");
});

test("both are probed, the mark and what is behind it", () => {
  const script = `${SCRIPT} global behind
    probe process("${program}").mark("behind") { behind[uaddr() + 1]++ }
    probe end { foreach (address in behind) printf("%d\\n", behind[address]) }`;
  const { stdout } = wastap(["-e", script, "-c", `${program} 1000`]);
  assert.is(stdout, "passed 750 500\n750 500\n750\n");
});

test("threads in the middle of it are attached to and left", async () => {
  const target = start(program, []);
  await target.until(/ready/);
  const code = codeOf(target.pid);
  const more = "probe timer.ms(20) { if (a > 1000 && b > 1000) exit() }";
  for (let round = 0; round < 3; round++) {
    const { stdout, stderr } = wastap(["-e", `${SCRIPT} ${more}`, "-x", String(target.pid)]);
    assert.match(stdout, /^\d+ \d+\n$/);
    assert.is(stderr, "");
  }
  for (const [name, bytes] of codeOf(target.pid)) assert.ok(code.get(name)?.equals(bytes), name);
  target.child.kill("SIGTERM");
  assert.match((await target.finished()).stdout, /^ready\nrounds \d+\n$/);
});

const noSteps = cannotCount();
if (noSteps !== null) process.stdout.write(`skipped: ${noSteps}\n`);
const stepTest = noSteps === null ? test : s.skip;

stepTest(
  "the program survives a kill before any write of a jump, and its taking back",
  async () => {
    const steps = createSteps();
    const directory = emptyDirectory("entered");
    const bundle = join(directory, "bundle.wasm");
    const script = `global n probe process("${program}").mark("behind") { n++ }
    probe end { printf("%d\\n", n) }`;
    writeFileSync(bundle, compileBundle(script));
    const { target: pid, finished } = await launch(program, []);
    const run = (options: Partial<DriverOptions> = {}): Promise<DriverRun> =>
      runDriver(pid, bundle, { ...WHOLE, runMs: 20, ...options });
    const leave = (): Promise<DriverRun> => run({ word: "armed", delayMs: 0, runMs: 10_000 });
    /** Numbers of the writes of jumps, of five bytes, in what was counted. */
    const jumps = (): number[] =>
      steps
        .lines("pwrite64")
        .flatMap((line, i) => (/ 5, (0x)?[0-9a-f]+\)/.test(line) ? [i + 1] : []));
    try {
      await run({ under: steps.counting });
      const whole = jumps();
      await leave();
      await run({ under: steps.counting });
      const recovering = jumps();
      assert.equal([whole.length, recovering.length], [4, 6]);
      // Each writes the other jump first, then the mark's; and restores the mark's first.
      const cases = [
        { step: whole[1] ?? 0, isLeft: false },
        { step: whole[3] ?? 0, isLeft: false },
        { step: recovering[1] ?? 0, isLeft: true },
      ];
      for (const { step, isLeft } of cases) {
        const where = `write ${step}${isLeft ? " of taking back" : ""}`;
        if (isLeft) await leave();
        const { signal } = await run({ under: steps.killing("pwrite64", step) });
        assert.is(signal, "SIGKILL", where);
        assert.ok(exists(pid), where);
        const { output } = await run();
        assert.match(output, /values [1-9]/, `${where}: ${output}`);
      }
      process.kill(pid, "SIGTERM");
      assert.match((await finished()).stdout, /rounds \d+\n$/);
    } finally {
      steps.close();
      if (exists(pid)) process.kill(pid, "SIGKILL");
      rmSync(directory, { recursive: true });
    }
  },
);

s.run();
