/**
 * Types of C headers that a script names as `<sys/stat.h>`, where the program that is probed does
 * not have them: as under SystemTap (stap(1), "@cast"), a C compiler makes debug information of a
 * file that includes the header. Without a compiler there are none. A header may be any file: what
 * the compiler and its children may use is limited.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Module, openModule } from "../elf/read.js";
import { programModule } from "./program-module.js";

const COMPILERS: readonly string[] = ["cc", "gcc", "clang"];
const FLAGS = [
  ...["-x", "c", "-g", "-fno-eliminate-unused-debug-types", "-shared", "-nostdlib"],
  // No index of the file is kept.
  "-Wl,--build-id=none",
];
/** Seconds of processor time and KiB of addresses (ulimit) of each process, for `sh -c`. */
const LIMITED = 'ulimit -t 30 && ulimit -v 4194304 && exec "$@"';
const TIMEOUT_MS = 30_000;

const known = new Map<string, Module | null>();

/** A header in brackets, without the name of the module before it that SystemTap allows. */
export function isHeader(name: string): boolean {
  return /^<[^<>\n]+>$/.test(name);
}

/** A module with the types of the header `name`; null if it cannot be compiled here. */
export function headerModule(name: string): Module | null {
  const found = known.get(name);
  if (found !== undefined) return found;
  const compiled = compileHeader(name);
  known.set(name, compiled);
  return compiled;
}

/** The file goes once it is open: nothing stays behind however this process ends. */
function compileHeader(name: string): Module | null {
  const directory = mkdtempSync(join(tmpdir(), "wastap-header-"));
  try {
    const file = join(directory, "header.so");
    if (!COMPILERS.some((compiler) => compile(compiler, `#include ${name}\n`, file))) return null;
    const module = openModule(file);
    programModule(module);
    return module;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function compile(compiler: string, input: string, output: string): boolean {
  const command = [compiler, ...FLAGS, "-o", output, "-"];
  const options = { input, timeout: TIMEOUT_MS };
  return spawnSync("sh", ["-c", LIMITED, "sh", ...command], options).status === 0;
}
