/** A C++ program: scopes, templates, virtual functions, exceptions and libstdc++'s marks. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { missingTool, runTool } from "../support/dwarf-programs.js";
import { buildProgram, cannotTrace, hasProgram, wastap } from "../support/tools.js";

const s = suite("run/cxx");
const missing = cannotTrace() ?? missingTool(["g++"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const program = missing === null ? buildProgram("throws", ["-g"], "g++", "cc") : "";
const here = `process("${program}")`;

function printed(script: string): string {
  const result = wastap(["-e", script, "-c", program]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return result.stdout.replace(/^156 abab\n/m, "");
}

test("a method reads its object, functions return though others threw through them", () => {
  const script = `
    probe ${here}.function("geo::Derived::run").call { printf("%d*%d\\n", $n, $this->factor) }
    probe ${here}.function("guarded*").return { printf("=%d\\n", $return) }`;
  assert.is(
    printed(script).replaceAll("\n=", "=").trim().replaceAll("\n", " "),
    "1*3=3 2*3=6 3*3=-1 4*3=12 5*3=15 6*3=-1 7*3=21 8*3=24 9*3=-1",
  );
});

test("instances of a template", () => {
  const script = `probe ${here}.function("geo::Box<*>::twice").call { println(pp()) }`;
  const names = printed(script).trim().split("\n");
  assert.is(names.length, 2);
  assert.match(names[0] ?? "", /function\("geo::Box<std::__cxx11::basic_string<char.*>::twice@/);
  assert.match(names[1] ?? "", /function\("geo::Box<int>::twice@/);
});

test("marks of libstdc++: an exception is thrown and caught", () => {
  const library = `${here}.library("libstdc++.so.6")`;
  const script = `global thrown, caught
    probe ${library}.mark("throw") { thrown++ }
    probe ${library}.mark("catch") { caught++ }
    probe end { printf("%d %d\\n", thrown, caught) }`;
  assert.is(printed(script), "3 3\n");
});

test("every statement of the program", () => {
  const script = `global hits
    probe ${here}.statement("*@throws.cc:*") { hits[pp()]++ }
    probe end { foreach (place in hits) n++ println(n > 10) }`;
  assert.is(printed(script), "1\n");
});

test("names of functions, as nm -C prints them", () => {
  const script = `global seen
    probe ${here}.function("*@throws.cc").call {
      if (!seen[usymname(uaddr())]++) printf("%016x %s\\n", umodaddr(uaddr()), probefunc())
    }`;
  const lines = printed(script).trim().split("\n");
  const known = runTool("nm", ["-C", program], "/").split("\n");
  const expected = new Set(known.map((line) => `${line.slice(0, 16)} ${line.slice(19)}`));
  for (const line of lines) assert.ok(expected.has(line), line);
  for (const name of ["main", "geo::Box<int>::twice() const", "geo::Derived::run(int)"]) {
    assert.ok(
      lines.some((line) => line.slice(17).startsWith(name)),
      lines.join("\n"),
    );
  }
});

test("a backtrace has them", () => {
  const script = `probe ${here}.function("geo::Derived::run").call { print_ubacktrace_brief() exit() }`;
  const lines = printed(script).split("\n");
  assert.is(lines[0], "geo::Derived::run(int)+0x0");
  assert.ok(lines.some((line) => /^main\+0x/.test(line)));
});

for (const compiler of ["g++", "clang++"]) {
  const isThere = missing === null && hasProgram(compiler);
  if (!isThere) process.stdout.write(`skipped: no ${compiler}\n`);
  (isThere ? s : s.skip)(`results are where the ABI says: ${compiler}`, () => {
    for (const level of ["-O0", "-O2"]) {
      const returned = buildProgram("returned", ["-g", level], compiler, "cc");
      const names = ["with_a*", "*vector", "mixed", "based", "holder"];
      const points = names.map((name) => `process(@1).function("${name}@returned.cc").return`);
      const script = `probe ${points.join(", ")} { println(ppfunc(), " ", $$return$$) }`;
      const { stdout, stderr, status } = wastap(["-e", script, "-c", returned, returned]);
      assert.equal([stderr, status], ["", 0]);
      const lines = stdout.trim().split("\n");
      assert.is(lines.length, 16);
      for (const line of lines) assert.match(line, /(return=|a=|held=\[\{\.a=)\[?7\b/, level);
    }
  });
}

s.run();
