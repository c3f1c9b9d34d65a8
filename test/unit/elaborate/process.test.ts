/** Probe points in the code of the ELF fixture: functions, addresses, marks, events, libraries. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseElf } from "../../../base/elf/image.js";
import { readMarks } from "../../../base/elf/marks.js";
import { readFunctionSymbols } from "../../../base/elf/symbols.js";
import type { CompileOptions } from "../../../base/stage.js";
import type { Probe } from "../../../compiler/types/program.js";
import { showProgram } from "../../../compiler/types/show.js";
import { buildProgram, hasProgram } from "../../support/tools.js";
import { buildFixture } from "../elf/fixture.js";
import { analyzeGood, analyzeText } from "../types/support.js";

const s = suite("elaborate/process");
const fixture = buildFixture();
const path = fixture ?? "";
const test = fixture === null ? s.skip : s;

/** Probes of `point`, in which P stands for the fixture. */
function probes(point: string, options: Partial<CompileOptions> = {}): readonly Probe[] {
  const text = `probe ${point.replace(/\bP\b/g, path)} { println(1) }`;
  return analyzeGood(text, options).probes;
}

/** Names of the probes without the fixture's path. */
function names(point: string, options: Partial<CompileOptions> = {}): string[] {
  return probes(point, options).map((probe) => probe.name.replaceAll(path, "P"));
}

/** Message of the cause why `point` cannot be resolved. */
function reason(point: string, body = "println(1)"): string {
  const { errors } = analyzeText(`probe ${point.replace(/\bP\b/g, path)} { ${body} }`);
  const [error] = errors;
  return (error?.notes[0]?.message ?? error?.message ?? "no error").replaceAll(path, "P");
}

function sizeOf(name: string): number {
  const symbols = readFunctionSymbols(parseElf(readFileSync(path), path));
  return symbols.find((symbol) => symbol.name === name)?.size ?? 0;
}

test("a function is an instruction, its return the exits", () => {
  const [entry] = probes('process("P").function("work")');
  const [exits] = probes('process("P").function("work").return');
  assert.is(entry?.point.kind, "site");
  if (entry?.point.kind !== "site" || exits?.point.kind !== "site") return;
  assert.is(entry.point.module, path);
  assert.is(entry.point.buildId, "c0ffee");
  assert.is(entry.point.place, "instruction");
  assert.is(entry.point.symbol, "work");
  assert.is(entry.point.size, sizeOf("work"));
  assert.is(exits.point.place, "exits");
  assert.is(exits.point.address, entry.point.address);
  assert.ok(exits.isReturn && !entry.isReturn);
  assert.is(entry.type, "uprobe");
});

test("wildcards take each address once", () => {
  assert.equal(names('process("P").function("*work*")').sort(), [
    'process("P").function("hidden_work")',
    'process("P").function("work")',
  ]);
  assert.equal(names('process("P").function("*work*").exported'), [
    'process("P").function("work").exported',
  ]);
  assert.equal(names('process("P").function("work_alias").call'), [
    'process("P").function("work_alias").call',
  ]);
});

test("addresses are functions and statements", () => {
  const [entry] = probes('process("P").function("work")');
  const address = entry?.point.kind === "site" ? `0x${entry.point.address.toString(16)}` : "";
  assert.equal(names(`process("P").function(${address}).return`), [
    `process("P").function(${address}).return`,
  ]);
  assert.equal(names(`process("P").statement(${address})`), [`process("P").statement(${address})`]);
  assert.is(reason('process("P").statement(1)'), "no match: no code at address 0x1");
});

test("marks by name, provider and wildcard; '-' is '__'", () => {
  assert.equal(names('process("P").mark("sale-end")'), ['process("P").mark("sale__end")']);
  assert.equal(names('process("P").provider("sh*").mark("*")').sort(), [
    'process("P").provider("shop").mark("sale__end")',
    'process("P").provider("shop").mark("sale__start")',
  ]);
  assert.is(probes('process("P").mark("sale__start")').length, 2);
});

test("marks have arguments, name and provider", () => {
  const program = analyzeGood(
    `probe process("${path}").provider("shop").mark("sale__start") {
       printf("%d %d %d %s %s %s %s\\n", $arg1, $arg2, $arg3, $$name, $$provider, $$vars, $$parms)
       println(@defined($arg3), @defined($arg4), $$locals) }`,
  );
  const kinds = [...program.locations.values()].map((location) => location.kind);
  assert.equal(kinds, ["register", "constant", "load", "text", "text", "format", "format", "text"]);
  assert.match(showProgram(program, true), /println\(1, 0, \$\$locals\)/);
});

test("a mark says which variables it has", () => {
  assert.is(
    reason('process("P").mark("sale__end")', "println($arg3)"),
    "unable to find '$arg3' in mark 'sale__end' (alternatives: $arg1 $arg2 $$name $$provider $$parms $$vars)",
  );
});

test("--skip-badvars makes bad variables 0, with a warning", () => {
  const text = `probe process("${path}").mark("sale__end") { println($arg3) }`;
  const { program, warnings } = analyzeText(text, { skipBadVariables: true });
  assert.equal([...(program?.locations.values() ?? [])], [{ kind: "constant", value: 0n }]);
  assert.equal(
    warnings.map((warning) => warning.message),
    ["Bad $context variable being substituted with literal 0"],
  );
});

test("functions with variables are made for each probe", () => {
  const program = analyzeGood(
    `function first() { return $arg1 } function twice() { return first() * 2 }
     probe process("${path}").mark("sale__end"), process("${path}").provider("shop").mark("sale__start") {
       println(twice()) }`,
  );
  assert.equal(
    program.functions.map((f) => f.uniqueName),
    ["twice", "twice.1", "first", "first.1"],
  );
  assert.is(program.locations.size, 2);
});

test("@entry becomes a probe at the entry", () => {
  const program = analyzeGood(
    `probe process("${path}").function("work").return { println(@entry(tid()), @entry("x")) }`,
  );
  assert.equal(
    program.probes.map((probe) => probe.name.replace(path, "P")),
    ['process("P").function("work")', 'process("P").function("work").return'],
  );
  assert.equal(
    program.globals.map((g) => `${g.type}[${g.keys.length}] ${g.library}`),
    ["long[1] true", "long[2] true", "string[2] true"],
  );
});

test("process without a path is the target", () => {
  assert.equal(names('process.function("work")', { targetPath: path }), [
    'process("P").function("work")',
  ]);
  assert.is(
    reason('process.function("work")'),
    "unspecified process probe is invalid without a -c COMMAND or -x PID [man stapprobes]",
  );
});

test("process(PID) is the executable of a process, with a condition", () => {
  const [probe] = analyzeGood(
    `probe process(${process.pid}).function("main") { println(1) }`,
  ).probes;
  assert.is(probe?.point.kind === "site" && probe.point.module.includes("node"), true);
  assert.is(probe?.handler.conditions.length, 1);
});

test("events of processes name the executable", () => {
  const [probe] = probes('process("P").thread.begin');
  assert.equal(probe?.point, { kind: "process", event: "thread.begin", path, pid: 0 });
  assert.is(probe?.type, "utrace");
});

test("libraries are found as the loader finds them", () => {
  const [probe] = probes('process("P").library("libc.so.6").function("puts")');
  assert.match(
    probe?.point.kind === "site" ? probe.point.module : "",
    /\/libc(\.so\.6|-[\d.]+\.so)$/,
  );
  assert.is(
    reason('process("P").library("libnone.so").function("f")'),
    "cannot find library 'libnone.so' for 'P'",
  );
});

test("a build-id is that of the target, or of one of its libraries", () => {
  const program = buildProgram("calls", ["-Wl,--build-id=sha1"]);
  const buildIdOf = (file: string): string => parseElf(readFileSync(file), file).buildId ?? "";
  const moduleOf = (id: string, point: string): string => {
    const [probe] = probes(`process("${id}").${point}`, { targetPath: program });
    return probe?.point.kind === "site" ? probe.point.module : "";
  };
  assert.is(moduleOf(buildIdOf(program), 'function("main")'), program);
  const [libc] = probes('process("P").library("libc.so.6").function("puts")');
  const library = libc?.point.kind === "site" ? libc.point.module : "";
  assert.is(moduleOf(buildIdOf(library), 'function("puts")'), library);
  assert.match(
    reason(`process("${"0123456789".repeat(4)}").function("main")`),
    /^cannot find executable '(0123456789){4}' \(it is no link below/,
  );
});

const PHP = "/usr/bin/php8.2";
const hasPhp = hasProgram(PHP);
if (!hasPhp) process.stdout.write(`skipped: no ${PHP}\n`);

(hasPhp ? s : s.skip)("every mark of PHP is a probe", () => {
  const marks = readMarks(parseElf(readFileSync(PHP), PHP));
  const found = analyzeGood(
    `probe process("${PHP}").mark("*") { println($$name, $$parms) }`,
  ).probes.map((probe) => (probe.point.kind === "site" ? probe.point : null));
  assert.ok(marks.length > 0);
  assert.equal(
    found.map((point) => `${point?.symbol} ${point?.address} ${point?.semaphore}`),
    marks.map((mark) => `${mark.provider}:${mark.name} ${mark.address} ${mark.semaphore}`),
  );
});

test("what is missing is said with what is near", () => {
  assert.match(reason('process("P").function("wrk")'), /^no match \(similar functions: work, /);
  assert.is(
    reason('process("P").mark("sale__stat")'),
    "no match (similar marks: sale__start, sale__end)",
  );
  assert.is(reason('process("/no/such").function("f")'), "cannot find executable '/no/such'");
  assert.is(reason('process("/etc/passwd").function("f")'), "'/etc/passwd' is not an ELF file");
  assert.match(reason('process("P").functoin("f")'), /^probe point mismatch \(similar: function, /);
  assert.match(
    reason('process("P")'),
    /^probe point truncated \(follow: begin end function\(number\) /,
  );
});

test("what needs debug information says so where there is none", () => {
  const points = [
    'process("P").function("work@x.c:3")',
    'process("P").function("ns::work")',
    'process("P").function("work").inline',
    'process("P").function("work").label("x")',
    'process("P").function("work").callee("x")',
    'process("P").statement("work@x.c:3")',
  ];
  const message = "no match (no debug information found for 'P')";
  for (const point of points) assert.is(reason(point), message, point);
});

test("what is not there yet says so", () => {
  const unsupported = ['process("P").function("chosen")', 'kernel.function("x")', "syscall.open"];
  for (const point of unsupported) assert.match(reason(point), /^not supported yet: /, point);
});

test("code without debug information has no variables", () => {
  const point = 'process("P").function("work")';
  const missing =
    /^debuginfo scope not found for module 'P', cannot resolve context variable \[man/;
  for (const body of ["println($n)", "println($$return)", "println(&$n)"])
    assert.match(reason(point, body), missing, body);
  assert.is(reason(point, "println(@defined($n))"), "no error");
  const texts = "println($$vars, $$parms$, $$locals$$)";
  assert.is(reason(point, texts), "no error");
  assert.is(reason(`${point}.return`, "println($$return)"), "no error");
  const misuse = "dwarf variable '$$vars' may not be used as an array";
  assert.is(reason(point, "println($$vars[1])"), misuse);
});

test("optional points may be missing; unsupported ones are said", () => {
  const text = `probe process("${path}").mark("none")?, kernel.function("f")?, begin { println(1) }`;
  const { program, warnings } = analyzeText(text);
  assert.is(program?.probes.length, 1);
  assert.match(warnings[0]?.notes[0]?.message ?? "", /^not supported yet: /);
});

test("_start has no return probe", () => {
  const { errors, warnings } = analyzeText(
    `probe process("${path}").function("_start").return { println(1) }`,
  );
  assert.is(warnings[0]?.message, "function _start return probe is blocklisted");
  assert.is(errors.length, 1);
});

s.run();
