/**
 * Cost of a probe hit in nanoseconds of processor time over the unprobed call, by what the handler
 * does, as the probed program itself measures it. The unprobed program runs first and last, so that
 * noise of the machine shows.
 *
 *   make bench, or node dist/test/bench/hit.js [calls per thread] [threads]
 */
import { spawnSync } from "node:child_process";
import { buildProgram, wastap } from "../support/tools.js";

const calls = Number(process.argv[2] ?? "5000000");
const threads = Number(process.argv[3] ?? "1");
const program = buildProgram("work");
const args = [String(threads), String(calls), "0", "time"];
const point = `process("${program}").function("work")`;

const HANDLERS: [string, string][] = [
  ["condition that is false", `global off probe ${point} if (off) { off = 0 }`],
  ["n++", `global n probe ${point} { n++ }`],
  [
    "s <<< argument, count",
    `global s probe ${point} { s <<< ulong_arg(1) } probe end { println(@count(s)) }`,
  ],
  [
    "s <<< argument, log histogram",
    `global s probe ${point} { s <<< ulong_arg(1) } probe end { print(@hist_log(s)) }`,
  ],
  ["a[tid()]++", `global a probe ${point} { a[tid()]++ }`],
  [
    "a[argument & 1023] = argument",
    `global a probe ${point} { a[ulong_arg(1) & 1023] = ulong_arg(1) }`,
  ],
  ["t += gettimeofday_us()", `global t probe ${point} { t += gettimeofday_us() }`],
  [".return n++", `global n probe ${point}.return { n++ }`],
];

function perCall(output: string): number {
  const match = /ns per call: ([\d.]+)/.exec(output);
  if (match === null) throw new Error(`no time in ${JSON.stringify(output)}`);
  return Number(match[1]);
}

function unprobed(): number {
  return perCall(spawnSync(program, args, { encoding: "utf8" }).stdout);
}

function probed(script: string): number {
  const command = [program, ...args].join(" ");
  const result = wastap(["-e", script, "-c", command], { timeoutMs: 300_000 });
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return perCall(result.stdout);
}

const baseline = unprobed();
process.stdout.write(
  `${calls} calls in each of ${threads} threads; unprobed ${baseline.toFixed(2)} ns a call\n`,
);
for (const [name, script] of HANDLERS) {
  process.stdout.write(`${(probed(script) - baseline).toFixed(1).padStart(9)} ns  ${name}\n`);
}
process.stdout.write(`unprobed again ${unprobed().toFixed(2)} ns a call\n`);
