/**
 * The language and its library tested in the language: scripts of test/self, and short ones with
 * what they must print, say and end with. Each runs as machine code and in V8, equally.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { buildProgram, cannotTrace, type Finished, wastap } from "../support/tools.js";
import { runInV8 } from "../support/v8-run.js";

const s = suite("run/self");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const SELF = join(PACKAGE_ROOT, "test", "self");

/** Compiles with `args` and runs the bundle as machine code and in V8: both must agree. */
function runBoth(args: readonly string[]): Finished {
  const directory = mkdtempSync(join(tmpdir(), "wastap-self-"));
  const compiled = wastap(["-p4", "-m", "self", "-w", ...args], { cwd: directory });
  assert.is(compiled.status, 0, compiled.stderr);
  const bundle = join(directory, "self.wasm");
  const { printed, said } = runInV8(readFileSync(bundle));
  const native = wastap([bundle]);
  assert.is(native.stdout, printed);
  const errors = (text: string): string[] => text.split("\n").filter((l) => l.startsWith("ERROR:"));
  assert.equal(errors(native.stderr), errors(said));
  return native;
}

for (const file of readdirSync(SELF).filter((name) => name.endsWith(".stp"))) {
  const path = join(SELF, file);
  const library = ["-I", join(SELF, "lib")];
  const expected = path.replace(/stp$/, "txt");
  const before = existsSync(expected) ? readFileSync(expected, "utf8") : "";
  const check = (result: Finished): void => {
    assert.is(result.stderr, "");
    assert.is(result.status, 0);
    assert.is(result.stdout.replace(/ok \d+\n$/, ""), before);
    assert.match(result.stdout, /^ok [1-9]\d*\n$/m);
  };
  test(`test/self/${file}`, () => check(runBoth([...library, path])));
  test(`test/self/${file} inside a traced process`, () => {
    const program = buildProgram("lengths");
    const script = readFileSync(path, "utf8").replaceAll(
      /^probe begin(\(-1\))?$/gm,
      `probe process("${program}").function("main")`,
    );
    const output = join(mkdtempSync(join(tmpdir(), "wastap-self-")), "output");
    const result = wastap([...library, "-o", output, "-e", script, "-c", `${program} 1`]);
    assert.is(result.stdout, "done\n");
    check({ ...result, stdout: readFileSync(output, "utf8") });
  });
}

/** A script and all that is seen of its run. */
interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly script: string;
  readonly after?: readonly string[];
  readonly printed: string;
  /** Lines on standard error before the last lines that every failed run has. */
  readonly said?: string;
  /** Number of errors, 0 by default; a run with errors fails. */
  readonly errors?: number;
}

const CASES: readonly Case[] = [
  {
    name: "an overflow names the array, ends the session, runs error probes only",
    script: `global a[2] probe begin { for (i = 0; i < 5; i++) a[i] = i println("no") }
      probe begin(1) { println("no") } probe end { println("no") } probe error { println("error", i in a) } global i`,
    printed: "error0\n",
    said: "ERROR: Array overflow, check size limit (2) near identifier 'a' at <input>:1:51 in probe begin\n",
    errors: 1,
  },
  {
    name: "the default size of arrays",
    script: "global a probe begin { for (i = 0; i < 2049; i++) a[i] = i }",
    printed: "",
    said: "ERROR: Array overflow, check MAXMAPENTRIES near identifier 'a' at <input>:1:51 in probe begin\n",
    errors: 1,
  },
  {
    name: "MAXMAPENTRIES",
    args: ["-DMAXMAPENTRIES=3"],
    script: `global a, b% probe begin { for (i = 0; i < 5; i++) b[i] = i
      try { for (i = 0; i < 5; i++) a[i] = i } catch { println(i) }
      foreach (k in b) print(k) println() exit() }`,
    printed: "3\n234\na[2]=2\na[1]=1\na[0]=0\n",
  },
  {
    name: "MAXACTION cannot be caught",
    script: `global i probe begin { try { for (i = 0; i < 100000; i++) {} } catch { println("no") } }
      probe error { println(i) }`,
    printed: "9997\n",
    said: "ERROR: MAXACTION exceeded near operator '{' at <input>:1:59 in probe begin\n",
    errors: 1,
  },
  {
    name: "MAXACTION_INTERRUPTIBLE",
    args: ["-DMAXACTION_INTERRUPTIBLE=500"],
    script: "probe begin { for (i = 0; i < 600; i++) {} println(i) exit() }",
    printed: "",
    said: "ERROR: MAXACTION exceeded near operator '{' at <input>:1:41 in probe begin\n",
    errors: 1,
  },
  {
    name: "statements about long strings before anything is traced",
    script: `probe begin { for (i = 0; i < 510; i++) s .= "a"
      for (i = 0; i < 4000; i++) t = str_replace(s, "a", "b") println(strlen(t)) exit() }`,
    printed: "510\n",
  },
  {
    name: "--suppress-time-limits",
    args: ["-g", "--suppress-time-limits"],
    script: "probe begin { for (i = 0; i < 100000; i++) {} println(i) exit() }",
    printed: "100000\n",
  },
  {
    name: "MAXNESTING",
    args: ["-DMAXNESTING=40"],
    script: `function down(n) { return n ? 1 + down(n - 1) : 0 } probe begin { println(down(35)) println(down(60)) }`,
    printed: "35\n",
    said: `${`ERROR: MAXNESTING exceeded near identifier 'down' at <input>:1:35${" (called from identifier 'down' at <input>:1:35)".repeat(20)}`.slice(0, 518)}\n`,
    errors: 1,
  },
  {
    name: "an error in a function",
    script: "function f(n) { return n ? f(n - 1) : 1 / n } probe begin { println(f(2)) }",
    printed: "",
    said: "ERROR: division by 0 near operator '/' at <input>:1:41 (called from identifier 'f' at <input>:1:28) (called from identifier 'f' at <input>:1:28) (called from identifier 'f' at <input>:1:69) in probe begin\n",
    errors: 1,
  },
  {
    name: "error() after what was printed; begin probes that follow do not run",
    script: `probe begin { try { error("x") } catch (m) { println(m) } print("text") error("fatal") println("no") }
      probe begin(1) { println("no") } probe error(2) { println("e2") } probe error { println("e0") } probe end { println("no") }`,
    printed: "x\ntexte0\ne2\n",
    said: "ERROR: fatal near identifier 'error' at <input>:1:73 in probe begin\n",
    errors: 1,
  },
  {
    name: "an end probe that fails starts the error probes",
    script: `probe end { println("end") error("late") } probe end(1) { println("no") }
      probe error { println("error") } probe begin { exit() }`,
    printed: "end\nerror\n",
    said: "ERROR: late near identifier 'error' at <input>:1:28 in probe end\n",
    errors: 1,
  },
  {
    name: "exit() in an error probe ends the error probes",
    script: `probe begin { error("x") } probe error { println("e0") exit() println("still") }
      probe error(1) { println("no") } probe end { println("no") }`,
    printed: "e0\nstill\n",
    said: "ERROR: x near identifier 'error' at <input>:1:15 in probe begin\n",
    errors: 1,
  },
  {
    name: "widths and precisions by `*` below 0 are 0, a precision without digits is none",
    script: `probe begin { printf("[%*d][%-*s][%.*s]", -5, 1, -5, "a", -1, "b") print(sprintf("[%*d][%-*s][%.*s]", -5, 1, -5, "a", -1, "b"))
      printf("[%.s][%.d]", "abc", 5) println(sprintf("[%.s][%4.s][%.0s]", "abc", "abc", "abc")) exit() }`,
    printed: "[1][a][][1][a][][abc][5][abc][ abc][]\n",
  },
  {
    name: "a linear histogram of one value",
    script: `global s probe begin { s <<< 4 s <<< 5 s <<< 1000 print(@hist_linear(s, 5, 5, 5)) exit() }`,
    printed: `value |-------------------------------------------------- count
   <5 |@                                                  1
    5 |@                                                  1
   >5 |@                                                  1

`,
  },
  {
    name: "a line about a queue is printed as a whole or not",
    script: `probe begin { try { qsq_print("none") } catch (message) { println(message) } exit() }`,
    printed: "division by 0\n",
  },
  {
    name: "errors of registers and arguments outside of functions",
    script: `probe begin { try { println(long_arg(1)) } catch (message) { println(message) }
      try { println(register("rax")) } catch (message) { println(message) }
      try { regparm(7) } catch (message) { println(message) } exit() }`,
    printed:
      "cannot access function args in this context\n" +
      "cannot access CPU registers in this context\n" +
      "For x86_64, regparm value must be in the range 0-6.\n",
  },
  {
    name: "widths and precisions are of 32 bits with a sign",
    script: `probe begin { printf("[%2147483648d][%4294967298d][%.2147483648d][%.4294967298d]\\n", 5, 5, 5, 5) exit() }`,
    printed: "[5][ 5][5][05]\n",
  },
  {
    name: "HIST_WIDTH and HIST_ELISION",
    args: ["-DHIST_WIDTH=9", "-DHIST_ELISION=0"],
    script: `global s probe begin { s <<< 1 s <<< 90 println(sprint(@hist_linear(s, 0, 100, 10)), @hist_linear(s, 0, 100, 10)[1]) print(@hist_linear(s, 0, 100, 10)) exit() }`,
    printed: `value |--------- count
    0 |@         1
      ~
   90 |@         1

1
value |--------- count
    0 |@         1
      ~
   90 |@         1

`,
  },
  {
    name: "variance of elements, of scalars, and of one value",
    script: `global s, a, one probe begin { for (i = 1; i <= 5; i++) { s <<< i a["k"] <<< i } one <<< 7 a["one"] <<< 7
      println(@variance(s), " ", @variance(a["k"]), " ", @variance(one), " ", @variance(a["one"])) exit() }`,
    printed: "12 7 0 0\n",
  },
  {
    name: "probe_type()",
    script: `probe begin, end { println(probe_type()) } probe timer.ms(1) { exit() }`,
    printed: "begin_end\nbegin_end\n",
  },
  {
    name: "MAXERRORS lets the session go on, which fails all the same",
    args: ["-DMAXERRORS=2"],
    script: `probe begin { error("one") } probe begin(1) { println("goes on") exit() } probe end { println("end") }`,
    printed: "goes on\nend\n",
    said: "ERROR: one near identifier 'error' at <input>:1:15 in probe begin\n",
    errors: 1,
  },
  {
    name: "begin and end in their order, exit() in a begin probe",
    script: `probe end { println("e") } probe begin(1) { println("b1") } probe begin { println("b0") }
      probe begin(-1) { println("b-1") } probe end(-5) { println("e-5") } probe begin { println("b0 too") }
      probe begin(9) { println("b9") exit() println("still") } probe begin(10) { println("no") } probe error { println("no") }
      probe begin(-9223372036854775808) { println("first") } probe end(9223372036854775807) { println("last") }`,
    printed: "first\nb-1\nb0\nb0 too\nb1\nb9\nstill\ne-5\ne\nlast\n",
  },
  {
    name: "init comes before begin, oneshot exits",
    script: `probe oneshot { println("once") } probe begin(-7) { println("begin") } probe init { println("init") }`,
    printed: "init\nbegin\nonce\n",
  },
  {
    name: "abort() leaves the handler at once and cannot be caught",
    script: `probe begin { try { print("a") abort() } catch { print("no") } print("no") } probe end { println("end") }`,
    printed: "aend\n",
  },
  {
    name: "next ends a handler",
    script: `probe begin { for (;;) { println("a") next } println("no") } probe begin(1) { exit() }`,
    printed: "a\n",
  },
  {
    name: "automatic display of globals that are only written",
    script: `global x, s, a, b, st, sa, none, n = 3, read
      probe begin { x = -5 s = "it" a[1, "k"] = 2 a[2, "m"] = 7 b["z"] = "w" st <<< 3 st <<< 5 n++ read = 1
        sa["i"] <<< 1 sa["j"] <<< 9 sa["j"] <<< -2 if (read > 1) none <<< 1 exit() }`,
    printed: `x=-5
s="it"
a[2,"m"]=7
a[1,"k"]=2
b["z"]="w"
st @count=2 @min=3 @max=5 @sum=8 @avg=4
n=4
sa["j"] @count=2 @min=-2 @max=9 @sum=7 @avg=3
sa["i"] @count=1 @min=1 @max=1 @sum=1 @avg=1
none @count=0x0
`,
  },
  {
    name: "no display of globals if not wanted",
    args: ["--no-global-var-display"],
    script: "global x probe begin { x = 5 exit() }",
    printed: "",
  },
  {
    name: "-G",
    args: ["-G", "x=-7", "-G", "s=hello"],
    script: `global x = 1, s = "a", y = 0x10 probe begin { println(x, s, y) exit() }`,
    printed: "-7hello16\n",
  },
  {
    name: "-G of what the library has: arguments for a compiled script",
    args: ["-G", "argc=2", "-G", "argv_2=two"],
    script: "probe begin { println(argv[1], argv_2, argv[2], argc) exit() }",
    after: ["one"],
    printed: "onetwotwo2\n",
  },
  {
    name: "-G of arguments beyond those that there are",
    args: ["-G", "argv_1=hello", "-G", "argv_2=world"],
    script: "probe begin { println(argv[1], argv[2], argc) exit() }",
    printed: "helloworld0\n",
  },
  {
    name: "$1, @1, $# and @#",
    script: `probe begin { printf("%d %s %d %s\\n", $1 * 2, @2, $#, @#) exit() }`,
    after: ["42", "two words"],
    printed: "84 two words 2 2\n",
  },
  {
    name: "read faults",
    script: `probe begin { try { println(user_long_error(8)) } catch (m) { println(m) }
      println(user_long(8), user_string2(8, "instead")) exit() }`,
    printed: "read fault [man error::fault] at 0x8\n0instead\n",
  },
];

for (const each of CASES) {
  test(each.name, () => {
    const result = runBoth([...(each.args ?? []), "-e", each.script, ...(each.after ?? [])]);
    assert.is(result.stdout, each.printed);
    const failed = each.errors !== undefined;
    const last = failed ? "Pass 5: run failed.  [man error::pass5]\n" : "";
    assert.is(result.stderr.replace(/^WARNING:.*\n/gm, ""), (each.said ?? "") + last);
    assert.is(result.status, failed ? 1 : 0);
  });
}

test("errors are counted in the last warning", () => {
  const result = wastap([
    "-DMAXERRORS=5",
    "-e",
    `probe begin { error("a") } probe begin { error("b") exit() }
    probe begin(1) { exit() }`,
  ]);
  assert.match(result.stderr, /^WARNING: Number of errors: 2, skipped probes: 0$/m);
  assert.is(result.status, 1);
});

test("--suppress-handler-errors only counts errors", () => {
  const script = `probe begin { error("one") } probe begin(1) { println("goes on") exit() }`;
  const result = wastap(["--suppress-handler-errors", "-e", script]);
  assert.is(result.stdout, "goes on\n");
  assert.is(result.stderr, "WARNING: Number of errors: 1, skipped probes: 0\n");
  assert.is(result.status, 0);
});

test("warn() and log() go to standard error and output", () => {
  const result = wastap(["-e", `probe begin { log("told") warn("careful") exit() }`]);
  assert.is(result.stdout, "told\n");
  assert.is(result.stderr, "WARNING: careful\n");
});

test("equal errors are all told, equal warnings once", () => {
  const script = `function f() { warn("w") error("e") } probe begin { f() } probe begin { f() exit() }
    probe begin(1) { exit() }`;
  const result = wastap(["-DMAXERRORS=5", "-e", script]);
  const lines = result.stderr.split("\n").map((line) => line.replace(/ near .*/, ""));
  assert.equal(lines.slice(0, 3), ["WARNING: w", "ERROR: e", "ERROR: e"]);
});

test("a line feed that ends a warning is not doubled", () => {
  const result = wastap(["-e", `probe begin { warn("a\\n") warn("b\\n\\n") warn("c") exit() }`]);
  assert.is(result.stderr, "WARNING: a\nWARNING: b\n\nWARNING: c\n");
});

test("more buckets than a histogram may have", () => {
  const script = "global s probe begin { s <<< 1 print(@hist_linear(s, 0, 126, 1)) exit() }";
  const result = wastap(["-e", script]);
  assert.match(result.stderr, /histogram of 's': number of buckets must be between 1 and 125/);
  assert.is(result.status, 1);
});

test("-G of a global that there is not is told", () => {
  const result = wastap(["-G", "nope=7", "-e", "global x = 1 probe begin { println(x) exit() }"]);
  assert.is(result.stdout, "1\n");
  assert.match(result.stderr, /WARNING: .*'nope'/);
});

test("exit() in a begin probe: the program of -c does not run", () => {
  const script = `probe begin { println("b") exit() } probe end { println("e") }`;
  const result = wastap(["-e", script, "-c", "echo target"]);
  assert.is(result.stdout, "b\ne\n");
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
});

test("begin before the program of -c, end after it; target() is its process", () => {
  const script = `global t probe begin { t = target() println(t > 1) } probe end { println("e", t == target()) }`;
  const result = wastap(["-e", script, "-c", "echo target"]);
  assert.is(result.stdout, "1\ntarget\ne1\n");
  assert.is(result.status, 0);
});

test("an argument that was not given", () => {
  const result = wastap(["-e", "probe begin { println($3) }", "1"]);
  assert.match(result.stderr, /^parse error: command line argument out of range \[1-1\]$/m);
  assert.is(result.status, 1);
});

s.run();
