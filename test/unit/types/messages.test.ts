/** Every message of name resolution, inference and checks, at its place. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { analyzeText, analyzeToTranslate, showFound } from "./support.js";

const s = suite("types/messages");

/** Script in one line → errors as showFound writes them. */
const ERRORS: readonly (readonly [script: string, ...errors: string[]])[] = [
  [
    'probe begin { x = 1; x = "s"; println(x) }',
    "1:22 type mismatch (string) | type was first inferred here (long)",
  ],
  [
    'probe begin { printf("%d %s", "a", 1) }',
    "1:31 type mismatch: expected long but found string",
    "1:36 type mismatch: expected string but found long",
  ],
  ['probe begin { printf("%d %s", 1) }', "1:15 Wrong number of args to formatted print operator"],
  ['probe begin { printf("%*d", 1) }', "1:15 Wrong number of args to formatted print operator"],
  [
    'function f(x) { return x } probe begin { println(f(1)) println(f("x")) }',
    "1:66 index 0 type mismatch (string) | type of index 0 was first inferred here (long)",
  ],
  [
    "function f(x) { } probe begin { println(f(1)) }",
    "1:41 unresolved type ",
    "1:33 unresolved type ",
  ],
  ["probe begin { println(x) }", "1:23 unresolved type ", "1:15 unresolved type "],
  [
    'probe a("x") = begin { } probe begin { println(1) }',
    "1:1 while registering probe alias | alias component a contains illegal parameter",
  ],
  [
    "probe b = a.* = begin { } probe begin { println(1) }",
    "1:1 while registering probe alias | invalid use of wildcard probe point component",
  ],
  [
    'probe procfs.read { $value = "a" } probe procfs("command").read { $value = "b" }',
    '- only one read procfs probe can exist for procfs path "command"',
  ],
  [
    "global a probe begin { a[1]=1; println(a) }",
    "1:40 inconsistent arity (1 vs 0) | arity 1 first inferred here",
  ],
  [
    "global a probe begin { a[1]=1; println(a[1,2]) }",
    "1:40 inconsistent arity (1 vs 2) | arity 1 first inferred here",
  ],
  [
    "global x=1 probe begin { x[1]=2 }",
    "1:26 inconsistent arity (0 vs 1) | arity 0 first inferred here",
  ],
  ["global x[10] probe begin { x=2 }", "1:8 inconsistent arity"],
  ["probe begin { a[1]=1 }", "1:15 unresolved arity-1 global array a, missing global declaration?"],
  [
    "function f(x) { x[1]=2 } probe begin { f(1) }",
    "1:17 unresolved arity-1 global array x, missing global declaration?",
  ],
  ["probe begin { delete x }", "1:22 unresolved array in delete statement"],
  [
    "global s probe begin { s <<< 1; s = 2 }",
    "1:33 type mismatch (long) | type was first inferred here (stats)",
  ],
  [
    "global s probe begin { s <<< 1 f(s) } function f(x) { println(x) }",
    "1:63 unresolved type ",
    "1:55 unresolved type ",
    "1:34 invalid type stats",
  ],
  [
    "global s probe begin { s[1]<<<1; foreach (v=k in s) { println(v) } }",
    "1:43 invalid type stats",
    "1:63 unresolved type ",
    "1:55 unresolved type ",
    "1:43 unresolved type ",
  ],
  [
    'global s probe begin { s <<< "x" println(@count(s)) }',
    "1:30 type mismatch: expected long but found string",
  ],
  [
    "global s probe begin { s <<< 1; print(@hist_log(s)); print(@hist_linear(s,0,10,1)) }",
    "1:60 multiple histogram types declared on 's'",
  ],
  [
    "global s probe begin { s <<< 1; println(@variance(s,1), @variance(s,2)) }",
    "1:57 conflicting bit shifts declared (previously 1)",
  ],
  [
    "global s probe begin { s <<< 1; print(1, @hist_log(s)) }",
    "1:42 base histogram operator where expression expected",
  ],
  [
    "global a probe begin { a[1]=1; foreach (k in a) a[2]=2 }",
    "1:49 variable 'a' modified during 'foreach' iteration",
  ],
  [
    "global a probe begin { a[1]=1; foreach (k in a) delete a[k] }",
    "1:56 variable 'a' modified during 'foreach' iteration",
  ],
  [
    "global a probe begin { a[1]=1; foreach (k in a) f() } function f() { g() } function g() { a[3]=1 }",
    "1:49 function call modifies var 'a' during 'foreach' iteration",
  ],
  [
    "global a probe begin { foreach (k in a limit a[1]++) println(k) }",
    "1:46 variable 'a' modified during 'foreach' iteration",
  ],
  [
    "global a function f() { a[1]=2 return 1 } probe begin { foreach (k in a limit f()) println(k) }",
    "1:79 function call modifies var 'a' during 'foreach' iteration",
  ],
  [
    "global a probe begin { a[1] <<< 1; foreach (k in @hist_log(a[1])) a[k] <<< 2 }",
    "1:67 variable 'a' modified during 'foreach' iteration",
  ],
  [
    'global a probe begin { a[1]=1 foreach (k in a limit "x") println(k) }',
    "1:53 type mismatch: expected long but found string",
  ],
  [
    "probe begin { foreach (k in a) println(k) }",
    "1:29 unresolved arity-1 global array a, missing global declaration?",
  ],
  ['probe begin { if ("x") println(1) }', "1:19 type mismatch: expected long but found string"],
  ['probe begin { x = "a" + 1 println(x) }', "1:19 type mismatch: expected long but found string"],
  ['probe begin { println(1 ? 1 : "s") }', "1:31 type mismatch: expected long but found string"],
  ["global a probe begin { a[1]=1 foreach (k in a @sum-) println(k) }", "1:45 invalid type long"],
  ["probe begin { 1 = 2 }", "1:17 Expecting lvalue for assignment | "],
  [
    "probe begin { f(1) = 2 } function f(x) { return x }",
    "1:20 Expecting lvalue for assignment | ",
  ],
  [
    'function f:long(x) { return "s" } probe begin { println(f(1)) }',
    "1:29 type mismatch: expected string but found long",
  ],
  ["probe begin { println(strlen(1)) }", "1:30 type mismatch: expected long but found string"],
  [
    'function f(a:long) { return a } probe begin { println(f("a" . "b")) }',
    "1:61 invalid operator",
    "1:61 type mismatch: expected string but found long",
  ],
  [
    'function f(b, a) { println(b, a+1); println(a."x") } probe begin { f(1, 2) }',
    "1:45 index 1 type mismatch (string) | type of index 1 was first inferred here (long)",
  ],
  [
    'function f() { return 1 } probe begin { println(f() . "x") }',
    "1:49 type mismatch (string) | type was first inferred here (long)",
  ],
  [
    "global x probe begin { y = 1 in @count(x); println(y) }",
    "1:33 unresolved arity-1 global array @count, missing global declaration?",
  ],
  [
    "probe begin { try { println(1) } catch (e) { println(e+1) } }",
    "1:54 type mismatch (long) | type was first inferred here (string)",
  ],
  [
    "probe begin if (f()) { println(1) } function f() { return 1 }",
    "1:17 probe condition must not reference function",
  ],
  [
    "global g probe begin if (g++) { println(1) }",
    "1:27 probe condition must not modify any variables",
  ],
  [
    "probe begin if (q) { println(1) }",
    "1:17 probe condition must not reference undeclared global",
  ],
  ["probe begin if ($x) { println(1) }", "1:17 unresolved target-symbol expression"],
  ["probe begin { println(@entry(1)) }", "1:23 @entry is only valid in .return probes"],
  [
    'probe begin { println(@var("x")) }',
    "1:23 unresolved @var() expression",
    "1:23 unresolved type ",
    "1:15 unresolved type ",
  ],
  [
    'probe begin { println(@cast(1, "foo")->x) }',
    "1:23 type definition 'foo' not found in ''",
    "1:23 unresolved type ",
    "1:15 unresolved type ",
  ],
  [
    "probe begin { println($x) }",
    "1:23 unresolved target-symbol expression",
    "1:23 unresolved type ",
    "1:15 unresolved type ",
  ],
  ["probe begin { set_user_long(1, 2) }", "1:15 function may not be used unless -g is specified"],
];

for (const [script, ...expected] of ERRORS) {
  s(script, () => assert.equal(analyzeText(script).errors.map(showFound), expected));
}

/** Script that passes -p2 → errors of translating it. */
const LATE_ERRORS: readonly (readonly [script: string, ...errors: string[]])[] = [
  ["probe begin { break }", "1:15 cannot 'break' outside loop"],
  ["probe begin { try { continue } catch { } }", "1:21 cannot 'continue' outside loop"],
  [
    "function f() { println(1) break } probe begin { while (1) f() }",
    "1:27 cannot 'break' outside loop",
  ],
  ["global s probe begin { s <<< 1; println(s) }", "1:41 cannot print a raw stats object"],
  ["global x probe begin { x=5++; println(x) }", "1:26 invalid lvalue type"],
  ["probe begin { @uderef(4, 5) = 1 }", "1:15 not supported yet: writing to @uderef"],
  ["probe begin { @uregister(4) = 1 }", "1:15 not supported yet: writing to @uregister"],
  ['probe begin { println("b" . print("a")) }', "1:27 expected string types"],
  ['probe begin { println(-sprint("a")) }', "1:23 expected numeric types"],
  ['probe begin { println(sprint("a") && sprint("b")) }', "1:35 expected numeric types"],
  ['probe begin { while (sprint("a")) println(1) }', "1:22 expected numeric type"],
  ['probe begin { println(sprint("a") ? 1 : 2) }', "1:23 expected numeric condition"],
  ['probe begin { println(pid() ? 1 : sprint("x")) }', "1:29 expected matching types"],
  [
    'global s probe begin { s <<< sprint("a"); println(@count(s)) }',
    "1:30 non-number right operand to <<< expression",
  ],
  ['global s probe begin { s = "a"; s .= print("a"); println(s) }', "1:38 type mismatch"],
  ["probe begin { println(f()++) } function f() { return 1 }", "1:23 invalid lvalue type"],
  ["global s probe begin { s <<< 1; @hist_log(s)[1]++}", "1:33 cannot assign to histogram buckets"],
  [
    "global s probe begin { s <<< 1; delete @hist_log(s)[1] }",
    "1:40 cannot delete histogram bucket entries",
  ],
  ['probe begin { print_char("a") }', "1:26 type mismatch: expected long but found string"],
  [
    "global s probe begin { s<<<1 print(@hist_linear(s,10,0,1)) }",
    "1:36 upper bound of @hist_linear must not be below the lower bound",
  ],
  [
    "global a probe begin { a[1,2,3,4,5,6,7,8,9,10] = 1 }",
    "1:8 too many array keys (10, at most 9)",
  ],
];

for (const [script, ...expected] of LATE_ERRORS) {
  s(`translating: ${script}`, () => {
    assert.equal(analyzeText(script).errors, []);
    assert.equal(analyzeToTranslate(script).errors.map(showFound), expected);
  });
}

s("what is never assigned is told before what cannot be assigned to", () => {
  const { errors, warnings } = analyzeText("probe begin { println(d); 1 = 2 }");
  assert.equal(errors.map(showFound), ["1:29 Expecting lvalue for assignment | "]);
  assert.equal(warnings.map(showFound), ["1:23 never-assigned local variable 'd'"]);
});

s("an unknown function names similar ones", () => {
  const [error] = analyzeText("probe begin { printn(1) }").errors;
  assert.match(error?.message ?? "", /^unresolved function printn \(similar: /);
});

s("a wrong number of arguments points at the function", () => {
  const [error] = analyzeText('probe begin { println(strlen("a", "b")) }').errors;
  assert.is(error?.message, "arity mismatch found (function 'strlen' takes 1 args)");
  assert.match(error?.notes[0]?.span?.file.name ?? "", /string.*\.stp$/);
});

/** Script → warnings. */
const WARNINGS: readonly (readonly [script: string, ...warnings: string[]])[] = [
  [
    "probe begin { if (1) { x = 1 } println(2) }",
    "1:26 Eliding assignment to 'x'",
    "1:24 Eliding side-effect-free expression ",
  ],
  ["probe begin { println(1) } probe end {}", "1:28 Probe 'end' has been elided"],
  ["global g probe begin { if (g) println(1) }", "1:8 never-assigned global variable 'g'"],
  ["global g probe begin { println(g + 1) }", "1:8 never-assigned global variable 'g'"],
  [
    "probe begin { foo = 1 println(fo + foo) }",
    "1:31 never-assigned local variable 'fo' (similar: foo)",
  ],
  [
    "function f(abc, abd) { abf = 1 return abe + abf } probe begin { println(f(1, 2)) }",
    "1:39 never-assigned local variable 'abe' (similar: abc, abd, abf)",
  ],
  ["function unused() { return 1 } global g probe begin { println(1) }"],
];

for (const [script, ...expected] of WARNINGS) {
  s(`warns: ${script}`, () => {
    const { errors, warnings } = analyzeText(script);
    assert.equal(errors.map(showFound), []);
    assert.equal(warnings.map(showFound), expected);
  });
}

s("-G gives a value, and no warning", () => {
  const { program, warnings } = analyzeText("global g = 1 probe begin { println(g) }", {
    globals: new Map([["g", "0x10"]]),
  });
  const initial = program?.globals[0]?.initial;
  assert.is(initial?.kind === "number" ? initial.value : null, 16n);
  assert.equal(warnings, []);
});

s("--compatible reads as that version did", () => {
  const counts = (text: string, compatible: string): number =>
    analyzeText(text, { compatible }).errors.length;
  const named = "global private probe begin { private = 1 println(private) }";
  assert.equal([counts(named, "2.9"), counts(named, "3.0") > 0], [0, true]);
  assert.is(counts("private x probe begin { println(x = 1) }", "2.9"), 1);
  const branch = "probe begin { x = 1 ? 2 : y = 3 println(x) }";
  assert.equal([counts(branch, "3.3"), counts(branch, "4.0")], [0, 1]);
});

s("-G of an array or of a wrong type is an error", () => {
  const globals = new Map([["g", "x"]]);
  const number = analyzeText("global g = 1 probe begin { println(g) }", { globals });
  assert.is(number.errors[0]?.message, "invalid value 'x' for long global 'g'");
  const array = analyzeText("global g probe begin { g[1]++ println(g[1]) }", { globals });
  assert.is(array.errors[0]?.message, "only scalar globals can be initialized");
});

s("-u keeps what has no effect", () => {
  const { program, warnings } = analyzeText("probe begin { x = 1 } probe end {}", {
    unoptimized: true,
  });
  assert.is(program?.probes.length, 2);
  assert.equal(warnings, []);
});

s("a condition cannot ask for what a hit finds", () => {
  assert.equal(analyzeText("probe begin if (@defined($x)) { println(1) }").errors.map(showFound), [
    "1:26 unresolved target-symbol expression",
    "1:17 unexpected @defined",
  ]);
});

s("nothing left is an error", () => {
  assert.equal(analyzeText("probe begin {}").errors.map(showFound), ["- no probes found"]);
});

s.run();
