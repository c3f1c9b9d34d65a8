/** Programs with debugging information in all the forms that compilers and tools give it. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";
import { hasProgram } from "./tools.js";

/** Directory of its own for the test file `name`, empty. */
export function emptyDirectory(name: string): string {
  const directory = join(PACKAGE_ROOT, "build", "dwarf", name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Runs a tool to its end; throws with what it said if it fails. */
export function runTool(program: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (result.status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: ${result.stderr ?? result.error}`);
  }
  return result.stdout;
}

/** Compiles test/programs/`source` to `directory`/`name` and returns that path. */
export function compileInto(
  directory: string,
  name: string,
  {
    source,
    compiler,
    flags,
  }: { readonly source: string; readonly compiler: string; readonly flags: readonly string[] },
): string {
  const target = join(directory, name);
  const path = join(PACKAGE_ROOT, "test", "programs", source);
  runTool(compiler, [...flags, "-o", target, path], directory);
  return target;
}

/** ELF address of the symbol whose demangled name is `name`, by nm. */
export function addressByNm(path: string, name: string): number {
  const lines = runTool("nm", ["-C", path], "/").split("\n");
  const line = lines.find((text) => text.slice(19) === name);
  if (line === undefined) throw new Error(`${path} has no symbol ${name}`);
  return Number.parseInt(line.slice(0, 16), 16);
}

/** Why these tests cannot run here without all of `programs`, or null. */
export function missingTool(programs: readonly string[]): string | null {
  const missing = programs.filter((program) => !hasProgram(program));
  return missing.length === 0 ? null : `no ${missing.join(", ")}`;
}
