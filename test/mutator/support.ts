/** What tests of the mutator share: targets that are nobody's child here, compiled scripts. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../base/root.js";
import { compileScript } from "../../cli/compile.js";
import { readCompileInput } from "../../cli/compile-input.js";
import { createDiagnostics } from "../../cli/diagnostics.js";
import { parseOptions } from "../../cli/parse-options.js";
import { type Running, type RunOptions, start } from "../support/tools.js";

/** A running target. */
export interface Target extends Running {
  /** The program itself; `pid` is the shell that waits for it. */
  readonly target: number;
}

/**
 * Starts `program` through a shell: a child of this very process would have its stops reaped by
 * libuv (wait(2): a tracer's own children are shared among its threads).
 */
export async function launch(
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly ready?: RegExp; readonly deadlineMs?: number } = {},
): Promise<Target> {
  const script = `"$0" "$@" & echo "pid $!"; wait $!`;
  const running = start("/bin/sh", ["-c", script, program, ...args], options);
  const line = await running.until(/pid \d+/);
  await running.until(options.ready ?? /ready/);
  return { ...running, target: Number(line.slice("pid ".length)) };
}

/** Bytes of the bundle of `script`. */
export function compileBundle(script: string): Uint8Array {
  const options = parseOptions(["-e", script]);
  const diagnostics = createDiagnostics(options);
  const sinks = { diagnostics, write: () => undefined, onSearch: () => undefined };
  const { bundle } = compileScript(readCompileInput(options), options, sinks);
  if (bundle === null) throw new Error("nothing was compiled");
  return bundle;
}

/** Script for test/programs/hot.c that driver.ts can run. */
export function countScript(program: string): string {
  return `global n, m
    probe process("${program}").function("look") { n++ }
    probe process("${program}").function("halve").return { m++ }
    probe end { printf("%d %d\\n", n, m) }`;
}

/** What became of a driver. */
export interface DriverRun {
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** How to run a driver. */
export interface DriverOptions {
  /** Once it says `word`, it is killed `delayMs` later (null: not at all). */
  readonly word: string;
  readonly delayMs: number | null;
  /** How long it traces. */
  readonly runMs: number;
  /** Command and options that start it. */
  readonly under?: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const DRIVER = join(PACKAGE_ROOT, "dist", "test", "mutator", "driver.js");

/** Runs driver.ts with the bundle in file `bundle` on process `pid`. */
export function runDriver(pid: number, bundle: string, options: DriverOptions): Promise<DriverRun> {
  const { word, delayMs, runMs, under = [], ...user } = options;
  const command = [...under, process.execPath, DRIVER, bundle, String(pid), String(runMs)];
  const child = spawn(command[0] ?? "", command.slice(1), user);
  let output = "";
  let armed = false;
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (armed || delayMs === null || !output.includes(word)) return;
    armed = true;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
  });
  return new Promise((resolve) => child.on("close", (_, signal) => resolve({ signal, output })));
}
