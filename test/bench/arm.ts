/**
 * Processor time (all threads, so that other work on the machine does not count) from the command
 * to thousands of probes armed in a running program, with nothing cached: every statement of
 * python3.11's evaluation loop with its parameters and with all its variables, and every function
 * of node.
 *
 *   make bench, or node dist/test/bench/arm.js [rounds]
 */
import { readFileSync } from "node:fs";
import { hasProgram, type Running, start, startWastap } from "../support/tools.js";

const rounds = Number(process.argv[2] ?? "3");
const PYTHON = "/usr/bin/python3.11";
const NODE = "/usr/bin/node";
/** Milliseconds of a clock tick (USER_HZ is 100 on x86-64). */
const TICK_MS = 10;

interface Case {
  readonly title: string;
  readonly script: string;
  readonly target: () => Running;
}

const LOOP = `probe process("${PYTHON}").statement("_PyEval_EvalFrameDefault@*:*")`;
const python = (): Running =>
  start(PYTHON, ["-I", "-S", "-c", "import time; print('ready', flush=True); time.sleep(3600)"]);
const CASES: readonly Case[] = [
  { title: "statements, $$parms", script: `${LOOP} { println(pp(), $$parms) }`, target: python },
  { title: "statements, $$vars", script: `${LOOP} { println(pp(), $$vars) }`, target: python },
  {
    title: "functions of node",
    script: `global n probe process("${NODE}").function("*") { n++ }`,
    target: () => start(NODE, ["-e", "console.log('ready'); setInterval(() => 0, 1e6)"]),
  },
];

/** utime and stime of process `pid` (proc_pid_stat(5)). */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /s, "").split(" ");
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}

async function measure({ script, target }: Case): Promise<number> {
  const program = target();
  await program.until(/ready/);
  const args = ["-v", "-w", "--disable-cache", "-o", "/dev/null", "-e", script];
  const tap = startWastap([...args, "-x", String(program.pid)]);
  await tap.until(/probes armed/, "errors");
  const ms = processorMs(tap.pid);
  tap.child.kill("SIGINT");
  await tap.finished();
  program.child.kill("SIGKILL");
  await program.finished();
  return ms;
}

for (const each of CASES) {
  const found: number[] = [];
  if (!hasProgram(PYTHON) || !hasProgram(NODE)) break;
  for (let round = 0; round < rounds; round++) found.push(await measure(each));
  process.stdout.write(`${each.title}: ${Math.min(...found)} ms of processor time until armed\n`);
}
