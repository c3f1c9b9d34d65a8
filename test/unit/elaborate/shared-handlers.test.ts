/** Probes that do the same share a handler; those that differ in what they find do not. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Program } from "../../../compiler/types/program.js";
import { missingTool } from "../../support/dwarf-programs.js";
import { buildProgram } from "../../support/tools.js";
import { analyzeGood } from "../types/support.js";

const s = suite("elaborate/shared-handlers");
const missing = missingTool(["gcc"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const path = missing === null ? buildProgram("points", ["-g", "-O0"]) : "";
const all = `process("${path}").function("*@points.c").call`;

function handlers(text: string): Program["handlers"] {
  const { probes, handlers: found } = analyzeGood(text);
  assert.equal(new Set(probes.map(({ handler }) => handler)), new Set(found));
  return found;
}

test("a body without variables is the same everywhere", () => {
  const program = analyzeGood(`probe ${all} { println(pp()) }`);
  assert.ok(program.probes.length > 3);
  assert.is(program.handlers.length, 1);
  assert.equal(
    program.handlers[0]?.points,
    program.probes.map(({ point }) => point),
  );
});

test("what is found of variables tells bodies apart", () => {
  const read = (text: string): number => handlers(`probe ${all} { ${text} }`).length;
  assert.is(read("println(@defined($nothing))"), 1);
  assert.is(read("println(@defined($a))"), 2);
  assert.ok(read("println($$parms)") > 1);
});

test("each return probe that takes values at the entry keeps them for itself", () => {
  const text = `probe ${all.replace(".call", ".return")} { println(@entry(tid())) }`;
  const { probes, handlers: found } = analyzeGood(text);
  assert.is(found.length, probes.length);
});

test("functions with variables of the probe are made for each", () => {
  const text = `function shown() { return $$parms } probe ${all} { println(shown()) }`;
  const { probes, handlers: found } = analyzeGood(text);
  assert.is(found.length, probes.length);
});

test("probes stay in the order of their definition", () => {
  const text = `probe ${all}, begin, ${all} { println(1) } probe begin { println(2) }`;
  const { probes } = analyzeGood(text);
  const kinds = probes.map(({ point }) => point.kind);
  const half = (probes.length - 2) / 2;
  const sites = Array.from({ length: half }, () => "site");
  assert.equal(kinds, [...sites, "begin", ...sites, "begin"]);
});

s.run();
