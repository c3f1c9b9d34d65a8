/** perf: events of threads and children, exact where they can be; what a machine refuses. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  buildProgram,
  cannotCount,
  cannotTrace,
  type Finished,
  WASTAP,
  wastap,
} from "../support/tools.js";
import { endWhileWatching } from "../support/watched.js";

/** Highest kernel.perf_event_paranoid at which users may have their own programs counted. */
const USERS_MAY = 2;

const s = suite("run/perf");
const reason = cannotTrace() ?? cannotCount("user");
if (reason !== null) process.stdout.write(`skipped: ${reason}\n`);
const test = reason === null ? s : s.skip;

const hidden = reason ?? cannotCount("kernel");
if (reason === null && hidden !== null) process.stdout.write(`skipped: in the kernel: ${hidden}\n`);

function paranoia(): number | null {
  try {
    return Number(readFileSync("/proc/sys/kernel/perf_event_paranoid", "utf8"));
  } catch {
    return null;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** True if root without capabilities is an ordinary user to perf_event_open(2) here. */
function canDropRights(): boolean {
  const { status } = spawnSync("setpriv", ["--bounding-set=-perfmon,-sys_admin", "--", "true"]);
  return isRoot() && paranoia() === USERS_MAY && status === 0;
}

function run(command: string, script: string): Finished {
  const finished = wastap(["-c", `${buildProgram("events", ["-g"])} ${command}`, "-e", script]);
  assert.is(finished.status, 0, finished.stderr);
  return finished;
}

test("every page fault is seen where it happened", () => {
  const { stdout } = run(
    "faults 300",
    `global all, minor
     probe perf.sw.page_faults.sample(1) { if (probefunc() == "touch") all++ }
     probe perf.sw.page_faults_min.sample(1) { if (usymname(uaddr()) == "touch") minor++ }
     probe end { println(all, " ", minor) }`,
  );
  assert.is(stdout, "300 300\n");
});

test("one of so many events is told; too many are counted", () => {
  const script = `global n
    probe perf.sw.page_faults_min.sample(100) { n += 100 }
    probe end { println(n >= 3000 && n < 4000) }`;
  assert.is(run("faults 3000", script).stdout, "1\n");
  const each = "global n probe perf.sw.page_faults.sample(1) { n++ } probe end { println(n) }";
  const { stdout, stderr } = run("faults 5000", each);
  const missed = Number(/^WARNING: (\d+) watched events were not seen/m.exec(stderr)?.[1] ?? 0);
  assert.ok(Number(stdout) + missed >= 5000, `${stdout}${stderr}`);
});

test("clocks are sampled in all threads and children, in the program's code", () => {
  const { stdout } = run(
    "busy",
    `global samples, slow
     probe perf.sw.task_clock { if (probefunc() == "compute") samples[pid() == target(), tid() == pid()]++ }
     probe perf.sw.cpu_clock.hz(100) { slow++ }
     probe end {
       foreach ([parent, main] in samples) print(samples[parent, main] > 50, " ")
       println(slow > 10 && slow < samples[1, 1])
     }`,
  );
  assert.is(stdout, "1 1 1 1 1\n");
});

test("a thread that blocks the signal is not sampled, which is said", () => {
  const script = "global n probe perf.sw.task_clock { n++ } probe end { println(n < 100) }";
  const { stdout, stderr } = run("blocked", script);
  assert.is(stdout, "1\n");
  assert.match(stderr, /\d{2,} watched events were not seen: .*SIGURG/);
});

test("a counter is read in the thread that runs", () => {
  const script = `probe perf.sw.page_faults.counter("faults") { println("never run") }
    probe perf.sw.page_faults_min.process("${buildProgram("events", ["-g"])}").counter("minor") {}
    probe process.function("touch").return {
      println(@perf("faults") - @entry(@perf("faults")), " ", @perf("minor") - @entry(@perf("minor")))
    }`;
  const lines = run("faults 300", script).stdout.split("\n");
  // The first time handlers run they are the first to touch some pages, too.
  assert.is(lines[1], "300 300");
  const used = `global least, switches
    probe perf.sw.task_clock.counter("time") {}
    probe perf.sw.context_switches.counter("switches") {}
    probe process.function("compute").return { least[tid()] <<< @perf("time") }
    probe process.function("wait_for").return {
      if (@perf("switches") < switches[tid()]) println("less than before")
      switches[tid()] = @perf("switches")
    }
    probe end {
      foreach (t in least) println(@min(least[t]) >= 300000000)
      foreach (t in switches) println(switches[t] > 0)
    }`;
  assert.is(run("busy", used).stdout, "1\n1\n1\n1\n");
  assert.is(run("turns 50", used).stdout, "1\n1\n");
});

test("what a thread does not count itself is refused", () => {
  const program = buildProgram("events", ["-g"]);
  const refusal = (counter: string, reader: string): string => {
    const script = `probe ${counter}.counter("c") {} probe ${reader} { println(@perf("c")) }`;
    const { status, stderr } = wastap(["-c", program, "-e", script]);
    assert.is(status, 1);
    assert.match(stderr, /^Pass 3: translation failed\./m);
    return stderr.split("\n")[0] ?? "";
  };
  assert.match(refusal("perf.hw.instructions", 'process.function("touch")'), /not supported yet/);
  assert.match(refusal("perf.sw.page_faults", "process.begin"), /cannot translate general @perf/);
});

test("an event of a program is not that of the programs it starts", () => {
  const counts = `global own, all
    probe perf.sw.task_clock.process { own[execname()] = 1 }
    probe perf.sw.task_clock { all[execname()] = 1 }
    probe end {
      foreach (name in own) print(name, " ")
      println("of all:")
      foreach (name in all) print(name, " ")
    }`;
  const command = `sh -c '${buildProgram("events", ["-g"])} busy; :'`;
  const { stdout, stderr } = wastap(["-c", command, "-e", counts]);
  assert.match(stdout, /^(?!.*events).*of all:\n.*events/, stderr);
});

(hidden === null ? test : s.skip)("context switches are told without a stop of the thread", () => {
  const { stdout } = run(
    "turns 300",
    `global switches
     probe perf.sw.context_switches.sample(1) { if (uaddr() != 0) switches[tid() == pid()]++ }
     probe end { println(switches[0] > 0, " ", switches[1] > 0, " ", switches[0] + switches[1] > 100) }`,
  );
  assert.is(stdout, "1 1 1\n");
});

(canDropRights() ? test : s.skip)(
  "who may not see the kernel is told so, or counts without it",
  () => {
    const program = buildProgram("events", ["-g"]);
    const without = ["--bounding-set=-perfmon,-sys_admin", "--inh-caps=-all", "--"];
    const run = (command: string, script: string): Finished =>
      spawnSync(
        "setpriv",
        [
          ...without,
          process.execPath,
          WASTAP,
          "--disable-cache",
          "-c",
          `${program} ${command}`,
          "-e",
          script,
        ],
        { encoding: "utf8" },
      );
    const switches = run("turns 10", "probe perf.sw.context_switches { exit() }");
    assert.match(
      switches.stderr,
      /cannot watch perf\.sw\.context_switches .*1 or less, CAP_PERFMON/,
    );
    const faults = `global n probe perf.sw.page_faults.sample(1) { if (probefunc() == "touch") n++ }
    probe end { println(n) }`;
    const seen = run("faults 20", faults);
    assert.is(seen.stdout, "20\n", seen.stderr);
  },
);

test("what the machine does not count is named, and the program is not harmed", () => {
  const program = buildProgram("events", ["-g"]);
  const none = wastap([
    "-c",
    `${program} faults 1`,
    "-e",
    "probe perf.type(77).config(5) { exit() }",
  ]);
  assert.match(
    none.stderr,
    /cannot watch the event of type 77, config 5 of process \d+: this machine/,
  );
  assert.is(none.status, 1);
  const command = [process.execPath, WASTAP, "-c", `${program} faults 1`];
  const denied = spawnSync(
    buildProgram("denied"),
    [...command, "-e", "probe perf.sw.cpu_clock { exit() }"],
    { encoding: "utf8" },
  );
  assert.match(
    denied.stderr,
    /cannot watch perf\.sw\.cpu_clock .*: perf_event_open is not permitted/,
  );
  const hardware = wastap(["-c", `${program} busy`, "-e", "probe perf.hw.instructions { exit() }"]);
  if (hardware.status !== 0)
    assert.match(hardware.stderr, /cannot watch perf\.hw\.instructions \(type 0, config 1\)/);
});

test("a program whose tracer is killed while events come goes on unharmed", async () => {
  const script = `global n
    probe perf.sw.cpu_clock.sample(100000), perf.sw.page_faults.sample(1) { if (++n == 20) println("seen") }`;
  for (const signal of ["SIGKILL", "SIGINT"] as const) await endWhileWatching(script, 300, signal);
});

s.run();
