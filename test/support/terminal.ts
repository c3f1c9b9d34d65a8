/** Programs on a terminal of their own (python3's pty), to see what a user sees. */
import { spawnSync } from "node:child_process";
import { hasProgram, type Running, start } from "./tools.js";

/** Copies standard input to the terminal and the terminal to standard output. */
const SPAWN = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/** Why there is no terminal to be had, or null. */
export function cannotOpenTerminal(): string | null {
  if (!hasProgram("python3")) return "no python3 for a terminal";
  const { status } = spawnSync("python3", ["-c", "import pty; pty.openpty()"]);
  return status === 0 ? null : "no terminals (/dev/pts)";
}

/** A program on a terminal of 24 lines and 80 columns. */
export interface OnTerminal extends Running {
  type(text: string): void;
}

/** Starts `command` on a terminal; what it writes, to standard error too, is its output. */
export function startOnTerminal(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): OnTerminal {
  const running = start("python3", ["-c", SPAWN, ...command], { env: { TERM: "xterm", ...env } });
  return { ...running, type: (text) => void running.child.stdin?.write(text) };
}
