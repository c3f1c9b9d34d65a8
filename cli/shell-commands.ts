/**
 * The commands of the shell of -i (stap(1)): each takes the rest of its line and changes the script
 * or the options, or does something with them. The shell itself is shell.ts.
 */
import { isUtf8 } from "node:buffer";
import { writeFileSync } from "node:fs";
import { TargetError } from "../base/target-error.js";
import { exampleFiles, examplePath } from "./compile-input.js";
import { UsageError } from "./getopt.js";
import { readInput } from "./input.js";
import type { Options } from "./options.js";
import { shellWords } from "./rc-file.js";
import { changeSetting, SETTING_NAMES, showSetting } from "./shell-settings.js";

/** What commands work on. */
export interface Shell {
  /** Lines of the script. */
  lines: readonly string[];
  /** All but the script. */
  options: Options;
  /** True once the shell is to be left. */
  isOver: boolean;
  print(line: string): void;
  /** What was typed, the oldest line first. */
  history(): readonly string[];
  /** Does what `options` say, to the end. */
  run(options: Options): Promise<void>;
  /** The text that the user makes of `text`, null if the editor failed. */
  edit(text: string): Promise<string | null>;
}

/** A command. */
interface Command {
  readonly name: string;
  /** What may follow the name. */
  readonly usage: string;
  readonly help: string;
  run(shell: Shell, rest: string): void | Promise<void>;
}

const COMMANDS: readonly Command[] = [
  { name: "add", usage: "TEXT", help: "Add a line to the script.", run: add },
  {
    name: "delete",
    usage: "[LINE[-LINE]]",
    help: "Delete lines of the script, or all of it.",
    run: deleteLines,
  },
  { name: "edit", usage: "", help: "Edit the script with $EDITOR.", run: edit },
  { name: "help", usage: "[COMMAND]", help: "Say what there is, or what COMMAND does.", run: help },
  { name: "history", usage: "", help: "Show the commands that were typed.", run: history },
  { name: "list", usage: "[LINE[-LINE]]", help: "Show the script, or some of it.", run: list },
  { name: "load", usage: "FILE", help: "Take the script in FILE.", run: load },
  { name: "quit", usage: "", help: "Leave; so does Ctrl-D.", run: quit },
  {
    name: "run",
    usage: "[ARGUMENTS]",
    help: "Run the script, with ARGUMENTS if there are any; Ctrl-C ends it.",
    run: runScript,
  },
  {
    name: "sample",
    usage: "[NAME]",
    help: "List the examples, or take the script of one.",
    run: sample,
  },
  { name: "save", usage: "FILE", help: "Write the script to FILE.", run: save },
  {
    name: "set",
    usage: "OPTION [VALUE]",
    help: "Set an option of the command line; without VALUE, back to its default.",
    run: set,
  },
  { name: "show", usage: "[OPTION]", help: "Show the options, or one.", run: show },
];

/** Names of all commands, sorted. */
export const COMMAND_NAMES: readonly string[] = COMMANDS.map(({ name }) => name);

/** Does what `line` says. Throws UsageError, TargetError. */
export async function runCommand(shell: Shell, line: string): Promise<void> {
  const [, name = "", rest = ""] = /^\s*(\S*) ?(.*)$/s.exec(line) ?? [];
  if (name !== "") await findCommand(name).run(shell, rest.trimEnd());
}

/** The lines of a script. */
export function scriptLines(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** The lines of the script in the file `path`. Throws UsageError, TargetError. */
export function readLines(path: string): readonly string[] {
  const bytes = readInput(path);
  if (!isUtf8(bytes)) throw new UsageError(`"${path}" is not text in UTF-8.`);
  return scriptLines(Buffer.from(bytes).toString("utf8"));
}

/** The command called `name`, or the only one that begins so. */
function findCommand(name: string): Command {
  const found = COMMANDS.filter((command) => command.name.startsWith(name));
  const [first] = found;
  const exact = found.find((command) => command.name === name);
  if (exact !== undefined) return exact;
  if (first === undefined) throw new UsageError(`Undefined command: "${name}". Try "help".`);
  if (found.length === 1) return first;
  const names = found.map((command) => command.name).join(", ");
  throw new UsageError(`Ambiguous command "${name}": ${names}.`);
}

function add(shell: Shell, rest: string): void {
  shell.lines = [...shell.lines, needed("add", rest)];
}

function deleteLines(shell: Shell, rest: string): void {
  const [first, last] = lineRange(shell, rest);
  shell.lines = [...shell.lines.slice(0, first - 1), ...shell.lines.slice(last)];
}

async function edit(shell: Shell): Promise<void> {
  const text = await shell.edit(scriptText(shell));
  if (text !== null) shell.lines = scriptLines(text);
}

function help(shell: Shell, rest: string): void {
  const name = rest.trim();
  const shown = name === "" ? COMMANDS : [findCommand(name)];
  for (const command of shown) {
    const usage = `${command.name} ${command.usage}`.trimEnd();
    shell.print(`${usage.padEnd(22)}${command.help}`);
  }
  if (name !== "" && shown[0]?.run === set) shell.print(`Options: ${SETTING_NAMES.join(", ")}`);
}

function history(shell: Shell): void {
  shell.history().forEach((line, index) => {
    shell.print(numbered(line, index + 1));
  });
}

function list(shell: Shell, rest: string): void {
  const [first, last] = lineRange(shell, rest);
  shell.lines.slice(first - 1, last).forEach((line, index) => {
    shell.print(numbered(line, first + index));
  });
}

function load(shell: Shell, rest: string): void {
  shell.lines = readLines(needed("load", rest.trim()));
}

function quit(shell: Shell): void {
  shell.isOver = true;
}

async function runScript(shell: Shell, rest: string): Promise<void> {
  if (shell.lines.length === 0) throw new UsageError('There is no script; see "help add".');
  const args = shellWords(rest, process.env);
  if (args === null) throw new UsageError(`Arguments that cannot be taken apart: ${rest}`);
  const script = { kind: "text", text: scriptText(shell) } as const;
  const { options } = shell;
  await shell.run({ ...options, script, args: args.length === 0 ? options.args : args });
}

function sample(shell: Shell, rest: string): void {
  const name = rest.trim();
  if (name === "") for (const file of exampleFiles()) shell.print(file);
  else shell.lines = readLines(examplePath(name));
}

function save(shell: Shell, rest: string): void {
  const path = needed("save", rest.trim());
  try {
    writeFileSync(path, scriptText(shell));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const about = { operation: "save script", subject: path };
    throw new TargetError(`cannot write "${path}": ${code}`, about, { cause });
  }
}

function set(shell: Shell, rest: string): void {
  const [, name = "", value = ""] = /^\s*(\S*)\s*(.*)$/s.exec(rest) ?? [];
  const { remarks, ...changed } = changeSetting(shell.options, needed("set", name), value);
  for (const remark of remarks) shell.print(`WARNING: ${remark}`);
  shell.options = { ...changed, remarks: [] };
}

function show(shell: Shell, rest: string): void {
  const name = rest.trim();
  const names = name === "" ? SETTING_NAMES : [name];
  for (const each of names) shell.print(showSetting(shell.options, each));
}

function scriptText({ lines }: Shell): string {
  return lines.map((line) => `${line}\n`).join("");
}

function numbered(line: string, number: number): string {
  return `${String(number).padStart(4)}  ${line}`;
}

/** `argument`, which the command `name` cannot do without. */
function needed(name: string, argument: string): string {
  if (argument !== "") return argument;
  throw new UsageError(`Usage: ${name} ${findCommand(name).usage}`);
}

/** First and last line that `text` names, all if it is empty; the script must have them. */
function lineRange({ lines }: Shell, text: string): readonly [number, number] {
  if (text.trim() === "") return [1, lines.length];
  const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(text);
  if (match === null) throw new UsageError(`Expected LINE or LINE-LINE, not "${text.trim()}".`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first >= 1 && first <= last && last <= lines.length) return [first, last];
  throw new UsageError(`The script has no line ${text.trim()}.`);
}
