/** Debian's unmodified OpenJDK 17: its SDT marks agree with what the virtual machine says itself. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { codeOf } from "../support/process.js";
import { hasProgram, start, wastap } from "../support/tools.js";

const HOME = "/usr/lib/jvm/java-17-openjdk-amd64";
const JAVA = join(HOME, "bin", "java");
const LIBRARY = join(HOME, "lib", "server", "libjvm.so");
const available = existsSync(JAVA) && existsSync(LIBRARY) && hasProgram("javac");
const s = suite("run/jvm");
const test = available ? s : s.skip;
if (!available) process.stdout.write("skipped: no OpenJDK 17 (openjdk-17-jdk-headless)\n");

const directory = mkdtempSync(join(tmpdir(), "wastap-jvm-"));
const here = `process("${LIBRARY}")`;
s.before(() => {
  const source = join(PACKAGE_ROOT, "test", "programs", "Batches.java");
  const compiled = spawnSync("javac", ["-d", directory, source], { encoding: "utf8" });
  assert.is(compiled.status, 0, compiled.stderr);
});
s.after(() => rmSync(directory, { recursive: true }));

/** The lines that `script` prints while java runs `batches` batches of 3 threads × 5000 rounds. */
function marked(script: string, options: string, batches: number): string[] {
  const output = join(directory, "marks");
  const command = `${JAVA} ${options} -cp ${directory} Batches 3 5000 ${batches}`;
  const result = wastap(["-o", output, "-e", script, "-c", command]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  assert.match(result.stdout, /^ready\n0 wrong, sum -?\d+\n$/);
  return readFileSync(output, "utf8").trimEnd().split("\n");
}

const METHODS = `global entries, returns
  probe ${here}.mark("method__entry") {
    if (user_string_n($arg2, $arg3) == "Batches") entries[user_string_n($arg4, $arg5)]++
  }
  probe ${here}.mark("method__return") {
    if (user_string_n($arg2, $arg3) == "Batches") returns[user_string_n($arg4, $arg5)]++
  }
  probe end {
    foreach (name+ in entries)
      if (name =~ "^(leaf|middle|batch)$") println(name, " ", entries[name], " ", returns[name])
  }`;
for (const mode of ["-Xint", "-XX:+UseParallelGC", "-XX:+UseZGC -XX:-TieredCompilation"]) {
  test(`every call and return of methods in all threads: ${mode}`, () => {
    const lines = marked(METHODS, `${mode} -XX:+DTraceMethodProbes`, 2);
    const calls = 3 * 5000 * 2;
    assert.equal(lines, [
      "batch 6 6",
      `leaf ${2 * calls} ${2 * calls}`,
      `middle ${calls} ${calls}`,
    ]);
  });
}

test("classes as the machine's own log has them, threads and collections", () => {
  const log = join(directory, "classes");
  const script = `
    probe ${here}.mark("class__loaded") { printf("%s %d\\n", user_string_n($arg1, $arg2), $arg4) }
    probe ${here}.mark("thread__start") { printf("thread %s\\n", user_string_n($arg1, $arg2)) }
    probe ${here}.mark("gc__begin") { printf("full collection %d\\n", $arg1) }`;
  const lines = marked(script, `-Xlog:class+load:file=${log} -XX:+UseSerialGC`, 3);
  const sorted = (names: string[]): string[] => names.sort();
  assert.equal(sorted(lines.filter((line) => line.startsWith("thread pool"))), [
    "thread pool-1-thread-1",
    "thread pool-1-thread-2",
    "thread pool-1-thread-3",
  ]);
  assert.is(lines.filter((line) => line === "full collection 1").length, 3);
  const loaded = lines.filter((line) => /^\S+ [01]$/.test(line));
  const logged = readFileSync(log, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, name = "", source = ""] = /\] (\S+) source: (.*)/.exec(line) ?? [];
      return name === "" ? [] : [`${name} ${source.startsWith("shared") ? 1 : 0}`];
    });
  const plain = (line: string): string => line.replaceAll("/", ".").replace(/[+.]0x[0-9a-f]+/, "");
  assert.equal(sorted(loaded.map(plain)), sorted(logged.map(plain)));
});

test("a running machine is attached to and left again and again, its code as before", async () => {
  const options = ["-XX:+DTraceMethodProbes", "-XX:+DTraceAllocProbes", "-XX:+DTraceMonitorProbes"];
  const target = start(JAVA, [...options, "-cp", directory, "Batches", "3", "5000", "0"], {
    deadlineMs: 120_000,
  });
  try {
    await target.until(/ready/);
    const code = (): Buffer | undefined =>
      [...codeOf(target.pid)].find(([name]) => name.startsWith(`${realpathSync(LIBRARY)}@`))?.[1];
    const before = code();
    assert.ok(before);
    const script = `global hits
      probe ${here}.mark("*") { hits++ }
      probe ${here}.function("JVM_*").call { hits++ }
      probe timer.ms(10) { if (hits > 100000) exit() }`;
    for (let i = 0; i < 3; i++) {
      const result = wastap(["-e", script, "-x", String(target.pid)]);
      assert.is(result.stderr, "");
      assert.is(result.status, 0);
      assert.ok(code()?.equals(before));
    }
    target.child.stdin?.write("\n");
    const { status, stdout, stderr } = await target.finished();
    assert.match(stdout, /\n0 wrong, sum/, stderr);
    assert.is(status, 0);
  } finally {
    target.child.kill("SIGKILL");
  }
});

s.run();
