/**
 * Processor time to compile (all threads, so that other work on the machine does not count), in a
 * process that has just started: a script of 300 lines that uses 100 tapset functions, and one that
 * does nearly nothing. The difference is what passes 1 to 4 cost without starting Node and loading
 * the compiler; also what the passes themselves say.
 *
 *   make bench, or node dist/test/bench/compile.js [rounds]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompileFailed } from "../../base/diagnostic.js";
import { readCompileInput } from "../../cli/compile-input.js";
import { parseOptions } from "../../cli/parse-options.js";
import { compile } from "../../compiler/pipeline.js";
import { wastap } from "../support/tools.js";

const ROUNDS = Number(process.argv[2] ?? "10");
const FUNCTIONS = 100;
/** Lines of a script beside those that use one function each. */
const OTHER_LINES = 200;

/** Signatures that a bench can call: at most three scalars, a result. */
const USABLE = /^([a-z]\w*):(?:long|string) \(((?:\w+:(?:long|string)(?:, )?){0,3})\)$/;

/** An expression that calls the function of `signature`, null if it is not usable. */
function call(signature: string): string | null {
  const [, name, parameters = ""] = USABLE.exec(signature) ?? [];
  if (name === undefined) return null;
  const types = [...parameters.matchAll(/:(\w+)/g)].map(([, type]) => type);
  return `${name}(${types.map((type) => (type === "long" ? "n" : '"text"')).join(", ")})`;
}

function largeScript(): string {
  const signatures = wastap(["--dump-functions"]).stdout.split("\n");
  const calls = signatures.map(call).filter((text) => text !== null);
  const uses = calls.filter(compiles).slice(0, FUNCTIONS);
  const functions = Array.from(
    { length: OTHER_LINES / 10 },
    (_, i) => `function f${i}(a, b) {
  if (a > b) return a - b
  total[a, "k${i}"] += b
  for (i = 0; i < a; i++) {
    if (i % 3 == 0) continue
    sums[i] <<< a * b + ${i}
  }
  text = sprintf("%d %s", a, "x" . "y")
  return strlen(text) + a
}`,
  );
  const lines = uses.map((text, i) => `  println(f${i % functions.length}(n, ${i}), ${text})`);
  return [
    "global total, sums",
    ...functions,
    "probe begin {",
    "  n = 1",
    ...lines,
    "  exit()",
    "}",
    "probe end { foreach ([a, b] in total-) println(a, b); foreach (i in sums) println(@avg(sums[i])) }",
  ].join("\n");
}

function compiles(expression: string): boolean {
  const options = parseOptions(["-e", `probe begin { n = 1 println(n, ${expression}) }`]);
  const input = readCompileInput(options);
  try {
    compile(input.files, { options: input.options, warn: () => undefined });
    return true;
  } catch (error) {
    if (error instanceof CompileFailed) return false;
    throw error;
  }
}

/** Module that prints the processor time of a process when it ends. */
const REPORT = `process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write(\`processor \${user + system} us\\n\`);
});
`;

/** Milliseconds of the whole process and of its passes. */
function measure(
  path: string,
  directory: string,
): { readonly all: number; readonly passes: number } {
  const { status, stderr } = wastap(["-v", "-p4", "-m", "bench", "--disable-cache", path], {
    cwd: directory,
    env: { NODE_OPTIONS: `--import ${join(directory, "report.mjs")}` },
  });
  if (status !== 0) throw new Error(stderr);
  const all = Number(/^processor (\d+) us$/m.exec(stderr)?.[1]) / 1000;
  const passes = [...stderr.matchAll(/ in (\d+)usr\/(\d+)sys\//g)].map(
    ([, user, system]) => Number(user) + Number(system),
  );
  return { all, passes: passes.reduce((sum, each) => sum + each, 0) };
}

function bench(): void {
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  writeFileSync(join(directory, "report.mjs"), REPORT);
  const scripts = { small: "probe begin { exit() }", large: largeScript() };
  const best = { small: { all: 0, passes: 0 }, large: { all: 0, passes: 0 } };
  for (const name of ["small", "large"] as const) {
    const path = join(directory, `${name}.stp`);
    writeFileSync(path, scripts[name]);
    const runs = Array.from({ length: ROUNDS }, () => measure(path, directory));
    best[name] = {
      all: Math.min(...runs.map(({ all }) => all)),
      passes: Math.min(...runs.map(({ passes }) => passes)),
    };
    const lines = scripts[name].split("\n").length;
    process.stdout.write(
      `${name.padEnd(6)} ${lines} lines: process ${best[name].all.toFixed(0)} ms, passes 1-4 ${best[name].passes.toFixed(0)} ms\n`,
    );
  }
  const more = best.large.all - best.small.all;
  process.stdout.write(`large over small: ${more.toFixed(0)} ms (best of ${ROUNDS})\n`);
  rmSync(directory, { recursive: true });
}

bench();
