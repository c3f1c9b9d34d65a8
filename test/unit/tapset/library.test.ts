/** The library of this package, and how directories are read. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CompileFailed, type Diagnostic } from "../../../base/diagnostic.js";
import type { SourceFile } from "../../../base/position.js";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { parseScript } from "../../../compiler/parse/parse.js";
import type { FunctionDeclaration } from "../../../compiler/syntax/ast.js";
import { showProbePoint } from "../../../compiler/syntax/print.js";
import { loadLibrary, type TapsetLibrary } from "../../../compiler/tapset/library.js";
import { refuseLibraryFiles } from "../../../compiler/tapset/refuse.js";
import { tapsetPath } from "../../../compiler/tapset/search-path.js";
import { LIBRARY } from "../../../wasm-runtime/library-abi.js";

const s = suite("tapset/library");
const OWN = join(PACKAGE_ROOT, "tapsets");
const SYSTEMTAP = "/usr/share/systemtap/tapset";

function load(
  directories: readonly string[],
  args: readonly string[] = [],
): [TapsetLibrary, string[]] {
  const warnings: string[] = [];
  const warn = ({ message, span }: Diagnostic): void => {
    warnings.push(`${span?.file.name}: ${message}`);
  };
  return [
    loadLibrary(directories, { compatible: "5.6", args, defines: new Map(), warn }),
    warnings,
  ];
}

/** A library in a temporary directory, given as path → text. */
function withFiles(
  files: Readonly<Record<string, string>>,
  check: (directory: string) => void,
): void {
  const directory = mkdtempSync(join(tmpdir(), "wastap-tapset-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    check(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

s("all own files are right", () => {
  const [library, warnings] = load([OWN]);
  assert.ok(library.allScripts().length > 25);
  for (const [, macro] of library.macros) assert.ok(macro.library);
  assert.equal(warnings, []);
});

s("every primitive fits the function of the runtime library that it is bound to", () => {
  const [library] = load([OWN]);
  let count = 0;
  for (const script of library.allScripts())
    for (const declaration of script.functions) {
      if (declaration.body.kind !== "embedded") continue;
      count++;
      const name = declaration.body.code.replace(/\/\*.*?\*\//g, "").trim();
      const signature = (LIBRARY as Readonly<Record<string, string>>)[name];
      assert.is(signatureOf(declaration), signature, declaration.name);
    }
  assert.ok(count > 40);
});

/** `context, each argument[, out] > result` in the letters of LIBRARY. */
function signatureOf({ parameters, type }: FunctionDeclaration): string {
  const letters = parameters.map((parameter) => (parameter.type === "long" ? "l" : "i"));
  const out = type === "string" ? "i" : "";
  return `i${letters.join("")}${out}>${type === "long" ? "l" : ""}`;
}

s("every public function states its types", () => {
  const [library] = load([OWN]);
  for (const script of library.allScripts())
    for (const { name, parameters } of script.functions)
      assert.ok(
        parameters.every(({ type }) => type !== null),
        name,
      );
});

s("names give definitions with the file that holds them", () => {
  const [library] = load([OWN], ["one", "two"]);
  assert.is(library.functions.get("user_string")?.length, 2);
  assert.is(library.functions.get("no_such_function"), undefined);
  assert.is(library.globals.get("argc")?.[0]?.declaration.initial?.value, 2n);
  assert.ok(library.globals.get("argv")?.[0]?.script.probes.length === 1);
  assert.ok(library.aliases.has("python.function.entry"));
  assert.ok(library.aliases.has("oneshot"));
  assert.ok(library.functionNames.has("thread_indent"));
  assert.is(library.macros.get("choose_defined")?.parameters.length, 2);
});

s("files are parsed when a name of theirs is asked for", () => {
  withFiles({ "a.stp": "function a() { }", "b.stp": "function b( {" }, (directory) => {
    const [library, warnings] = load([directory]);
    assert.ok(library.functions.get("a"));
    assert.equal(warnings, []);
    assert.is(library.functions.get("b"), undefined);
    assert.is(warnings.length, 2);
  });
});

s("all kinds of definitions are found without parsing", () => {
  const text = `
    /* function commented() */ global a, b[3] = "x, y", c%
    global d = -5, e %( 1 == 2 %? function skipped() { } %)
    probe one = two.three = begin { } probe four += end { }
    private function f() { } function g:long () { return a }`;
  withFiles({ "a.stp": text.replace("b[3] =", "b =") }, (directory) => {
    const [library] = load([directory]);
    assert.equal([...library.globals.keys()], ["a", "b", "c", "d", "e"]);
    assert.equal([...library.aliases.keys()], ["one", "two.three", "four"]);
    assert.equal([...library.functions.keys()], ["f", "g"]);
  });
});

s("directories of the runtime and the machine come first, each file once", () => {
  const files = {
    "f.stp": "function f() { return 4 }",
    "dyninst/f.stp": "function f() { return 2 }",
    "dyninst/x86_64/f.stp": "function f() { return 1 }",
    "x86_64/f.stp": "function f() { return 3 }",
    "linux/f.stp": "function f() { return 5 }",
  };
  withFiles(files, (directory) => {
    const [library] = load([directory, directory]);
    const names = library.functions.get("f")?.map(({ script }) => script.file.name);
    assert.equal(
      names?.map((name) => name.slice(directory.length + 1)),
      ["dyninst/x86_64/f.stp", "dyninst/f.stp", "x86_64/f.stp", "f.stp"],
    );
  });
});

s("files below PATH are about the program they are named after", () => {
  const text = 'probe tool.start = process.mark("start") { }';
  withFiles({ "PATH/usr/bin/tool.stp": text }, (directory) => {
    const [library] = load([directory]);
    const point = library.aliases.get("tool.start")?.[0]?.declaration.points[0];
    assert.is(point && showProbePoint(point), 'process("/usr/bin/tool").mark("start")');
  });
});

s("macros of the library are seen by scripts, and see only each other", () => {
  const files = {
    "m.stpm": "@define one %( @two %)\n@define two %( 2 %)",
    "a.stp": "@define two %( 3 %) function f() { return @one * 10 + @two }",
  };
  withFiles(files, (directory) => {
    const [library, warnings] = load([directory]);
    assert.equal(warnings, []);
    const body = library.functions.get("f")?.[0]?.declaration.body;
    const [statement] = body?.kind === "block" ? body.statements : [];
    const sum = statement?.kind === "return" ? statement.value : null;
    assert.is(sum?.kind === "binary" && sum.right.kind === "number" && sum.right.value, 3n);
  });
});

/** What is wrong with the library of `directory`, with its places. */
function errorsOf(directory: string): string[] {
  try {
    load([directory]);
    return [];
  } catch (error) {
    assert.instance(error, CompileFailed);
    return (error as CompileFailed).diagnostics.map(
      ({ message, span, notes }) => `${span?.file.name}: ${message}; ${notes[0]?.message}`,
    );
  }
}

s("a macro that two files define is an error, used or not", () => {
  const files = { "a.stpm": "@define m %( 1 %)", "b.stpm": "@define m %( 2 %)" };
  withFiles(files, (directory) => {
    const twice = "duplicate definition of library macro '@m'; macro '@m' first defined here";
    assert.equal(errorsOf(directory), [`${directory}/b.stpm: ${twice}`]);
  });
});

s("a macro file with an error is one", () => {
  withFiles({ "a.stpm": "@define m %( 1 %) probe" }, (directory) => {
    const unexpected = `unexpected token in library macro file '${directory}/a.stpm'; undefined`;
    assert.equal(errorsOf(directory), [`${directory}/a.stpm: ${unexpected}`]);
  });
});

s("the macro of an option is not that of a file", () => {
  withFiles({ "a.stpm": "@define MAXSTRINGLEN %( 5 %)" }, (directory) => {
    const [library, warnings] = load([directory]);
    assert.is(library.macros.get("MAXSTRINGLEN")?.body[0]?.text, "512");
    assert.equal(warnings, []);
  });
});

s("a file with an error is skipped as a whole", () => {
  withFiles({ "a.stp": "function good() { } function bad( {" }, (directory) => {
    const [library, warnings] = load([directory]);
    assert.is(library.functions.get("good"), undefined);
    assert.equal(warnings, [
      `${directory}/a.stp: expected identifier`,
      `undefined: tapset "${directory}/a.stp" has errors, and will be skipped`,
    ]);
  });
});

s("of files with the same name in several directories, the first counts", () => {
  const files = {
    "one/f.stp": "function f() { return 1 }",
    "two/f.stp": "function f() { return 2 } function g() { }",
    "two/x86_64/f.stp": "function h() { }",
  };
  withFiles(files, (directory) => {
    const [library] = load([join(directory, "one"), join(directory, "two")]);
    assert.is(library.functions.get("f")?.length, 1);
    assert.is(library.functions.get("g"), undefined);
    assert.is(library.functions.get("h")?.length, 1);
  });
});

s("a file of the library is no script", () => {
  withFiles({ "f.stp": "function f() { }", other: "" }, (directory) => {
    const [library] = load([directory]);
    const script = (name: string): SourceFile => ({ name, text: "", library: false });
    refuseLibraryFiles([script(join(directory, "other")), script("<input>")], library);
    const name = join(directory, "f.stp");
    assert.throws(
      () => refuseLibraryFiles([script(name)], library),
      `tapset file '${name}' cannot be run directly as a session script.`,
    );
  });
});

s("the search path follows the environment", () => {
  assert.equal(tapsetPath(["extra"], {}), [OWN, "extra"]);
  withFiles({ "b/systemtap/tapset/linux/f.stp": "" }, (directory) => {
    const environment = {
      SYSTEMTAP_TAPSET: "/mine",
      XDG_DATA_DIRS: `${directory}/a:${directory}/b:`,
    };
    const shared = join(directory, "a", "systemtap", "tapset");
    assert.equal(tapsetPath(["extra"], environment), ["/mine", shared, "extra"]);
  });
});

const hasSystemtap = existsSync(SYSTEMTAP);
if (!hasSystemtap) process.stdout.write(`skipped: no tapsets in ${SYSTEMTAP}\n`);
(hasSystemtap ? s : s.skip)("SystemTap's own tapsets are parsed without an error", () => {
  const names = readdirSync(SYSTEMTAP, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".stp"))
    .sort();
  const macrosIn = (directory: string) => load([directory])[0].macros;
  const macros = new Map([...macrosIn(SYSTEMTAP), ...macrosIn(join(SYSTEMTAP, "linux"))]);
  const errors: string[] = [];
  for (const name of names) {
    const text = readFileSync(join(SYSTEMTAP, name), "latin1");
    parseScript(
      { name, text, library: true },
      {
        options: { args: [], guru: true, compatible: "5.6" },
        libraryMacros: macros,
        report({ severity, message }) {
          if (severity !== "warning") errors.push(`${name}: ${message}`);
        },
      },
    );
  }
  assert.ok(names.length > 500);
  assert.equal(errors, []);
});

s.run();
