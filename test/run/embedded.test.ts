/** Embedded code in runs: endless loops, wild pointers, process memory, bundles, and what loads asc. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, type Finished, wastap } from "../support/tools.js";

const s = suite("run/embedded");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const PROGRAM = missing === null ? buildProgram("lengths") : "";

/** Runs `script` on a probe of main() in the traced program, which must end as it does alone. */
function runTraced(script: string): Finished {
  const output = join(mkdtempSync(join(tmpdir(), "wastap-embedded-")), "output");
  const probe = `process("${PROGRAM}").function("main")`;
  const text = script.replaceAll("MAIN", probe);
  const result = wastap(["-o", output, "-e", text, "-c", `${PROGRAM} 1`]);
  assert.is(result.stdout, "done\n");
  return { ...result, stdout: readFileSync(output, "utf8") };
}

test("an endless loop ends in MAXACTION, in the traced process too", () => {
  const script = `function spin:long () %{ for (;;) {} return 1; %}
    probe MAIN { println("before") try { spin() } catch { println("no") } println("no") }`;
  const result = runTraced(script);
  assert.match(
    result.stderr,
    /^ERROR: MAXACTION exceeded near identifier 'spin' at <input>:1:10 \(called/m,
  );
  assert.is(result.stdout, "before\n");
  assert.is(result.status, 1);
});

test("endless recursion and a wild pointer end the handler, not the process", () => {
  const recursion = "%{ function down(n: i64): i64 { return n < 0 ? n : down(n + 1) * n + 1; } %}";
  const script = `${recursion} function deep:long () %{ return down(tid()); %} probe MAIN { deep() }`;
  assert.match(runTraced(script).stderr, /^ERROR: 1 handlers were ended: stack exhausted/m);
  const wild = "function wild () %{ store<u64>(0xfffffff0, 1); %} probe MAIN { wild() }";
  const result = runTraced(wild);
  assert.match(result.stderr, /^ERROR: 1 handlers were ended: memory access out of bounds/m);
  assert.is(result.status, 1);
});

test("process memory and registers", () => {
  // At the entry of main rsp (DWARF 7) points to the return address, rsi (4) to argv.
  const script = `function argument:string (n:long) %{
      return readString(read<u64>(register(4) + 8 * n));
    %}
    function returns:long () %{ return read<i64>(register(7)) != 0; %}
    probe MAIN { println(argument(1), " ", returns()) println(argument(0) == "${PROGRAM}") }`;
  assert.is(runTraced(script).stdout, "1 1\n1\n");
});

test("a bundle with embedded code runs without the compiler", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-embedded-"));
  const script =
    'function f:string (n:long) %{ return "n=" + n.toString(); %} probe begin { println(f(7)) exit() }';
  assert.is(wastap(["-p4", "-m", "code", "-e", script], { cwd: directory }).status, 0);
  const log = processesOf([join(directory, "code.wasm")], "n=7\n");
  assert.not.match(log, /asc-worker/);
});

test("only embedded code that is used loads the compiler", () => {
  const unused = "function f:long () %{ return 1; %}";
  const ordinary = 'probe begin { println(strlen("four"), @const("5")) exit() }';
  assert.not.match(processesOf(["-g", "-e", `${unused} ${ordinary}`], "45\n"), /asc-worker/);
  const used = "probe begin { println(%{ 8 %}) exit() }";
  assert.match(processesOf(["-e", used], "8\n"), /asc-worker/);
});

test("C is told where it is", () => {
  const result = wastap([
    "-e",
    "function f:long () %{\n  STAP_RETVALUE = 1;\n%} probe begin { f() }",
  ]);
  assert.match(
    result.stderr,
    /^semantic error: 'STAP_RETVALUE =' is C, .* write 'return VALUE;': embedded-code at <input>:2:3\n {8}source: {3}STAP_RETVALUE = 1;\n {18}\^$/m,
  );
  assert.is(result.status, 1);
});

/** Scripts of all Node processes that `wastap args` starts; it must print `printed`. */
function processesOf(args: readonly string[], printed: string): string {
  const directory = mkdtempSync(join(tmpdir(), "wastap-embedded-"));
  const log = join(directory, "log");
  const hook = join(directory, "hook.cjs");
  const write = `require("node:fs").appendFileSync(${JSON.stringify(log)}, process.argv[1] + "\\n");`;
  writeFileSync(hook, write);
  const env = { NODE_OPTIONS: `--require ${hook}`, WASTAP_DIR: directory };
  assert.is(wastap(args, { env }).stdout, printed);
  return readFileSync(log, "utf8");
}

s.run();
