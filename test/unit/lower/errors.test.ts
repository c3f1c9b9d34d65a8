/** Soft errors: their text, the places and calls that they name, what catches them. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LIBRARY_PATH, outputOf } from "./support.js";

const s = suite("lower/errors");
if (LIBRARY_PATH === null)
  process.stdout.write("skipped: prebuilds/linux-x64/library.wasm is not built\n");
const test = LIBRARY_PATH === null ? s.skip : s;

/** The error that a begin probe with `body` ends with; `functions` stand on line 1. */
function errorOf(body: string, functions = "", defines: Record<string, string> = {}): string {
  const text = `global z, a, st${functions.startsWith(",") ? functions : ` ${functions}`}\nprobe begin { ${body} }\nprobe end { a[1]++; st <<< z; println(@hist_log(st)[64]) }`;
  const output = outputOf(text, {
    defines: new Map(Object.entries({ MAXTHREADS: "3", MAXERRORS: "9", ...defines })),
  });
  return /^ERROR: (.*)$/m.exec(output)?.[1] ?? output;
}

test("the calls that led to an error, innermost first", () => {
  assert.is(
    errorOf(
      "println(g(1))",
      "function f(n) { x = 1 / n; return x } function g(n) { x = f(n - 1); return x }",
    ),
    "division by 0 near operator '/' at <input>:1:39 (called from identifier 'f' at <input>:1:75) (called from identifier 'g' at <input>:2:23) in probe begin",
  );
});

test("so also where functions were put in place of their calls", () => {
  assert.is(
    errorOf("println(g(1))", "function f(n) { return 1 / n } function g(n) { return f(n - 1) }"),
    "division by 0 near operator '/' at <input>:1:42 (called from identifier 'f' at <input>:1:71) (called from identifier 'g' at <input>:2:23) in probe begin",
  );
});

test("error() is an error of its call; what the library raises names the function, too", () => {
  assert.is(
    errorOf('error("told")'),
    "told near identifier 'error' at <input>:2:15 in probe begin",
  );
  assert.match(
    errorOf("println(at(9))", 'function at:long (n:long) { return stringat("a", n) }'),
    /^Position out of bounds near identifier 'stringat' at .*\.stp:\d+:\d+ \(called from identifier 'stringat' at <input>:1:\d+\) \(called from identifier 'at' at <input>:2:23\) in probe begin$/,
  );
});

test("an error that is caught leaves nothing to the next one", () => {
  const f = 'function f(n) { if (n) error("x"); return 1 + f(n + 1) }';
  assert.is(
    errorOf("try { f(0) } catch (m) { println(m) } println(1 / z)", f),
    "division by 0 near operator '/' at <input>:2:63 in probe begin",
  );
});

test("an error in a catch goes outwards", () => {
  assert.is(
    errorOf('try { try { error("a") } catch (m) { error(m . "b") } } catch (m) { error(m . "c") }'),
    "abc near identifier 'error' at <input>:2:83 in probe begin",
  );
});

test("nested too deep: the call names itself, the text is cut to what a string holds", () => {
  const text = errorOf("println(f(1))", "function f(n) { x = 1 + f(n); return x }");
  assert.match(text, /^MAXNESTING exceeded near identifier 'f' at <input>:1:41 \(called from/);
  assert.is(text.length, 511);
});

test("with -DMAXNESTING calls of library functions are a level, too", () => {
  const f = 'function f() { error("in") }';
  assert.match(errorOf("f()", f, { MAXNESTING: "2" }), /^in near /);
  assert.is(
    errorOf("f()", f, { MAXNESTING: "1" }),
    "MAXNESTING exceeded near identifier 'error' at <input>:1:32 (called from identifier 'f' at <input>:2:15) in probe begin",
  );
});

test("keywords and strings as the translator names them; /= names its divisor", () => {
  assert.match(
    errorOf("for (i = 0; i < 9; i++) ;", "", { MAXACTION_INTERRUPTIBLE: "1" }),
    /^MAXACTION exceeded near keyword at <input>:2:15 in probe begin$/,
  );
  assert.match(errorOf("a[1] %= z"), /^division by 0 near identifier 'z' at <input>:2:23 /);
});

test("a handler that cannot fit the limit does not start", () => {
  const body = 'println("no"); println("no"); println("no")';
  assert.is(errorOf(body, "", { MAXACTION_INTERRUPTIBLE: "2" }), "MAXACTION exceeded");
  assert.match(errorOf(body, "", { MAXACTION_INTERRUPTIBLE: "3" }), /^no\nno\nno\n/);
});

test("calls in a return are not counted, so recursion is bounded by depth alone", () => {
  const fib = "function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }";
  assert.match(errorOf("println(fib(10))", fib, { MAXACTION_INTERRUPTIBLE: "9" }), /^55\n/);
});

test("histograms: 'in' gives a count, out of range is an error, foreach takes empty ones", () => {
  assert.match(errorOf("st <<< 5; st <<< 6; println(67 in @hist_log(st))"), /^2\n/);
  assert.match(
    errorOf("st <<< 5; println(128 in @hist_log(st))"),
    /^histogram index out of range near operator '@hist_log' at <input>:2:40 /,
  );
  assert.match(errorOf("foreach (b in @hist_log(st)) n++; println(n)"), /^128\n/);
});

test("memory dumps of more than a page, and faults, before anything is printed", () => {
  assert.is(
    errorOf('printf("%.5000m %d\\n", 0, 5)'),
    "5000 is too many bytes for a memory dump near identifier 'printf' at <input>:2:15 in probe begin",
  );
  assert.match(
    errorOf('printf("%.8M %d\\n", 64, 5)'),
    /^read fault \[man error::fault\] at 0x40 near /,
  );
  assert.match(
    errorOf('try { println(sprintf("%.*M", 4097, 64)) } catch (m) { println(m) }'),
    /^4097 is too/,
  );
});

test("texts of errors are as long as strings", () => {
  const fill = 's = "0123456789"; for (i = 0; i < 7; i++) s .= s;';
  const body = `${fill} try { error(s) } catch (m) { println(strlen(m)) }`;
  assert.match(errorOf(body, "", { MAXSTRINGLEN: "1000" }), /^999\n/);
});

test("foreach assigns its keys before a slice leaves an element out", () => {
  const body = 'b["x", 1] = 1; b["y", 2] = 2; foreach ([k, n] in b["x", *]) m++; println(k, n, m)';
  assert.match(errorOf(`${body}`, ", b"), /^y21\n/);
});

s.run();
