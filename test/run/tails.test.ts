/** .return of functions that end by a jump to another: the result is what that one returns. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PRIVATE } from "../../wasm-runtime/layout/private.js";
import { codeOf } from "../support/process.js";
import {
  buildProgram,
  cannotTrace,
  hasProgram,
  start,
  startWastap,
  wastap,
} from "../support/tools.js";

const s = suite("run/tails");
const missing = cannotTrace();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** Counts and sums of results, and how many of them are not known. */
const SCRIPT = `global n, sum, unknown
  function note(name, result) { n[name]++ sum[name] += result }
  probe process(@1).{function("direct"),function("chain"),function("maybe"),function("indirect"),
    function("mixed"),function("leaps"),function("outer"),function("compare"),function("listed")}.return
  {
    name = probefunc()
    if (name != ppfunc()) println(name, " is not ", ppfunc())
    try { note(name, $return) } catch { unknown[name]++ }
  }
  probe process(@1).function("middle").return { note("middle", fp_to_long($return, 1, 0)) }
  probe process(@1).function("room").return { note("room", $return != 0) if ($$return == "return=?") unknown["room"]++ }
  probe end { foreach (name+ in n) printf("%s %d %d\\n", name, n[name], sum[name]) }
  probe end { foreach (name in unknown) printf("%s: %d unknown\\n", name, unknown[name]) }`;

/** Lines of name, count and sum; those of one name added up. */
function rows(lines: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const line of lines) {
    const [name = "", ...numbers] = line.split(" ");
    const before = found.get(name) ?? [];
    found.set(
      name,
      numbers.map((number, i) => Number(number) + (before[i] ?? 0)),
    );
  }
  return found;
}

/** What the program says of its functions, and what the script does; `own` lines are the program's. */
function check(stdout: string, own: number): void {
  const lines = stdout.trim().split("\n");
  const expected = rows(lines.slice(0, own));
  const of = (name: string): number[] => expected.get(name) ?? [];
  const [calls = 0, sum = 0] = of("direct");
  // chain calls direct, outer calls itself by way of deep.
  expected.set("direct", [2 * calls, sum + (of("chain")[1] ?? 0)]);
  expected.set("outer", [3 * calls, 2 * (of("outer")[1] ?? 0)]);
  const seen = rows(lines.slice(own));
  assert.equal([...seen].toSorted(), [...expected].toSorted());
}

/** What tails.c prints. */
const FUNCTIONS = 11;

for (const compiler of ["gcc", "clang-14"]) {
  const absent = hasProgram(compiler) ? null : `no ${compiler}`;
  if (missing === null && absent !== null) process.stdout.write(`skipped: ${absent}\n`);
  const compiled = absent === null ? traced : s.skip;

  compiled(`${compiler}: counts and results from four threads`, () => {
    const program = buildProgram("tails", ["-g"], compiler);
    const { stdout, stderr, status } = wastap(["-e", SCRIPT, "-c", `${program} 4 2000`, program]);
    assert.is(status, 0, stderr);
    check(stdout, FUNCTIONS);
  });
}

traced("in two processes, where returns were waited for before they were forked", () => {
  const program = buildProgram("tails", ["-g"]);
  const { stdout, stderr, status } = wastap(["-e", SCRIPT, "-c", `${program} 2 500 fork`, program]);
  assert.is(status, 0, stderr);
  check(stdout, 2 * FUNCTIONS);
});

traced("functions that are left by exceptions, called at one place", () => {
  const program = buildProgram("tails", ["-g"], "g++", "cc");
  const points = ["Far", "Near", "Other"].map(
    (name) => `process(@1).function("${name}::go").return`,
  );
  const script = `global n, sum
    probe ${points} { f = substr(probefunc(), 0, strpos(probefunc(), "(")) n[f]++ sum[f] += $return }
    probe end { foreach (f+ in n) printf("%s %d %d\\n", f, n[f], sum[f]) }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", `${program} 3000`, program]);
  const lines = stdout.trim().split("\n");
  assert.is(lines.length, 6, stderr);
  assert.equal(lines.slice(3), lines.slice(0, 3));
});

traced("as many returns as entries where two functions call each other in turn", () => {
  const program = buildProgram("tails", ["-g"]);
  const script = `global entries, known, unknown
    probe process(@1).{function("even"),function("odd")}.call { entries++ }
    probe process(@1).{function("even"),function("odd")}.return {
      try { known[$return]++ } catch { unknown++ }
    }
    probe end { printf("%d %d %d\\n", entries, known[7], unknown) }`;
  const counted = (depth: number): string =>
    wastap(["-e", script, "-c", `${program} even ${depth}`, program]).stdout;
  assert.is(counted(40), "41 41 0\n");
  // Only so many returns can wait.
  const most = PRIVATE.tailCount + 1;
  assert.is(counted(1000), `1001 ${most} ${1001 - most}\n`);
});

traced("where children of vfork come first, which is then left as it was", async () => {
  const program = buildProgram("vforked", ["-g"]);
  const target = start(program, []);
  try {
    await target.until(/ready/);
    const before = codeOf(target.pid);
    const script = `global known
      probe process("${program}").function("leap").return {
        try { if ($return == 6) known++ } catch {}
        if (known > 100) exit()
      }`;
    const tap = await startWastap(["-e", script, "-x", `${target.pid}`]).finished();
    assert.is(tap.stderr, "");
    assert.is(tap.status, 0);
    assert.equal(codeOf(target.pid), before);
  } finally {
    target.child.kill("SIGTERM");
  }
  const { stdout, status } = await target.finished();
  assert.is(status, 0);
  assert.match(stdout, /^0 wrong$/m);
});

traced("a function whose code goes on in the next one returns where that does", () => {
  const program = buildProgram("falls");
  const script = `global n, sum
    probe process(@1).{function("next"),function("twice")}.return { n[ppfunc()]++ sum[ppfunc()] += returnval() }
    probe end { foreach (name+ in n) println(name, " ", n[name], " ", sum[name]) }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", program, program]);
  assert.is(stdout, "20000\nnext 100 10100\ntwice 200 20000\n");
  assert.is(stderr, "");
});

traced("where a process has nearly all the mappings that it may have, it keeps the rest", () => {
  const program = buildProgram("crowded", ["-g"]);
  const known = (mappings: number): number => {
    const script = `global known probe process(@1).function("passed_on").return
      { try { if ($return >= 0) known++ } catch {} } probe end { println(known) }`;
    const command = `${program} ${mappings}`;
    const { stdout, stderr } = wastap(["-e", script, "-c", command, program]);
    assert.is(stderr, "");
    const [sum, count] = stdout.trim().split("\n").map(Number);
    assert.is(sum, 400, command);
    return count ?? -1;
  };
  assert.ok(known(0) > 10);
  assert.is(known(40_000), 0);
});

traced("the error says why; without debug information, too", () => {
  const program = buildProgram("tails", ["-g"]);
  const point = `process("${program}").function("even").return`;
  for (const value of ["$return", "returnval()"]) {
    const { stderr, status } = wastap([
      "-e",
      `probe ${point} { println(${value}) }`,
      "-c",
      `${program} even 2000`,
    ]);
    assert.is(status, 1);
    assert.match(stderr, /ERROR: the function ended by a jump to another: its result is not known/);
  }
});

traced("a process that ends while it is looked at once more is no matter of a warning", () => {
  const program = buildProgram("tails", ["-g", "-O2", "-pthread"]);
  const script = `global n probe process(@1).function("*").return { n[usymname(uaddr())]++ }`;
  for (let run = 0; run < 3; run++) {
    const { stderr } = wastap(["-e", script, program, "-c", `${program} 6 50`]);
    assert.not.match(stderr, /read memory/);
  }
});

s.run();
