/**
 * Red Hat's varwatch.stp and func_time_stats.stp as they were published: on threads of a C++
 * program, and on node's C code. What they tell is what the program says itself. Its profilers by
 * line and by stack, which also ask about the kernel, on a program of one hot line.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openDebugInfo } from "../../compiler/dwarf/debug-info.js";
import { emptyDirectory } from "../support/dwarf-programs.js";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";

const EXAMPLES = "/usr/share/systemtap/examples";
const WATCH = join(EXAMPLES, "general/varwatch.stp");
const TIMES = join(EXAMPLES, "general/func_time_stats.stp");
const LINES = join(EXAMPLES, "profiling/fileline-profile.stp");
const STACKS = join(EXAMPLES, "profiling/pf4.stp");
const NODE = "/usr/bin/node";
/** A function of libuv that runs once for each file that a script copies. */
const COPY = "uv_fs_copyfile";

const s = suite("run/published");
const missing = whyNot();
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const withoutNode = missing ?? whyNotNode();
if (withoutNode !== missing) process.stdout.write(`skipped: ${withoutNode}\n`);

function whyNot(): string | null {
  const absent = [WATCH, TIMES, LINES, STACKS].find((path) => !existsSync(path));
  return cannotTrace() ?? (absent === undefined ? null : `no ${absent} (systemtap-doc)`);
}

function whyNotNode(): string | null {
  if (!existsSync(NODE)) return `no ${NODE}`;
  const [found] = openDebugInfo(NODE)?.functions(COPY) ?? [];
  return found === undefined ? `no debug information of '${COPY}' in ${NODE}` : null;
}

interface Told {
  /** Without what the program wrote. */
  readonly script: readonly string[];
  readonly program: readonly string[];
  readonly errors: string;
}

function run(script: string, args: readonly string[], command: string): Told {
  const output = join(emptyDirectory("published"), "output");
  const { status, stdout, stderr } = wastap(["-o", output, script, ...args, "-c", command]);
  assert.is(status, 0, stderr);
  const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);
  const told = readFileSync(output, "utf8");
  return { script: linesOf(told), program: linesOf(stdout), errors: stderr };
}

/** What varwatch.stp tells: the values that a variable takes, by thread in the order of threads. */
function changes({ script }: Told): readonly (readonly string[])[] {
  const byThread = new Map<string, string[]>();
  for (const [at, line] of script.entries()) {
    const [, thread] = /^\S+\[(\d+)\] process/.exec(line) ?? [];
    if (thread === undefined) continue;
    const values = byThread.get(thread) ?? [];
    byThread.set(thread, [...values, script[at + 1] ?? ""]);
  }
  return [...byThread.values()];
}

/** What func_time_stats.stp tells; checks that the numbers agree. */
function countOfIntervals({ script }: Told): number {
  const text = script.join("\n");
  const found = /^intervals min:(\d+)us avg:(\d+)us max:(\d+)us count:(\d+) /m.exec(text);
  const [least = -1, mean = -1, most = -1, count = -1] = (found ?? []).slice(1).map(Number);
  assert.ok(least >= 0 && least <= mean && mean <= most, text);
  const rows = [...text.matchAll(/^ *\d+ \|[@ ]* (\d+)$/gm)];
  assert.is(
    rows.reduce((sum, [, hits]) => sum + Number(hits), 0),
    count,
    text,
  );
  return count;
}

/** What the program says that a member became. */
function saidOf(owner: string, { program }: Told): readonly string[] {
  return program
    .filter((line) => line.startsWith(`${owner} `))
    .map((line) => line.slice(owner.length + 1));
}

for (const compiler of ["g++", "clang++"]) {
  const isThere = missing === null && hasProgram(compiler);
  const test = isThere ? s : s.skip;
  const build = (level: string): string => buildProgram("accounts", ["-g", level], compiler, "cc");

  test(`${compiler} -O0: a member takes the values that the program says, at every statement`, () => {
    const program = build("-O0");
    const point = `process("${program}").statement("bank::Account::deposit@accounts.cc:*")`;
    const told = run(WATCH, [point, "$this->balance"], program);
    assert.equal(changes(told), [saidOf("first", told), saidOf("second", told)]);
    assert.is(told.errors, "");
  });

  for (const level of ["-O0", "-O2"]) {
    test(`${compiler} ${level}: it does so in a function; times of one that may throw`, () => {
      const program = build(level);
      const point = `process("${program}").function("bank::Account::show")`;
      const told = run(WATCH, [point, "$this->balance"], program);
      assert.equal(changes(told), [saidOf("first", told), saidOf("second", told)]);
      const times = run(
        TIMES,
        [`process("${program}").function("bank::Account::deposit")`],
        program,
      );
      // Calls that throw do not return.
      const calls = times.program.flatMap((line) => /^calls (\d+), thrown (\d+)$/.exec(line) ?? []);
      const returned = Number(calls[1]) - Number(calls[2]) + Number(calls[4]) - Number(calls[5]);
      assert.is(countOfIntervals(times), returned);
    });
  }
}

(missing === null ? s : s.skip)("profilers: most samples are of the code that computes", () => {
  const program = buildProgram("work", ["-g"]);
  for (const [script, where] of [
    [LINES, /^u:\S+\/work\.c:\d+ +\t +(\d+)$/gm],
    [STACKS, /^(\d+) hits on cpu \d+\n(?:work\+0x.*\n)?run\+0x/gm],
  ] as const) {
    const text = run(script, ["--ldd"], `${program} 1 200000000`).script.join("\n");
    const all = Number(/^--- (\d+) samples recorded:$/m.exec(text)?.[1]);
    const found = [...text.matchAll(where)].reduce((sum, [, count]) => sum + Number(count), 0);
    assert.ok(all >= 10 && found >= 0.5 * all, text);
  }
});

const test = withoutNode === null ? s : s.skip;
/** Flags of copies: COPYFILE_FICLONE is 2. */
const FLAGS = [0, 2, 2, 0, 2, 0, 0];

/** Command that copies a file with each of FLAGS. */
function copies(): string {
  const directory = emptyDirectory("published-node");
  mkdirSync(join(directory, "to"));
  const program = join(directory, "copy.cjs");
  writeFileSync(
    program,
    `const fs = require("fs");
const copy = (flags, i) => fs.copyFileSync(__filename, \`\${__dirname}/to/\${i}\`, flags);
${JSON.stringify(FLAGS)}.forEach(copy);`,
  );
  return `${NODE} ${program}`;
}

test("node: an argument takes the values that the program hands over", () => {
  const point = `process("${NODE}").statement("${COPY}@*:*")`;
  const told = run(WATCH, [point, "$flags"], copies());
  assert.equal(changes(told), [["2", "0", "2", "0"]]);
  const paths = run(WATCH, [`process("${NODE}").function("${COPY}").call`, "$new_path$"], copies());
  const names = changes(paths).map((values) =>
    values.map((path) => /\/to\/(\d)"$/.exec(path)?.[1]),
  );
  assert.equal(names, [FLAGS.map((_, i) => `${i}`)]);
});

test("node: times of a function, with and without debug information", () => {
  const own = run(TIMES, [`process("${NODE}").function("${COPY}")`], copies());
  assert.is(countOfIntervals(own), FLAGS.length);
  const binding = run(TIMES, [`process("${NODE}").function("_ZN4node2fs*CopyFile*")`], copies());
  assert.is(countOfIntervals(binding), FLAGS.length);
});

s.run();
