/** The command line from end to end: listings, passes, messages, the cache, exit statuses. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildProgram, cannotTrace, type Finished, start, wastap } from "../support/tools.js";

const s = suite("run/command-line");
const missing = cannotTrace();
const traced = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);
const directory = mkdtempSync(join(tmpdir(), "wastap-"));
s.after(() => rmSync(directory, { recursive: true }));

/** Runs with a cache of its own called `name`. */
function cached(name: string, ...args: readonly string[]): Finished {
  return wastap(args, { env: { WASTAP_DIR: join(directory, name) } });
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

s("each pass says what it did, as stap does", () => {
  const { stderr } = wastap(["-v", "-p4", "-m", "t", "-e", "global a probe begin { println(1) }"], {
    cwd: directory,
  });
  const took = String.raw` using \d+virt/\d+res/\d+shr/\d+data kb, in \d+usr/\d+sys/\d+real ms\.$`;
  for (const line of [
    String.raw`^Pass 1: parsed user script and \d+ library scripts`,
    "^Pass 2: analyzed script: 1 probe, \\d+ functions?, 0 embeds, \\d+ globals?",
    "^Pass 3: translated to intermediate code",
    "^Pass 4: compiled to WebAssembly",
  ]) {
    assert.match(stderr, new RegExp(line + took, "m"));
  }
});

s("--rlimit limits wastap and what it starts", () => {
  const limited = 'probe begin { system("grep -c 1234567890 /proc/self/limits") exit() }';
  const { stdout, stderr } = wastap(["--rlimit-fsize=1234567890", "-e", limited]);
  assert.is(stdout, "1\n", stderr);
  const both = ["--rlimit-cpu=1234567890", "--rlimit-fsize=1234567890"];
  assert.is(wastap([...both, "-e", limited]).stdout, "2\n");
  const refused = wastap(["--rlimit-cpu=x", "-e", limited]);
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /^Unable to convert rlimit-cpu resource limit 'x'\.$/m);
});

s("--vp asks for single passes", () => {
  const { stderr } = wastap(["--vp", "01", "-p2", "-e", "probe begin { println(1) }"]);
  assert.equal(
    lines(stderr).map((line) => line.slice(0, 7)),
    ["Pass 2:"],
  );
});

s("--privilege=stapusr refuses points that SystemTap allows only privileged users", () => {
  for (const point of [
    "timer.profile",
    'procfs("a").write',
    'netfilter.hook("NF_ARP_IN").pf("NFPROTO_ARP")',
  ]) {
    const refused = wastap(["--privilege=stapusr", "-p2", "-e", `probe ${point} { println(1) }`]);
    assert.is(refused.status, 1);
    assert.match(refused.stderr, /error: probe point is not allowed for --privilege=stapusr: /);
  }
  const points = "timer.s(1), begin, end, error, never, process.begin";
  const allowed = wastap(["--unprivileged", "-p2", "-e", `probe ${points} { println(1) }`]);
  assert.is(allowed.status, 0, allowed.stderr);
});

s("--sysroot: programs, libraries and debug files of another system", () => {
  const sysroot = join(directory, "root");
  const program = join(sysroot, "usr/bin/points");
  const debug = join(sysroot, "usr/lib/debug/usr/bin");
  for (const path of [join(sysroot, "usr/bin"), debug]) mkdirSync(path, { recursive: true });
  const built = buildProgram("points", ["-g", "-O0"]);
  execFileSync("objcopy", ["--only-keep-debug", built, join(debug, "points.debug")]);
  const link = `--add-gnu-debuglink=${join(debug, "points.debug")}`;
  execFileSync("objcopy", ["--strip-all", "-R", ".note.gnu.build-id", link, built, program]);
  const options = [`--sysroot=${sysroot}`, "--sysenv=PATH=/usr/bin"];
  for (const name of ["points", "/usr/bin/points", "/usr/*/p*"]) {
    const point = `process("${name}").function("main")`;
    const { stdout, stderr } = wastap([...options, "-L", point]);
    assert.match(
      stdout,
      /^process\("\/usr\/bin\/points"\)\.function\("main@.*"\) \$argc:int/,
      stderr,
    );
  }
  const script = 'probe process("points").function("main") { println($argc) }';
  assert.is(wastap([...options, "-p4", "-m", "other", "-e", script], { cwd: directory }).status, 0);
  const listed = wastap(["-l", "**", join(directory, "other.wasm")]);
  assert.not.match(listed.stdout + listed.stderr, sysroot);
  const begun = wastap([...options, "-p2", "-e", 'probe process("points").begin { println(1) }']);
  assert.match(begun.stdout, /^process\("\/usr\/bin\/points"\)\.begin /m);
  const here = wastap([...options, "-p2", "-e", script.replace("points", program)]);
  assert.match(here.stderr, /cannot find executable/);
});

s("a file is named where it is another than that of the message before", () => {
  const { stderr } = wastap(["-p2", "-e", "probe begin { a = 1 println(b) nosuch() }"]);
  assert.match(stderr, /'nosuch' at <input>:1:32\n/);
  const warned = wastap(["-p2", "-e", "probe begin { a = 1 b = 2 println(1) }"]);
  assert.equal(warned.stderr.match(/ at .*/g)?.slice(0, 2), [" at <input>:1:17", " at :1:23"]);
});

s("-F goes on in the background once its probes are armed", async () => {
  // Of a pipe the reader is told when the session has closed it.
  const fifo = join(directory, "recorded");
  execFileSync("mkfifo", [fifo]);
  const reader = start("cat", [fifo]);
  const script =
    'probe begin { println("begin") } probe timer.ms(5) { println("tick") } probe end { println("end") }';
  const { status, stdout, stderr } = wastap(["-F", "-o", fifo, "-e", script]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^\d+\n$/);
  await reader.until(/tick/);
  process.kill(Number(stdout), "SIGINT");
  const { stdout: recorded } = await reader.finished();
  assert.match(recorded, /^begin\n(tick\n)+end\n$/);
});

s("-F without a file keeps records in memory until somebody fetches them", () => {
  const name = `kept_${process.pid}`;
  const script =
    'probe begin { println("begin") } probe timer.ms(1) { println("tick"); error("no") } ' +
    'probe error { println("error"); warn("bye") }';
  const begun = cached("background", "-F", "-m", name, "-e", script);
  assert.is(begun.status, 0, begun.stderr);
  assert.match(begun.stdout, /^\d+\n$/);
  assert.match(begun.stderr, new RegExp(`To reconnect, type "wastap --attach=${name}"`));
  const { status, stdout, stderr } = cached("background", `--attach=${name}`);
  assert.equal([status, stdout], [1, "begin\ntick\nerror\n"]);
  assert.match(stderr, /^ERROR: no near identifier 'error'(.|\n)*WARNING: bye\n/);
  const again = cached("background", `--attach=${name}`);
  assert.equal([again.status, again.stdout], [1, ""]);
  assert.is(again.stderr, `ERROR: no session '${name}' in the background\n`);
});

s("-F without a file keeps the newest records, and says what it lost", () => {
  const name = `newest_${process.pid}`;
  // All of it is there when the command returns.
  const rounds = Array.from({ length: 16 }, (_, i) => `begin(${i})`);
  const script = `probe ${rounds} { for (i = 0; i < 2000; i++) printf("%99d\\n", i) }
    probe begin(-1) { println("first") } probe begin(16) { exit() } probe end { println("last") }`;
  assert.is(cached("background", "-F", "-s", "1", "-m", name, "-e", script).status, 0);
  const { status, stdout, stderr } = cached("background", `--attach=${name}`);
  assert.is(status, 0);
  assert.ok(stdout.length < 2 ** 20 && stdout.endsWith(" 1999\nlast\n"));
  assert.match(stderr, /^WARNING: \d+ bytes of older output were not kept, see -s\n/);
});

s("-F without a file keeps what was printed before probes could be armed", () => {
  const name = `brief_${process.pid}`;
  const script = 'probe begin { println("begin"); exit() } probe end { println("end") }';
  const begun = cached("background", "-F", "-m", name, "-e", script);
  assert.is(begun.status, 0, begun.stderr);
  // Who asks for the name of a session that waits does not take its records.
  const second = cached("background", "-F", "-m", name, "-e", script);
  assert.equal([second.status, second.stdout], [1, ""]);
  assert.match(second.stderr, /^ERROR: a session listens at .* already\n$/);
  const { status, stdout } = cached("background", `--attach=${name}`);
  assert.equal([status, stdout], [0, "begin\nend\n"]);
});

s("-F without a file ends if nothing can be armed, and leaves its name free", () => {
  const name = `failed_${process.pid}`;
  const failing: readonly (readonly string[])[] = [
    ["-e", 'probe begin { error("no") }'],
    ["-x", "2147483647", "-e", "probe begin { println(1) }"],
  ];
  for (const args of failing) {
    const { status, stdout, stderr } = cached("background", "-F", "-m", name, ...args);
    assert.equal([status, stdout], [1, ""]);
    assert.match(stderr, /^ERROR: /m);
  }
  const { stderr } = cached("background", `--attach=${name}`);
  assert.is(stderr, `ERROR: no session '${name}' in the background\n`);
});

s("-F ends with the session if that ends before it is armed", () => {
  const file = join(directory, "failed");
  const { status, stdout, stderr } = wastap([
    "-F",
    "-o",
    file,
    "-e",
    'probe begin { error("no") }',
  ]);
  assert.equal([status, stdout], [1, ""]);
  assert.match(stderr, /^ERROR: no near identifier 'error'/);
});

s("-p2 shows bodies with -v, and nothing that only -t and --monitor need", () => {
  const { stdout } = wastap(["-tvp2", "-e", "global a = 5 probe begin { if (a) println(a) }"]);
  assert.is(
    stdout,
    "# globals\na:long = 5\n# probes\nbegin /* <- begin */\n{\nif (a) println(a)\n;\n}\n",
  );
});

s("operators and functions are those of the version asked for", () => {
  const verdict = (version: string, expression: string): string => {
    const script = `probe begin { println(${expression}) }`;
    const { status, stderr } = wastap(["-g", `--compatible=${version}`, "-p2", "-e", script]);
    return status === 0 ? "" : (stderr.split("\n")[0] ?? "");
  };
  assert.is(verdict("1.4", "cpuid()"), "");
  assert.match(verdict("4.8", "cpuid()"), "semantic error: unresolved function cpuid");
  assert.is(verdict("4.0", "1 + @uderef(8, 1)"), "");
  assert.is(verdict("3.9", "@uderef(8, 1)"), "parse error: unknown operator @uderef");
  assert.is(verdict("3.9", "@kregister(1)"), "parse error: unknown operator @kregister");
});

s("-p2 shows what a probe is derived from", () => {
  const script =
    "probe b = a {} probe a += begin, end ? {} global g = 1 probe b if (g) { println(1) }";
  const { stdout } = wastap(["-p2", "-e", script]);
  assert.match(stdout, /^begin if \(g\) \/\* <- a \+= begin, end\? <- b = a <- b if \(g\) \*\/$/m);
});

s("similar errors are shown once, unless asked for", () => {
  const script = "probe begin { nosuch(1) nosuch(2) other(3) }";
  const brief = wastap(["-e", script]);
  assert.is(brief.status, 1);
  assert.is(brief.stderr.match(/semantic error/g)?.length, 1);
  assert.match(
    brief.stderr,
    /Pass 2: analysis failed.+\nNumber of similar error messages suppressed: 2\.\nRerun with -v to see them\.\n$/,
  );
  const long = wastap(["-v", "-e", script]);
  assert.is(long.stderr.match(/semantic error/g)?.length, 3);
  assert.not.match(long.stderr, /suppressed/);
});

s("options without meaning here are accepted with a warning", () => {
  const { status, stderr } = wastap(["-r", "5.10", "-p1", "-e", "probe begin {}"]);
  assert.is(status, 0);
  assert.match(stderr, /^WARNING: -r has no effect: /);
  assert.is(wastap(["-w", "-r", "5.10", "-p1", "-e", "probe begin {}"]).stderr, "");
});

s("--example runs what is in the package", () => {
  const found = wastap(["-p1", "--example", "pyfuntop"]);
  assert.is(found.status, 0);
  const none = wastap(["--example", "nosuch"]);
  assert.is(none.status, 1);
  assert.match(none.stderr, /^Example 'nosuch' was not found under '.+'$/m);
});

traced("-l lists functions, sorted, once each; 1 if there is none", () => {
  const program = buildProgram("work");
  const point = (name: string): string => `process("${program}").function("${name}")`;
  const names = wastap(["-l", point("w*")]);
  assert.is(names.status, 0, names.stderr);
  assert.ok(lines(names.stdout).includes(point("work")));
  assert.equal(lines(names.stdout), [...new Set(lines(names.stdout))].sort());
  const none = wastap(["-l", point("nosuch*")]);
  assert.equal([none.status, none.stdout, none.stderr], [1, "", ""]);
  const loud = wastap(["-vv", "-l", point("nosuch*")]);
  assert.match(loud.stderr, /semantic error: while resolving probe point/);
});

traced("-l takes `process` for the target", () => {
  const program = buildProgram("work");
  const { stdout } = wastap(["-c", program, "-l", "process.thread.*"]);
  assert.equal(lines(stdout), [
    `process("${program}").thread.begin`,
    `process("${program}").thread.end`,
  ]);
});

s("-L shows an alias with what all its places have", () => {
  const tapset = join(directory, "tapset");
  mkdirSync(tapset);
  writeFileSync(
    join(tapset, "a.stp"),
    `probe my.one = begin { number = 1; text = "x" }
     probe my.two = end { number = 2 }
     probe my.both = my.one, my.two { z = 1 }`,
  );
  const { stdout, status } = wastap(["-I", tapset, "-L", "my.*"]);
  assert.is(status, 0);
  assert.equal(lines(stdout), [
    "my.both number:long z:long",
    "my.one number:long text:string",
    "my.two number:long",
  ]);
  assert.equal(lines(wastap(["-I", tapset, "-l", "my.o**"]).stdout), ["my.one"]);
  const aliases = wastap(["-I", tapset, "--dump-probe-aliases"]).stdout;
  assert.match(aliases, /^my\.both = my\.one, my\.two$/m);
});

s("a point that is none is a parse error", () => {
  const { status, stderr } = wastap(["-l", "begin {"]);
  assert.is(status, 1);
  assert.match(stderr, /^parse error: /);
  assert.not.match(stderr, /Pass/);
});

s("dumps point types and functions", () => {
  const types = lines(wastap(["--dump-probe-types"]).stdout);
  assert.ok(types.includes("process(string).function(string).return"));
  assert.ok(types.includes("timer.ms(number).randomize(number)"));
  assert.equal(types, [...types].sort());
  const functions = lines(wastap(["--dump-functions"]).stdout);
  assert.ok(functions.some((line) => /^strlen:long \(\w+:string\)/.test(line)));
  assert.not.ok(functions.some((line) => line.startsWith("_")));
  assert.equal(
    functions.filter((line) => /^(ctime|tokenize):/.test(line)),
    [
      "ctime:string (epochsecs:long)",
      "ctime:string ()",
      "tokenize:string (delim:string)",
      "tokenize:string (input:string, delim:string)",
    ],
  );
});

s("a second run takes the bundle out of the cache", () => {
  const args = ["--vp", "0001", "-e", "probe begin { println(1) exit() }"];
  assert.match(cached("twice", ...args).stderr, /^Pass 4: compiled/);
  const again = cached("twice", ...args);
  assert.match(again.stderr, /^Pass 4: using cached .*\/twice\/cache\/\w\w\/wastap_\w+\.entry\n/);
  assert.is(again.stdout, "1\n");
  assert.match(cached("twice", ...args, "x").stderr, /^WARNING: .*\$1/, "other arguments");
});

s("--disable-cache, --poison-cache and --clean-cache", () => {
  const args = ["--vp", "0001", "-e", "probe begin { println(1) exit() }"];
  const isCached = (...more: readonly string[]): boolean =>
    cached("switches", ...more, ...args).stderr.includes("using cached");
  isCached("--disable-cache");
  assert.not.ok(existsSync(join(directory, "switches")));
  isCached();
  assert.ok(isCached());
  assert.not.ok(isCached("--disable-cache"));
  assert.not.ok(isCached("--poison-cache"));
  assert.is(cached("switches", "--clean-cache").status, 0);
  assert.not.ok(isCached());
});

s("a compilation that warns is not kept", () => {
  const args = ["-e", "probe begin { println(1) exit() }", "unused"];
  assert.match(cached("warned", ...args).stderr, /WARNING/);
  assert.match(cached("warned", ...args).stderr, /WARNING/);
  assert.not.ok(existsSync(join(directory, "warned")));
});

s("--tmpdir keeps the bundle there, -k in a new directory", () => {
  const kept = join(directory, "kept");
  const script = ["-e", "probe begin { println(1) exit() }"];
  const { stderr } = wastap([`--tmpdir=${kept}`, ...script]);
  assert.is(stderr, `Keeping temporary directory "${kept}"\n`);
  assert.is(readdirSync(kept).length, 1);
  rmSync(kept, { recursive: true });
  const own = /^Keeping temporary directory "(.+)"\n$/.exec(wastap(["-k", ...script]).stderr)?.[1];
  assert.is(readdirSync(own ?? "").length, 1);
  rmSync(own ?? "", { recursive: true });
});

s("a script can be a command of its own, on standard input, or -e", () => {
  const script = 'probe begin { printf("%s %d\\n", @1, $2) exit() }';
  const path = join(directory, "own.stp");
  writeFileSync(path, `#! /usr/bin/env -S wastap -w\n${script}`);
  assert.is(wastap([path, "a", "5"]).stdout, "a 5\n");
  assert.is(wastap(["-", "a", "5"], { input: script }).stdout, "a 5\n");
  assert.is(wastap(["-e", script, "a", "5"]).stdout, "a 5\n");
});

traced("the status of the target is said, and makes ours 1", () => {
  const script = "probe begin { println(1) }";
  const ended = wastap(["-e", script, "-c", 'sh -c "exit 3"']);
  assert.is(ended.status, 1);
  const failed = "Pass 5: run failed.  [man error::pass5]";
  assert.is(ended.stderr, `WARNING: Child process exited with status 3\n${failed}\n`);
  const killed = wastap(["-e", script, "-c", "sh -c 'kill -9 $$'"]);
  assert.match(killed.stderr, /^WARNING: Child process exited with signal 9 \(Killed\)$/m);
});

/** Lines of a timing report, with their times as `N`. */
function timingReport(output: string): string[] {
  const [, report = ""] = output.split("----- probe hit report: \n");
  const timed = report.replaceAll(/\d+min\/\d+avg\/\d+max, variance: -?\d+/g, "N");
  return timed.split("\n").filter((line) => line !== "");
}

traced("-t tells how often each probe ran and how long it took", () => {
  const program = buildProgram("work");
  const script = `probe begin { printf("%d%%\\n", 5) next }
    probe process("${program}").function("wo*") { if (pid() == 0) println("never") }
    probe timer.s(100) { println("never") }
    probe process.begin if (0) { println("never") }`;
  const { status, stdout } = wastap(["-t", "-e", script, "-c", `${program} 2 1000 0`]);
  assert.is(status, 0);
  assert.match(stdout, /^5%$/m);
  assert.equal(timingReport(stdout), [
    "begin, (<input>:1:1), hits: 1, nsecs: N, from: begin, index: 0",
    `process("${program}").function("work"), (<input>:2:5), hits: 2000, nsecs: N, from: process("${program}").function("work"), index: 1`,
  ]);
});

s("-t tells it after an error too", () => {
  const { status, stdout } = wastap([
    "-t",
    "-e",
    'probe begin { error("x") } probe end { println(1) }',
  ]);
  assert.is(status, 1);
  assert.equal(timingReport(stdout), [
    "begin, (<input>:1:1), hits: 1, nsecs: N, from: begin, index: 0",
  ]);
});

s.run();
