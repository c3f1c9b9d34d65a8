/** Go programs: arguments in registers, strings, returns while stacks grow, parked goroutines. */
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { emptyDirectory, missingTool, runTool } from "../support/dwarf-programs.js";
import { cannotTrace, start, wastap } from "../support/tools.js";

const s = suite("run/go");
const missing = cannotTrace() ?? missingTool(["go"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const directory = missing === null ? emptyDirectory("go") : "";
const routines = missing === null ? build("routines") : "";
const parked = missing === null ? build("parked") : "";

function build(name: string): string {
  const target = join(directory, name);
  const source = join(PACKAGE_ROOT, "test", "programs", `${name}.go`);
  const settings = [`GOCACHE=${join(directory, "cache")}`, "GO111MODULE=off", "CGO_ENABLED=0"];
  runTool("env", [...settings, "go", "build", "-o", target, source], directory);
  return target;
}

/** What `script` prints while the goroutines of the program make `rounds` each. */
function printed(script: string, rounds: number): string {
  const result = wastap(["-e", script, "-c", `${routines} ${rounds}`]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return result.stdout.replace(/^\d{4,}\n/m, "");
}

test("every call and return of 8 goroutines, with arguments and strings", () => {
  const script = `global calls, arguments, returns, results, texts
    probe process("${routines}").function("main.work") {
      calls++
      arguments += $n
      texts[user_string_n($text->str, $text->len), user_string_n($p->name->str, $p->name->len)]++
    }
    probe process("${routines}").function("main.work").return {
      returns++
      results += register("rax")
    }
    probe end {
      printf("%d %d %d %d\\n", calls, arguments, returns, results)
      foreach ([text, name] in texts) printf("%s %s %d\\n", text, name, texts[text, name])
    }`;
  const rounds = 20_000;
  const sum = (rounds * (rounds - 1)) / 2;
  const counts = [8 * rounds, 8 * sum, 8 * rounds, 8 * (2 * sum + 4 * rounds)];
  assert.is(printed(script, rounds), `${counts.join(" ")}\ntext point ${8 * rounds}\n`);
});

test("returns are exact while stacks are copied; an entry counts again when its stack grew", () => {
  const script = `global entries, exits
    probe process("${routines}").function("main.deep") { entries++ }
    probe process("${routines}").function("main.deep").return { exits++ }
    probe end { printf("%d %d\\n", entries, exits) }`;
  const rounds = 6400;
  const [entries = 0, exits] = printed(script, rounds).split(" ").map(Number);
  const calls = 8 * (rounds / 64) * 101;
  assert.is(exits, calls);
  assert.ok(entries >= calls && entries < calls + 8 * 101, `${entries} entries`);
});

test("a backtrace goes through all goroutine frames", () => {
  const script = `global told
    probe process("${routines}").function("main.deep") {
      if ($n == 0 && !told++) print_usyms(ubacktrace())
    }`;
  const frames = printed(script, 64).split("\n");
  assert.is(frames.filter((line) => line.includes(": main.deep+")).length > 15, true);
});

test("statements, with both results of a function", () => {
  const script = `probe process("${routines}").function("main.pair") { printf("%d %d\\n", $a, $b) }`;
  const lines = printed(script, 64).trim().split("\n").sort();
  assert.equal(
    lines,
    [0, 1, 2, 3, 4, 5, 6, 7].map((a) => `${a} 3`),
  );
  const listed = wastap(["-l", `process("${routines}").statement("main.pair@*:*")`]);
  assert.match(listed.stdout, /statement\("main\.pair@.*routines\.go:\d+"\)\n.*statement/);
});

test("functions that run on the rest of a goroutine's stack are refused, all others run", () => {
  const script = `global n probe process("${routines}").function("*") { n++ }`;
  const result = wastap(["-v", "-e", script, "-c", `${routines} 6400`]);
  assert.is(result.status, 0, result.stderr);
  assert.match(result.stdout, /^\d{4,}\nn=[1-9]\d{4,}\n$/);
  assert.match(result.stderr, /runtime\.memequal at .* cannot be probed: it does not check how/);
  assert.is(/ main\.\w+ at .* cannot be probed/.test(result.stderr), false);
});

test("code in which goroutines are parked is left alone", async () => {
  for (let round = 0; round < 3; round++) {
    const target = start(parked, []);
    await target.until(/ready/);
    const script = `global n probe process("${parked}").statement("main.spin@*:*") { n++ }
      probe timer.ms(200) { exit() }`;
    const result = wastap(["-e", script, "-x", String(target.pid)]);
    assert.is(result.status, 0, result.stderr);
    assert.match(result.stdout, /^n=/);
    target.child.stdin?.end("\n");
    const { status, stdout, stderr } = await target.finished();
    assert.is(stdout, "ready\ndone\n", stderr);
    assert.is(status, 0);
  }
});

s.run();
