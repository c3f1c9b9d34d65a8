/**
 * Cost of a call chain in nanoseconds of processor time over the unprobed call, by its length and by
 * what is made of it, with its ratio to n++; all in one run.
 *
 *   make bench, or node dist/test/bench/unwind.js [calls]
 */
import { spawnSync } from "node:child_process";
import { buildProgram, wastap } from "../support/tools.js";

const calls = process.argv[2] ?? "300000";
const program = buildProgram("tower", ["-fomit-frame-pointer"]);
const FRAMES = "40";
const point = `process("${program}").function("work")`;

const HANDLERS: [string, number, string][] = [
  ["n++", 10, "n++"],
  ["1 frame", 1, "n += ustack(0)"],
  ["2 frames", 2, "n += ustack(0)"],
  ["10 frames", 10, "n += ustack(0)"],
  ["40 frames", 40, "n += ustack(0)"],
  ["10 frames as a string, ubacktrace()", 10, "n += strlen(ubacktrace())"],
  ["a symbol, usymname()", 10, "n += strlen(usymname(uaddr()))"],
  ["10 frames with symbols, sprint_ubacktrace()", 10, "n += strlen(sprint_ubacktrace())"],
];

function perCall(output: string): number {
  const match = /ns per call: ([\d.]+)/.exec(output);
  if (match === null) throw new Error(`no time in ${JSON.stringify(output)}`);
  return Number(match[1]);
}

function unprobed(): number {
  return perCall(spawnSync(program, [FRAMES, calls], { encoding: "utf8" }).stdout);
}

function probed(frames: number, body: string): number {
  const script = `global n probe ${point} { ${body} }`;
  const command = `${program} ${FRAMES} ${calls}`;
  const limits = [`-DMAXBACKTRACE=${frames}`, "-o", "/dev/null"];
  const result = wastap([...limits, "-e", script, "-c", command], { timeoutMs: 300_000 });
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`);
  return perCall(result.stdout);
}

const baseline = unprobed();
process.stdout.write(`${calls} calls; unprobed ${baseline.toFixed(2)} ns a call\n`);
let counter = 0;
for (const [name, frames, body] of HANDLERS) {
  const ns = probed(frames, body) - baseline;
  counter ||= ns;
  const ratio = (ns / counter).toFixed(1).padStart(7);
  process.stdout.write(`${ns.toFixed(1).padStart(9)} ns ${ratio} x  ${name}\n`);
}
process.stdout.write(`unprobed again ${unprobed().toFixed(2)} ns a call\n`);
