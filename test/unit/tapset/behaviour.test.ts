/** What the functions of the library do: scripts compiled and run in V8 on a made-up hit. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT, PREBUILDS } from "../../../base/root.js";
import type { CompileOptions } from "../../../base/stage.js";
import { compile } from "../../../compiler/pipeline.js";
import { toBytes } from "../../../compiler/syntax/strings.js";
import { EMPTY_HIT, type Hit } from "../../../wasm-runtime/engine/hit.js";
import { createV8Engine } from "../../../wasm-runtime/engine/v8.js";
import { formatItem } from "../../../wasm-runtime/records/format.js";

const s = suite("tapset/behaviour");
const LIBRARY_WASM = join(PREBUILDS, "library.wasm");
const available = existsSync(LIBRARY_WASM);
if (!available) process.stdout.write("skipped: library.wasm is not built\n");
const test = available ? s : s.skip;

const OPTIONS: CompileOptions = {
  guru: true,
  ordinaryUser: false,
  unoptimized: true,
  timing: false,
  monitor: false,
  args: [],
  defines: new Map(),
  globals: new Map(),
  targetPath: null,
  tapsetPath: [join(PACKAGE_ROOT, "tapsets")],
  compatible: "5.6",
  checkVersion: false,
  skipBadVariables: false,
  prologueSearching: "auto",
  suppressHandlerErrors: false,
  suppressTimeLimits: false,
  globalVariableDisplay: false,
  moduleName: "test",
  bufferMegabytes: 1,
};

const MEMORY = 0x10000n;
const memory = Buffer.alloc(256);
memory.writeBigUInt64LE(0xfedcba9876543210n, 0);
memory.write('text "quoted"\n\0', 16, "latin1");
memory.writeBigUInt64LE(77n, 64);
memory.write("a\u00e4\u20ac\u{1f600}\0", 80, "utf16le");
memory.writeUInt16LE(0xd800, 96);
for (const [index, code] of [0x61, 0xe4, 0x1f600, 0, 0x61, 0x110000].entries())
  memory.writeUInt32LE(code, 112 + 4 * index);

/** Registers hold 0x8000_0000_0000_1100 and up by DWARF number; rsp points into memory. */
const HIT: Hit = {
  ...EMPTY_HIT,
  registers: EMPTY_HIT.registers.map((_value, number) =>
    number === 7 ? MEMORY + 56n : 0x8000000000001180n + BigInt(number),
  ),
  memory: [{ address: MEMORY, bytes: memory }],
  returnAddresses: [0x401000n, 0x402000n, 0x403000n],
  places: [
    { what: "symbol", start: 0x401000n, size: 0x20n, name: "main" },
    { what: "line", start: 0x401000n, size: 0x20n, name: "program.c", line: 7 },
    { what: "module", start: 0x400000n, size: 0x3000n, name: "/bin/program" },
    { what: "buildId", start: 0x400000n, size: 0x3000n, name: "c0ffee" },
  ],
};

/** Lines that the handlers of `script` print, run in order, with ERROR and WARNING lines. */
function run(script: string, args: readonly string[] = []): string[] {
  const file = { name: "test.stp", text: toBytes(script), library: false };
  const context = { options: { ...OPTIONS, args }, warn: () => undefined };
  const { bundle, meta } = compile([file], context);
  const engine = createV8Engine(bundle, readFileSync(LIBRARY_WASM));
  engine.init();
  engine.start();
  const order = meta.probes.map(({ point }, index) => ({ point, index }));
  const rank = ({ point }: (typeof order)[number]): bigint =>
    BigInt(point.kind === "begin" ? point.order : 0);
  order.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
  for (const { index } of order)
    if (engine.state() === "running") assert.is(engine.run(index, HIT), null);
  const text = engine
    .output()
    .flatMap(({ items }) => items)
    .map((item) => {
      if (item.kind === "print") return Buffer.from(formatItem(item, meta)).toString("latin1");
      return `${item.kind.toUpperCase()}: ${Buffer.from(item.text).toString("latin1")}\n`;
    })
    .join("");
  return text.split("\n").slice(0, -1);
}

/** Lines that a begin probe with `body` prints. */
function lines(body: string): string[] {
  return run(`probe begin { ${body} }`);
}

/** Each expression printed on a line of its own gives its expected text. */
function expectAll(cases: Readonly<Record<string, string>>): void {
  const body = Object.keys(cases).map((expression) => `println(${expression})`);
  const actual = lines(body.join("\n"));
  assert.equal(
    Object.fromEntries(Object.keys(cases).map((expression, index) => [expression, actual[index]])),
    cases,
  );
}

test("context", () => {
  expectAll({
    "pid()": "100",
    "tid()": "101",
    "ppid()": "1",
    "uid()": "1000",
    "execname()": "program",
    "pp()": "begin",
    "ppfunc()": "",
    "user_mode()": "1",
    "is_return()": "0",
    "remote_id()": "-1",
    'uaddr() == register("rip")': "1",
  });
});

test("strings", () => {
  expectAll({
    'strlen("abc")': "3",
    'substr("abcdef", 2, 3)': "cde",
    'stringat("abc", 1)': "98",
    'isinstr("abc", "bc")': "1",
    'strpos("abc", "x")': "-1",
    'strtol("0x1f", 0)': "31",
    'str_replace("aXbX", "X", "--")': "a--b--",
    'text_str("a\\n\\"")': 'a\\n\\"',
    'string_quoted("a\\t")': '"a\\t"',
    'tokenize("a,b", ",") . tokenize(",") . tokenize(",")': "ab",
  });
});

test("numbers of errors have names", () => {
  expectAll({
    "errno_str(2)": "ENOENT",
    "errno_str(-33)": "EDOM",
    "errno_str(34)": "ERANGE",
    "errno_str(133)": "EHWPOISON",
    "errno_str(41)": "",
    "errno_str(0)": "",
    "errno_p(-11)": "11",
    "errno_str(134)": "",
    "errno_str(-9999)": "",
    "errno_p(1000)": "0",
    "return_str(1, -1000)": "-1000",
    "return_str(1, -2)": "-2 (ENOENT)",
    "return_str(2, 255)": "0xff",
    "return_str(3, 8)": "010",
    "return_str(1, 7)": "7",
  });
});

test("every number up to 133 has a name, but 41 and 58", () => {
  const unnamed = lines('for (i = 1; i <= 133; i++) if (errno_str(i) == "") println(i)');
  assert.equal(unnamed, ["41", "58"]);
});

test("byte order", () => {
  expectAll({
    'sprintf("%x", htons(0x1234))': "3412",
    'sprintf("%x", htonl(0x12345678))': "78563412",
    'sprintf("%x", ntohll(0x0102030405060708))': "807060504030201",
    'sprintf("%x", little_endian4(-1))': "ffffffff",
    'sprintf("%x", big_endian2(0xfffe))': "feff",
  });
});

test("registers by name, width and sign", () => {
  expectAll({
    'sprintf("%x", u_register("rax"))': "8000000000001180",
    'sprintf("%x", u_register("eax"))': "1180",
    'sprintf("%x", u_register("r15w"))': "118f",
    'sprintf("%x", u_register("dil"))': "85",
    'register("dil")': "-123",
    'register("dh")': "17",
    'register("rdi") == u_register("rdi")': "1",
  });
  assert.equal(lines('register("xyz")'), ["ERROR: Unknown register: xyz"]);
});

test("arguments come from registers, then from the stack", () => {
  expectAll({
    "int_arg(1)": String(0x1185),
    "uint_arg(6)": String(0x1189),
    'sprintf("%x", ulong_arg(3))': "8000000000001181",
    "pointer_arg(7)": "77",
  });
  assert.equal(lines("int_arg(0)"), ["ERROR: cannot access arg(0)"]);
});

test("values in memory by size and sign", () => {
  expectAll({
    'sprintf("%x", user_uint64(0x10000))': "fedcba9876543210",
    "user_int8(0x10007)": "-2",
    "user_uint8(0x10007)": "254",
    "user_short(0x10006)": "-292",
    "user_ushort(0x10006)": "65244",
    "user_int(0x10000)": String(0x76543210),
    "user_long(0)": "0",
  });
  assert.equal(lines("println(user_int_error(0))"), [
    "ERROR: read fault [man error::fault] at 0x0",
  ]);
  assert.equal(lines("println(user_int_warn(16))"), [
    "WARNING: user int copy fault 0x10 [man error::fault]",
    "0",
  ]);
});

test("strings in memory", () => {
  const fault = "user string copy fault -14 at 0x10 [man error::fault]";
  expectAll({
    "user_string_n(0x10010, 4)": "text",
    "user_string_quoted(0x10010)": '"text \\"quoted\\"\\n"',
    'user_string(16, "none")': "none",
    "user_string_nofault(16)": "",
    "user_string_quoted(16)": "0x10",
    "user_string_n_quoted(16, 4, 10)": "0x10",
    "user_buffer_quoted(16, 3, 100)": "0x10",
    "user_buffer_quoted(16, 3, 4)": "0x1",
  });
  assert.equal(lines("println(user_string(16))"), [`ERROR: ${fault}`]);
  assert.equal(lines('println(user_string_warn(16, "none"))'), [`WARNING: ${fault}`, "none"]);
});

test("buffers are quoted with their NULs", () => {
  const fault = "Unable to access user space data at 0x100fe";
  expectAll({
    "user_buffer_quoted(0x1001c, 3, 100)": '"\\"\\n\\0"',
    "user_buffer_quoted(0x1001c, 20, 10)": '"\\"\\n\\0"',
    "user_buffer_quoted(0x10010, 14, 10)": '"text "...',
    "user_buffer_quoted(0x10010, 14, 1)": '""...',
    "user_buffer_quoted(0x10010, 0, 10)": '"text "...',
    "user_buffer_quoted(0x10010, 4, 0)": "",
    "user_buffer_quoted(0x100fe, 2, 20)": '"\\0\\0"',
    "user_buffer_quoted(0x100fe, 3, 20)": "0x100fe",
    "user_buffer_quoted(0x100fe, 3, 7)": '"\\0"',
  });
  assert.equal(lines("println(user_buffer_quoted_error(0x100fe, 3, 20))"), [`ERROR: ${fault}`]);
});

test("at most some bytes of a string", () => {
  expectAll({
    "user_string_n(0x10010, 0)": "",
    "user_string_n(0x10010, -1)": "",
    'user_string_n(16, 4, "none")': "none",
    "user_string_n_quoted(0x10010, 4)": '"text"',
    "user_string_n_quoted(0x10010, -1)": '"text \\"quoted\\"\\n"',
    "user_string_n_quoted(0x10010, 4, 8)": '"text"',
    "user_string_n_quoted(0x10010, 4, 7)": '"te"...',
  });
});

test("strings of wider characters", () => {
  const fault = "user string copy fault at 0x10 [man error::fault]";
  expectAll({
    'user_string_utf16(0x10050) == "a\\303\\244\\342\\202\\254\\360\\237\\230\\200"': "1",
    'user_string_utf32(0x10070) == "a\\303\\244\\360\\237\\230\\200"': "1",
    "user_string_quoted_utf16(0x10050)": '"a\\u00E4\\u20AC\\U0001F600"',
    "user_string_quoted_utf32(16)": "0x10",
    'user_string_utf16(0x10060, "none")': "none",
    'user_string2_utf32(16, "none")': "none",
  });
  assert.equal(lines("println(user_string_utf16(16))"), [`ERROR: ${fault}`]);
  assert.equal(lines("println(user_string_utf16(0x10060))"), [
    "ERROR: invalid UTF-16 character U+D800 at 0x10060",
  ]);
  assert.equal(lines("println(user_string_utf32(0x10080))"), [
    "ERROR: invalid UTF-32 character U+110000 at 0x10084",
  ]);
});

test("call chains", () => {
  const chain = "0x401000 0x402000 0x403000";
  expectAll({
    "ubacktrace()": `${chain} `,
    "ucallers(-1)": chain,
    "ucallers(1)": "0x401000 0x402000",
    'sprintf("%x", ustack(2))': "403000",
    "sprint_usyms(ucallers(0))": " 0x401000 : main+0x0/0x20 [/bin/program]",
  });
  expectAll({
    "probefunc()": "0x8000000000001190",
    "usymname(0x401010)": "main",
    "usymname(0x401020)": "0x401020",
    "usymdata(0x401010)": "main+0x10/0x20 [/bin/program]",
    "usymdata(0x402000)": "0x402000 [/bin/program+0x2000/0x3000]",
    "usymdata(0)": "0x0",
    "usymfileline(0x401010)": "program.c:7",
    "usymfile(0x401010)": "program.c",
    "usymline(0x401010)": "7",
    "usymline(0x402000)": "0x402000",
    "umodname(0x402000)": "/bin/program",
    "umodbuildid(0x402000)": "c0ffee",
    "umodaddr(0x402000)": "8192",
    'tokenize(sprint_ubacktrace(), "\\n")': "main+0x0 [program]",
  });
  const end = "ERROR: reached end of stack before unwinding to level";
  assert.equal(lines("ustack(3)"), [`${end} 3`]);
  assert.equal(lines("println(ucallers(7))"), [`${end} 7`]);
  assert.equal(lines("umodname(1)"), ["ERROR: module cannot be found"]);
  assert.equal(lines("umodaddr(1)"), ["ERROR: umodaddr 0x1 unknown"]);
  assert.equal(lines("print_ubacktrace_brief()"), ["main+0x0", "0x402000", "0x403000"]);
  assert.is(
    lines("print_ubacktrace_fileline()")[0],
    " 0x401000 : main+0x0/0x20 at program.c:7 [/bin/program]",
  );
  assert.is(
    lines("print_ubacktrace(0x401008, 1, 2)")[0],
    " 0x401008 : main+0x8/0x20 [/bin/program]",
  );
  assert.equal(lines("print_ubacktrace()"), [
    " 0x401000 : main+0x0/0x20 [/bin/program]",
    " 0x402000 [/bin/program+0x2000/0x3000]",
    " 0x403000",
  ]);
});

test("a dump of the registers", () => {
  const [first, second, ...others] = lines("print_regs()");
  assert.is(first, "RIP: 8000000000001190");
  assert.is(second, "RSP: 0000000000010038  EFLAGS: 8000000000001191");
  assert.is(others[0], "RAX: 8000000000001180 RBX: 8000000000001183 RCX: 8000000000001182");
  assert.is(others.length, 5);
});

test("a delay ends, even with a clock that stands still", () => {
  assert.equal(lines("udelay(2) mdelay(0) udelay(-5) println(1)"), ["1"]);
});

test("indentation is equal on entry and return", () => {
  const body = "println(thread_indent(1), 1) println(thread_indent(1), 2)";
  assert.equal(lines(`${body} println(thread_indent(-1), 3) println(thread_indent(-1), 4)`), [
    "     0 program(101):1",
    "     0 program(101): 2",
    "     0 program(101): 3",
    "     0 program(101):4",
  ]);
  assert.equal(lines("println(indent(1)) println(indent_depth(1)) println(indent_depth(-1))"), [
    "     0 :",
    "1",
    "1",
  ]);
});

test("a script may give its own clock to the indentation", () => {
  const clock = "global now function __indent_timestamp:long () { return now += 5 }";
  assert.equal(run(`${clock} probe begin { indent(1) println(indent(1)) }`), ["     5 : "]);
});

test("variables of library functions are not the script's globals", () => {
  const script = `global n = 5, text = "mine"
    probe begin { print_ubacktrace() println(sprint_ubacktrace() != "", " ", n, " ", text) }`;
  assert.is(run(script).at(-1), "1 5 mine");
});

test("messages and assertions", () => {
  assert.equal(lines('log("a") warn("b") error("c") log("d")'), ["a", "WARNING: b", "ERROR: c"]);
  assert.equal(lines("assert(1) assert(0)"), ["ERROR: Assertion failed"]);
  assert.equal(lines('try { assert(0, "text") } catch (e) { println(e) }'), ["text"]);
});

test("init runs first, with the arguments of the script in place", () => {
  const script = `
    probe begin(-5) { println(argc, argv[1], argv[2], [3] in argv) }
    probe init { println("init") }`;
  assert.equal(run(script, ["x", "y"]), ["init", "2xy1"]);
});

test("speculative output is printed or forgotten", () => {
  const body = `
    a = speculation() b = speculation()
    speculate(a, "one ") speculate(b, "lost ") speculate(a, "two\\n")
    discard(b) commit(a) commit(a) commit(b)`;
  assert.equal(lines(body), ["one two"]);
});

test("queues", () => {
  const clock = "global now function qs_time:long () { return now }";
  const body = `
    qsq_start("q")
    qs_wait("q") now += 10 qs_run("q") now += 30 qs_done("q") now += 60
    println(qsq_utilization("q", 100), " ", qsq_blocked("q", 100), " ", qsq_service_time("q", 1))
    println(qsq_wait_time("q", 1), " ", qsq_wait_queue_length("q", 100), " ",
      qsq_throughput("q", 1000))`;
  assert.equal(run(`${clock} probe begin { ${body} }`), ["30 10 30", "40 10 10"]);
});

test("stopwatches", () => {
  assert.equal(
    lines(`start_stopwatch("w") start_stopwatch("w") println(read_stopwatch_ns("w"))
      stop_stopwatch("w") println(read_stopwatch_s("w")) delete_stopwatch("w")`),
    ["0", "0"],
  );
});

test("dates", () => {
  expectAll({
    "ctime(0)": "Thu Jan  1 00:00:00 1970",
    "ctime()": "Tue Nov 14 22:13:20 2023",
    "gettimeofday_s()": "1700000000",
    "gettimeofday_us() - gettimeofday_ms() * 1000": "456",
  });
});

test("macros", () => {
  const script = `
    global s, a
    probe begin {
      @this1 = 5 @this2 = 0 println(@this1, @this2)
      @try_assign(x, user_int_error(0), 7) println(x)
      println(@choose_defined($nothing, 8))
      s <<< 1 s <<< 3 @prints(s)
      a["x", 1] <<< 2 @prints2(a)
      println(@MAXSTRINGLEN)
    }`;
  assert.equal(run(script), [
    "50",
    "7",
    "8",
    "@count=2 @min=1 @max=3 @sum=4 @avg=2",
    "[x,1] @count=1 @min=2 @max=2 @sum=2 @avg=2",
    "512",
  ]);
});

test("control sequences", () => {
  assert.equal(
    lines("ansi_set_color(31) ansi_set_color2(31, 40) ansi_reset_color() ansi_new_line()"),
    ["\x1b[31m\x1b[40;31m\x1b[0;0m"],
  );
});

test("oneshot ends the session", () => {
  assert.equal(run("probe oneshot { println(1) } probe begin(1) { println(2) }"), ["1"]);
});

s.run();
