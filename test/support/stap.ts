/** The original: Debian's `stap`, which needs no kernel headers for its first two passes. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finished } from "./tools.js";

/** Writes the few files of a kernel build tree that stap looks at. */
export function writeKernelTree(directory: string): void {
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  mkdirSync(join(directory, "include/generated"), { recursive: true });
  mkdirSync(join(directory, "include/config"), { recursive: true });
  const options = ["UPROBES", "MODULES", "RELAY", "TRACEPOINTS", "DEBUG_FS", "PERF_EVENTS"];
  write(".config", options.map((option) => `CONFIG_${option}=y\n`).join(""));
  write("include/generated/utsrelease.h", '#define UTS_RELEASE "5.10.0"\n');
  write("include/config/kernel.release", "5.10.0\n");
  write("Makefile", "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 0\n");
  write("Module.symvers", "");
  write("System.map", "");
}

/** Runs stap with the kernel tree in `directory`. */
export function stap(directory: string, args: readonly string[]): Finished {
  const { status, signal, stdout, stderr } = spawnSync(
    "stap",
    ["-r", directory, "-a", "x86_64", ...args],
    { encoding: "utf8", env: { ...process.env, LC_ALL: "C", SYSTEMTAP_DIR: directory } },
  );
  return { status, signal, stdout, stderr };
}
