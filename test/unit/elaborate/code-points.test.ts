/** Points by source on a C and a C++ program: which code they mean, as listings show it. */
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { compileInto, emptyDirectory, missingTool } from "../../support/dwarf-programs.js";
import { buildProgram } from "../../support/tools.js";
import { analyzeText } from "../types/support.js";

const s = suite("elaborate/code-points");
const missing = missingTool(["gcc", "g++"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const SOURCE = join(PACKAGE_ROOT, "test", "programs", "points.c");
const plain = missing === null ? buildProgram("points", ["-g", "-O0"]) : "";
const fast = missing === null ? buildProgram("points", ["-g", "-O2"]) : "";
const shapes =
  missing === null
    ? compileInto(emptyDirectory("code-points"), "shapes", {
        source: "shapes.cc",
        compiler: "g++",
        flags: ["-g", "-O0"],
      })
    : "";

/** Names of the probes at `point` of `program`, without the parts that are always the same. */
function names(program: string, point: string): string[] {
  const { program: analyzed, errors } = analyzeText(
    `probe process("${program}").${point} { println(1) }`,
  );
  assert.is(errors.length, 0, errors[0]?.notes[0]?.message);
  const probes = analyzed?.probes ?? [];
  return probes
    .map(({ name }) => name.replace(`process("${program}").`, "").replaceAll(SOURCE, "points.c"))
    .sort();
}

/** Why `point` of `program` means nothing, and the warnings before. */
function refusal(program: string, point: string): string[] {
  const { errors, warnings } = analyzeText(`probe process("${program}").${point} { println(1) }`);
  const [error] = errors;
  return [...warnings, ...(error?.notes ?? [])].map(({ message }) =>
    message.replaceAll(SOURCE, "points.c").replace(/similar functions: .*\)/, "…)"),
  );
}

/** Addresses of the probes at `point` of `program`, ascending. */
function addresses(program: string, point: string, options = {}): number[] {
  const { program: analyzed } = analyzeText(
    `probe process("${program}").${point} { println(1) }`,
    options,
  );
  return (analyzed?.probes ?? [])
    .map((probe) => (probe.point.kind === "site" ? probe.point.address : 0))
    .sort((a, b) => a - b);
}

test("wildcards find functions by what symbols call them, too", () => {
  const both = ["main@points.c:39", "other@points.c:31"];
  const shown = (suffix: string): string[] => both.map((name) => `function("${name}")${suffix}`);
  assert.equal(names(plain, 'function("main*")'), shown(""));
  assert.equal(names(plain, 'function("main*@points.c")'), shown(""));
  assert.equal(names(plain, 'function("main*").return'), shown(".return"));
  assert.equal(names(plain, 'function("main_*")'), shown("").slice(1));
  assert.equal(names(plain, 'function("main_other")'), shown("").slice(1));
});

test("functions are shown with file and line", () => {
  assert.equal(names(plain, 'function("leaf")'), ['function("leaf@points.c:12")']);
  assert.equal(names(plain, 'function("le*@points.c").call'), [
    'function("leaf@points.c:12").call',
  ]);
  assert.equal(names(plain, 'function("middle@programs/p*.c:19").return'), [
    'function("middle@points.c:19").return',
  ]);
  assert.equal(names(plain, 'function("*@points.c").exported'), [
    'function("main@points.c:39").exported',
    'function("middle@points.c:19").exported',
    'function("other@points.c:31").exported',
  ]);
});

test("a function is its code and the places where it was inlined", () => {
  const twice = 'function("twice@points.c:7")';
  assert.equal(names(plain, 'function("twice")'), [twice, twice]);
  assert.equal(names(plain, 'function("twice").inline'), [`${twice}.inline`, `${twice}.inline`]);
  assert.equal(refusal(plain, 'function("twice").call'), ["no match (…)"]);
  assert.equal(refusal(plain, 'function("twice").return'), [
    "cannot probe .return of 1 inlined functions  twice",
    "no match (…)",
  ]);
  assert.equal(refusal(plain, 'function("leaf").inline'), ["no match (…)"]);
});

test("statements are lines of a function", () => {
  assert.equal(names(plain, 'statement("leaf@points.c:14")'), ['statement("leaf@points.c:14")']);
  assert.equal(names(plain, 'statement("leaf@points.c+2")'), ['statement("leaf@points.c:14")']);
  assert.equal(names(plain, 'statement("leaf@points.c:13,15-16")'), [
    'statement("leaf@points.c:13")',
    'statement("leaf@points.c:15")',
    'statement("leaf@points.c:16")',
  ]);
  const all = names(plain, 'statement("leaf@points.c:*")');
  assert.equal(
    all,
    [12, 13, 14, 15, 16, 17].map((line) => `statement("leaf@points.c:${line}")`),
  );
  // An inlined line is also one of the function that it is in.
  assert.ok(names(plain, 'statement("*@points.c:8")').includes('statement("middle@points.c:8")'));
});

test("a line without records is refused, or stands for one near by", () => {
  assert.equal(refusal(plain, 'statement("leaf@points.c:11")'), [
    "no line records for points.c:11 [man error::dwarf] (try :12)",
  ]);
  assert.equal(refusal(plain, 'statement("leaf@points.c:90")'), [
    "no line records for points.c:90 [man error::dwarf]",
  ]);
  assert.equal(names(plain, 'statement("leaf@points.c:11").nearest'), [
    'statement("leaf@points.c:12")',
  ]);
});

test("a line makes no sense for a function unless it is that of its declaration", () => {
  const { warnings } = analyzeText(
    `probe process("${plain}").function("leaf@points.c:14") { println(1) }`,
  );
  assert.match(warnings[0]?.message ?? "", /^For probing a particular line, use a \.statement\(\)/);
});

test("labels have the line of the label, and pp() the function's form", () => {
  assert.equal(names(plain, 'function("middle").label("ag*")'), ['function("middle@points.c:23")']);
  assert.equal(refusal(plain, 'function("middle").label("none")'), ["no match (…)"]);
});

test("callees are known where the compiler describes calls", () => {
  assert.equal(names(fast, 'function("middle").callee("leaf")'), ['function("leaf@points.c:12")']);
  assert.equal(refusal(fast, 'function("middle").callees(0)'), [
    ".callees(N) only acceptable for N >= 1",
  ]);
});

test("unoptimized functions are probed behind their prologues", () => {
  const entries = addresses(plain, 'statement("leaf")');
  const bodies = addresses(plain, 'function("leaf")');
  assert.ok((bodies[0] ?? 0) > (entries[0] ?? 0));
  assert.equal(addresses(plain, 'statement("leaf@points.c:13")'), bodies);
  assert.equal(addresses(plain, 'function("leaf")', { prologueSearching: "never" }), entries);
  assert.equal(addresses(fast, 'function("leaf")'), addresses(fast, 'statement("leaf")'));
  assert.equal(addresses(plain, 'function("leaf").return'), entries);
});

const clang = missingTool(["clang++"]);
if (clang !== null) process.stdout.write(`skipped: ${clang}\n`);

(clang === null ? test : s.skip)("so they are next to functions with lists of locations", () => {
  const directory = emptyDirectory("code-points-copied");
  const compiled = (name: string, ...flags: string[]): string =>
    compileInto(directory, name, { source: "copied.cc", compiler: "clang++", flags });
  const shift = (program: string, name: string): number => {
    const [body = 0] = addresses(program, `function("${name}")`);
    return body - (addresses(program, `statement("${name}")`)[0] ?? 0);
  };
  const unoptimized = compiled("plain", "-g", "-O0");
  for (const name of ["counted", "main"]) assert.ok(shift(unoptimized, name) > 0, name);
  const more = ["-fno-omit-frame-pointer", "-fno-inline"];
  const optimized = compiled("fast", "-g", "-O2", ...more);
  for (const name of ["counted", "main"]) assert.is(shift(optimized, name), 0, name);
});

test("addresses must be those of statements", () => {
  const [entry = 0] = addresses(plain, 'statement("leaf")');
  const hex = (address: number): string => `0x${address.toString(16)}`;
  assert.equal(names(plain, `statement(${hex(entry)})`), [`statement(${hex(entry)})`]);
  assert.equal(refusal(plain, `statement(${hex(entry + 1)})`), [
    `address ${hex(entry + 1)} does not match the beginning of a statement (try ${hex(entry)})`,
  ]);
  const [body = 0] = addresses(plain, 'function("leaf")');
  assert.equal(names(plain, `function(${hex(entry + 1)})`), [`function(${hex(body)})`]);
});

test("scopes and mangled names choose functions of C++", () => {
  const name = (text: string): string => names(shapes, text)[0]?.replace(/@.*/, "") ?? "";
  assert.is(name('function("area")'), 'function("area');
  assert.is(name('function("shapes::area")'), 'function("shapes::area');
  assert.is(name('function("sh*::area")'), 'function("shapes::area');
  assert.is(name('function("Point::sum")'), 'function("Point::sum');
  assert.is(
    name('function("_ZN6shapes4areaEPKNS_5PointEi")'),
    'function("_ZN6shapes4areaEPKNS_5PointEi',
  );
  assert.is(name('function("::main")'), 'function("::main');
  assert.equal(refusal(shapes, 'function("other::area")'), ["no match (…)"]);
});

test("a malformed pattern is said to be one", () => {
  assert.equal(refusal(plain, 'function("leaf@")'), ["malformed specification 'leaf@'"]);
});

s.run();
