/** Rust programs: slices and texts, enums, generic functions, traits, both ways of mangling names. */
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { emptyDirectory, missingTool, runTool } from "../support/dwarf-programs.js";
import { cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/rust");
const missing = cannotTrace() ?? missingTool(["rustc"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const directory = missing === null ? emptyDirectory("rust") : "";
const source = join(PACKAGE_ROOT, "test", "programs", "kinds.rs");
const KINDS = {
  plain: ["-C", "opt-level=0"],
  fast: ["-O"],
  newNames: ["-O", "-C", "symbol-mangling-version=v0"],
} as const;
const programs = new Map(
  missing === null ? Object.entries(KINDS).map(([kind, flags]) => [kind, build(kind, flags)]) : [],
);

function build(kind: string, flags: readonly string[]): string {
  const target = join(directory, kind);
  runTool("rustc", ["-g", ...flags, "-o", target, source], directory);
  return target;
}

/** What `script`, in which PROGRAM stands for the program, prints while it makes `rounds` rounds. */
function printed(kind: string, script: string, rounds: number): string[] {
  const program = programs.get(kind) ?? "";
  const text = script.replaceAll("PROGRAM", `process("${program}")`);
  const result = wastap(["-e", text, "-c", `${program} ${rounds}`]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return result.stdout.split("\n").filter((line) => line !== "" && !/^\d+$/.test(line));
}

for (const kind of Object.keys(KINDS)) {
  test(`members of slices, enums and structures (${kind})`, () => {
    const script = `
      probe PROGRAM.function("largest<i64>").call {
        printf("largest of %d: %d, %d\\n", $values->length, $values->data_ptr[0], $values->data_ptr[1])
      }
      probe PROGRAM.function("area").call { if (shape++ % 3 == 1) printf("circle %d\\n", $shape->Circle->__0) }
      probe PROGRAM.function("scale").call { printf("scale %d by %d\\n", $self->y, $by) }
      probe PROGRAM.function("checked").call { printf("checked %d\\n", $n) }
      global shape`;
    const expected = [0, 1, 2].flatMap((i) => [
      `circle ${i}`,
      `largest of 3: ${i}, 7`,
      `scale ${2 * i} by 3`,
      `checked ${i}`,
    ]);
    assert.equal(printed(kind, script, 3), expected);
  });

  test(`calls, returns and frames (${kind})`, () => {
    const isLegacy = runTool("nm", [programs.get(kind) ?? ""], "/").includes("_ZN5kinds7checked");
    assert.ok(!(isLegacy && kind === "newNames"));
    const script = `global calls, returns
      probe PROGRAM.function("checked").call {
        if (!calls++) print_ubacktrace()
      }
      probe PROGRAM.function("checked").return { returns++ }
      probe end { printf("%d calls, %d returns\\n", calls, returns) }`;
    const lines = printed(kind, script, 1000);
    assert.is(lines.at(-1), "1000 calls, 1000 returns");
    assert.match(lines[0] ?? "", /: kinds::checked\+0x/);
    assert.match(lines[1] ?? "", /: kinds::main\+0x/);
    assert.ok(lines.some((line) => line.includes("__libc_start_main")));
  });

  test(`instances of a generic function have their types (${kind})`, () => {
    const program = programs.get(kind) ?? "";
    const listed = wastap(["-L", `process("${program}").function("largest*").call`]).stdout;
    const instances = listed.trim().split("\n");
    assert.is(instances.length, 2);
    for (const type of ["u8", "i64"]) {
      const own = instances.find((line) => line.includes(`"largest<${type}>@`));
      assert.match(own ?? "", new RegExp(`\\$values:struct &\\[${type}\\]$`));
    }
  });
}

test("a text without optimization, where variables are in the frame", () => {
  const script = `probe PROGRAM.function("length").call {
    printf("%s %d\\n", user_string_n($text->data_ptr, $text->length), $numbers->data_ptr[1])
  }`;
  assert.equal(printed("plain", script, 3), ["text 1", "text 2", "text 3"]);
});

s.run();
