/**
 * -i: a shell on the terminal whose commands (shell-commands.ts) build a script and run it. Lines
 * are edited, completed and remembered in the user's directory. Without a terminal, commands come
 * from standard input, without prompts.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AsyncCompleter, createInterface, type Interface } from "node:readline";
import { ReadStream } from "node:tty";
import { TargetError } from "../base/target-error.js";
import { compileOptions, examplePath } from "./compile-input.js";
import { createNameSource } from "./complete-script.js";
import { UsageError } from "./getopt.js";
import { hasScreen } from "./monitor.js";
import type { Options } from "./options.js";
import { openOutput, say } from "./output.js";
import { userDirectory } from "./rc-file.js";
import { readLines, runCommand, type Shell, scriptLines } from "./shell-commands.js";
import { complete } from "./shell-completion.js";
import { ended, runFromShell, withoutInterrupts } from "./shell-run.js";

const PROMPT = "wastap> ";
const MOST_HISTORY = 1000;
const DEFAULT_EDITOR = "vi";

/** Reads commands and does them until there are no more. Throws UsageError, TargetError. */
export async function runShell(given: Options): Promise<void> {
  const output = openOutput(null);
  const isTerminal = hasScreen();
  // The newest line first, as readline has it.
  let typed = isTerminal ? readHistory() : [];
  const shell: Shell = {
    lines: givenLines(given),
    // The script is the shell's, and the remarks were said.
    options: { ...given, script: null, example: false, interactive: false, remarks: [] },
    isOver: false,
    print: (line) => void output.write(Buffer.from(`${line}\n`)),
    history: () => typed.toReversed(),
    run: runFromShell,
    edit: editText,
  };
  const lines = createInterface({
    input: process.stdin,
    ...(isTerminal ? { output: process.stdout } : {}),
    terminal: isTerminal,
    prompt: isTerminal ? PROMPT : "",
    history: typed,
    historySize: MOST_HISTORY,
    completer: createCompleter(shell.options),
  });
  lines.on("history", (history) => {
    typed = history;
  });
  lines.on("SIGINT", () => clearLine(lines));
  try {
    await doCommands(shell, lines);
  } finally {
    lines.close();
    if (isTerminal) writeHistory(typed);
  }
}

/** The script of the command line. */
function givenLines({ script, example }: Options): readonly string[] {
  if (script === null) return [];
  if (script.kind === "text") return scriptLines(script.text);
  return readLines(example ? examplePath(script.path) : script.path);
}

/** Commands have the terminal as programs expect it. */
async function doCommands(shell: Shell, lines: Interface): Promise<void> {
  let isClosed = false;
  lines.once("close", () => {
    isClosed = true;
  });
  lines.prompt();
  for await (const line of lines) {
    if (!isClosed) lines.pause();
    setRawMode(false);
    await tryCommand(shell, line);
    if (shell.isOver) return;
    if (isClosed) continue;
    setRawMode(lines.terminal);
    if (lines.terminal) startLine();
    lines.prompt(true);
  }
  if (lines.terminal) shell.print("");
}

async function tryCommand(shell: Shell, line: string): Promise<void> {
  try {
    await runCommand(shell, line);
  } catch (error) {
    if (error instanceof UsageError) say(error.message);
    else if (error instanceof TargetError) say(`ERROR: ${error.message}`);
    else throw error;
  }
}

/** Goes to the next line of the terminal if this one is not empty: the prompt would hide what it has. */
function startLine(): void {
  const { columns } = process.stdout;
  if (columns > 0) process.stdout.write(`${" ".repeat(columns - 1)}\r`);
}

function setRawMode(on: boolean): void {
  if (process.stdin instanceof ReadStream) process.stdin.setRawMode(on);
}

function clearLine(lines: Interface): void {
  lines.write(null, { ctrl: true, name: "e" });
  lines.write(null, { ctrl: true, name: "u" });
}

/** Completes lines; the library is read when a line first needs it. */
function createCompleter(options: Options): AsyncCompleter {
  const context = { options: compileOptions(options, "wastap"), warn: () => undefined };
  const source = createNameSource(context);
  return (line, done) => {
    complete(line, source).then(
      ([names, start]) => done(null, [[...names], start]),
      (error: Error) => done(error),
    );
  };
}

async function editText(text: string): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  const path = join(directory, "script.stp");
  const editor = process.env["EDITOR"] || DEFAULT_EDITOR;
  try {
    writeFileSync(path, text);
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", path], { stdio: "inherit" });
    const status = await withoutInterrupts(ended(child));
    if (status === 0) return readFileSync(path, "utf8");
    say(`ERROR: "${editor}" failed; the script is as it was.`);
    return null;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function historyPath(): string {
  return join(userDirectory(), "history");
}

function readHistory(): string[] {
  try {
    return scriptLines(readFileSync(historyPath(), "utf8")).toReversed();
  } catch {
    return [];
  }
}

/** A directory that cannot be written has no history, as in other shells. */
function writeHistory(typed: readonly string[]): void {
  try {
    mkdirSync(userDirectory(), { recursive: true });
    const text = typed.toReversed().map((line) => `${line}\n`);
    writeFileSync(historyPath(), text.join(""), { mode: 0o600 });
  } catch {
    // Nothing that was asked for is lost.
  }
}
