/** The command of -c: words, program file, and whether a shell is needed (wordexp(3), execvp(3)). */
import { accessSync, constants, readlinkSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { TargetError } from "../base/target-error.js";

const SHELL_SYNTAX = /[|&;<>()$`\n{}*?[\]#~=%!]/;

/** Words of `command`; a shell runs it if it holds more than words and quotes. */
export function commandWords(command: string): readonly string[] {
  const unquoted = command.replaceAll(/'[^']*'/g, "");
  const plain = unquoted.replaceAll(/"[^"$`\\]*"/g, "");
  if (SHELL_SYNTAX.test(plain) || /["'\\]/.test(plain)) return ["/bin/sh", "-c", command];
  const words = [...command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)];
  return words.map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/** Absolute path of the program that running `name` starts. Throws TargetError if there is none. */
export function programPath(name: string): string {
  const directories = name.includes("/") ? [""] : (process.env["PATH"] ?? "").split(":");
  for (const directory of directories) {
    const path = directory === "" ? name : join(directory, name);
    if (isExecutable(path)) return realpathSync(path);
  }
  throw new TargetError(`cannot run "${name}": no such program`, {
    operation: "start",
    subject: name,
  });
}

/** Executable of process `pid`, null if it cannot be known (no such process, not permitted). */
export function processExecutable(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
