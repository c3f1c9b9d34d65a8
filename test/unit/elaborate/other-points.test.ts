/** Points about processes, system calls, stubs, data, samples and files: verdicts, places, variables. */
import { realpathSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CompileOptions } from "../../../base/stage.js";
import { analyzeGood, analyzeText, analyzeToTranslate } from "../types/support.js";

const s = suite("elaborate/other-points");

/** Points that SystemTap accepts in pass 2. */
const ACCEPTED: readonly string[] = [
  'process("/nonexistent").begin',
  'process("/nonexistent").thread.end',
  'process("/nonexistent*").end',
  'process("nonexistent").syscall',
  "process.syscall",
  "process.syscall.return",
  "process(1).syscall",
  'process("/bin/sh").*',
  "process(1).statement(0x1234).absolute",
  "process(1).statement(0x1234).absolute.return",
  "process.data(0x1234).write",
  "process.data(0x1234).rw",
  'process.data("counter").write',
  'process.data("counter").length(4).rw',
  "timer.profile",
  "timer.profile.tick",
  "timer.profile.freq",
  "timer.profile.freq.hz(100)",
  "timer.profile.freq.hz(0)",
  "timer.*",
  "procfs.read",
  'procfs("a/b").read.maxsize(10)',
  'procfs("a").umask(0600).write',
  "procfs.*",
  "input.char",
  "input.line",
  "input.*",
  "prometheus",
  "perf.type(0).config(0)",
  "perf.type(-1).config(-1)",
  "perf.type(0).config(0).hz(0)",
  'perf.type(0).config(0).process("/bin/sh")',
  'perf.type(0).config(0).process("/bin/sh").counter("c")',
  "perf.hw.cpu_cycles",
  "perf.sw.*",
  'netfilter.hook("NF_INET_LOCAL_IN").pf("NFPROTO_IPV4")',
  'netfilter.pf("NFPROTO_ARP").hook("NF_ARP_IN")',
  'netfilter.hook("NF_IP_FORWARD").pf("NFPROTO_IPV4").priority("NF_IP_PRI_LAST")',
  'netfilter.hook("NF_IP6_LOCAL_IN").pf("NFPROTO_IPV6").priority("-3")',
];

for (const point of ACCEPTED) {
  s(`accepts ${point}`, () => {
    assert.equal(analyzeText(`probe ${point} { println(1) }`).errors, []);
  });
}

/** Point → cause of its refusal, in SystemTap's words. */
const REFUSED: readonly (readonly [point: string, reason: string | RegExp])[] = [
  ["process(0).begin", "cannot probe pid 0: Invalid pid"],
  ["process(-1).syscall", "cannot probe pid -1: Invalid pid"],
  ["process(99999999).begin", "cannot probe pid 99999999: No such process"],
  ['process("/nonexistent*/x").function("main")', "glob /nonexistent*/x error (3)"],
  ['process("/nonexistent*/x").mark("main")', "glob /nonexistent*/x error (3)"],

  ['process("/nonexistent").function("main")', "cannot find executable '/nonexistent'"],
  [
    "process.plt",
    "unspecified process probe is invalid without a -c COMMAND or -x PID [man stapprobes]",
  ],
  ['process("/bin/sh").data(0x10).write', /^probe point mismatch/],
  ["process.statement(0x1234).absolute", /^probe point mismatch/],
  ["process.data(0x1234).length(9).write", "cannot watch 9 bytes (1 to 8 are possible)"],
  ["perf.type(0).config(0).sample(0)", "invalid perf sample period 0"],
  ["perf.type(0).config(0).process", "unspecified process probe is invalid without a -c COMMAND"],
  ["perf.type(0)", /^probe point truncated/],
  ['procfs("/a").read', "procfs path cannot start with a '/'"],
  ['procfs("a/").read', "procfs path cannot end with a '/'"],
  ['procfs("a//b").read', "procfs path component cannot be empty"],
  ['procfs("../a").read', "procfs path cannot be relative (and contain '.' or '..')"],
  ['procfs("a").read.maxsize(0)', "maxsize must be greater than 0"],
  ["procfs", /^probe point truncated/],
  [
    'netfilter.hook("x").pf("PF_INET")',
    'unsupported netfilter protocol family "PF_INET"; need stap -g',
  ],
  [
    'netfilter.hook("NF_ARP_IN").pf("NFPROTO_IPV4")',
    'unsupported netfilter hook "NF_ARP_IN" for protocol family "2"; need stap -g',
  ],
];

for (const [point, expected] of REFUSED) {
  s(`refuses ${point}`, () => {
    const message = analyzeText(`probe ${point} { println(1) }`).errors[0]?.notes[0]?.message ?? "";
    if (typeof expected === "string") assert.is(message, expected);
    else assert.match(message, expected);
  });
}

/** Body of a probe at a point → message, null if it is good. */
const VARIABLES: readonly (readonly [point: string, body: string, message: string | null])[] = [
  ["process.syscall", "println($syscall, $arg1, $arg6, $$parms)", null],
  ["process.syscall.return", "println($syscall, $return)", null],
  ["process.syscall", "println($arg7)", "invalid syscall argument number (1-6)"],
  [
    "process.syscall",
    "println($return)",
    'only "process(PATH_OR_PID).syscall.return" support $return.',
  ],
  [
    "process.syscall.return",
    "println($arg1)",
    'only "process(PATH_OR_PID).syscall" support $argN or $$parms.',
  ],
  [
    "process.syscall",
    "println($$vars)",
    "invalid target symbol for utrace probe, $syscall, $return, $argN or $$parms expected",
  ],
  [
    "process.syscall",
    "println($arg1->x)",
    "utrace variable '$arg1' may not be used as a structure",
  ],
  ["process.syscall", "println($arg1[0])", "utrace variable '$arg1' may not be used as an array"],
  ["process.syscall", "println($arg1$)", "utrace variable '$arg1' may not be pretty-printed"],
  ["process.syscall", 'println(@var("x"))', "unresolved @var() expression"],
  ["process.begin", 'println(@var("x"))', "unresolved @var() expression"],
  ['procfs("a").read', '$value = "x" $value .= "y"', null],
  [
    'procfs("a").read',
    "println($value)",
    "procfs $value variable cannot be read in a procfs read probe",
  ],
  ['procfs("a").write', "println($value)", null],
  [
    'procfs("a").write',
    '$value = "x"',
    "procfs $value variable is read-only in a procfs write probe",
  ],
  ['procfs("a").write', "println($foo)", "invalid target symbol for procfs probe, $value expected"],
  ['netfilter.hook("NF_ARP_IN").pf("NFPROTO_ARP")', "println($skb, $in, $hooknum)", null],
  [
    'netfilter.hook("NF_ARP_IN").pf("NFPROTO_ARP")',
    "$verdict = 1",
    "write to netfilter verdict requires guru mode; need stap -g",
  ],
  ["timer.profile", "println($x)", "unresolved target-symbol expression"],
];

for (const [point, body, expected] of VARIABLES) {
  s(`${point} { ${body} }`, () => {
    const { errors } = analyzeText(`probe ${point} { ${body} }`);
    assert.is(errors[0]?.message ?? null, expected);
  });
}

/** What of `point` there is at run time, the first if there are several. */
function placeOf(point: string, options: Partial<CompileOptions> = {}): unknown {
  return analyzeGood(`probe ${point} { println(1) }`, options).probes[0]?.point;
}

s("what cannot be run is refused when it is translated", () => {
  const { errors } = analyzeToTranslate(
    'probe netfilter.hook("NF_ARP_IN").pf("NFPROTO_ARP") { println(1) }',
  );
  assert.match(
    errors[0]?.message ?? "",
    /^not supported yet: probe point 'netfilter.* in the kernel\)$/,
  );
});

s("samples have the period that is asked for", () => {
  assert.equal(placeOf("timer.profile"), { kind: "profile", intervalNs: 1_000_000, path: null });
  assert.equal(placeOf("timer.profile.freq.hz(50)"), {
    kind: "profile",
    intervalNs: 20_000_000,
    path: null,
  });
});

const CLOCK = {
  kind: "perf",
  type: 1,
  config: "0",
  sample: 1_000_000,
  isFrequency: false,
  path: null,
};

s("events have the period or the frequency that is asked for", () => {
  assert.equal(placeOf("perf.sw.cpu_clock"), CLOCK);
  assert.equal(placeOf("perf.type(1).config(0).hz(0)"), CLOCK);
  assert.equal(placeOf("perf.sw.cpu_clock.sample(2000)"), { ...CLOCK, sample: 2000 });
  const often = { ...CLOCK, sample: 97, isFrequency: true };
  assert.equal(placeOf("perf.sw.cpu_clock.hz(97)"), often);
  const raw = { ...CLOCK, type: 0xffffffff, config: "18446744073709551614" };
  assert.equal(placeOf("perf.type(-1).config(-2)"), raw);
});

s("events are those of a program where one is named", () => {
  const path = realpathSync("/bin/sh");
  assert.equal(placeOf(`perf.sw.cpu_clock.process("${path}")`), { ...CLOCK, path });
  const targetPath = "/bin/true";
  assert.equal(placeOf("perf.sw.cpu_clock.process", { targetPath }), {
    ...CLOCK,
    path: targetPath,
  });
});

const SHELL = realpathSync("/bin/sh");
const COUNTER = `probe perf.sw.page_faults.process("${SHELL}").counter("c") { }`;
const READER = `probe process("${SHELL}").plt("malloc")`;

/** Script → messages of pass 2. */
const COUNTERS: readonly (readonly [script: string, ...messages: string[]])[] = [
  [COUNTER],
  [`${COUNTER} ${READER} { println(@perf("c") + 1) }`],
  [`probe perf.type(1).config(2).counter("c") {} ${READER} { println(@perf("c")) }`],
  [`global s ${COUNTER} ${READER} { s <<< @perf("c") } probe end { println(@count(s)) }`],
  [`${COUNTER} probe begin, timer.s(1) { println(@perf("c"), @perf("none")) }`],
  [`${COUNTER} ${COUNTER}`, "while resolving probe point"],
  [`${COUNTER} ${READER} { println(@perf("d")) }`, "perf counter 'd' not defined"],
  [`${READER} { println(@perf("c")) } ${COUNTER}`, "perf counter 'c' not defined"],
  [
    `probe perf.type(1).config(2).process("/nonexistent").counter("c") {} ${READER} { println(@perf("c")) }`,
    "perf counter 'c' not defined",
  ],
  [`function f() { return @perf("c") } ${COUNTER} ${READER} { println(f()) }`, "unresolved type "],
];

for (const [script, ...messages] of COUNTERS) {
  s(`counters: ${script}`, () => {
    const { errors } = analyzeText(script);
    assert.equal(
      errors.map(({ message }) => message),
      messages,
    );
  });
}

s("reading a counter that threads do not keep is refused when it is translated", () => {
  const errorsOf = (counter: string): string[] => {
    const script = `${counter} ${READER} { println(@perf("c")) }`;
    return analyzeToTranslate(script).errors.map(({ message }) => message);
  };
  assert.equal(errorsOf('probe perf.sw.page_faults.counter("c") {}'), []);
  const [refused, ...others] = errorsOf('probe perf.sw.cpu_migrations.counter("c") {}');
  assert.match(refused ?? "", /^not supported yet: @perf of type 1, config 4 /);
  assert.equal(others, []);
});

s("events are shown with what is sampled, as SystemTap shows them", () => {
  const nameOf = (point: string): string | undefined =>
    analyzeGood(`probe ${point} { println(1) }`).probes[0]?.name;
  assert.is(nameOf("perf.sw.page_faults"), "perf.type(1).config(2).sample(1000000)");
  assert.is(nameOf("perf.sw.page_faults.hz(7)"), "perf.type(1).config(2).sample(7)");
  assert.is(
    nameOf('perf.sw.page_faults.process("/nonexistent")'),
    'perf.type(1).config(2).sample(1000000).process("/nonexistent")',
  );
});

s("watched data is one byte where nothing is said", () => {
  assert.equal(placeOf("process.data(0x40).length(3).rw"), {
    kind: "watch",
    symbol: null,
    address: 0x40,
    bytes: 4,
    access: "read and write",
  });
  assert.equal(placeOf('process.data("counter").write'), {
    kind: "watch",
    symbol: "counter",
    address: 0,
    bytes: null,
    access: "write",
  });
});

s("a program that does not exist is named as it is written", () => {
  assert.equal(placeOf('process("/nonexistent").syscall'), {
    kind: "syscall",
    isReturn: false,
    path: "/nonexistent",
    pid: 0,
  });
});

s.run();
