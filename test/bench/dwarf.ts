/**
 * Processor time to find one function of large programs by their DWARF, in a process that has just
 * started: at first, and once the index of functions is in the cache. Everything is counted that a
 * probe of one function asks for: its address, file and line, parameters and their locations.
 *
 *   make bench, or node dist/test/bench/dwarf.js [PROGRAM FUNCTION]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDebugInfo } from "../../compiler/dwarf/debug-info.js";

/** Programs with a function each; debug files come from libc6-dbg and python3.11-dbg. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  [process.execPath, "uv_run"],
  ["/lib/x86_64-linux-gnu/libc.so.6", "__libc_malloc"],
  ["/usr/bin/python3.11", "PyObject_Call"],
];

/** What one look-up found and took. */
interface Found {
  readonly functions: number;
  readonly milliseconds: number;
}

function lookUp(program: string, name: string): Found {
  const before = process.cpuUsage();
  const info = openDebugInfo(program);
  const functions = info?.functions(name) ?? [];
  for (const { die, file, line, entryPc } of functions) {
    const parameters = info?.children(die.id).filter(({ tag }) => tag === "formal_parameter");
    for (const { id } of parameters ?? []) info?.locations(id, "location");
    if (file === null && line === null && entryPc === null) throw new Error(`${name} is nowhere`);
  }
  const { user, system } = process.cpuUsage(before);
  return { functions: functions.length, milliseconds: (user + system) / 1000 };
}

function inNewProcess(program: string, name: string, cache: string): Found {
  const self = fileURLToPath(import.meta.url);
  const env = { ...process.env, WASTAP_DIR: cache };
  const output = execFileSync(process.execPath, [self, program, name], { env, encoding: "utf8" });
  return JSON.parse(output) as Found;
}

function compare(program: string, name: string): void {
  if (!existsSync(program)) return;
  const cache = mkdtempSync(join(tmpdir(), "wastap-bench-"));
  const [cold, warm] = [1, 2].map(() => inNewProcess(program, name, cache));
  rmSync(cache, { recursive: true });
  const times = [cold, warm].map((found) => `${found?.milliseconds.toFixed(0)} ms`.padStart(8));
  const title = `${program} ${name}: ${cold?.functions} found`.padEnd(60);
  process.stdout.write(`${title} first ${times[0]}, then ${times[1]}\n`);
}

const [program, name] = process.argv.slice(2);
if (program !== undefined && name !== undefined) {
  process.stdout.write(JSON.stringify(lookUp(program, name)));
} else {
  for (const [path, wanted] of PROGRAMS) compare(path, wanted);
}
