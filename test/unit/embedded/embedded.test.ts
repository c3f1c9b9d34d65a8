/** Embedded code from script to bundle: what is refused and where, what it becomes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CompileFailed, type Diagnostic } from "../../../base/diagnostic.js";
import { compileEmbedded } from "../../../compiler/embedded/embedded.js";
import { compile } from "../../../compiler/pipeline.js";
import type { EmbeddedCode } from "../../../compiler/syntax/ast.js";
import { showProgram } from "../../../compiler/types/show.js";
import { decodeModule } from "../../../wasm-runtime/module/decode.js";
import { compileText, contextWith, LIBRARY_PATH, outputOf } from "../lower/support.js";

const s = suite("embedded/embedded");
const test = LIBRARY_PATH === null ? s.skip : s;

/** Diagnostics of `text` without -g, each as `LINE:COLUMN-LENGTH message`. */
function problems(text: string): string[] {
  try {
    compileText(text, { guru: false });
  } catch (error) {
    if (error instanceof CompileFailed) return error.diagnostics.map(show);
    throw error;
  }
  return [];
}

function show({ message, span }: Diagnostic): string {
  if (span === null) return message;
  const before = span.file.text.slice(0, span.start).split("\n");
  const column = (before.at(-1) ?? "").length + 1;
  return `${before.length}:${column}-${span.end - span.start} ${message}`;
}

/** A script of one function with `body` that is called. */
function withBody(body: string): string {
  return `function f:long (n:long) %{ ${body}\n%} probe begin { println(f(1)) exit() }`;
}

test("errors of the compiler are at their place in the script", () => {
  assert.equal(problems(withBody("\n  return n +\n    missing;")), [
    "3:5-7 embedded code: Cannot find name 'missing'",
  ]);
  assert.equal(problems(`%{\n  const a: i64 = b;\n%} ${withBody("return a;")}`), [
    "2:18-1 embedded code: Cannot find name 'b'",
  ]);
  assert.equal(problems("probe begin { println(%{ 1 + %}, 2) }"), [
    "1:23-9 embedded code: Expression expected",
  ]);
});

test("a global without its pragma is told how to get there", () => {
  const [first = ""] = problems(`global g = 1 ${withBody("return get_g();")} probe end { g++ }`);
  assert.match(
    first,
    /Cannot find name 'get_g' \(a global needs the comment \/\* pragma:read:g \*\/\)/,
  );
});

test("all C of all blocks is told, before the compiler is asked", () => {
  const text = `%{\n#include <linux/fs.h>\n%} ${withBody("STAP_RETVALUE = n;")}`;
  assert.equal(
    problems(text).map((line) => line.replace(/ '.*/, "")),
    ["2:1-21", "3:32-15"],
  );
});

test("what a handler must not do is refused at its place", () => {
  assert.match(problems(withBody("return <i64>(0.5 * load<f64>(8));")).join(), /^1:42-3 floating/);
  assert.match(
    problems(
      withBody("const by = n > 1 ? (a: i32): i32 => a : (a: i32): i32 => -a; return by(3);"),
    ).join(),
    /functions as values/,
  );
  assert.match(problems(withBody("return memory.grow(1);")).join(), /^1:36-11 .* size of memory/);
  assert.match(problems(withBody("write<u8>(n, 1); return 0;")).join(), /^1:29-5 .* needs -g$/);
  const start = `%{ let at: i64 = pid(); %} ${withBody("return at++;")}`;
  assert.match(problems(start).join(), /must begin with a constant/);
});

test("pragmas are checked", () => {
  assert.equal(problems(withBody("/* pragma:read:nope */ return 0;")), [
    "1:26-38 unresolved pragma:read global nope",
  ]);
  assert.match(problems(withBody("/* stable */ return 0;")).join(), /must also be \/\* pure \*\//);
  assert.match(
    problems("global n = 1 probe timer.s(1) if (%{ 1 %}) { n++ } probe end { println(n) }").join(),
    /probe condition must not include impure embedded-C/,
  );
});

test("a global that only embedded code names has no type", () => {
  const text = `global g ${withBody("/* pragma:write:g */ set_g(1); return 0;")}`;
  assert.equal(problems(text), ["1:8-1 unresolved type "]);
});

test("the missing compiler is named, with how to install it", () => {
  const file = { name: "<input>", text: "%{ 1 %}", library: false };
  const node: EmbeddedCode = {
    kind: "embedded",
    id: 1,
    span: { file, start: 0, end: 7 },
    code: " 1 ",
  };
  const found: string[] = [];
  const settings = {
    ...{ arena: 0, arenaBytes: 0, maxString: 16, formatString: 0, formatLong: 0 },
    ...{ actionsExceeded: null, nextFlag: 0, canFail: () => true },
  };
  const linked = compileEmbedded(
    { top: [node], blocks: [] },
    {
      ...{ guru: false, dataStart: 4096, settings, compiler: "no-such-package/asc" },
      report: (diagnostic) => found.push(show(diagnostic)),
    },
  );
  assert.is(linked, null);
  assert.match(found.join(), /^1:1-7 .*npm install -g assemblyscript/);
});

test("the bundle has the code in it and imports the library only", () => {
  const { imports, tables, globals, start } = decodeModule(
    compileText(withBody('print("text " + n.toString()); return n;')).bundle,
  );
  assert.equal([...new Set(imports.map((each) => each.module))], ["env", "lib"]);
  assert.equal([tables.length, globals.length, start], [0, 0, null]);
});

test("what is not used is left out, and costs no compiler", () => {
  const unused = "function f:long () %{ return nonsense; %} probe begin { println(1) exit() }";
  assert.is(outputOf(unused), "1\n");
  assert.is(
    outputOf(
      `function g:long () %{ /* pure */ return nonsense; %} probe begin { x = g() print(2) }`,
    ),
    "2",
  );
});

test("reads of process memory are a capability", () => {
  assert.equal(compileText(withBody("return read<i64>(n);")).meta.capabilities, ["readMemory"]);
  assert.equal(compileText(withBody("return n;")).meta.capabilities, []);
});

test("a tapset may write to the process", () => {
  const text = withBody("write<u8>(n, 1); return 0;");
  const library = { name: "tapset.stp", text, library: true };
  const { meta } = compile([library], contextWith({ guru: false }));
  assert.equal(meta.capabilities, ["writeMemory"]);
});

test("next() in a statement ends the handler, @const needs no compiler for a number", () => {
  assert.is(outputOf('probe begin { print("a"); %{ next(); %} print("b") }'), "a");
  assert.is(
    outputOf('probe begin { println(@const("0x10"), @const("1 << 40")) }'),
    "161099511627776\n",
  );
});

test("strings are cut at MAXSTRINGLEN, bytes stay what they are", () => {
  const defines = new Map([
    ["MAXSTRINGLEN", "20"],
    ["MAXTHREADS", "3"],
  ]);
  const text = `function f:string (s:string) %{ return s + "0123456789\\u00e9" + s; %}
    probe begin { r = f("ab"); println(strlen(r), " ", r); println(strlen(f(f("abcdefgh")))) }`;
  assert.is(outputOf(text, { defines }), "15 ab0123456789\u00e9ab\n19\n");
});

test("-p2 shows top-level code first, and no functions that the script has not", () => {
  const text = `global g = 1 %{ let a: i32; %} ${withBody("/* pragma:read:g */ return get_g();")}`;
  const program = compileText(text).program;
  assert.is(
    showProgram(program),
    "# global embedded code\n%{ let a: i32; %}\n# globals\ng:long\n# functions\nexit:unknown ()\nf:long (n:long)\n# probes\nbegin /* <- begin */\n",
  );
});

s.run();
