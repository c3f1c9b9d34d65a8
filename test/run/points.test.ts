/** Probes by source in programs of both compilers at all levels of optimization: exact counts. */
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileInto, emptyDirectory, runTool } from "../support/dwarf-programs.js";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/points");
const missing = cannotTrace();
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const LEVELS: readonly (readonly string[])[] = [["-O0"], ["-O2"], ["-O3", "-flto"]];

/** Expected hits of a point in a run of 10 rounds; those of all programs. */
const EVERYWHERE: Readonly<Record<string, number>> = {
  'function("leaf")': 15,
  'function("leaf").call': 15,
  'function("leaf").return': 15,
  'function("middle@points.c").exported': 10,
  'function("oth*@points.c").return': 5,
  'function("other")': 5,
  'statement("middle@points.c:21")': 10,
  'statement("leaf@points.c+1")': 15,
  'statement("leaf@points.c:11").nearest': 15,
};
/** Of those without optimization. */
const UNOPTIMIZED: Readonly<Record<string, number>> = {
  'function("factorial")': 5,
  'function("factorial").return': 5,
  'function("twice")': 11,
  'function("twice").inline': 11,
  'statement("*@points.c:8")': 22,
  'statement("middle@points.c:20-21")': 20,
  'function("middle").label("again")': 15,
};
/** Of those whose compilers describe calls. */
const OPTIMIZED: Readonly<Record<string, number>> = {
  'function("middle").callee("leaf")': 10,
  'function("middle").callee("leaf").return': 10,
  'function("other").callees': 5,
};

/** Script that counts the hits of each of `points`. */
function script(points: readonly string[]): string {
  return points
    .map(
      (point, i) =>
        `global n${i} probe process(@1).${point} { n${i}++ } probe end { println(n${i}) }`,
    )
    .join("\n");
}

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  if (!isThere) process.stdout.write(`skipped: no ${compiler}\n`);
  for (const level of LEVELS) {
    (isThere ? s : s.skip)(`${compiler} ${level.join(" ")}`, () => {
      const program = buildProgram("points", ["-g", ...level], compiler);
      const own = level[0] === "-O0" ? UNOPTIMIZED : OPTIMIZED;
      const expected = { ...EVERYWHERE, ...own };
      const points = Object.keys(expected);
      const { stdout, stderr } = wastap(["-e", script(points), "-c", program, program]);
      const counts = stdout.split("\n").slice(1, -1).map(Number);
      const hits = Object.fromEntries(points.map((point, i) => [point, counts[i]]));
      assert.equal(hits, expected, stderr);
      assert.is(stderr.replaceAll(/^WARNING: Callee .*\n.*\n.*\n/gm, ""), "");
    });
  }
}

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  for (const mode of [["-fPIE"], ["-fno-pie", "-no-pie"]]) {
    (isThere ? s : s.skip)(`${compiler} ${mode.join(" ")}: a table of jumps is no return`, () => {
      const program = buildProgram("switches", ["-g", "-O0", ...mode], compiler);
      const points = ['function("choose")', 'function("choose").return'];
      const { stdout, stderr } = wastap(["-e", script(points), "-c", program, program]);
      assert.is(stderr, "");
      assert.equal(stdout.trim().split("\n").slice(-2), ["10", "10"]);
    });
  }
}

/** Hits of callees in a run of called.c. */
const CALLED: Readonly<Record<string, number>> = {
  'function("main").callee("leaf")': 10,
  'function("inner").callee("leaf")': 30,
  'function("outer").callee("leaf")': 10,
  'function("outer").callee("leaf").return': 10,
  'function("outer").callee("inner")': 20,
  'function("outer").callees': 30,
  'function("outer").callees(2)': 50,
};

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  for (const level of [["-O2"], ["-O3", "-flto"]]) {
    (isThere ? s : s.skip)(
      `${compiler} ${level.join(" ")}: callees of code that is inlined`,
      () => {
        const directory = emptyDirectory(`called-${compiler}${level.join("")}`);
        const units = ["1", "2"].map((unit) => {
          const flags = ["-g", ...level, "-c", `-DUNIT=${unit}`];
          return compileInto(directory, `${unit}.o`, { source: "called.c", compiler, flags });
        });
        runTool(compiler, [...level, "-g", "-o", "called", ...units], directory);
        const program = join(directory, "called");
        const points = Object.keys(CALLED);
        const { stdout, stderr } = wastap(["-e", script(points), "-c", program, program]);
        const counts = stdout.trim().split("\n").map(Number);
        assert.equal(
          Object.fromEntries(points.map((point, i) => [point, counts[i]])),
          CALLED,
          stderr,
        );
        assert.is(stderr, "");
      },
    );
  }
}

const assembler = missing === null ? s : s.skip;
assembler("returns of functions whose symbols have no size: up to the next label", () => {
  const program = buildProgram("sizeless", [], "gcc", "s");
  const points = ["first", "second", "tail", "main"].map(
    (name) => `process("${program}").function("${name}").return`,
  );
  const script = `global n probe ${points.join(", ")} { n[ppfunc()]++ }
    probe end { foreach (f+ in n) printf("%s %d ", f, n[f]) }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", program]);
  assert.is(stderr, "");
  assert.is(stdout, "first 5 main 1 second 4 tail 3 ");
});

for (const compiler of ["gcc", "clang"]) {
  const isThere = missing === null && hasProgram(compiler);
  for (const flags of [["-O0"], ["-O2"], ["-Os"], ["-O2", "-fno-pie", "-no-pie"]]) {
    const title = `${compiler} ${flags.join(" ")}, jumps to computed labels`;
    (isThere ? s : s.skip)(title, () => {
      const program = buildProgram("labels", ["-g", ...flags], compiler);
      const own = runTool(program, [], ".");
      const script = `global entries, returns, lines
        probe process(@1).function("by_*").call { entries++ }
        probe process(@1).function("by_*").return { returns++ }
        probe process(@1).statement("by_*@*:*") { lines++ }
        probe end { println(entries, " ", returns, " ", lines > 1000) }`;
      const { stdout } = wastap(["-w", "-e", script, "-c", program, program]);
      assert.is(stdout, `${own}200 200 1\n`);
    });
  }
}

s.run();
