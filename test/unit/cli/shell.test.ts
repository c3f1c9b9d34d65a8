/** The commands of -i: what they do to script and options, what they run, what they refuse. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TargetError } from "../../../base/target-error.js";
import { UsageError } from "../../../cli/getopt.js";
import type { Options } from "../../../cli/options.js";
import { parseOptions } from "../../../cli/parse-options.js";
import { COMMAND_NAMES, runCommand, type Shell } from "../../../cli/shell-commands.js";
import { complete } from "../../../cli/shell-completion.js";
import { changeSetting, SETTING_NAMES, showSetting } from "../../../cli/shell-settings.js";

const s = suite("cli/shell");
const directory = mkdtempSync(join(tmpdir(), "wastap-shell-"));
s.after(() => rmSync(directory, { recursive: true }));

interface Seen {
  readonly lines: readonly string[];
  readonly options: Options;
  readonly isOver: boolean;
  readonly printed: readonly string[];
  readonly runs: readonly Options[];
}

/** What a shell started with `argv` has and did after `commands`. */
async function after(commands: readonly string[], argv: readonly string[] = []): Promise<Seen> {
  const printed: string[] = [];
  const runs: Options[] = [];
  const shell: Shell = {
    lines: [],
    options: parseOptions(["-i", ...argv]),
    isOver: false,
    print: (line) => void printed.push(line),
    history: () => commands,
    run: async (options) => void runs.push(options),
    edit: async (text) => (text === "" ? null : text.toUpperCase()),
  };
  for (const command of commands) await runCommand(shell, command);
  return { ...shell, printed, runs };
}

async function refusal(...commands: readonly string[]): Promise<string> {
  try {
    await after(commands);
  } catch (error) {
    if (error instanceof UsageError || error instanceof TargetError) return error.message;
    throw error;
  }
  return "none";
}

s("add, delete and list work on lines", async () => {
  const { lines, printed } = await after([
    "add probe begin {",
    "add   println(1)  ",
    "",
    "add }",
    "add probe end { }",
    "list",
    "list 2-3",
    "delete 1 - 2",
    "li 2",
    "del 2",
  ]);
  assert.equal(lines, ["}"]);
  assert.equal(printed, [
    "   1  probe begin {",
    "   2    println(1)",
    "   3  }",
    "   4  probe end { }",
    "   2    println(1)",
    "   3  }",
    "   2  probe end { }",
  ]);
  assert.equal((await after(["add x", "add y", "delete"])).lines, []);
});

s("what is wrong is said", async () => {
  assert.is(await refusal("frobnicate now"), 'Undefined command: "frobnicate". Try "help".');
  assert.is(await refusal("l"), 'Ambiguous command "l": list, load.');
  assert.is(await refusal("add"), "Usage: add TEXT");
  assert.is(await refusal("set"), "Usage: set OPTION [VALUE]");
  assert.is(await refusal("add x", "list 1-2"), "The script has no line 1-2.");
  assert.is(await refusal("add x", "delete 0"), "The script has no line 0.");
  assert.is(await refusal("delete x"), 'Expected LINE or LINE-LINE, not "x".');
  assert.is(await refusal("run"), 'There is no script; see "help add".');
  assert.is(await refusal("add x", "run `a`"), "Arguments that cannot be taken apart: `a`");
  assert.match(await refusal("load /nowhere/x"), /^Input file "\/nowhere\/x" is missing/);
  assert.is(await refusal("save /nowhere/x/y"), 'cannot write "/nowhere/x/y": ENOENT');
  assert.match(await refusal("sample nothing"), /^Example 'nothing' was not found/);
  assert.is(await refusal("help nothing"), 'Undefined command: "nothing". Try "help".');
  assert.is(await refusal("show nothing"), 'Undefined option: "nothing". Try "show".');
});

s("a run has the script, the options and the arguments", async () => {
  const path = join(directory, "given.stp");
  const commands = ["load given", "run", 'run "b c" d', "set last_pass 2", "run"];
  const { runs } = await after(
    commands.map((line) => line.replace("given", path)),
    ["-v", writeScript(path, "probe begin { }\nprobe end { }"), "a"],
  );
  const text = "probe begin { }\nprobe end { }\n";
  for (const { script } of runs) assert.equal(script, { kind: "text", text });
  assert.equal(
    runs.map(({ args, lastPass }) => [args, lastPass]),
    [
      [["a"], 5],
      [["b c", "d"], 5],
      [["a"], 2],
    ],
  );
  assert.equal(runs[0]?.verbosity, [1, 1, 1, 1, 1]);
});

function writeScript(path: string, text: string): string {
  writeFileSync(path, text);
  return path;
}

s("scripts are saved and loaded, edited, and taken from the examples", async () => {
  const path = join(directory, "saved.stp");
  const saved = ['add probe begin { println("ä") }', "add  # b", `save ${path}`];
  await after(saved);
  assert.is(readFileSync(path, "utf8"), 'probe begin { println("ä") }\n # b\n');
  const { lines } = await after([`load ${path}`, "delete 1", "edit"]);
  assert.equal(lines, [" # B"]);
  assert.equal((await after(["add a", "delete", "edit"])).lines, []);
  const latin1 = join(directory, "latin1.stp");
  writeFileSync(latin1, Buffer.from('println("\xe4")', "latin1"));
  assert.is(await refusal(`load ${latin1}`), `"${latin1}" is not text in UTF-8.`);
  const { printed } = await after(["sample"]);
  assert.ok(printed.includes("pyfuntop.stp"));
  assert.match((await after(["sample pyfuntop"])).lines.join("\n"), /probe /);
});

s("each command has help; history and quit", async () => {
  const all = await after(["help"]);
  assert.equal(
    all.printed.map((line) => line.split(" ")[0]),
    COMMAND_NAMES,
  );
  const some = await after(["help run", "help set"]);
  assert.match(some.printed[0] ?? "", /^run \[ARGUMENTS\] +Run the script, /);
  assert.is(some.printed.at(-1), `Options: ${SETTING_NAMES.join(", ")}`);
  assert.equal((await after(["history", "q"])).printed, ["   1  history", "   2  q"]);
  assert.is((await after(["q"])).isOver, true);
});

s("settings are options of the command line", () => {
  const changes: readonly (readonly [string, string, string])[] = [
    ["verbose", "3", "3"],
    ["last_pass", "4", "4"],
    ["last-pass", "1", "1"],
    ["guru_mode", "on", "on"],
    ["no_global_var_display", "yes", "on"],
    ["cmd", "ls -l /", "ls -l /"],
    ["target_pid", "17", "17"],
    ["timeout", "1.5", "1.5"],
    ["monitor", "2", "2"],
    ["output_file", "out", "out"],
    ["prologue_searching", "never", "never"],
  ];
  const start = parseOptions(["-i"]);
  for (const [name, value, shown] of changes) {
    const changed = changeSetting(start, name, value);
    assert.is(showSetting(changed, name), `${name.replace("-", "_")} = ${shown}`);
    const back = changeSetting(changed, name, "");
    assert.equal(back, start, name);
  }
  const given = parseOptions(["-i", "-gvv", "--vp", "1"]);
  assert.is(showSetting(given, "verbose"), "verbose = 32222");
  assert.is(showSetting(changeSetting(given, "verbose", "1"), "verbose"), "verbose = 1");
  assert.is(showSetting(changeSetting(given, "guru_mode", "off"), "guru_mode"), "guru_mode = off");
});

s("settings are checked as the command line is", async () => {
  assert.is(await refusal("set last_pass 9"), "Invalid pass number (should be 1-5).");
  assert.is(await refusal("set verbose much"), 'Expected a digit, not "much".');
  assert.is(await refusal("set timing maybe"), 'Expected "on" or "off", not "maybe".');
  assert.is(
    await refusal("set cmd ls", "set target_pid 1"),
    "You can't specify -c and -x together.",
  );
  assert.is(
    await refusal("set suppress_time_limits on"),
    "ERROR --suppress-time-limits requires guru mode (-g)",
  );
  const long = `set module_name ${"m".repeat(80)}`;
  const { printed, options } = await after([long, "show module_name"]);
  assert.match(printed[0] ?? "", /^WARNING: Truncating module name to 'm+'$/);
  assert.is(printed[1], `module_name = ${options.moduleName}`);
});

s("Tab offers what fits", async () => {
  const library = {
    functions: ["println_all", "pid"],
    points: ["begin", "process.function", "process.function.return", "process.mark", "timer.s"],
    macros: [],
  };
  const offered = async (line: string): Promise<readonly string[]> => {
    const [names, start] = await complete(line, {
      library: async () => library,
      places: async () => [],
    });
    assert.ok(line.endsWith(start), line);
    return names;
  };
  assert.equal(await offered("s"), ["sample", "save", "set", "show"]);
  assert.equal(await offered("help h"), ["help", "history"]);
  assert.equal(await offered("set ti"), ["timeout", "timing"]);
  assert.equal(await offered("sample py"), ["pyfuntop.stp", "pystacks.stp"]);
  assert.equal(await offered("add p"), ["pid", "println_all", "private", "probe", "process"]);
  assert.equal(await offered('add probe process("a").'), ["function", "mark"]);
  assert.equal(await offered('add probe process("a").function("f").r'), ["return"]);
  assert.equal(await offered(`load ${directory}/giv`), [`${directory}/given.stp`]);
  assert.equal(await offered("run x"), []);
});

s.run();
