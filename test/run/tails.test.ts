/** .return of functions that end by a jump to another: the result is what that one returns. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/tails");
const missing = cannotTrace();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

/** Counts and sums of results, and how many of them are not known. */
const SCRIPT = `global n, sum, unknown
  function note(name, result) { n[name]++ sum[name] += result }
  probe process(@1).{function("direct"),function("chain"),function("maybe"),function("indirect"),
    function("mixed"),function("leaps"),function("outer")}.return
  {
    name = probefunc()
    if (name != ppfunc()) println(name, " is not ", ppfunc())
    try { note(name, $return) } catch { n[name]++ unknown[name]++ }
  }
  probe process(@1).function("middle").return { note("middle", fp_to_long($return, 1, 0)) }
  probe process(@1).function("room").return { n["room"]++ if ($$return == "return=?") unknown["room"]++ }
  probe end { foreach (name+ in n) printf("%s %d %d %d\\n", name, n[name], sum[name], unknown[name]) }`;

function rows(text: string): Map<string, number[]> {
  const lines = text.trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [name = "", ...numbers] = line.split(" ");
      return [name, numbers.map(Number)];
    }),
  );
}

for (const compiler of ["gcc", "clang-14"]) {
  const absent = hasProgram(compiler) ? null : `no ${compiler}`;
  if (missing === null && absent !== null) process.stdout.write(`skipped: ${absent}\n`);
  const compiled = absent === null ? traced : s.skip;

  compiled(`${compiler}: counts and results from four threads`, () => {
    const program = buildProgram("tails", ["-g"], compiler);
    const { stdout, stderr, status } = wastap(["-e", SCRIPT, "-c", `${program} 4 2000`, program]);
    assert.is(status, 0, stderr);
    const own = rows(stdout.split("\n").slice(0, 9).join("\n"));
    const seen = rows(stdout.split("\n").slice(9).join("\n"));
    for (const name of ["maybe", "middle", "leaps"]) {
      assert.equal(seen.get(name), [...(own.get(name) ?? []), 0], name);
    }
    const of = (name: string): number[] => own.get(name) ?? [];
    const [calls = 0, sum = 0] = of("direct");
    // chain calls direct, outer calls itself by way of deep.
    assert.equal(seen.get("chain"), [...of("chain"), 0]);
    assert.equal(seen.get("direct"), [2 * calls, sum + (of("chain")[1] ?? 0), 0]);
    assert.equal(seen.get("outer"), [3 * calls, 2 * (of("outer")[1] ?? 0), 0]);
    // Through a pointer, or into a library.
    assert.equal(seen.get("indirect"), [calls, 0, calls]);
    assert.equal(seen.get("room"), [calls, 0, calls]);
    const [returns, known = 0, unknown = 0] = seen.get("mixed") ?? [];
    assert.is(returns, calls);
    assert.ok(unknown > 0 && known < (of("mixed")[1] ?? 0));
  });
}

traced("functions that are left by exceptions, called at one place", () => {
  const program = buildProgram("tails", ["-g"], "g++", "cc");
  const points = ["Far::go", "Near::go"].map((name) => `process(@1).function("${name}").return`);
  const script = `global n, sum
    probe ${points} { f = substr(probefunc(), 0, strpos(probefunc(), "(")) n[f]++ sum[f] += $return }
    probe end { foreach (f+ in n) printf("%s %d %d\\n", f, n[f], sum[f]) }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", `${program} 3000`, program]);
  const lines = stdout.trim().split("\n");
  assert.is(lines.length, 4, stderr);
  assert.equal(lines.slice(2), lines.slice(0, 2));
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
  // Only 64 returns can wait.
  assert.is(counted(1000), "1001 65 936\n");
});

traced("the error says why; without debug information, too", () => {
  const program = buildProgram("tails", ["-g"]);
  const point = `process("${program}").function("indirect").return`;
  for (const value of ["$return", "returnval()"]) {
    const { stderr, status } = wastap([
      "-e",
      `probe ${point} { println(${value}) }`,
      "-c",
      program,
    ]);
    assert.is(status, 1);
    assert.match(stderr, /ERROR: the function ended by a jump to another: its result is not known/);
  }
});

s.run();
