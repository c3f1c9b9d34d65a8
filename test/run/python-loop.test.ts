/**
 * Scripts with the constructs of Red Hat's varwatch.stp and func_time_stats.stp on the evaluation
 * loop of Debian's python3.11: thousands of statements and functions probed, python still right.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { openDebugInfo } from "../../compiler/dwarf/debug-info.js";
import { emptyDirectory } from "../support/dwarf-programs.js";
import { type Finished, hasProgram, wastap } from "../support/tools.js";

const PYTHON = "/usr/bin/python3.11";
const TESTS = "/usr/lib/python3.11/test/test_grammar.py";
const s = suite("run/python-loop");
const missing = whyNot();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

function whyNot(): string | null {
  if (!hasProgram(PYTHON)) return `no ${PYTHON}`;
  if (openDebugInfo(PYTHON) === null) return `no debug information of ${PYTHON} (python3.11-dbg)`;
  return existsSync(TESTS) ? null : `no ${TESTS} (libpython3.11-testsuite)`;
}

const STATEMENTS = `process("${PYTHON}").statement("_PyEval_EvalFrameDefault@*:*")`;
/** Every statement of the loop; this many at least. */
const FEWEST_STATEMENTS = 1500;

const WATCH = `
global seen%, failed, hits[4096]
probe $1 {
  hits[pp()] <<< 1
  if (@defined($2)) {
    try {
      now = $2
      if (seen[tid()] != now) {
        seen[tid()] = now
        printf("%s %s: ", execname(), @2)
        println(now)
      }
    } catch { failed++ }
  }
}
probe error, end {
  foreach (place in hits) places++
  printf("places %d, %s\\n", places, @1)
  if (failed) printf("failed %d\\n", failed)
}
`;

const TIMES = `
global start, intervals
probe $1 { start[tid()] = gettimeofday_us() }
probe $1.return {
  now = gettimeofday_us()
  before = start[tid()]
  if (before) intervals <<< now - before
  delete start[tid()]
}
probe end {
  printf("count %d, longest %d\\n", @count(intervals), @max(intervals))
  print(@hist_log(intervals))
}
`;

const directory = missing === null ? emptyDirectory("python-loop") : "";

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

interface Run {
  readonly script: string;
  readonly options: readonly string[];
  readonly args: readonly string[];
}

function run({ script, options, args }: Run, command: string): Finished {
  return wastap([...options, script, ...args, "-c", command], { timeoutMs: 300_000 });
}

test("a member behind a parameter, watched at every statement, takes the values that it has", () => {
  // The lines on which the functions begin are the values.
  const blank = (lines: number): string => "\n".repeat(lines);
  const program = `${blank(999)}def outer(n):\n    return inner(n) + 1\n${blank(998)}def inner(n):\n    return n\nfor n in range(3): print(outer(n))\n`;
  const output = join(directory, "watched");
  const watched = "$frame->f_code->co_firstlineno";
  const result = run(
    {
      script: file("watch.stp", WATCH),
      options: ["-w", "-o", output],
      args: [STATEMENTS, watched],
    },
    `${PYTHON} -I -S ${file("program.py", program)}`,
  );
  assert.is(result.status, 0, result.stderr);
  assert.is(result.stdout, "1\n2\n3\n", "the program's own output");
  const lines = readFileSync(output, "utf8").split("\n");
  const prefix = `python3.11 ${watched}: `;
  const values = lines.filter((line) => line.startsWith(prefix)).map((l) => l.slice(prefix.length));
  const own = values.filter((value) => value === "1000" || value === "2000");
  const call = ["1000", "2000", "1000"];
  assert.equal(own, [...call, ...call, ...call]);
  const places = Number(/^places (\d+), process/m.exec(lines.join("\n"))?.[1]);
  assert.ok(places > 300, `${places} places were hit`);
});

test("every statement is probed", () => {
  const script = `global n probe ${STATEMENTS} { n++ }`;
  const result = wastap(["-v", "--disable-cache", "-e", script, "-c", `${PYTHON} -I -S -c 0`]);
  assert.is(result.status, 0, result.stderr);
  const [, probes = ""] = /analyzed script: (\d+) probes/.exec(result.stderr) ?? [];
  assert.ok(Number(probes) >= FEWEST_STATEMENTS, `${probes} statements`);
  assert.is(/cannot be probed/.test(result.stderr), false, result.stderr);
  assert.match(result.stdout, /^n=[1-9]\d{4,}$/m);
});

test("python's own tests pass while every statement shows its parameters", () => {
  const output = join(directory, "parameters");
  const result = run(
    {
      script: file("watch.stp", WATCH),
      options: ["-s", "64", "-o", output],
      args: [STATEMENTS, "$$parms"],
    },
    `${PYTHON} -m test test_grammar test_exceptions`,
  );
  assert.is(result.status, 0, result.stderr);
  assert.match(result.stdout + result.stderr, /All 2 tests OK/);
  assert.match(
    readFileSync(output, "utf8"),
    /: tstate=0x[0-9a-f]+ frame=0x[0-9a-f]+ throwflag=0x0$/m,
  );
});

test("times of thousands of functions", () => {
  const result = run(
    {
      script: file("times.stp", TIMES),
      options: ["-w"],
      args: [`process("${PYTHON}").function("*@*/Objects/*.c")`],
    },
    `${PYTHON} -I -S -c "print(sum(map(int, map(str, range(1000)))))"`,
  );
  assert.is(result.status, 0, result.stderr);
  assert.match(result.stdout, /^499500$/m);
  const [, count = ""] = /^count (\d+), /m.exec(result.stdout) ?? [];
  assert.ok(Number(count) > 10_000, result.stdout);
  assert.match(result.stdout, /^ *value \|-+ count$/m);
});

test("samples show the stacks of Python functions", () => {
  const program = `def leaf(n): return sum(range(n))
def outer():
  for i in range(4000): leaf(5000)
outer()`;
  const file = join(emptyDirectory("python-stacks"), "busy.py");
  writeFileSync(file, program);
  const example = join(PACKAGE_ROOT, "docs", "examples", "pystacks.stp");
  const result = wastap([example, "-c", `${PYTHON} -S ${file}`]);
  assert.match(result.stdout, /^<module>;outer(;leaf)? [1-9]\d*$/m, result.stderr);
});

s.run();
