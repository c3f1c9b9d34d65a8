/** Libraries that are opened and closed while a program is probed, and those it starts with. */
import { existsSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileInto, emptyDirectory } from "../support/dwarf-programs.js";
import { codeOf, mappingNames, statusField } from "../support/process.js";
import { createRandom } from "../support/random.js";
import {
  cannotTrace,
  hasProgram,
  type Running,
  start,
  startWastap,
  wastap,
} from "../support/tools.js";

const s = suite("run/libraries");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const directory = emptyDirectory("libraries");

function compile(name: string, flags: readonly string[], compiler = "gcc", as = name): string {
  const recipe = { source: `${name}.c`, compiler, flags: ["-O2", "-g", ...flags] };
  return compileInto(directory, as, recipe);
}

const loader = missing === null ? compile("loader", ["-pthread"]) : "";
const plugin = missing === null ? compile("plugin", ["-shared", "-fPIC"]) : "";

/** What `work` of the plugin is called with while it is open once. */
const ONCE = [1000, 0, 1, 2, 3, 4, 2000];

/** Runs loader with `script`; the numbers it prints. */
function numbers(script: string, command: string): number[] {
  const result = wastap(["-e", script, "-c", command], { input: "\n" });
  assert.match(result.stdout, /rounds \d+, \d+ each, wrong 0\n/, result.stderr);
  return [...result.stdout.matchAll(/^(\d+)$/gm)].map(([text]) => Number(text));
}

async function startLoader(...args: readonly string[]): Promise<Running> {
  const target = start(loader, args, { deadlineMs: 120_000 });
  await target.until(/ready/);
  return target;
}

const WORK = `process("${plugin}").function("work")`;

test("calls of __tls_get_addr, which the linker pads, return as they are made", () => {
  const script = `global calls, returns, works
    probe process("${plugin}").plt("__tls_get_addr") { calls++ }
    probe process("${plugin}").plt("__tls_get_addr").return { if (returnval() != 0) returns++ }
    probe ${WORK} { works++ }
    probe end { printf("%d\\n%d\\n%d\\n", works, calls == works, returns == works) }`;
  const count = 2 * ONCE.length;
  assert.equal(numbers(script, `${loader} open ${plugin} 2 0`), [count, 1, 1]);
});

test("a library opened later is probed from its first instruction to its last", () => {
  const script = `probe ${WORK} { printf("%d\\n", $n) }`;
  const expected = [...ONCE, ...ONCE, ...ONCE];
  assert.equal(numbers(script, `${loader} open ${plugin} 3 2`), expected);
});

test("marks, returns and statements in it, also by .library and by wildcard", () => {
  const points = [
    [`process("${plugin}").mark("work")`, "$arg1"],
    [`process("${plugin}").provider("plugin").mark("w*")`, "$arg1"],
    [`process("${loader}").library("${plugin}").function("wor*")`, "$n"],
    [`${WORK}.return`, "$return / 3"],
    [`process("${plugin.replace(/plugin$/, "plugi*")}").statement("work@*:*")`, "1"],
  ];
  for (const [point = "", value = ""] of points) {
    const script = `probe ${point} { printf("%d\\n", ${value}) }`;
    const found = numbers(script, `${loader} open ${plugin} 1 0`);
    if (value !== "1") assert.equal(found, ONCE, point);
    else assert.ok(found.length >= 2 * ONCE.length, point);
  }
});

test("libraries that a program starts with are probed before their code runs", () => {
  const linked = compile("loader", ["-pthread", "-Wl,--no-as-needed", plugin], "gcc", "linked");
  const script = `probe begin { println(7) } probe ${WORK} { printf("%d\\n", $n) }`;
  assert.equal(numbers(script, `${linked} open ${plugin} 1 0`), [7, ...ONCE]);
});

test("a C library other than glibc", () => {
  if (!hasProgram("musl-gcc")) {
    process.stdout.write("skipped: no musl-gcc\n");
    return;
  }
  const program = compile("loader", [], "musl-gcc", "musl-loader");
  const library = compile("plugin", ["-shared", "-fPIC"], "musl-gcc", "musl-plugin");
  const script = `probe process("${library}").function("work") { printf("%d\\n", $n) }`;
  // It never unloads libraries, and ends them with the process.
  assert.equal(
    numbers(script, `${program} open ${library} 2 2`),
    [1000, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 2000],
  );
});

test("a namespace of its own for each, and a child forked after opening", () => {
  const script = `global n probe ${WORK} { n[$n]++ } probe end { printf("%d\\n", n[$1]) }`;
  const count = (mode: string, argument: number): number[] =>
    numbers(script.replace("$1", String(argument)), `${loader} ${mode} ${plugin} 4 1`);
  assert.equal(count("new", 3), [4]);
  assert.equal(count("new", 1000), [4]);
  assert.equal(count("fork", 7), [4]);
  assert.equal(count("fork", 4), [4]);
});

test("code that relocations change is left alone, and that is said", () => {
  const recipe = { source: "relocated.s", compiler: "gcc", flags: ["-shared", "-Wl,-z,notext"] };
  const library = compileInto(directory, "relocated", recipe);
  const script = `probe process("${library}").function("work") { println("hit") }`;
  const command = `${loader} open ${library} 3 0`;
  const { stdout, stderr } = wastap(["-e", script, "-c", command], { input: "\n" });
  assert.match(stdout, /rounds 3, 30 each/);
  assert.not.match(stdout, /hit/);
  assert.is(stderr.match(/relocations change the code of its module/g)?.length, 1);
});

/** What each call of work() in `library` finds in its thread-local counter. */
function counters(library: string, command: string): string[] {
  const script = `probe process("${library}").function("work") {
    try { printf("counter %d\\n", $calls_here) } catch { println("counter none") }
  }`;
  const { stdout } = wastap(["-e", script, "-c", command], { input: "\n" });
  return [...stdout.matchAll(/^counter (\w+)$/gm)].map(([, value = ""]) => value);
}

test("thread-local variables of libraries, where a thread has them", () => {
  const later = ["41", "42", "43", "44", "45", "46"];
  // Storage that is made at the first access is not there before it.
  assert.equal(counters(plugin, `${loader} open ${plugin} 1 0`), ["none", ...later]);
  const flags = ["-shared", "-fPIC", "-ftls-model=initial-exec"];
  const early = compile("plugin", flags, "gcc", "early");
  assert.equal(counters(early, `${loader} open ${early} 1 0`), ["40", ...later]);
  const linked = compile(
    "loader",
    ["-pthread", "-Wl,--no-as-needed", early],
    "gcc",
    "linked-early",
  );
  assert.equal(counters(early, `${linked} open ${early} 1 1`), ["40", ...later]);
});

test("thread-local variables of a library, in a thread that does not use it", async () => {
  const target = await startLoader("open", plugin, "0", "1");
  target.child.stdin?.write("\n");
  const script = `probe process("${loader}").function("spin") {
    try { printf("%d\\n", @var("calls_here@plugin.c", "${plugin}")) } catch { println("none") }
    exit()
  }`;
  const { stdout, stderr } = wastap(["-e", script, "-x", String(target.pid)]);
  assert.match(stdout, /^none$/m, stderr);
  target.child.kill("SIGTERM");
  assert.match((await target.finished()).stdout, /, 30 each, wrong 0\n$/);
});

test("thread-local variables in musl", () => {
  if (!hasProgram("musl-gcc")) {
    process.stdout.write("skipped: no musl-gcc\n");
    return;
  }
  const program = compile("loader", [], "musl-gcc", "musl-loader");
  const library = compile("plugin", ["-shared", "-fPIC"], "musl-gcc", "musl-plugin");
  const found = counters(library, `${program} open ${library} 1 1`);
  assert.equal(found, ["40", "41", "42", "43", "44", "45", "46"]);
});

test("attached later: every call is counted, and everything is as before afterwards", async () => {
  const target = await startLoader("open", plugin, "300", "3");
  const code = codeOf(target.pid);
  const mappings = mappingNames(target.pid);
  const script = `global n, calls, spins
    probe ${WORK} { n++ }
    probe ${WORK}.return { calls++ }
    probe process("${loader}").function("spin") { spins++ }
    probe timer.ms(20) { if (n >= 2100) exit() }
    probe end { printf("%d %d %d\\n", n, calls, spins > 1000) }`;
  const tap = startWastap(["-v", "-e", script, "-x", String(target.pid)]);
  await tap.until(/probes armed/, "errors");
  const changed = codeOf(target.pid);
  assert.not.equal(changed, code);
  target.child.stdin?.write("\n");
  const result = await tap.finished();
  assert.match(result.stdout, /2100 2100 1\n$/, result.stderr);
  const ended = await target.finished();
  assert.is(ended.stdout, "ready\nrounds 300, 30 each, wrong 0\n");
  assert.ok(mappings.length > 0);
});

test("Ctrl-C while libraries come and go leaves nothing behind", async () => {
  const target = await startLoader("open", plugin, "0", "2");
  const code = codeOf(target.pid);
  const mappings = mappingNames(target.pid);
  target.child.stdin?.write("\n");
  const script = `global n probe ${WORK} { if (n++ == 100) println("counting") }`;
  for (let round = 0; round < 3; round++) {
    const tap = startWastap(["-e", script, "-x", String(target.pid)]);
    await tap.until(/counting/);
    tap.child.kill("SIGINT");
    const result = await tap.finished();
    assert.is(result.status, 0, result.stderr);
    assert.is(result.stderr, "");
    assert.is(statusField(target.pid, "TracerPid"), 0);
  }
  const now = codeOf(target.pid);
  for (const [name, bytes] of code) assert.ok(now.get(name)?.equals(bytes), `${name} is as before`);
  const own = mappingNames(target.pid).filter((name) => !name.includes("plugin"));
  assert.equal(
    own.filter((name) => !mappings.includes(name)),
    [],
  );
  target.child.kill("SIGTERM");
  assert.match((await target.finished()).stdout, /rounds \d+, 30 each, wrong 0\n$/);
});

/** Times that wastap is killed. */
const KILLS = Number(process.env["WASTAP_KILLS"] ?? "10");

test(`the process survives ${KILLS} kills while it opens and closes`, async () => {
  const random = createRandom();
  const target = await startLoader("open", plugin, "0", "3");
  target.child.stdin?.write("\n");
  const script = `global n, spins probe ${WORK}, ${WORK}.return { if (n++ == 0) println("hit") }
    probe process("${loader}").function("spin") { spins++ }`;
  for (let kill = 0; kill < KILLS; kill++) {
    const tap = startWastap(["-e", script, "-x", String(target.pid)]);
    await tap.until(/hit/);
    const timer = setTimeout(() => tap.child.kill("SIGKILL"), random() * 50);
    await tap.finished();
    clearTimeout(timer);
    assert.is(target.child.exitCode, null, `alive after kill ${kill}: ${target.output()}`);
    assert.is(target.child.signalCode, null, `alive after kill ${kill}: ${target.output()}`);
  }
  target.child.kill("SIGTERM");
  assert.match((await target.finished()).stdout, /rounds \d+, 30 each, wrong 0\n$/);
});

test("a program does not wait for a wastap that is stopped, and that is told", async () => {
  const target = await startLoader("open", plugin, "0", "0");
  const script = `probe ${WORK} { next }`;
  const tap = startWastap(["-v", "-e", script, "-x", String(target.pid)]);
  await tap.until(/probes armed/, "errors");
  tap.child.kill("SIGSTOP");
  target.child.stdin?.write("\n");
  const isOpen = (): boolean => mappingNames(target.pid).some((name) => name.endsWith(plugin));
  while (!isOpen()) await nextTurn();
  while (isOpen()) await nextTurn();
  tap.child.kill("SIGCONT");
  await tap.until(
    /WARNING: process \d+ opened libraries and went on before they were probed/,
    "errors",
  );
  target.child.kill("SIGTERM");
  assert.match((await target.finished()).stdout, /, 30 each, wrong 0/);
  await tap.finished();
});

test("frames in a library have names from its first call on", async () => {
  const library = compile("opened", ["-shared", "-fPIC"]);
  const program = compile("opener", []);
  const script = `probe process("${program}").function("leaf") {
    if (pid() == target()) { printf("%sin %d\\n", sprint_ubacktrace(), pid()) exit() }
  }`;
  const tap = startWastap(["-e", script, "-c", `${program} ${library}`]);
  const found = await tap.until(/^in \d+\n/m);
  process.kill(Number(found.slice(3)), "SIGTERM");
  const { stdout } = await tap.finished();
  assert.match(stdout, /^leaf\+0x0 \[opener\]\nthrough\+\S+ \[opened\]\nmain/);
});

test("a python that is attached imports an extension module", async () => {
  const python = "/usr/bin/python3.11";
  const module = "/usr/lib/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so";
  if (!existsSync(python) || !existsSync(module)) {
    process.stdout.write("skipped: no python3.11\n");
    return;
  }
  const program = `import sys; print("ready", flush=True); sys.stdin.readline()
import _json; print(_json.scanstring('"text"', 1)[0])`;
  const target = start(python, ["-S", "-c", program]);
  await target.until(/ready/);
  const script = `probe process("${module}").function("PyInit__json") { println(pid(), " ", ppfunc()) exit() }`;
  const tap = startWastap(["-v", "-e", script, "-x", String(target.pid)]);
  await tap.until(/probes armed/, "errors");
  target.child.stdin?.write("\n");
  assert.match((await tap.finished()).stdout, new RegExp(`${target.pid} PyInit__json\n`));
  assert.match((await target.finished()).stdout, /text\n$/);
});

test("php loads its extensions", () => {
  const extension = "/usr/lib/php/20220829/ctype.so";
  if (!existsSync(extension)) {
    process.stdout.write("skipped: no php8.2 with ctype\n");
    return;
  }
  const script = `probe process("/usr/bin/php8.2").library("${extension}").function("get_module") { println("loaded") }`;
  const result = wastap(["-e", script, "-c", "/usr/bin/php8.2 -r 'print(ctype_digit(\"12\"));'"]);
  assert.match(result.stdout, /loaded\n/, result.stderr);
});

s.run();
