/** Session points, timers, aliases: what is refused, and how points are matched. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { editDistance, nearestNames } from "../../../compiler/elaborate/similar.js";
import { analyzeGood, analyzeText } from "../types/support.js";

const s = suite("elaborate/points");

/** Script → cause of its first error. */
const REFUSED: readonly (readonly [script: string, expected: string | RegExp])[] = [
  ["probe timer.ms(0) { println(1) }", "interval value out of range (1, 86400000)"],
  ["probe timer.us(50) { println(1) }", "interval value out of range (100, 86400000000)"],
  ["probe timer.s(100000) { println(1) }", "interval value out of range (1, 86400)"],
  ["probe timer.ms(10).randomize(20) { println(1) }", "randomization value out of range"],
  ["probe timer.hz(0) { println(1) }", "frequency must be greater than 0"],
  ["probe timer.jiffies(0) { println(1) }", "invalid interval for jiffies timer"],
  ["probe timer.jiffies(5).randomize(6) { println(1) }", "invalid randomize for jiffies timer"],
  [
    "probe timer.hz(1000000) { println(1) }",
    "interval value out of range (100000, 86400000000000)",
  ],
  ["probe timer.fortnight(1) { println(1) }", /^probe point mismatch \(similar: /],
  ['probe timer.s("x") { println(1) }', "probe point mismatch (argument: s(number))"],
  ["probe begin(1).foo { println(1) }", "invalid suffix for probe"],
  ["probe timer { println(1) }", /^probe point truncated \(follow: hz\(number\) /],
  ["probe no_such { println(1) }", /^probe point mismatch \(similar: /],
  ["probe no_such* { println(1) }", /^probe point mismatch: didn't find any wildcard matches/],
  [
    "probe a = b {} probe b = a {} probe a { println(1) }",
    "recursive loop in alias expansion of a",
  ],
  ["probe a = begin {} probe a.b { println(1) }", "invalid suffix for probe"],
];

for (const [script, expected] of REFUSED) {
  s(script, () => {
    const { errors } = analyzeText(script);
    assert.is(errors.length, 1);
    assert.is(errors[0]?.message, "while resolving probe point");
    const message = errors[0]?.notes[0]?.message ?? "";
    if (typeof expected === "string") assert.is(message, expected);
    else assert.match(message, expected);
  });
}

s("all bad points are reported in one run", () => {
  const { errors } = analyzeText("probe timer.ms(0), begin, no_such { println(1) }");
  assert.is(errors.length, 2);
});

s("** spans components", () => {
  const text =
    "probe my.own.tick = begin { n = 1 } probe my.other = end {} probe my** { println(1) }";
  const points = analyzeGood(text).probes.map((probe) => `${probe.name} ${probe.written}`);
  assert.equal(points, ["end my.other", "begin my.own.tick"]);
});

s("an alias takes components after its name", () => {
  const text = "probe mine = timer {} probe mine.s(3) { println(1) }";
  assert.equal(
    analyzeGood(text).probes.map((probe) => `${probe.name} ${probe.written}`),
    ["timer.s(3) mine.s(3)"],
  );
});

s("conditions of aliases and points add up", () => {
  const text =
    "global a = 1, b = 1 probe mine = begin if (a) {} probe mine if (b > 0) { println(1) }";
  assert.is(analyzeGood(text).probes[0]?.handler.conditions.length, 2);
});

s("a sufficient point ends the list", () => {
  const text = "probe nothing.here!, begin!, end { println(1) }";
  assert.equal(
    analyzeGood(text).probes.map((probe) => probe.name),
    ["begin"],
  );
});

s("timers are in nanoseconds", () => {
  const points = analyzeGood("probe timer.ms(5).randomize(2), timer.hz(4) { println(1) }").probes;
  assert.equal(
    points.map((probe) => probe.point),
    [
      { kind: "timer", intervalNs: 5_000_000, randomizeNs: 2_000_000 },
      { kind: "timer", intervalNs: 250_000_000, randomizeNs: 0 },
    ],
  );
});

s("private definitions are seen only in their file", () => {
  const { errors } = analyzeText("probe begin { _store(1, 2, 3) }");
  assert.match(errors[0]?.message ?? "", /^unresolved function _store/);
});

s("names are compared by edits", () => {
  assert.is(editDistance("kitten", "sitting"), 6);
  assert.is(editDistance("", "abc"), 3);
  // As SystemTap 4.8 has it.
  assert.equal(nearestNames("pidd", ["gid", "pid", "ppid", "uid"]), ["pid", "ppid", "gid", "uid"]);
  assert.equal(nearestNames("tt", ["HZ", "exit", "tid", "cpu"]), ["HZ", "exit", "tid", "cpu"]);
  assert.equal(nearestNames("abc", ["abd", "abc", "zzz", "ab"]), ["ab", "abd", "zzz"]);
});

s.run();
