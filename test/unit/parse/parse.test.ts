/** What goldens do not show: bytes, spans, warnings, recovery, the stage. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bug } from "../../../base/assert.js";
import { CompileFailed, type Diagnostic } from "../../../base/diagnostic.js";
import { lineColumn } from "../../../base/position.js";
import type { CompileOptions } from "../../../base/stage.js";
import { parseStage } from "../../../compiler/parse/parse.js";
import { unusedArguments } from "../../../compiler/parse/unused-arguments.js";
import type { Expression, Script } from "../../../compiler/syntax/ast.js";
import { scriptOfText } from "../../../compiler/tapset/source.js";
import { parseGood, parseText } from "./support.js";

const s = suite("parse/parse");

/** The expression of `probe begin { EXPRESSION }`. */
function expressionOf(text: string): Expression {
  const [statement] = parseGood(`probe begin { ${text} }`).probes[0]?.body.statements ?? [];
  return statement?.kind === "expression" ? statement.expression : bug("no expression");
}

function stringOf(text: string): string {
  const literal = expressionOf(text);
  return literal.kind === "string" ? literal.value : bug("no string");
}

s("strings hold bytes", () => {
  assert.is(stringOf('"ä"'), "\xc3\xa4");
  assert.is(stringOf('"\\303\\x41\\0lost"'), "\xc3A");
  assert.is(stringOf('"a" "b"\n"c"'), "abc");
});

s("a node's place is the token that names it", () => {
  const at = (text: string): string => {
    const { span } = expressionOf(text);
    return span.file.text.slice(span.start, span.end);
  };
  assert.is(at("a + b"), "+");
  assert.is(at("f(1)"), "f");
  assert.is(at("@count(s)"), "@count");
  assert.is(at("$x->y"), "$x");
  assert.is(at("a ? b : c"), "?");
  assert.is(at("x->y"), "->");
});

s("ids of nodes differ, also of points made by braces", () => {
  const { probes } = parseGood('probe {a, b}.c("x") if (v) { }');
  const ids = probes[0]?.points.flatMap((point) => [
    point.id,
    ...point.components.map((component) => component.id),
    point.condition?.id,
  ]);
  assert.is(new Set(ids).size, 8);
});

s("text of a macro knows the invocations it came through", () => {
  const { errors } = parseText("@define a %( * %)\n@define b %( @a %)\nprobe begin { @b }");
  const lines: number[] = [];
  for (let span = errors[0]?.span ?? undefined; span !== undefined; span = span.macro)
    lines.push(lineColumn(span.file, span.start).line);
  assert.equal(lines, [1, 2, 3]);
});

s("a macro that expands to itself is an error", () => {
  const { errors } = parseText("@define a %( @a %) probe begin { @a }");
  assert.is(errors[0]?.message, "macro '@a' expands to itself");
});

s("warns of a macro that hides an operator and of a reversed bracket", () => {
  const { warnings } = parseText("@define sum %( 1 %) %{ x }% y %}");
  assert.equal(
    warnings.map(({ code }) => code),
    ["macro-hides-operator", "reversed-embedded-end"],
  );
});

s("goes on at the next declaration", () => {
  const { script, errors } = parseText(
    "probe begin { = } global g function f() { ( } probe end { x = 1 } private = probe never { }",
  );
  assert.is(errors.length, 3);
  assert.is(script.globals.length, 1);
  assert.is(script.functions.length, 0);
  assert.is(script.probes.length, 2);
});

/** Keywords where they cannot stand, and how many errors stap 4.8 finds. */
const KEYWORDS: readonly (readonly [script: string, errors: number])[] = [
  ["probe begin { x = function g( }", 1],
  ["probe begin { f(1 function g( }", 1],
  ["probe begin { println(1, 2 probe }", 1],
  ['probe begin { printf("a" global }', 1],
  ["probe begin { a[1 function g( }", 1],
  ["function f(a function g( }", 1],
  ["probe begin if function g( }", 2],
  ["probe begin if (x function g( }", 2],
];

for (const [script, count] of KEYWORDS) {
  s(`goes on at a keyword, or behind it: ${script}`, () => {
    assert.is(parseText(script).errors.length, count);
  });
}

s("a list that the file ends in", () => {
  for (const script of ["probe begin { f(1", "probe begin { a[1", 'probe begin { printd(","'])
    assert.is(parseText(script).errors[0]?.message, "unexpected end-of-file");
});

s("says that a file is empty", () => {
  assert.is(parseText("").errors[0]?.message, "Input file 'case.stp' is empty.");
  assert.is(parseText("# nothing\n").errors[0]?.message, "Input file 'case.stp' is empty.");
  const skipped = parseText("%( 1 == 2 %? probe begin { } %)").errors[0];
  assert.is(skipped?.message, "Input file 'case.stp' is empty after preprocessing.");
});

s("embedded code that does not end is an error at its start", () => {
  const [error] = parseText("probe begin { %{ code }").errors;
  assert.is(error?.code, "unterminated-embedded");
  assert.is(error?.span?.start, 14);
});

const OPTIONS: CompileOptions = {
  guru: false,
  ordinaryUser: false,
  unoptimized: false,
  timing: false,
  monitor: false,
  args: [],
  defines: new Map(),
  globals: new Map(),
  targetPath: null,
  tapsetPath: [],
  compatible: "5.6",
  checkVersion: false,
  skipBadVariables: false,
  prologueSearching: "auto",
  suppressHandlerErrors: false,
  suppressTimeLimits: false,
  globalVariableDisplay: true,
  moduleName: "test",
  bufferMegabytes: 1,
};

function runStage(
  texts: readonly string[],
  args: readonly string[],
  checkVersion = false,
): [readonly Script[], string[]] {
  const warnings: Diagnostic[] = [];
  const context = {
    options: { ...OPTIONS, args, checkVersion },
    warn: (d: Diagnostic) => warnings.push(d),
  };
  const input = { files: texts.map((text) => scriptOfText(text)), libraryMacros: new Map() };
  const scripts = parseStage.run(input, context);
  return [scripts, warnings.map(({ message }) => message)];
}

s("arguments that nothing uses are told", () => {
  const unused = (texts: readonly string[], args: readonly string[]): readonly string[] =>
    unusedArguments(runStage(texts, args)[0], args).map(({ message }) => message);
  const texts = ["probe begin { print($1) }", "probe end { print(@3) }"];
  assert.equal(unused(texts, ["1", "2", "3"]), ["unused command line option $2/@2"]);
  assert.equal(unused(["probe begin { print(argv[1]) }"], ["1"]), []);
  assert.equal(unused(["probe begin { print(argv_1) }"], ["1", "2"]), []);
});

s("the stage warns of what depends on the version, if asked", () => {
  const text = `%( systemtap_v > "1" %? probe begin { println(x) } %) probe end { println(2) }
    global x = %( systemtap_v > "1" %? 5 %: 6 %)
    probe a = timer.s(1) { %( systemtap_v < "9" %? v = 1 %) } probe a { println(v) }
    function f() { return %( kernel_v > "1" %? 5 %: 6 %) }`;
  const warning = (what: string): string =>
    `This ${what} uses tapset constructs that are dependent on systemtap version`;
  assert.equal(runStage([text], [], true)[1], ["probe", "global", "alias"].map(warning));
  assert.equal(runStage([text], [])[1], []);
});

s("the stage fails with the errors of all scripts", () => {
  try {
    runStage(["probe begin { = }", "probe end { ( }"], []);
    assert.unreachable();
  } catch (failure) {
    assert.instance(failure, CompileFailed);
    assert.is((failure as CompileFailed).diagnostics.length, 2);
  }
});

s("the stage's dump is that of stap -p1", () => {
  const [scripts] = runStage(["global a probe begin { a = 1 }"], []);
  assert.is(
    parseStage.dump(scripts),
    "# parse tree dump\n# file <input>\nglobal a\nprobe begin{\n(a) = (1);\n}\n",
  );
});

s.run();
