/** Patterns of functions and source lines: how they are taken apart, and what is malformed. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  fileMatcher,
  type LineChoice,
  matcher,
  parseFunctionPattern,
} from "../../../compiler/elaborate/function-pattern.js";

const test = suite("elaborate/function-pattern");

function lines(text: string): LineChoice | null | undefined {
  return parseFunctionPattern(`f@a.c${text}`)?.lines;
}

test("takes scopes, name, file and lines apart", () => {
  assert.equal(parseFunctionPattern("main"), { scopes: [], name: "main", file: null, lines: null });
  assert.equal(parseFunctionPattern("a::b::*@dir/f.cc:12"), {
    scopes: ["a", "b"],
    name: "*",
    file: "dir/f.cc",
    lines: { kind: "absolute", line: 12 },
  });
  assert.equal(parseFunctionPattern("::f")?.scopes, [""]);
});

test("brackets and operators hide separators", () => {
  const parts = (text: string): unknown => {
    const pattern = parseFunctionPattern(text);
    return [...(pattern?.scopes ?? []), pattern?.name];
  };
  assert.equal(parts("ns::list<std::string>::push"), ["ns", "list<std::string>", "push"]);
  assert.equal(parts("(anonymous namespace)::f"), ["(anonymous namespace)", "f"]);
  assert.equal(parts("ns::operator<<"), ["ns", "operator<<"]);
  assert.equal(parts("operators::f"), ["operators", "f"]);
});

test("lines are absolute, relative, all, or lists of ranges", () => {
  assert.equal(lines(":7"), { kind: "absolute", line: 7 });
  assert.equal(lines("+7"), { kind: "relative", offset: 7 });
  assert.equal(lines(":*"), { kind: "all" });
  assert.equal(lines(":9,3-5"), {
    kind: "ranges",
    ranges: [
      [3, 5],
      [9, 9],
    ],
  });
});

test("a directory may have a plus in its name", () => {
  const pattern = parseFunctionPattern("f@/usr/include/c++/12/x.h:3");
  assert.is(pattern?.file, "/usr/include/c++/12/x.h");
  assert.equal(pattern?.lines, { kind: "absolute", line: 3 });
});

test("refuses what names no function, file or line", () => {
  for (const text of [
    "",
    "@a.c",
    "f@",
    "f@:3",
    "f@a.c:",
    "f@a.c:x",
    "f@a.c+x",
    "f@a.c:3-",
    "a::",
  ]) {
    assert.is(parseFunctionPattern(text), null, text);
  }
});

test("file patterns may leave out leading directories", () => {
  const meant = fileMatcher("src/*.c");
  assert.ok(meant("src/a.c") && meant("/home/x/src/a.c") && meant("/src/deep/a.c"));
  assert.not(meant("/home/xsrc/a.c"));
});

test("names match as a whole, and every character of a wildcard name is one", () => {
  assert.ok(matcher("f*")("foo") && matcher("f?o")("foo") && matcher("a.b")("a.b"));
  assert.not(matcher("f")("foo") || matcher("a.b*")("axb"));
});

test.run();
