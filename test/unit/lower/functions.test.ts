import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../../compiler/pipeline.js";
import { contextWith, LIBRARY_PATH, outputOf } from "./support.js";

const s = suite("lower/functions");
const test = LIBRARY_PATH === null ? s.skip : s;

test("numbers and strings in and out, locals are fresh", () => {
  const text = `function f(a, b) { n += a; return n * b }
    function g:string(t:string, n) { t = t . "!"; u = sprintf("%d", n); return t . u }
    probe begin { x = "ab"; println(f(2, 3), f(2, 3), g(x, 5), x, g(g(x, 1), 2)) }`;
  assert.is(outputOf(text), "66ab!5abab!1!2\n");
});

test("a missing return gives 0 or the empty string", () => {
  const text = `function f(a) { if (a) return 5 }
    function g:string(a) { if (a) return "s" }
    probe begin { println(f(0), f(1), "[", g(0), g(1), "]") }`;
  assert.is(outputOf(text), "05[s]\n");
});

test("recursion, up to MAXNESTING", () => {
  const text = "function f(n) { if (n < 2) return 1; return n * f(n - 1) }";
  assert.is(outputOf(`${text} probe begin { println(f(5)) }`), "120\n");
  assert.match(
    outputOf(`${text} probe begin { println(f(50)) }`),
    /^ERROR: MAXNESTING exceeded near identifier 'f'/,
  );
  const deep = new Map([
    ["MAXNESTING", "100"],
    ["MAXTHREADS", "1"],
  ]);
  assert.is(
    outputOf(`${text} probe begin { println(f(20)) }`, { defines: deep }),
    "2432902008176640000\n",
  );
  const caught = "probe begin { try { println(f(50)) } catch (e) { println(e) } println(f(3)) }";
  assert.is(outputOf(`${text} ${caught}`), "MAXNESTING exceeded\n6\n");
});

test("recursion with strings has a frame for each level", () => {
  const text = `function f:string(n) { s = sprintf("%d", n); if (n > 0) t = f(n - 1); return s . t }
    probe begin { println(f(5)) }`;
  assert.is(outputOf(text), "543210\n");
});

test("next goes on to the following overload", () => {
  const text = `function f(n) { if (n > 2) next; return 10 }
    function f(n) { if (n > 4) next; return 20 }`;
  assert.is(outputOf(`${text} probe begin { println(f(1), f(3)) }`), "1020\n");
  assert.match(
    outputOf(`${text} probe begin { println(f(5)) }`),
    /^ERROR: all functions exhausted near identifier 'f'/,
  );
});

test("an error in a function is caught by its caller", () => {
  const text = `function f(n) { return 1 / n }
    function g:string(n) { return sprintf("ok%d", 4 / n) }
    probe begin { try { println(f(0)) } catch (e) { println(e) } try { x = g(0) } catch (e) { println(e, x) } println(g(1), f(1)) }`;
  assert.is(outputOf(text), "division by 0\ndivision by 0\nok41\n");
});

test("a string result that fails leaves the variable as it was", () => {
  const text = `function g:string(n) { return "new" . sprint(1 / n) }
    probe begin { s = "old"; try { s = g(0) } catch { } println(s) }`;
  assert.is(outputOf(text), "old\n");
});

test("a parameter keeps its value while the function changes the global it came from", () => {
  const text = `global t = "before"
    function f:string(s) { t = "after"; return s . t }
    probe begin { println(f(t)) }`;
  assert.is(outputOf(text), "beforeafter\n");
});

test("functions without result", () => {
  assert.is(outputOf("global n function f() { n++ } probe begin { f(); f(); println(n) }"), "2\n");
});

test("library functions by name, tapset functions", () => {
  const text = `function third:string(s:string) %{ /* pure */ tz_name %} probe begin { println(third("x")) }`;
  const library = { name: "tapset.stp", text, library: true };
  assert.throws(() => compile([library], contextWith()), /does not fit/);
  assert.is(
    outputOf('probe begin { println(substr("abcdef", 2, 3), strlen("ab"), pid()) }'),
    "cde2100\n",
  );
});

s.run();
