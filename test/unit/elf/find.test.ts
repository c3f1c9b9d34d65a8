/** From names in scripts to files: $PATH, relative paths, globs, scripts, libraries. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TargetError } from "../../../base/target-error.js";
import { findExecutables, findLibraries, type SearchContext } from "../../../compiler/elf/find.js";
import { expandPath, wildcard } from "../../../compiler/elf/glob.js";
import { openModule } from "../../../compiler/elf/read.js";

const s = suite("elf/find");
const root = realpathSync(mkdtempSync(join(tmpdir(), "wastap-find-")));
const context: SearchContext = {
  sysroot: "",
  directory: root,
  path: join(root, "bin"),
  libraryPath: "",
};

s.before(() => {
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "lib"));
  const program = (name: string, text: string): void => {
    writeFileSync(join(root, name), text);
    chmodSync(join(root, name), 0o755);
  };
  program("bin/tool", "\x7fELF");
  program("bin/tool2", "\x7fELF");
  program("bin/script", `#!${join(root, "bin/tool")} -x\n`);
  program("bin/by-env", "#!/usr/bin/env tool\n");
  program("bin/by-words", "#!/usr/bin/env -S -i LANG=C tool -x\n");
  program("bin/by-word", "#!/usr/bin/env -Stool -x\n");
  program("bin/of-script", "#!/usr/bin/env by-env\n");
  program("bin/endless", "#!/usr/bin/env endless\n");
  writeFileSync(join(root, "here"), "");
  writeFileSync(join(root, "bin/data"), "");
  writeFileSync(join(root, "lib/libx.so.1"), "");
  symlinkSync("tool", join(root, "bin/link"));
});
s.after(() => rmSync(root, { recursive: true }));

const found = (spec: string): string[] =>
  findExecutables(spec, context).map((path) => path.slice(root.length + 1));

s("searches $PATH for bare names only", () => {
  assert.equal(found("tool"), ["bin/tool"]);
  assert.equal(found("./tool"), []);
  assert.equal(found("bin/tool"), ["bin/tool"]);
  assert.equal(found(join(root, "bin/tool")), ["bin/tool"]);
  assert.equal(found("data"), []);
  assert.equal(found("no-such"), []);
  assert.equal(found(""), []);
});

s("resolves links", () => assert.equal(found("link"), ["bin/tool"]));

s("takes a file of the current directory for a name that is not on $PATH", () => {
  assert.equal(found("here"), ["here"]);
});

s("takes the interpreter of a script", () => {
  assert.equal(found("script"), ["bin/tool"]);
  assert.equal(found("by-env"), ["bin/tool"]);
  assert.equal(found("by-words"), ["bin/tool"]);
  assert.equal(found("by-word"), ["bin/tool"]);
  assert.equal(found("of-script"), ["bin/tool"]);
  assert.equal(found("endless"), []);
});

s("expands globs without $PATH", () => {
  assert.equal(found("bin/tool*"), ["bin/tool", "bin/tool2"]);
  assert.equal(found("b?n/[st]ool"), ["bin/tool"]);
  assert.equal(found("tool*"), []);
});

s("finds libraries by path, by directory and by glob", () => {
  const library = join(root, "lib/libx.so.1");
  assert.equal(findLibraries("libx.so.1", [join(root, "lib")], context), [library]);
  assert.equal(findLibraries("./lib/libx.so.1", [], context), [library]);
  assert.equal(findLibraries("./lib/*.so.*", [], context), [library]);
  const withPath = { ...context, libraryPath: join(root, "lib") };
  assert.equal(findLibraries("libx.so.1", [], withPath), [library]);
  assert.equal(findLibraries("libnone.so", [], context), []);
});

s("finds files of another system below its root", () => {
  const other = { ...context, sysroot: root, path: "/none:/bin", libraryPath: "/lib" };
  const inRoot = (spec: string): string[] =>
    findExecutables(spec, other).map((path) => path.slice(root.length));
  symlinkSync("/bin/link", join(root, "lib/absolute"));
  symlinkSync("endless", join(root, "lib/endless"));
  for (const name of ["tool", "/bin/tool", "/lib/absolute", "/../lib/../bin/link", "bin/tool"]) {
    assert.equal(inRoot(name), ["/bin/tool"], name);
  }
  assert.equal(inRoot("/bin/tool*"), ["/bin/tool", "/bin/tool2"]);
  assert.equal(inRoot("by-env"), ["/bin/tool"]);
  for (const name of [join(root, "bin/tool"), "../tool", "/lib/endless", "ls", "/bin/ls"]) {
    assert.equal(inRoot(name), [], name);
  }
  assert.equal(findLibraries("libx.so.1", [], other), [join(root, "lib/libx.so.1")]);
  assert.equal(findLibraries("libx.so.1", ["/lib"], { ...other, libraryPath: "" }), [
    join(root, "lib/libx.so.1"),
  ]);
});

s("wildcards follow fnmatch", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["a*c", "abc", true],
    ["a?c", "ac", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["a.b", "axb", false],
    ["\\*", "*", true],
    ["[", "[", true],
    ["operator+*", "operator+=", true],
  ];
  for (const [pattern, text, expected] of cases) {
    assert.is(wildcard(pattern).test(text), expected, `${pattern} ${text}`);
  }
});

s("path patterns do not cross directories", () => {
  assert.equal(expandPath(join(root, "*ool")), []);
  assert.is(expandPath(join(root, "*", "tool")).length, 1);
});

s("says what is wrong with a file", () => {
  const message = (path: string): string => {
    try {
      openModule(path);
      return "";
    } catch (error) {
      return error instanceof TargetError ? error.message : "another error";
    }
  };
  assert.is(message(join(root, "none")), `no such file '${join(root, "none")}'`);
  assert.is(message(join(root, "bin/data")), `'${join(root, "bin/data")}' is not an ELF file`);
});

s.run();
