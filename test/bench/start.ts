/**
 * Wall time from the command to the first line that a hit prints, attached to a running program
 * with nothing cached, and what the session adds to the program's resident memory.
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
  readonly addedKb: number;
}

async function measure(): Promise<Start> {
  const target = start(program, ["1"]);
  await target.until(/ready/);
  const before = statusField(target.pid, "VmRSS");
  const begun = performance.now();
  const script = `global told, hits
    probe process("${program}").function("look") { hits[tid()]++; if (!told) { told = 1; println("hit") } }`;
  const tap = startWastap(["--disable-cache", "-e", script, "-x", String(target.pid)]);
  await tap.until(/hit/);
  const ms = performance.now() - begun;
  await delay(RUN_MS);
  const addedKb = statusField(target.pid, "VmRSS") - before;
  tap.child.kill("SIGINT");
  await tap.finished();
  target.child.kill("SIGKILL");
  await target.finished();
  return { ms, addedKb };
}

const starts: Start[] = [];
for (let round = 0; round < rounds; round++) starts.push(await measure());
const best = Math.min(...starts.map(({ ms }) => ms));
const worst = Math.max(...starts.map(({ ms }) => ms));
const memory = Math.max(...starts.map(({ addedKb }) => addedKb));
process.stdout.write(
  `from command to first printed hit: ${best.toFixed(0)} ms, at worst ${worst.toFixed(0)} ms of ${rounds}\n` +
    `memory added to the process: at most ${(memory / 1024).toFixed(1)} MiB resident\n`,
);
