/** What pass 2 accepts and what it refuses, and why: each verdict is the original's. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { analyzeText, showFound } from "./support.js";

const s = suite("types/verdicts");

/** Script → errors; none if it is accepted. */
const VERDICTS: readonly (readonly [script: string, ...errors: string[]])[] = [
  // What @defined asks about must exist, but for what is the program's.
  ["probe begin { println(@defined(nosuch(1))) }", "1:32 unresolved function nosuch"],
  [
    "probe begin { if (@defined(pid(1))) println(1) }",
    "1:28 arity mismatch found (function 'pid' takes 0 args)",
  ],
  [
    "function f() { return @defined(1 + x[1]) } probe begin { println(f()) }",
    "1:36 unresolved arity-1 global array x, missing global declaration?",
  ],
  ["global x probe begin { println(@defined(x[1]), @defined($y[nothing]), @defined(pid())) }"],
  // The keys and the value of an array declared with a size are no scalars.
  ["global a[9] probe begin { a[1, 2] = 3; println(a[a, 1]) }", "1:8 inconsistent arity"],
  ["global a[9] probe begin { foreach ([b, a] in a) println(b) }", "1:8 inconsistent arity"],
  ["global a probe begin { a[1, 2] = 3; println(a[a, 1]) }", "1:47 inconsistent arity (2 vs 0)"],
  // Of several definitions the last one is named.
  [
    "function f(a) { return a } function f(a, b) { return a } probe begin { println(f()) }",
    "1:80 arity mismatch found (function 'f' takes 2 args)",
  ],
  // Only functions that are called count.
  ["function unused() { nosuch() } probe begin { println(1) }"],
  ["function unused(a) { a[1] = 2 } probe begin { println(1) }"],
  // An empty branch comes to rest.
  ["global a probe begin { if (a) ; else a++ }"],
  // What is elided must agree all the same (5.4 and later; 4.8 accepts these), but needs no type.
  [
    'probe begin { x = 1; x = "s"; println(1) }',
    "1:22 type mismatch (string) | type was first inferred here (long)",
  ],
  [
    'probe begin { if (0) { x = 1 + "a" } println(1) }',
    "1:32 type mismatch: expected long but found string",
  ],
  ['probe begin { "a" . 5; println(1) }', "1:21 type mismatch: expected string but found long"],
  ["global a probe begin { x = a; println(1) }"],
  ["global a probe begin { x = a + 1; println(a) }"],
  ["probe begin { x <<< 1; println(1) }"],
  [
    'probe begin { if (0) println("a" + 1); println(2) }',
    "1:30 type mismatch: expected long but found string",
  ],
  ["probe begin { if (0) println($x); println(1) }"],
  ["probe begin { println(0 && $x, 1 || $x, 1 ? 2 : $x) }"],
  ["probe begin { while (0) println($x); println(1) }"],
  ["probe begin { next; println(x) }"],
  ["probe begin { $foo = 1 }", "1:15 unresolved target-symbol expression"],
  ["function f(a) { next } probe begin { f(1) }", "- no probes found"],
  // So must operators whose value nobody needs (4.8 accepts these, too); what they did stays.
  [
    'global x probe begin { x++ . "a"; !sprint(x++); x++ && "b"; x++ || "b"; x ? "b" : x++ }',
    "1:25 invalid operator",
    "1:56 type mismatch: expected long but found string",
    "1:68 type mismatch: expected long but found string",
    "1:84 invalid operator",
  ],
  ['global x probe begin { x = 1; y = x++ . "a" }'],
  ['global x probe begin { "a" . print("b"); print("b") =~ "c"; $bad[x++] }'],
  ['function f(a) { return a . "b" } global x probe begin { f(x++) }', "1:24 index 0"],
  [
    'function f(a) { x++; return a . "b" } global x probe begin { f(x++) }',
    "1:29 index 0 type mismatch (string)",
  ],
  [
    'global x probe begin { if (x++ . "a") println(1) }',
    "1:32 invalid operator",
    "1:29 invalid operator",
  ],
  ['global x probe begin { for (x++ . "a"; x < 1; x++) {} }', "1:30 invalid operator"],
  ['probe begin { s = "a" println("a" . (s =~ "x")) }', "1:40 invalid operator"],
  [
    "global a probe begin { a[1] = 1 println(strlen(1 in a)) }",
    "1:50 type mismatch: expected string but found long",
  ],
  // A global that only dropped code names needs no type.
  ["global s probe begin { if (0) { s 1 } println(1) }"],
  // An operator in the wrong place counts only if it is left, sides that differ always.
  ['global x probe begin { x++; if (0) println((x < 1) . "a", !x . "b", x++ . "c") }'],
  ['global x probe begin { x++; if (0) println(x . "a") }', "1:44 type mismatch (string)"],
  [
    'global x probe begin { x = 0 * ("a" . "b") }',
    "1:37 invalid operator",
    "1:30 type mismatch: left and right sides don't agree (long vs string)",
  ],
  // Print and statistics operators do not ask what is wanted of them.
  ['global s probe begin { s <<< 1; println(@count(s) . "a", print("b") . "c") }'],
  ['probe begin { if (sprint("a")) println(-sprint("b"), pid() ? 1 : sprint("c")) }'],
  [
    'probe begin { println(sprint("x") + 1) }',
    "1:35 type mismatch: left and right sides don't agree (string vs long)",
  ],
  // Memory and registers stand only where a number is wanted; their address is what they are.
  ["probe begin { x = @uderef(4, 5); println(x, 1 + @uregister(0), pid() ? @uderef(4, 5) : 0) }"],
  ["probe begin { println(@uderef(4, 5)) }", "1:23 invalid operator"],
  ['probe begin { printd(",", 2, @uregister(3)) }', "1:30 invalid operator"],
  ["probe begin { println(1 ? @uderef(4, 5) : 0) }", "1:27 invalid operator"],
  [
    'probe begin { println(@uderef(4, 5) . "a") }',
    "1:23 invalid operator",
    "1:34 type mismatch: expected string but found long",
  ],
  // A format wants a text of an operator whose argument has no type (4.8 never ends).
  ['probe begin { printf("%s", sprint(x)) }', "1:35 unresolved type ", "1:28 unresolved type "],
  // What an array holds is told by its elements, not by what a loop does with them.
  [
    "global m probe begin { foreach (v = i in m) println(v + 1, i + 1) }",
    "1:42 unresolved type ",
    "1:8 unresolved type ",
  ],
  ["global m probe begin { foreach (v = i in m) println(v, i + 1); if (m[1]) exit() }"],
  // All overloads of a call must agree, also those of the library and those never reached.
  [
    "function f(a:long) { return 1 } function f(a:string) { return 2 } probe begin { println(f(1)) }",
    "1:91 type mismatch: expected long but found string",
  ],
  [
    'function f(a) { return 1 } function f(a) { return "a" } probe begin { println(f(1)) }',
    "1:79 type mismatch (long) | type was first inferred here (string)",
  ],
  ["function strlen(x) { return 3 } probe begin { println(strlen(1)) }", "1:62 type mismatch"],
  ['function strlen(x) { return 3 } probe begin { println(strlen("abc")) }'],
  [
    "probe begin { println(f()) } function f() { if (pid()) return 1; return }",
    "1:66 type mismatch (unknown) | type was first inferred here (long)",
  ],
  // Arrays.
  ["global a probe begin { a[1,2] = 1; println(a[*,2]) }", "1:44 wildcard not allowed"],
  ["global a probe begin { a[*] = 1 }", "1:24 wildcard not allowed"],
  ["global a probe begin { a[1,2] = 1; println([*,2] in a) delete a[*,2] }"],
  ["global a% probe begin { a = 2 }", "1:8 wrapping not supported for scalars"],
  [
    "global a probe begin { a[1]=2; foreach (k in a) f(k) } function f(x) { a[x] = 1 }",
    "1:49 function call modifies var 'a' during 'foreach' iteration",
  ],
  ["global a probe begin { a[1]=2; foreach (k in a) f(k) } function f(x) { delete a }"],
  [
    "function f(x) { delete x; println(1) } probe begin { f(1) }",
    "1:24 unresolved array in delete statement",
  ],
  ["probe begin { x = 1; delete x; println(x) }"],
  // What is declared has no place where it was inferred.
  ['global x = 1 probe begin { x = "s" }', "1:28 type mismatch: expected string but found long"],
  [
    "function f:string(a:long) { return a } probe begin { println(f(1)) }",
    "1:36 type mismatch: expected string but found long",
  ],
  [
    "function f:long() { if (pid()) return 1; return } probe begin { println(f()) }",
    "1:42 type mismatch: expected unknown but found long",
  ],
  // Arming conditions print nothing; @probewrite is known by way of an alias; `$x` catches nothing.
  [
    "global g probe begin if (println(1)) { g = 1 }",
    "1:26 probe condition must not include impure embedded-C",
  ],
  ['global g probe begin if (sprint(g) == "1") { g = 1 }'],
  ["probe begin { println(@probewrite(x)) x = 1 }", "1:23 unexpected @probewrite"],
  [
    "probe a = begin { println(f()) } function f() { return @probewrite(x) } probe a { x = 1 }",
    "1:56 unexpected @probewrite",
  ],
  ["probe a = begin { println(@probewrite(x)) } probe a { x = 1 }"],
  ["probe begin { try { println(1) } catch ($x) { println(2) } }", "1:41 unresolved type"],
  ['probe process("").begin { println(1) }', "1:7 while resolving probe point | empty module"],
  ["global a probe begin { 5 <<< 1 }", "1:26 Expecting lvalue for assignment"],
  [
    'probe begin { println("a" < 1) }',
    "1:23 type mismatch: expected long but found string",
    "1:29 type mismatch: expected string but found long",
  ],
  // Statistics.
  [
    "global s probe begin { s <<< 1; foreach ([b,c] in @hist_log(s)) println(b) }",
    "1:33 unresolved type ",
  ],
  [
    "global s probe begin { s <<< 1; println(@variance(s, 63)) }",
    "1:41 bit shift (63) out of range <0..62>",
  ],
  [
    "global s probe begin { s <<< 1; println(@variance(s, -1)) }",
    "1:41 bit shift (-1) out of range <0..62>",
  ],
  ["global s probe begin { s <<< 1; println(@variance(s), @variance(s, 1)) }"],
  [
    "global s probe begin { s <<< 1; println(@variance(s, 1), @variance(s)) }",
    "1:58 conflicting bit shifts declared (previously 1)",
  ],
];

for (const [script, ...expected] of VERDICTS) {
  s(script, () => {
    const found = analyzeText(script).errors.map(showFound);
    assert.is(found.length, expected.length, found.join("\n"));
    expected.forEach((text, i) => {
      assert.ok(found[i]?.startsWith(text), found[i]);
    });
  });
}

s.run();
