/**
 * kill -9 of the mutator before any of its system calls that work on the target, one by one, while
 * it takes back what a killed session left: strace(1) counts the calls and kills. Two sessions more
 * must find all that the two left.
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exists } from "../../shim/mutator/process.js";
import { mappingNames, statusField } from "../support/process.js";
import { createRandom } from "../support/random.js";
import { buildProgram, cannotTrace, hasProgram } from "../support/tools.js";
import { compileBundle, countScript, launch, runDriver } from "./support.js";

const s = suite("mutator/kill-steps");
const missing = hasProgram("/usr/bin/strace") ? cannotTrace() : "no /usr/bin/strace";
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** Every n-th step is tried, and every one that unmaps memory; 1 takes some minutes. */
const STRIDE = Number(process.env["WASTAP_STRIDE"] ?? "32");
/**
 * Sessions killed first: threads are still in the code of each when the next one begins, so that
 * the third one's comes to lie where the first one's was, above the second one's.
 */
const KILLED_BEFORE = 3;
const CALLS = ["ptrace", "pwrite64"] as const;
const directory = mkdtempSync(join(tmpdir(), "wastap-steps-"));
s.after(() => rmSync(directory, { recursive: true }));

const whole = { word: "", delayMs: null, runMs: 20 };
const killed = { word: "armed", delayMs: 5, runMs: 1000 };
const traced = [
  "strace",
  "-f",
  "-qq",
  "-o",
  join(directory, "calls"),
  "-e",
  "trace=ptrace,pwrite64",
];

function injecting(call: string, step: number): readonly string[] {
  return [...traced, "-e", `inject=${call}:signal=SIGKILL:when=${step}`];
}

/**
 * Mappings of files and of our own memory. Anonymous memory that a killed session had not filled yet
 * cannot be told from the program's and stays.
 */
function named(pid: number): string[] {
  return mappingNames(pid).filter((name) => !name.endsWith(" "));
}

/** Steps of the calls named `call` in what strace wrote. */
function stepsOf(call: string, calls: string, offset: number): number[] {
  const lines = calls.match(new RegExp(`^\\d+ +${call}\\(.*`, "gm")) ?? [];
  return lines.flatMap((line, i) => {
    const unmaps = /PTRACE_SETREGS.* rax=0xb,/.test(line);
    if (unmaps) return [i + 2];
    return i % STRIDE === offset ? [i + 1] : [];
  });
}

function descriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((name) => readlinkSync(join(folder, name)));
}

test("the target survives a kill at any step of taking back", async () => {
  const random = createRandom();
  const program = buildProgram("hot");
  const bundle = join(directory, "bundle.wasm");
  writeFileSync(bundle, compileBundle(countScript(program)));
  const { target: pid, finished, output } = await launch(program, ["2"], { deadlineMs: 3_600_000 });
  s.after(() => {
    if (exists(pid)) process.kill(pid, "SIGKILL");
  });
  const before = named(pid);
  const open = descriptors(pid);
  const killSome = async (): Promise<void> => {
    for (let i = 0; i < KILLED_BEFORE; i++) await runDriver(pid, bundle, killed);
  };
  await killSome();
  const counted = await runDriver(pid, bundle, { ...whole, under: traced });
  assert.match(counted.output, /values [1-9]/);
  const calls = readFileSync(join(directory, "calls"), "utf8");
  let tried = 0;
  for (const call of CALLS) {
    for (const step of stepsOf(call, calls, Math.floor(random() * STRIDE))) {
      const where = (): string => `alive, killed at ${call} ${step}: ${output()}`;
      await killSome();
      await runDriver(pid, bundle, { ...whole, under: injecting(call, step) });
      assert.ok(exists(pid), where());
      assert.is(statusField(pid, "TracerPid"), 0);
      await runDriver(pid, bundle, killed);
      assert.ok(exists(pid), where());
      const last = await runDriver(pid, bundle, whole);
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
