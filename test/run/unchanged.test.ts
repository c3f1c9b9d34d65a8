/** A probe changes nothing: registers, flags, red zone and vectors are as found. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/unchanged");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** What the handler uses, its further globals, its body. */
const HANDLERS: [string, string, string][] = [
  ["a count", "", "n++"],
  [
    "registers and an array",
    ", a%[100]",
    'n++; a[register("rbx"), u_register("r15")] = register("rflags")',
  ],
  ["text and the clock", "", 'n++; printf("%s%d", sprintf("%5d|", tid()), gettimeofday_ns() == 0)'],
  [
    "good and bad pointers",
    ", a%[100], b",
    'n++; try { a[user_int64(register("rsp")), user_int64(8)] = 1 } catch { b++ }',
  ],
];

for (const [what, globals, body] of HANDLERS) {
  test(`with a handler that uses ${what}`, () => {
    const program = buildProgram("clobber");
    const script = `global n${globals} probe process("${program}").mark("*") { ${body} }
      probe end { printf("\\nn=%d\\n", n) }`;
    const output = `${program}.out`;
    const options = ["--no-global-var-display", "-o", output];
    const result = wastap([...options, "-e", script, "-c", `${program} 3000`]);
    assert.is(result.status, 0, result.stderr);
    assert.is(result.stdout, "clobber: 3000 rounds, 0 differences\n");
    assert.match(readFileSync(output, "utf8"), /^n=6000$/m);
  });
}

test("events of processes and threads", () => {
  const program = buildProgram("work");
  const point = `process("${program}")`;
  const events = ["begin", "thread.begin", "thread.end", "end"];
  const probes = events.map((event) => `probe ${point}.${event} { println("${event}") }`);
  const result = wastap(["-e", probes.join("\n"), "-c", `${program} 2 1000`]);
  const told = result.stdout.split("\n").filter((line) => events.includes(line));
  assert.is(told[0], "begin");
  assert.is(told.at(-1), "end");
  assert.equal(told.slice(1, -1).sort(), [
    "thread.begin",
    "thread.begin",
    "thread.end",
    "thread.end",
  ]);
});

s.run();
