/** The injected C code: what the built image is made of, and its behaviour in an ordinary program. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";

const SOURCE = join(PACKAGE_ROOT, "shim", "inject");
/** What build-shim.ts compiles with, less the freestanding part that a test program cannot have. */
const FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread", `-I${SOURCE}`];

const hasCompiler = spawnSync("gcc", ["--version"]).status === 0;
const work = mkdtempSync(join(tmpdir(), "wastap-shim-test-"));
const s = suite("shim");
const test = hasCompiler ? s : s.skip;
if (!hasCompiler) process.stdout.write("skipped: there is no gcc\n");
s.after(() => rmSync(work, { recursive: true, force: true }));

function sources(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.[cS]$/.test(name))
    .map((name) => join(SOURCE, name));
}

test("behaves in an ordinary program", () => {
  const program = join(work, "shim-test");
  const cases = [
    "fixture.c",
    "slots-test.c",
    "memory-test.c",
    "surroundings-test.c",
    "libraries-test.c",
  ];
  const files = cases.map((name) => join(PACKAGE_ROOT, "test", "shim", name));
  execFileSync("gcc", [...FLAGS, ...files, ...sources(), "-o", program]);
  const lines = execFileSync(program, { encoding: "utf8" }).trim().split("\n");
  assert.equal(
    lines.filter((line) => !line.startsWith("ok ")),
    [],
  );
  assert.is(lines.length, 29);
});

test("refers to nothing outside and exports what it must", () => {
  const objects = sources().map((source, i) => {
    const object = join(work, `${i}.o`);
    const flags = "-ffreestanding -fno-builtin -fno-stack-protector -mgeneral-regs-only -fpie -O2";
    execFileSync("gcc", [...flags.split(" "), `-I${SOURCE}`, "-c", source, "-o", object]);
    return object;
  });
  const linked = join(work, "shim.elf");
  execFileSync("ld", ["-T", join(SOURCE, "shim.ld"), ...objects, "-o", linked]);
  const symbols = execFileSync("nm", ["-g", linked], { encoding: "utf8" }).trim().split("\n");
  const names = symbols.map((line) => line.slice(19)).sort();
  assert.equal(names, EXPORTED);
  const listing = execFileSync("objdump", ["-d", linked], { encoding: "utf8" });
  assert.not.match(listing, /%[xyz]mm\d|%st|%mm\d/);
});

const EXPORTED = [
  "wt_call",
  "wt_clean_up",
  "wt_copy",
  "wt_copy_end",
  "wt_copy_fixup",
  "wt_copy_start",
  "wt_copy_string",
  "wt_defer_return",
  "wt_enter",
  "wt_expression__evaluate",
  "wt_frames",
  "wt_frames_end",
  "wt_host_clock",
  "wt_host_identity",
  "wt_host_inspect",
  "wt_host_load_bias",
  "wt_host_locate",
  "wt_host_read",
  "wt_host_read_string",
  "wt_host_register",
  "wt_host_relax",
  "wt_host_send_signal",
  "wt_host_set_register",
  "wt_host_thread_name",
  "wt_host_thread_storage",
  "wt_host_ticks",
  "wt_host_unwind",
  "wt_host_usage",
  "wt_host_vector",
  "wt_host_write",
  "wt_libraries_changed",
  "wt_memory__read",
  "wt_modules__find",
  "wt_params",
  "wt_requests__look",
  "wt_return_sites__is_ready",
  "wt_run",
  "wt_settle_in_caller",
  "wt_settle_returns",
  "wt_shared__alive",
  "wt_shared__count",
  "wt_shared__note_trap",
  "wt_slots__acquire",
  "wt_slots__is_vforked",
  "wt_slots__of_mutator",
  "wt_slots__stack",
  "wt_start",
  "wt_start_site",
  "wt_subject__current",
  "wt_thread__pointer",
  "wt_trapped",
  "wt_unwind__original",
];

s.run();
