/** Names of what lies at addresses: symbols, modules, source lines; in all processes, to the end. */
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileInto, emptyDirectory } from "../support/dwarf-programs.js";
import { mappingNames } from "../support/process.js";
import {
  buildProgram,
  cannotTrace,
  type Running,
  start,
  startWastap,
  wastap,
} from "../support/tools.js";

const s = suite("run/symbols");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const directory = emptyDirectory("symbols");

function compile(source: string, ...flags: readonly string[]): string {
  const name = source.replace(/\..*/, "");
  return compileInto(directory, name, { source, compiler: "gcc", flags: ["-O2", "-g", ...flags] });
}

/** What `body` prints at the entry of function `name` of `program`. */
function printed(program: string, name: string, body: string): string[] {
  const script = `probe process("${program}").function("${name}") { ${body} }`;
  const result = wastap(["-e", script, "-c", program]);
  assert.is(result.stderr, "");
  return result.stdout.trimEnd().split("\n");
}

function expectLines(lines: readonly string[], patterns: readonly RegExp[]): void {
  for (const [index, pattern] of patterns.entries()) assert.match(lines[index] ?? "", pattern);
}

test("the forms of a backtrace", () => {
  const program = compile("chains.c", "-pthread");
  const source = "at \\S*/chains\\.c:\\d+";
  const show = (body: string): string[] => printed(program, "busy", body);
  expectLines(show("print_ubacktrace()"), [
    new RegExp(`^ 0x[0-9a-f]+ : busy\\+0x0/0x[0-9a-f]+ \\[${program}\\]$`),
    new RegExp(`^ 0x[0-9a-f]+ : main\\+0x[0-9a-f]+/0x[0-9a-f]+ \\[${program}\\]$`),
    /^ 0x[0-9a-f]+ .*\[\/.*libc.*\]$/,
  ]);
  expectLines(show("print_ubacktrace_fileline()"), [
    new RegExp(`^ 0x[0-9a-f]+ : busy\\+0x0/0x[0-9a-f]+ ${source} \\[${program}\\]$`),
    new RegExp(`^ 0x[0-9a-f]+ : main\\+0x[0-9a-f]+/0x[0-9a-f]+ ${source} \\[${program}\\]$`),
  ]);
  expectLines(show("print_ubacktrace_brief()"), [/^busy\+0x0$/, /^main\+0x[0-9a-f]+$/]);
  expectLines(show("print(sprint_ubacktrace())"), [
    /^busy\+0x0 \[chains\]$/,
    /^main\+0x\S+ \[chains\]$/,
  ]);
  const [from = "", again = ""] = show(
    'printf("%s\\n%s\\n", ucallers(1), tokenize(ubacktrace(), " "))',
  );
  assert.ok(from.startsWith(`${again} 0x`));
  const caller = show('print_ubacktrace(ustack(1), register("rsp") + 8, register("rbp"))');
  expectLines(caller, [/^ 0x[0-9a-f]+ : main\+/, /libc/]);
});

test("names of addresses", () => {
  const program = compile("chains.c", "-pthread");
  const lines = printed(
    program,
    "busy",
    `printf("%s %s %s\\n", usymname(ustack(0)), probefunc(), usymname(ustack(1)))
    printf("%s\\n%s\\n", usymdata(uaddr()), usymdata(uaddr() - umodaddr(uaddr())))
    printf("%s %s\\n", usymfileline(uaddr()), usymline(uaddr()))
    printf("%s %d %d\\n", umodname(uaddr()), strlen(umodbuildid(uaddr())), umodaddr(uaddr()) > 0)
    printf("%s %s\\n", usymname(1), usymfile(1))
    try { umodname(1) } catch (e) { println(e) }
    try { ustack(19) } catch (e) { println(e) }`,
  );
  expectLines(lines, [
    /^busy busy main$/,
    new RegExp(`^busy\\+0x0/0x[0-9a-f]+ \\[${program}\\]$`),
    new RegExp(`^0x[0-9a-f]+ \\[${program}\\+0x0/0x[0-9a-f]+\\]$`),
    /chains\.c:(\d+) \1$/,
    new RegExp(`^${program} 40 1$`),
    /^0x1 0x1$/,
    /^module cannot be found$/,
    /^reached end of stack before unwinding to level 19$/,
  ]);
});

test("a system call has the backtrace of who made it, and the modules of its process", () => {
  const program = buildProgram("watched", ["-g"]);
  const script = `probe process("${program}").syscall {
    if ($syscall != 231) next
    print_ubacktrace()
    println(@var("counter@watched.c", "${program}"))
  }`;
  const { stdout } = wastap(["-c", program, "-e", script]);
  assert.match(stdout, /: _exit\+0x.*\n.*: main\+0x.*watched-.*\]\n/);
  assert.match(stdout, /^125\n/m);
});

test("outside of user code there is no backtrace", () => {
  const script = `probe begin {
    print_ubacktrace()
    printf("[%s] %d\\n%s", ubacktrace(), uaddr(), sprint_ubacktrace())
    println(usymname(0x1234), probefunc())
    exit()
  }`;
  const none = "<no user backtrace at begin>\n";
  assert.is(wastap(["-e", script]).stdout, `${none}[] 0\n${none}0x12340x0\n`);
});

test("MAXBACKTRACE bounds the chain", () => {
  const program = compile("chains.c", "-pthread");
  const script = `probe process("${program}").function("busy") { println(ubacktrace()) }`;
  const result = wastap(["-DMAXBACKTRACE=2", "-e", script, "-c", program]);
  assert.match(result.stdout, /^0x[0-9a-f]+ 0x[0-9a-f]+ \n$/);
});

test("forked and executed processes, and libraries opened later", async () => {
  const library = compile("opened.c", "-shared", "-fPIC");
  const program = compile("opener.c");
  const script = `probe process("${program}").function("leaf") {
    chain = sprint_ubacktrace()
    if (ulong_arg(1) == 3 || in_child()) printf("%s\\n", chain)
    if (isinstr(chain, "through+")) { printf("%sin %d\\n", chain, pid()) exit() }
  }
  function in_child() { return isinstr(sprint_ubacktrace(), "in_child") }`;
  const tap = startWastap(["-e", script, "-c", `${program} ${library}`]);
  const opened = await tap.until(/in (\d+)\n/);
  process.kill(Number(opened.slice(3)), "SIGTERM");
  const { stdout } = await tap.finished();
  assert.match(stdout, /^leaf\+0x0 \[opener\]\nin_child\+\S+ \[opener\]\nmain\+\S+ \[opener\]\n/);
  assert.match(stdout, /\nleaf\+0x0 \[opener\]\nmain\+\S+ \[opener\]\n/);
  assert.match(stdout, /\nleaf\+0x0 \[opener\]\nthrough\+\S+ \[opened\]\nmain\+\S+ \[opener\]\n/);
});

test("a compiled bundle makes its tables where it runs", () => {
  const program = compile("chains.c", "-pthread");
  const script = `probe process("${program}").function("busy") { println(usymname(ustack(1))) }`;
  assert.is(wastap(["-p4", "-m", "names", "-e", script], { cwd: directory }).status, 0);
  const result = wastap([join(directory, "names.wasm"), "-c", program]);
  assert.is(result.stdout, "main\n", result.stderr);
});

/** Names of mappings that `target` has now and had not in `before`. */
function added(target: Running, before: readonly string[]): string[] {
  return mappingNames(target.pid).filter((name) => !before.includes(name));
}

test("nothing stays mapped, nor after kill -9 and another session", async () => {
  const program = buildProgram("hot");
  const target = start(program, ["2"]);
  await target.until(/ready/);
  const before = mappingNames(target.pid);
  const script = `global n
    probe process("${program}").function("halve") { if (n++ == 0) println(usymdata(ustack(1))) }`;
  const startTap = (): Running => startWastap(["-e", script, "-x", String(target.pid)]);
  const first = startTap();
  await first.until(/run\+/);
  first.child.kill("SIGINT");
  assert.is((await first.finished()).status, 0);
  assert.equal(added(target, before), []);
  const killed = startTap();
  await killed.until(/run\+/);
  killed.child.kill("SIGKILL");
  await killed.finished();
  const last = startTap();
  await last.until(/run\+/);
  last.child.kill("SIGINT");
  await last.finished();
  assert.equal(added(target, before), []);
  target.child.kill("SIGTERM");
  assert.not.match((await target.finished()).stdout, /WRONG/);
});

s.run();
