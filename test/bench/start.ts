/**
 * Wall time from the command to the first line that a hit prints, attached to a running program
 * with nothing cached, and what the session adds to the program's memory: resident, and reserved
 * address space (stacks and rings for the most threads there may be, untouched until used).
 *
 *   make bench, or node dist/test/bench/start.js [rounds]
 */
import { setTimeout as delay } from "node:timers/promises";
import { statusField } from "../support/process.js";
import { buildProgram, start, startWastap } from "../support/tools.js";

const rounds = Number(process.argv[2] ?? "5");
const program = buildProgram("hot");
/** How long memory is given to grow. */
const RUN_MS = 500;

interface Start {
  readonly ms: number;
  readonly residentKb: number;
  readonly reservedKb: number;
}

async function measure(): Promise<Start> {
  const target = start(program, ["1"]);
  await target.until(/ready/);
  const resident = statusField(target.pid, "VmRSS");
  const reserved = statusField(target.pid, "VmSize");
  const begun = performance.now();
  const script = `global told, hits
    probe process("${program}").function("look") { hits[tid()]++; if (!told) { told = 1; println("hit") } }`;
  const tap = startWastap(["--disable-cache", "-e", script, "-x", String(target.pid)]);
  await tap.until(/hit/);
  const ms = performance.now() - begun;
  await delay(RUN_MS);
  const residentKb = statusField(target.pid, "VmRSS") - resident;
  const reservedKb = statusField(target.pid, "VmSize") - reserved;
  tap.child.kill("SIGINT");
  await tap.finished();
  target.child.kill("SIGKILL");
  await target.finished();
  return { ms, residentKb, reservedKb };
}

const starts: Start[] = [];
for (let round = 0; round < rounds; round++) starts.push(await measure());
const best = Math.min(...starts.map(({ ms }) => ms));
const worst = Math.max(...starts.map(({ ms }) => ms));
const most = (kb: readonly number[]): string => `${(Math.max(...kb) / 1024).toFixed(1)} MiB`;
const resident = most(starts.map(({ residentKb }) => residentKb));
const reserved = most(starts.map(({ reservedKb }) => reservedKb));
process.stdout.write(
  `from command to first printed hit: ${best.toFixed(0)} ms, at worst ${worst.toFixed(0)} ms of ${rounds}\n` +
    `memory added to the process: at most ${resident} resident, ${reserved} of address space\n`,
);
