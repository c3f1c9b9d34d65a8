/** -i on a terminal, and with commands from a file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cannotOpenTerminal, type OnTerminal, startOnTerminal } from "../support/terminal.js";
import { cannotTrace, WASTAP, wastap } from "../support/tools.js";

const s = suite("run/shell");
const missing = cannotTrace() ?? cannotOpenTerminal();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const directory = mkdtempSync(join(tmpdir(), "wastap-shell-"));
s.after(() => rmSync(directory, { recursive: true }));

/** A shell whose user's directory is `directory`, at its first prompt. */
async function startShell(...args: readonly string[]): Promise<OnTerminal> {
  const command = [process.execPath, WASTAP, "-i", ...args];
  const shell = startOnTerminal(command, { SYSTEMTAP_DIR: directory });
  await shell.until(/wastap> /);
  return shell;
}

/** Types `line`, and waits for the next prompt. */
async function command(shell: OnTerminal, line: string): Promise<void> {
  const { length } = shell.output();
  shell.type(`${line}\r`);
  await shell.until(new RegExp(`^[\\s\\S]{${length}}[\\s\\S]*\\n[\\s\\S]*wastap> `));
}

traced("Ctrl-C ends the run, and the shell goes on", async () => {
  const shell = await startShell("-e", 'probe begin { println("be", "gun") }');
  await command(shell, 'add probe end { println("en", "ded") }');
  for (const count of [1, 2]) {
    shell.type("run\r");
    await shell.until(new RegExp(`(begun[\\s\\S]*){${count}}`));
    shell.type("\x03");
    await shell.until(new RegExp(`(ended[\\s\\S]*){${count}}wastap> `));
  }
  shell.type("li\x03mark\r");
  await shell.until(/Undefined command: "mark"[\s\S]*wastap> /);
  shell.type("quit\r");
  const { status } = await shell.finished();
  assert.is(status, 0);
  const history = ['add probe end { println("en", "ded") }', "run", "mark", "quit"];
  assert.is(readFileSync(join(directory, "history"), "utf8"), `${history.join("\n")}\n`);
});

traced("runs have the terminal; Ctrl-D leaves", async () => {
  const shell = await startShell("-e", "global shown = 1 probe timer.s(1) { shown++ }");
  await command(shell, "set monitor 1");
  await command(shell, "set module_name seen");
  shell.type("run\r");
  await shell.until(/module_name: seen probes: 1/);
  shell.type("q");
  await shell.until(/\[\?1049l[\s\S]*wastap> /);
  shell.type("\x04");
  const { status } = await shell.finished();
  assert.is(status, 0);
});

traced("a prompt leaves what a run has printed", async () => {
  const program = `'${process.execPath}' '${WASTAP}'`;
  const script = 'probe begin { printf("open") exit() }';
  const line = `stty columns 40; exec ${program} -i -e '${script}'`;
  const shell = startOnTerminal(["/bin/sh", "-c", line], { SYSTEMTAP_DIR: directory });
  await shell.until(/wastap> /);
  await command(shell, "run");
  assert.match(shell.output(), /\nopen {39}\r/);
  shell.type("\x04");
  assert.is((await shell.finished()).status, 0);
});

traced("Tab completes; lines of former shells are remembered", async () => {
  writeFileSync(join(directory, "history"), "show last_pass\n");
  const shell = await startShell();
  shell.type("sho\t");
  await shell.until(/show/);
  shell.type(" ver\t");
  await shell.until(/show verbose/);
  await command(shell, "");
  assert.match(shell.output(), /\nverbose = 0/);
  shell.type("add probe beg\t");
  await shell.until(/add probe begin/);
  shell.type("\x03");
  await command(shell, "\x1b[A\x1b[A");
  await shell.until(/\nlast_pass = 5/);
  shell.type("\x04");
  assert.is((await shell.finished()).status, 0);
});

traced("there is no shell without the script that it is to begin with", async () => {
  const shell = startOnTerminal([process.execPath, WASTAP, "-i", join(directory, "none.stp")]);
  const { status, stdout } = await shell.finished();
  assert.is(status, 1);
  assert.match(stdout, /^ERROR: Input file ".*none\.stp" is missing\.\r\n$/);
});

traced("without a terminal, commands come from standard input", () => {
  const edited = join(directory, "edited.stp");
  writeFileSync(edited, 'probe begin { printf("%s %d\\n", @1, 17) exit() }\nprobe\n');
  const commands = ["edit", "run", "delete 2", "nonsense", "run again", "set last_pass 1", "run x"];
  const { status, stdout, stderr } = wastap(["-i"], {
    input: commands.join("\n"),
    env: { EDITOR: `cp ${edited}`, SYSTEMTAP_DIR: directory },
  });
  assert.is(status, 0);
  assert.match(stdout, /^again 17\n# parse tree/);
  assert.match(stderr, /^parse error: [\s\S]*\n2 parse errors\.\nPass 1: parse failed\./);
  assert.match(stderr, /\nUndefined command: "nonsense"/);
});

s.run();
