/** What names of C++ functions mean, compared with the original: `stap -l` lists the same places. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { missingTool } from "../support/dwarf-programs.js";
import { stap, writeKernelTree } from "../support/stap.js";
import { buildProgram, cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/scopes");
const missing = cannotTrace() ?? missingTool(["g++", "stap"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const root = mkdtempSync(join(tmpdir(), "wastap-scopes-"));
s.before(() => writeKernelTree(root));
s.after(() => rmSync(root, { recursive: true }));

/** Points by what they try; each is listed in code that is not optimized, and that is. */
const POINTS: Readonly<Record<string, readonly string[]>> = {
  "every function": ['function("*")'],
  "every return": ['function("*").return'],
  "methods by their scopes": [
    'function("area")',
    'function("Base::area")',
    'function("inner::Base::area")',
    'function("outer::inner::Base::area")',
    'function("::outer::inner::Base::area")',
    'function("outer::inner::Derived::*").call',
    'function("Derived::made")',
    'function("Plain::method")',
    'function("method")',
  ],
  "scopes by wildcards": [
    'function("*::area")',
    'function("outer::*::area")',
    'function("*::*::area")',
    'function("outer::*")',
    'function("out*::inn*::B*::a*")',
    'function("std::*::begin")',
  ],
  "functions of namespaces": [
    'function("outer::over")',
    'function("outer::versioned")',
    'function("outer::v1::versioned")',
    'function("*::anon")',
    'function("::anon")',
    'function("::main")',
    'function("*::main")',
    'function("::c_like")',
  ],
  overloads: ['function("over")', 'function("*::over").call', 'statement("*::over@scopes.cc:*")'],
  templates: [
    'function("outer::inner::Stack<int, 4>::pop")',
    'function("outer::inner::Stack<int,4>::pop")',
    'function("outer::inner::Stack<*>::pop")',
    'function("Stack<int, 4>::push")',
    'function("outer::inner::Stack<int, 4>::Iter::next")',
    'function("apply<*>")',
    'function("std::sort*")',
  ],
  "constructors, destructors and operators": [
    'function("outer::inner::Base::Base")',
    'function("*::~Base")',
    'function("~Base")',
    'function("operator+")',
    'function("*::operator bool")',
  ],
  lambdas: ['function("operator()")', 'function("*::operator()")', 'statement("operator()@*:*")'],
  "mangled names": [
    'function("_ZNK5outer5inner4Base4areaEi")',
    'function("_ZNK5outer5inner4Base4areaEi").return',
    'function("_Z*area*").exported',
    'function("_ZN5outer4over*")',
    'statement("_ZNK5outer5inner4Base4areaEi@scopes.cc:*")',
  ],
};

function listed(program: string, points: readonly string[]): string[] {
  const list = points.map((point) => `process("${program}").${point}?`).join(", ");
  const ours = wastap(["-l", list]);
  const theirs = stap(root, ["-l", list]);
  const places = (text: string): string[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith("process") && !line.includes(".cold"))
      .sort();
  assert.equal(places(ours.stdout), places(theirs.stdout));
  return places(ours.stdout);
}

for (const [name, points] of Object.entries(POINTS)) {
  test(name, () => {
    let count = 0;
    for (const level of ["-O0", "-O2"]) {
      const program = buildProgram("scopes", ["-g", level], "g++", "cc");
      count += listed(program, points).length;
    }
    assert.ok(count > 0);
  });
}

test("lambdas are probed behind their prologues, with what they capture", () => {
  const program = buildProgram("scopes", ["-g", "-O0"], "g++", "cc");
  const here = `process("${program}").function("operator()@*scopes.cc").call`;
  const script = `probe ${here} { println($$parms) }`;
  const { stdout, stderr } = wastap(["-e", script, "-c", program]);
  assert.is(stderr, "");
  assert.match(stdout, /u=0x4\n/);
  assert.match(stdout, /u=0x5\n/);
  assert.match(stdout, /a=0x1 b=0x3\n/);
});

s.run();
