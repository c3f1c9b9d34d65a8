/**
 * Verdicts compared with the original: Debian's `stap -p2` accepts and refuses the same scripts,
 * and finds the same types of globals. It runs without kernel headers, given a tree of a few files.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { showProgram } from "../../../compiler/types/show.js";
import { stap, writeKernelTree } from "../../support/stap.js";
import { hasProgram } from "../../support/tools.js";
import { analyzeText } from "./support.js";

const s = suite("types/oracle");
const hasStap = hasProgram("stap");
if (!hasStap) process.stdout.write("skipped: no stap (Debian package systemtap)\n");
const test = hasStap ? s : s.skip;
const root = mkdtempSync(join(tmpdir(), "wastap-oracle-"));

s.before(() => writeKernelTree(root));
s.after(() => rmSync(root, { recursive: true }));

const SCRIPTS: readonly string[] = [
  // accepted
  'global a, b%[5], c, d, e = 5 probe begin { a = 1 b[1] = "x" c <<< 1 d["x"] <<< 1 println(e) }',
  "global m probe begin { m[tid(), execname()]++ } probe end { foreach ([t, e] in m- limit 3) println(t, e) }",
  "function f(n) { return n <= 1 ? 1 : n * f(n - 1) } global r probe begin { r = f(5) }",
  'function p(n) { if (n < 0) next; return "a" } function p(n) { return "b" } global r probe begin { r = p(1) }',
  "global s probe begin { s <<< 1 } probe end { print(@hist_log(s)) println(@avg(s), @variance(s, 2)) }",
  "probe a = timer.s(1) { n = 1 }, { println(n) } probe a { n++ } probe nothing?, begin { println(1) }",
  'global g probe begin { try { error("x") } catch (m) { g = m } }',
  'global g probe begin if (g > 0) { g = 3; println(@defined($x) ? 1 : 2, "a" . "b") }',
  'global a probe begin { a["x", 1] = 2 if (["x", 1] in a) delete a["x", 1] delete a }',
  // refused
  'probe begin { x = 1; x = "s"; println(x) }',
  'global a probe begin { a[1] = 1; a["x"] = 2 }',
  "global a probe begin { a[1] = 1; println(a) }",
  'probe begin { printf("%d", "x") }',
  "probe begin { println(nosuchfunction(1)) }",
  "global a probe begin { a[1] = 1; foreach (k in a) a[2] = 2 }",
  "probe begin { l[1] = 2; println(l[1]) }",
  "probe timer.ms(0) { println(1) }",
  "probe foo.bar { println(1) }",
  "function f() { return 1 } probe begin if (f()) { println(1) }",
  "probe begin { x = 1 }",
];

for (const script of SCRIPTS) {
  test(script, () => {
    const { status, stdout } = stap(root, ["-p2", "-e", script]);
    const { program, errors } = analyzeText(script);
    assert.is(errors.length === 0, status === 0, errors[0]?.message);
    if (program) assert.equal(globalsOf(showProgram(program)), globalsOf(stdout));
  });
}

/** The script's own globals with their types, as listed. */
function globalsOf(text: string): string[] {
  const section = /^# globals\n((?:[^#\n].*\n)*)/m.exec(text)?.[1] ?? "";
  const lines = section.split("\n").filter((line) => /^[a-z]\b/.test(line));
  return lines.map((line) => line.replace(/%?\[\d+\]:|%:/, ":").replaceAll(", ", ",")).sort();
}

s.run();
