/** Debugging information in other files than the program, and which of them are taken. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findSection, parseElf } from "../../../base/elf/image.js";
import { TargetError } from "../../../base/target-error.js";
import { openDebugInfo } from "../../../compiler/dwarf/debug-info.js";
import { openModule } from "../../../compiler/elf/read.js";
import { compileInto, emptyDirectory, missingTool, runTool } from "../../support/dwarf-programs.js";

const s = suite("dwarf/separate");
const missing = missingTool(["gcc", "g++", "objcopy", "nm", "dwz", "xz"]);
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const test = missing === null ? s : s.skip;

process.env["WASTAP_DIR"] = emptyDirectory("wastap");

const SHAPES = { source: "shapes.cc", compiler: "g++" };

interface Stripped {
  readonly directory: string;
  readonly program: string;
  readonly debug: string;
  readonly buildId: string;
}

/** A stripped program and its debug file, not yet where it would be found. */
function strip(name: string, linkFlags: readonly string[] = []): Stripped {
  const directory = emptyDirectory(join("separate", name));
  const flags = ["-g", "-O2", ...linkFlags];
  const whole = compileInto(directory, "whole", { ...SHAPES, flags });
  const [program, debug] = [join(directory, "program"), join(directory, "elsewhere")];
  runTool("objcopy", ["--only-keep-debug", whole, debug], directory);
  runTool("objcopy", ["--strip-all", whole, program], directory);
  const buildId = /Build ID: ([0-9a-f]+)/.exec(runTool("readelf", ["-n", whole], directory))?.[1];
  return { directory, program, debug, buildId: buildId ?? "" };
}

/** Adds .gnu_debuglink to the program for a file of the name and contents of `debug`. */
function link({ directory, program, debug }: Stripped, name: string): void {
  const named = join(directory, name);
  copyFileSync(debug, named);
  runTool("objcopy", [`--add-gnu-debuglink=${named}`, program], directory);
}

function finds(program: string): boolean {
  return (openDebugInfo(program)?.functions("area").length ?? 0) > 0;
}

function withEnvironment<T>(variables: Readonly<Record<string, string>>, action: () => T): T {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return action();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

test("without a debug file there is no DWARF", () => {
  assert.is(openDebugInfo(strip("none").program), null);
});

test("the file that .gnu_debuglink names, in the directory of the program", () => {
  const stripped = strip("link");
  link(stripped, "linked.debug");
  assert.ok(finds(stripped.program));
});

test("the file that .gnu_debuglink names, in .debug", () => {
  const stripped = strip("dot-debug");
  link(stripped, "linked.debug");
  mkdirSync(join(stripped.directory, ".debug"));
  renameSync(
    join(stripped.directory, "linked.debug"),
    join(stripped.directory, ".debug", "linked.debug"),
  );
  assert.ok(finds(stripped.program));
});

test("the file that .gnu_debuglink names, below a directory of SYSTEMTAP_DEBUGINFO_PATH", () => {
  const stripped = strip("tree");
  link(stripped, "linked.debug");
  const root = emptyDirectory("separate/root");
  const below = join(root, stripped.directory);
  mkdirSync(below, { recursive: true });
  renameSync(join(stripped.directory, "linked.debug"), join(below, "linked.debug"));
  assert.ok(
    withEnvironment({ SYSTEMTAP_DEBUGINFO_PATH: `+:${root}` }, () => finds(stripped.program)),
  );
});

test("a file of another build is not taken, whatever its name", () => {
  const stripped = strip("other-build");
  link(stripped, "linked.debug");
  const other = strip("other-build-2", [
    "-Wl,--build-id=0x1234567890123456789012345678901234567890",
  ]);
  copyFileSync(other.debug, join(stripped.directory, "linked.debug"));
  assert.not.ok(finds(stripped.program));
});

test("without a build-id the checksum decides", () => {
  const stripped = strip("checksum", ["-Wl,--build-id=none"]);
  link(stripped, "linked.debug");
  assert.is(stripped.buildId, "");
  const changed = join(stripped.directory, "changed");
  copyFileSync(stripped.program, changed);
  assert.ok(finds(stripped.program));
  writeFileSync(join(stripped.directory, "linked.debug"), "changed", { flag: "a" });
  assert.not.ok(finds(changed));
});

test("a file under its build-id", () => {
  const { program, debug, buildId } = strip("build-id");
  const root = emptyDirectory("separate/by-id");
  const folder = join(root, ".build-id", buildId.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  copyFileSync(debug, join(folder, `${buildId.slice(2)}.debug`));
  assert.ok(withEnvironment({ SYSTEMTAP_DEBUGINFO_PATH: root }, () => finds(program)));
});

/** Two programs whose common DIEs dwz moved to a third file. */
function supplement(name: string): { readonly program: string; readonly common: string } {
  const directory = emptyDirectory(join("separate", name));
  const flags = ["-g", "-O2"];
  const program = compileInto(directory, "one", { ...SHAPES, flags });
  compileInto(directory, "two", { ...SHAPES, flags: [...flags, "-fno-inline"] });
  runTool("dwz", ["-m", "common", "one", "two"], directory);
  return { program, common: join(directory, "common") };
}

function typeOfScale(program: string): string | null {
  const info = openDebugInfo(program);
  const area = info?.functions("area").find(({ isInlined }) => !isInlined);
  if (!info || !area) return null;
  const scale = info.children(area.die.id).find((die) => info.text(die, "name") === "scale");
  const type = scale === undefined ? null : info.reference(scale, "type");
  return type === null ? null : info.text(type, "name");
}

test("a supplementary file beside the program", () => {
  assert.is(typeOfScale(supplement("dwz").program), "int");
});

test("a supplementary file under its build-id", () => {
  const { program, common } = supplement("dwz-id");
  const buildId = /Build ID: ([0-9a-f]+)/.exec(runTool("readelf", ["-n", common], "/"))?.[1] ?? "";
  const root = emptyDirectory("separate/dwz-root");
  const folder = join(root, ".build-id", buildId.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  renameSync(common, join(folder, `${buildId.slice(2)}.debug`));
  const type = withEnvironment({ SYSTEMTAP_DEBUGINFO_PATH: root }, () => typeOfScale(program));
  assert.is(type, "int");
});

test("what a missing supplementary file has is said to be unreadable", () => {
  const { program, common } = supplement("dwz-missing");
  renameSync(common, `${common}.away`);
  const info = openDebugInfo(program);
  const unit = info?.units().find(({ name }) => name.endsWith("shapes.cc"));
  const values = [...(unit?.die.attributes.values() ?? [])];
  const dies = unit === undefined ? [] : (info?.children(unit.die.id) ?? []);
  const all = [...values, ...dies.flatMap((die) => [...die.attributes.values()])];
  assert.ok(all.some(({ kind }) => kind === "unreadable"));
});

/** Compresses the debugging information of the program at `path` with zstd; false if objcopy cannot. */
function compress(path: string): boolean {
  const flag = "--compress-debug-sections=zstd";
  return spawnSync("objcopy", [flag, path]).status === 0;
}

test("sections compressed with zstd, in the program and in its debug file", () => {
  const stripped = strip("zstd");
  const whole = join(stripped.directory, "whole");
  if (!compress(whole) || !compress(stripped.debug)) return;
  assert.match(runTool("readelf", ["-tW", whole], "/"), /ZSTD/);
  link(stripped, "linked.debug");
  assert.ok(finds(whole));
  assert.ok(finds(stripped.program));
});

test("a supplementary file that is compressed with zstd", () => {
  const { program, common } = supplement("dwz-zstd");
  if (!compress(common)) return;
  assert.is(typeOfScale(program), "int");
});

test("a section that zstd did not make is an error", () => {
  const { directory } = strip("zstd-damaged");
  const whole = join(directory, "whole");
  if (!compress(whole)) return;
  const bytes = readFileSync(whole);
  const section = findSection(parseElf(bytes, whole), ".debug_info");
  bytes.fill(0xff, (section?.offset ?? 0) + 24, (section?.offset ?? 0) + 40);
  writeFileSync(whole, bytes);
  assert.throws(
    () => openDebugInfo(whole),
    (error: Error) => error instanceof TargetError,
  );
});

test("symbols in a compressed .gnu_debugdata", () => {
  const { directory, program, debug } = strip("mini");
  const mini = join(directory, "mini");
  runTool(
    "objcopy",
    [
      "-S",
      "--remove-section=.comment",
      "-K",
      "_ZN6shapes4areaEPKNS_5PointEi",
      join(directory, "whole"),
      mini,
    ],
    directory,
  );
  runTool("xz", ["-k", mini], directory);
  runTool("objcopy", [`--add-section=.gnu_debugdata=${mini}.xz`, program], directory);
  assert.ok(debug);
  const symbol = openModule(program).symbols.find(({ name }) => name.includes("area"));
  assert.ok(symbol);
  assert.is(openDebugInfo(program), null);
});

s.run();
