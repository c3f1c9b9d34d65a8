/** Handlers of begins and ends run while the thread waits: in their order, with all that is known. */
import { basename } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/lifetimes");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** What is told of `lifetimes WHAT`: `*` stands for the process that was started. */
function told(what: string): string {
  const program = buildProgram("lifetimes", ["-g", "-O1"]);
  const point = `process("${program}")`;
  const script = `
    function who() { return (pid() == target() ? "*" : "") . execname() . (tid() == pid() ? "" : "'") }
    probe ${point}.begin { println("begin ", who()) }
    probe ${point}.end { println("end ", who()) }
    probe ${point}.thread.begin { println("thread ", who()) }
    probe ${point}.thread.end { println("over ", who()) }
    probe ${point}.function("step") { println($number, " ", who(), " ", target_set_pid(pid())) }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", `${program} ${what}`]);
  assert.is(stderr, "");
  return stdout.trimEnd().replaceAll("\n", ", ").replaceAll(basename(program).slice(0, 15), "l");
}

const TOLD: readonly (readonly [what: string, lines: string])[] = [
  ["done", "begin *l, 0 *l 1, end *l"],
  [
    "threads",
    "begin *l, thread *renamed', 1 *renamed' 1, over *renamed', thread *renamed', 2 *renamed' 1, over *renamed', thread *renamed', 3 *renamed' 1, over *renamed', 0 *renamed 1, end *renamed",
  ],
  [
    "forks",
    "begin *l, begin l, 2 l 1, begin l, 1 l 1, 0 l 1, end l, 10 l 1, end l, 20 *l 1, 0 *l 1, end *l",
  ],
  ["exec", "begin *l, end *l, begin *l, 0 *l 1, end *l"],
  ["vfork", "begin *l, begin l, end l, begin l, 0 l 1, end l, 0 *l 1, end *l"],
  ["leader", "begin *l, thread *l', 1 *l' 1, over *l', end *l"],
  ["taken", "begin *l, thread *l', end *l, begin *l, 0 *l 1, end *l"],
  ["killed", "begin *l, begin l, end l, 1 *l 1, 0 *l 1, end *l"],
];

for (const [what, lines] of TOLD) test(what, () => assert.is(told(what), lines));

s.run();
