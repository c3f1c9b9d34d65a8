/** Where regular expressions may stand, and how what is wrong with them is said. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lineColumn } from "../../../base/position.js";
import { analyzeText } from "./support.js";

const s = suite("types/regex");

/** Texts of the errors in `script`. */
function errorsOf(script: string): readonly string[] {
  return analyzeText(script).errors.map(({ message }) => message);
}

s("an error names the literal", () => {
  const { errors } = analyzeText('probe begin {\n  if (pp() !~ "a" "(b")\n    println(1) }');
  const [error] = errors;
  assert.is(errors.length, 1);
  assert.is(
    error?.message,
    "regex compilation error (at position 2): expected ), found end of regex",
  );
  assert.is(error?.token, "string");
  assert.equal(error?.span && lineColumn(error.span.file, error.span.start), {
    line: 2,
    column: 15,
  });
});

s("errors in conditions and in functions that are called", () => {
  const script = `global g probe begin if (g =~ "*") { g = "b" println(f()) }
    function f() { return g !~ "[" }`;
  assert.equal(errorsOf(script), [
    "regex compilation error (at position 0): unexpected '*'",
    "regex compilation error (at position 0): unclosed character class",
  ]);
});

s("none in code that is taken out", () => {
  const script = `function f() { return pp() =~ "(" }
    probe begin { x = pp() =~ "(" if (0) { if (pp() =~ "(") println(1) } println(2) }`;
  assert.equal(errorsOf(script), []);
});

s("the left side is a string, the result a number", () => {
  assert.equal(errorsOf('probe begin { println(5 =~ "a") }'), [
    "type mismatch: expected string but found long",
  ]);
  assert.equal(errorsOf('probe begin { println("x" . ("a" =~ "a")) }'), ["invalid operator"]);
});

s("the right side is a literal", () => {
  assert.equal(errorsOf("probe begin { println(pp() =~ pn()) }"), ["expected literal string"]);
});

s.run();
