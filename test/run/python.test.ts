/** Debian's unmodified python3.11: function__return with file, function and line. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasProgram, start, startWastap, wastap } from "../support/tools.js";

const PYTHON = "/usr/bin/python3.11";
const s = suite("run/python");
const available = hasProgram(PYTHON);
const test = available ? s : s.skip;
if (!available) process.stdout.write(`skipped: no ${PYTHON}\n`);

const PROGRAM = `
def leaf(n):
    return n + 1

def middle(n):
    return leaf(n) + leaf(n)

def outer():
    total = 0
    for i in range(3):
        total += middle(i)
    return total

print(outer())
`;

function writeProgram(name: string, text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "wastap-python-")), name);
  writeFileSync(file, text);
  return file;
}

test("every return of a nested program, with file, function and line", () => {
  const file = writeProgram("früh.py", PROGRAM);
  const script = `probe process("${PYTHON}").mark("function__return") {
    file = user_string($arg1)
    if (isinstr(file, "fr")) printf("%s %s:%d\\n", user_string($arg2), file, $arg3)
  }`;
  const output = `${file}.out`;
  const args = ["-o", output, "-e", script, "-c", `${PYTHON} -S -E ${file}`];
  const result = wastap(args, { env: { PYTHONUTF8: "1" } });
  assert.is(result.status, 0, result.stderr);
  const lines = readFileSync(output, "utf8")
    .split("\n")
    .filter((line) => line.includes(file));
  const round = [`leaf ${file}:3`, `leaf ${file}:3`, `middle ${file}:6`];
  const expected = [...round, ...round, ...round, `outer ${file}:12`, `<module> ${file}:14`];
  assert.equal(lines, expected);
  assert.is(result.stdout, "12\n", "the program's own output");
});

const BUSY = `
import sys
def fast(n):
    return n
def slow(n):
    for _ in range(3):
        fast(n)
print("ready", flush=True)
while True:
    slow(1)
`;

test("a top of functions every second, while the program runs", async () => {
  const file = writeProgram("busy.py", BUSY);
  const target = start(PYTHON, [file]);
  await target.until(/ready/);
  const script = `global calls
    probe process("${PYTHON}").mark("function__return") {
      calls[user_string($arg1), $arg3, user_string($arg2)]++
    }
    probe timer.ms(1000) {
      println("TOP")
      foreach ([file, line, name] in calls- limit 20)
        printf("%d %s %s:%d\\n", calls[file, line, name], name, file, line)
      delete calls
    }`;
  const tap = startWastap(["-e", script, "-x", String(target.pid)]);
  await tap.until(/(TOP\n[\s\S]*){3}/);
  tap.child.kill("SIGINT");
  const result = await tap.finished();
  assert.is(target.child.exitCode, null, "the program still runs");
  target.child.kill("SIGKILL");
  assert.is(result.status, 0, result.stderr);
  const [, second = "", third = ""] = result.stdout.split("TOP\n");
  for (const top of [second, third].filter((text) => text !== "")) {
    const rows = top.trimEnd().split("\n");
    const counts = rows.map((row) => Number(row.split(" ")[0]));
    assert.match(rows[0] ?? "", new RegExp(`^\\d+ fast ${file}:4$`));
    assert.match(rows[1] ?? "", new RegExp(`^\\d+ slow ${file}:\\d+$`));
    assert.ok(Math.abs((counts[0] ?? 0) - 3 * (counts[1] ?? 0)) <= 3, top);
  }
});

s.run();
