/**
 * `run` in the shell of -i: a process of its own does what the options say, as if it had got them on
 * the command line, and has the terminal meanwhile: an interrupt ends it and not the shell.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { bug } from "../base/assert.js";
import type { Options } from "./options.js";
import { say } from "./output.js";

/** Set in the environment of a run that a shell starts. */
const SHELL_RUN = "WASTAP_SHELL_RUN";

/** Does what `options` say, to its end. */
export async function runFromShell(options: Options): Promise<void> {
  const [node, program] = process.argv;
  const run = spawn(node ?? bug("no program"), [program ?? bug("no program")], {
    env: { ...process.env, [SHELL_RUN]: "1" },
    // Where no terminal is, standard input has the shell's commands.
    stdio: [process.stdin.isTTY ? "inherit" : "ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  // It may end before it has read them.
  run.send(options, () => undefined);
  const status = await withoutInterrupts(ended(run));
  if (typeof status === "string") say(`ERROR: the run was ended by ${status}`);
}

/** Exit status of `child`, or the signal that ended it. */
export function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status, signal) => resolve(signal ?? status ?? bug("no exit status")));
  });
}

/** Waits for `work` of a program in front: what the terminal's keys send is for that one. */
export async function withoutInterrupts<Result>(work: Promise<Result>): Promise<Result> {
  const signals = ["SIGINT", "SIGQUIT"] as const;
  const ignore = (): void => undefined;
  for (const name of signals) process.on(name, ignore);
  try {
    return await work;
  } finally {
    for (const name of signals) process.off(name, ignore);
  }
}

/** True in a process that a shell started. The programs that it starts are none. */
export function isShellRun(): boolean {
  const found = process.env[SHELL_RUN] !== undefined && process.send !== undefined;
  delete process.env[SHELL_RUN];
  return found;
}

/** What the shell that started this process wants it to do; this process ends if the shell does. */
export async function optionsOfShell(): Promise<Options> {
  const options = await new Promise<Options>((resolve) => {
    process.once("message", (message) => resolve(message as Options));
  });
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel?.unref();
  return options;
}
