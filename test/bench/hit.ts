/**
 * Cost of a probe hit in nanoseconds of processor time over the unprobed call, by what the handler
 * does, as the probed program itself measures it; with its ratio to the first, n++. The unprobed
 * program runs first and last, so that noise of the machine shows. Where bpftrace is installed and
 * may run, the same counter in it is measured too.
 *
 *   make bench, or node dist/test/bench/hit.js [calls per thread] [threads]
 */
import { spawnSync } from "node:child_process";
import { buildProgram, hasProgram, wastap } from "../support/tools.js";

const calls = Number(process.argv[2] ?? "1000000");
const threads = Number(process.argv[3] ?? "8");
const program = buildProgram("work");
const args = [String(threads), String(calls), "0", "time"];
const point = `process("${program}").function("work")`;

const HANDLERS: [string, string][] = [
  ["n++", `global n probe ${point} { n++ }`],
  ["condition that is false", `global off probe ${point} if (off) { off = 0 }`],
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
  [
    "entry to return, log histogram",
    `global begun, s probe ${point} { begun[tid()] = gettimeofday_ns() }
     probe ${point}.return { s <<< gettimeofday_ns() - begun[tid()] }
     probe end { print(@hist_log(s)) }`,
  ],
  ["printf of two numbers", `probe ${point} { printf("%d %d\\n", tid(), ulong_arg(1)) }`],
];
/** Calls in each thread under bpftrace: a hit takes microseconds. */
const TRAPPED_CALLS = 20_000;

function perCall(output: string): number {
  const match = /ns per call: ([\d.]+)/.exec(output);
  if (match === null) throw new Error(`no time in ${JSON.stringify(output)}`);
  return Number(match[1]);
}

function unprobed(own: readonly string[] = args): number {
  return perCall(spawnSync(program, own, { encoding: "utf8" }).stdout);
}

function probed(script: string): number {
  const command = [program, ...args].join(" ");
  const result = wastap(["-o", "/dev/null", "-e", script, "-c", command], { timeoutMs: 300_000 });
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return perCall(result.stdout);
}

/** A counter in the kernel's uprobes; null with the reason on the output where that cannot be. */
function trapped(): number | null {
  const own = [String(threads), String(TRAPPED_CALLS), "0", "time"];
  const command = [
    "-e",
    `uprobe:${program}:work { @ = count(); }`,
    "-c",
    [program, ...own].join(" "),
  ];
  const missing = hasProgram("bpftrace") ? null : "not installed";
  const result = missing === null ? spawnSync("bpftrace", command, { encoding: "utf8" }) : null;
  if (result?.status === 0) return perCall(result.stdout) - unprobed(own);
  const [why = ""] = (missing ?? result?.stderr ?? "").trim().split("\n").slice(-1);
  process.stdout.write(`skipped: bpftrace: ${why}\n`);
  return null;
}

const baseline = unprobed();
process.stdout.write(
  `${calls} calls in each of ${threads} threads; unprobed ${baseline.toFixed(2)} ns a call\n`,
);
let counter = 0;
const show = (name: string, ns: number): void => {
  counter ||= ns;
  const ratio = (ns / counter).toFixed(1).padStart(7);
  process.stdout.write(`${ns.toFixed(1).padStart(9)} ns ${ratio} x  ${name}\n`);
};
for (const [name, script] of HANDLERS) show(name, probed(script) - baseline);
const byKernel = trapped();
if (byKernel !== null) show("bpftrace, uprobe, count()", byKernel);
process.stdout.write(`unprobed again ${unprobed().toFixed(2)} ns a call\n`);
