/** process.data: accesses of threads, children, libraries; values; registers; being killed. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  buildProgram,
  cannotCount,
  cannotTrace,
  hasProgram,
  WASTAP,
  wastap,
} from "../support/tools.js";
import { endWhileWatching } from "../support/watched.js";

const s = suite("run/watch");
const reason = cannotTrace() ?? cannotCount("data");
if (reason !== null) process.stdout.write(`skipped: ${reason}\n`);
const test = reason === null ? s : s.skip;

/** 1, 5 of each of 3 threads, 1 of the child. */
const WRITES = 17;

test("every write is seen once, with value, thread, process and place", () => {
  const program = buildProgram("watched", ["-g"]);
  const script = `
    global threads
    probe process.data("counter").write {
      value = @var("counter@watched.c", "${program}")
      if (pid() != target()) printf("child %d %s\\n", value, usymname(uaddr()))
      else if (tid() != pid()) threads[tid()]++
      else printf("main %d %d %s\\n", value, uaddr() == register("rip"), probefunc())
    }
    probe end { foreach (thread in threads) println(threads[thread]) }`;
  const run = wastap(["-c", program, "-e", script]);
  assert.is(run.status, 0, run.stderr);
  const lines = run.stdout
    .replaceAll(/\b(add|once|main)$/gm, "here")
    .trim()
    .split("\n");
  assert.equal(lines.sort(), ["5", "5", "5", "child 125 here", "main 10 1 here", "right"]);
});

test("reads count where they are asked for; both accesses of one instruction are told", () => {
  const script = `
    global writes, all, halves
    probe process.data("counter").rw { all++ }
    probe process.data("counter").write { writes++ }
    probe process.data("counter").length(4).write { halves++ }
    probe end { println(writes, " ", all, " ", halves) }`;
  const run = wastap(["-c", buildProgram("watched"), "-e", script]);
  const [, writes = 0, all = 0, halves = 0] = run.stdout.split(/\s/).map(Number);
  assert.equal([writes, halves], [WRITES, WRITES], run.stderr);
  // It is read before and behind the rounds, and by the child.
  assert.ok(all >= WRITES + 3, run.stdout);
});

test("data is as long as it is declared, at most 8 bytes; libraries have data, too", () => {
  const script = `
    global row, big, library
    probe process.data("row").write { row++ }
    probe process.data("big").write { big++ }
    probe process.data("opterr").write { library++ }
    probe end { println(row, " ", big, " ", library) }`;
  const run = wastap(["-c", buildProgram("watched", ["-fPIC"]), "-e", script]);
  assert.is(run.stdout, "right\n2 1 1\n", run.stderr);
});

test("an address is watched by its aligned parts", () => {
  const program = buildProgram("watched", ["-no-pie"]);
  const row = Number(`0x${/^(\w+) \w row$/m.exec(symbolsOf(program))?.[1]}`);
  const script = `
    global n
    probe process.data(${row + 2}).length(4).write { n++ }
    probe end { println(n) }`;
  assert.is(wastap(["-c", program, "-e", script]).stdout, "right\n1\n");
});

test("what the processor cannot watch is said", () => {
  const points = ["counter", "hidden", "row", "big", "opterr"].map(
    (name) => `process.data("${name}").write`,
  );
  const script = `global n probe ${points.join(", ")} { n++ }`;
  const run = wastap(["-c", buildProgram("watched"), "-e", script]);
  assert.is(run.status, 1);
  assert.match(run.stderr, /the processor has 4 debug registers, 5 are needed/);
  const none = wastap(["-c", "true", "-e", 'probe process.data("counter").rw { exit() }']);
  assert.match(none.stderr, /\.rw was never armed: no process has data called "counter"/);
});

test("symbols of a separate debug file name data, too", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-watch-"));
  try {
    const program = join(directory, "watched");
    const debug = `${program}.debug`;
    copyFileSync(buildProgram("watched", ["-g"]), program);
    execFileSync("objcopy", ["--only-keep-debug", program, debug]);
    execFileSync("objcopy", ["--strip-all", `--add-gnu-debuglink=${debug}`, program]);
    const script = `
      global n, m
      probe process.data("counter").write { n++ }
      probe process.data("hidden").write { m++ }
      probe end { println(n, " ", m) }`;
    const run = wastap(["-c", program, "-e", script]);
    assert.is(run.stdout, `right\n${WRITES} 1\n`, run.stderr);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("thread-local data of a program and of its libraries, in each thread", () => {
  const program = buildProgram("watched", ["-g"]);
  const script = `
    global own, mistakes
    probe process.data("own").write {
      value = @var("own@watched.c", "${program}")
      if (pid() == target()) own[value, tid() == pid()]++
    }
    probe process.data("errno").write { if (pid() == target()) mistakes[probefunc(), tid() == pid()]++ }
    probe end {
      foreach ([value+, isMain] in own) printf("%d %d: %d\\n", value, isMain, own[value, isMain])
      println(mistakes["work", 0])
    }`;
  const run = wastap(["-c", program, "-e", script]);
  assert.is(run.stdout, "right\n1 1: 1\n2 0: 3\n3\n", run.stderr);
});

const musl = reason ?? (hasProgram("musl-gcc") ? null : "no musl-gcc");
if (musl !== null) process.stdout.write(`skipped: ${musl}\n`);
(musl === null ? s : s.skip)("thread-local data of a program of musl", () => {
  const script = `global own probe process.data("own").write { if (pid() == target()) own++ }
    probe end { println(own) }`;
  const run = wastap(["-c", buildProgram("watched", [], "musl-gcc"), "-e", script]);
  assert.is(run.stdout, "right\n4\n", run.stderr);
});

test("a statically linked program that begins has no thread-local data yet", () => {
  const script = 'global n probe process.data("own").write { n++ }';
  const run = wastap(["-c", buildProgram("watched", ["-static"]), "-e", script]);
  assert.is(run.status, 1);
  assert.match(
    run.stderr,
    /cannot watch data of process \d+: a thread has no storage of its own yet/,
  );
});

test("a system that forbids it is said, and the program is not harmed", () => {
  const script = `probe process.data("counter").write { println("seen") }`;
  const program = buildProgram("watched");
  const command = [process.execPath, WASTAP, "-e", script, "-c", program];
  const run = spawnSync(buildProgram("denied"), command, { encoding: "utf8" });
  assert.match(
    run.stderr,
    /^ERROR: cannot watch data of process \d+: perf_event_open is not permi/,
  );
  assert.is(run.stdout, "");
  assert.is(run.status, 1);
});

test("an access by code that a probe has displaced is where the program has it", () => {
  const program = buildProgram("watched", ["-g"]);
  const places = (probes: string): string[] => {
    const script = `${probes}
      global seen
      probe process.data("counter").write { seen[umodaddr(uaddr()), uaddr() == register("rip")]++ }
      probe end { foreach ([place+, same] in seen) println(place, " ", same, " ", seen[place, same]) }`;
    const run = wastap(["-c", program, "-e", script]);
    assert.is(run.status, 0, run.stderr);
    return run.stdout.trim().split("\n");
  };
  const alone = places("");
  const here = `process("${program}")`;
  const displaced = `probe ${here}.statement("*@watched.c:*") { next }`;
  assert.ok(alone.length > 1);
  assert.equal(places(displaced), alone);
});

test("accesses of a thread that blocks the signal are counted", () => {
  const script = `global n probe process.data("counter").write { n++ } probe end { println(n) }`;
  const run = wastap(["-c", `${buildProgram("watched")} blocked`, "-e", script]);
  assert.is(run.stdout, "0\n");
  assert.match(run.stderr, /7 watched events were not seen/);
});

test("a program whose tracer is killed or ends goes on unharmed", async () => {
  const script = `global n probe process.data("counter").rw { if (++n == 150) println("seen") }`;
  for (const [signal, rounds] of [
    ["SIGKILL", 400],
    ["SIGKILL", 300],
    ["SIGINT", 400],
  ] as const) {
    await endWhileWatching(script, rounds, signal);
  }
});

test("what handlers in the process read is no access of the program", () => {
  const program = buildProgram("watched", ["-g", "-fno-inline"]);
  const script = `
    global seen
    probe process("${program}").function("look") { println("looks ", @var("hidden")) }
    probe process.data("hidden").rw { seen++ }
    probe end { println(seen) }`;
  const lines = wastap(["-c", program, "-e", script]).stdout.trim().split("\n");
  assert.equal(lines.sort(), ["1", "looks 0", "looks 10", "right"]);
});

function symbolsOf(program: string): string {
  return spawnSync("nm", [program], { encoding: "utf8" }).stdout;
}

s.run();
