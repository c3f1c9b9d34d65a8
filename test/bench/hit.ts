/**
 * Cost of a probe hit in nanoseconds over the unprobed call, by what the handler does, measured in one
 * run: the same program without wastap first and last, so that noise of the machine shows.
 *
 *   make bench, or node dist/test/bench/hit.js [calls per thread] [threads]
 */
import { spawnSync } from "node:child_process";
import { buildProgram, wastap } from "../support/tools.js";

const calls = Number(process.argv[2] ?? "3000000");
const threads = Number(process.argv[3] ?? "1");
const program = buildProgram("work");
const command = `${program} ${threads} ${calls}`;
const point = `process("${program}").function("work")`;

const HANDLERS: [string, string][] = [
  ["nothing counted: empty condition", `global off probe ${point} if (off) { off = 0 }`],
  ["n++", `global n probe ${point} { n++ }`],
  [
    "s <<< argument",
    `global s probe ${point} { s <<< ulong_arg(1) } probe end { println(@count(s)) }`,
  ],
  ["histogram", `global s probe ${point} { s <<< ulong_arg(1) } probe end { print(@hist_log(s)) }`],
  ["a[tid()]++", `global a probe ${point} { a[tid()]++ }`],
  [
    "a[argument & 1023] = argument",
    `global a probe ${point} { a[ulong_arg(1) & 1023] = ulong_arg(1) }`,
  ],
  ["gettimeofday_us()", `global t probe ${point} { t += gettimeofday_us() & 1 }`],
  [".return n++", `global n probe ${point}.return { n++ }`],
];

/** Seconds that the program alone takes. */
function unprobed(): number {
  const started = process.hrtime.bigint();
  spawnSync(program, [String(threads), String(calls)]);
  return Number(process.hrtime.bigint() - started) / 1e9;
}

/** Seconds that a whole run under `script` takes, start-up of wastap included. */
function probed(script: string): number {
  const started = process.hrtime.bigint();
  const result = wastap(["-e", script, "-c", command], { timeoutMs: 300_000 });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return seconds;
}

const baseline = unprobed();
const startup = probed("probe begin { exit() }");
const perHit = (seconds: number): string =>
  (((seconds - startup - baseline) * 1e9) / (calls * threads)).toFixed(1);

process.stdout.write(
  `${calls} calls in each of ${threads} threads; unprobed ${baseline.toFixed(3)} s\n`,
);
for (const [name, script] of HANDLERS) {
  process.stdout.write(`${perHit(probed(script)).padStart(9)} ns  ${name}\n`);
}
process.stdout.write(`unprobed again ${unprobed().toFixed(3)} s\n`);
