/**
 * Types of C headers that a script names as `<sys/stat.h>`, where the program that is probed does
 * not have them: as under SystemTap (stap(1), "@cast"), a C compiler makes debug information of a
 * file that includes the header. Without a compiler there are none.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Module, openModule } from "../elf/read.js";

const COMPILERS: readonly string[] = ["cc", "gcc", "clang"];
const FLAGS = ["-x", "c", "-g", "-fno-eliminate-unused-debug-types", "-shared", "-nostdlib"];

const known = new Map<string, Module | null>();

/** A header in brackets, without the name of the module before it that SystemTap allows. */
export function isHeader(name: string): boolean {
  return /^<[^<>\n]+>$/.test(name);
}

/** A module with the types of the header `name`; null if it cannot be compiled here. */
export function headerModule(name: string): Module | null {
  const found = known.get(name) ?? compileHeader(name);
  known.set(name, found);
  return found;
}

function compileHeader(name: string): Module | null {
  const directory = mkdtempSync(join(tmpdir(), "wastap-header-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "header.so");
  const input = `#include ${name}\n`;
  for (const compiler of COMPILERS) {
    const { status } = spawnSync(compiler, [...FLAGS, "-o", file, "-"], { input, timeout: 30_000 });
    if (status === 0) return openModule(file);
  }
  return null;
}
