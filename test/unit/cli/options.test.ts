/** The command line: what is accepted, and what is said of the rest (compared with stap 4.8). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UsageError } from "../../../cli/getopt.js";
import { parseOptions } from "../../../cli/parse-options.js";
import { readOptionsFile, shellWords } from "../../../cli/rc-file.js";

const s = suite("cli/options");

function refusal(...argv: readonly string[]): UsageError {
  try {
    parseOptions(argv);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  return assert.unreachable(`accepted: ${argv.join(" ")}`) as never;
}

/** Command line → message; those that point at --help end in `*`. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["", "A script must be specified.*"],
  ["-e a -e b", "Only one script can be given on the command line."],
  ["-i -l begin", "Cannot specify -i with -l/-L/--dump-* switches.*"],
  ["--interactive --dump-functions", "Cannot specify -i with -l/-L/--dump-* switches.*"],
  ["-i -", "ERROR: with -i, standard input has commands and not the script"],
  ["-i x.wasm", "ERROR: -i builds scripts; a bundle is run without it"],
  ["-i -c a -x 1", "You can't specify -c and -x together.*"],
  ["-p 7 -e x", "Invalid pass number (should be 1-5)."],
  ["-px -e x", "Invalid pass number (should be 1-5)."],
  [
    "-G 1x=3 -e x",
    "ERROR: Safety pattern mismatch for -G parameter ('1x=3' vs. '^[a-z_][a-z0-9_]*=[a-z0-9_.-]+$') rc=1",
  ],
  [
    "-D 1-2 -e x",
    "ERROR: Safety pattern mismatch for -D parameter ('1-2' vs. '^[a-z_][a-z_0-9]*(=-?[a-z_0-9]+)?$') rc=1",
  ],
  ["-s 0 -e x", "Invalid buffer size (should be 1-4095)."],
  ["-s 5000 -e x", "Invalid buffer size (should be 1-4095)."],
  ["-T 0 -e x", "Invalid timeout interval."],
  ["-T abc -e x", "Invalid timeout interval."],
  ["-T 0.0005 -e x", "Invalid timeout interval."],
  ["-x abc -e x", "Invalid target process ID number."],
  ["-x 0 -e x", "Invalid target process ID number."],
  ["--frob", "wastap: unrecognized option '--frob'*"],
  ["-Z", "wastap: invalid option -- 'Z'*"],
  ["-c", "wastap: option requires an argument -- 'c'*"],
  ["-vp", "wastap: option requires an argument -- 'p'*"],
  ["--tmpdir", "wastap: option '--tmpdir' requires an argument*"],
  ["--help=x", "wastap: option '--help' doesn't allow an argument*"],
  [
    "--dump-probe",
    "wastap: option '--dump-probe' is ambiguous; possibilities: '--dump-probe-types' '--dump-probe-aliases'*",
  ],
  ["--vp 00020x -e x", "Invalid --vp argument: it takes 1 to 5 digits."],
  ["--vp 123456 -e x", "Invalid --vp argument: it takes 1 to 5 digits."],
  ["--color=foo -e x", "Invalid argument 'foo' for --color."],
  ["--prologue-searching=foo", "Invalid argument 'foo' for --prologue-searching."],
  ["--privilege=foo -e x", "Invalid argument 'foo' for --privilege."],
  [
    "--compatible=99 -e x",
    "ERROR: systemtap version 5.6 cannot be compatible with future version 99",
  ],
  [
    "--compatible=abc -e x",
    "ERROR: systemtap version 5.6 cannot be compatible with future version abc",
  ],
  [
    "-m a.b -e x",
    "ERROR: Safety pattern mismatch for -m parameter ('a.b' vs. '^[a-z0-9_]+$') rc=1",
  ],
  [
    "-S abc -e x",
    "ERROR: Safety pattern mismatch for -S parameter ('abc' vs. '^[0-9]+(,[0-9]+)?$') rc=1",
  ],
  ["-S 1 -e x", "You have to specify output FILE with '-S' option.*"],
  ["-c ls -x 1 -e x", "You can't specify -c and -x together.*"],
  ["-l a -e b", "Cannot specify a script with -l/-L/--dump-* switches.*"],
  ["-l a -p2", "Cannot specify -p with -l/-L/--dump-* switches.*"],
  ["-l a -L b", "ERROR: only one of the -l/-L/--dump-* switches may be specified"],
  ["--dump-functions -l a", "ERROR: only one of the -l/-L/--dump-* switches may be specified"],
  ["--monitor=abc -e x", "Invalid monitor interval."],
  ["--suppress-time-limits -e x", "ERROR --suppress-time-limits requires guru mode (-g)"],
  ["--runtime=foo -e x", "ERROR: foo is an invalid argument for --runtime"],
  ["--bpf -e x", "ERROR: --runtime=bpf unavailable; wastap runs in the traced process"],
  ["--target-namespaces=abc -e x", "Invalid process ID number for target namespaces."],
  [
    "--target-namespaces=2147483647 -e x",
    "ERROR: cannot look at the namespaces of process 2147483647: no such process",
  ],
  ["--rlimit-as=abc -e x", "Unable to convert rlimit-as resource limit 'abc'."],
  ["--sysroot=/nowhere -e x", "ERROR: /nowhere is an invalid directory for --sysroot"],
  ["--sysroot= -e x", "ERROR:  is an invalid directory for --sysroot"],
  ["--rlimit-as= -e x", "An --rlimit-as option value must be specified."],
  ["-a= -e x", "ERROR: Safety pattern mismatch for -a parameter ('=' vs. '^[a-z0-9_-]+$') rc=1"],
  ["--sysenv=A=b -e x", "ERROR: --sysenv must follow --sysroot"],
  ["--sysroot=/ --sysenv=A -e x", "ERROR: A is an invalid argument for --sysenv"],
  ["--sysroot=/ --sysroot=/usr -e x", "ERROR: multiple --sysroot options not supported"],
  [
    "--download-debuginfo=foo -e x",
    "ERROR: foo is not a valid value. Use 'yes', 'no', 'ask' or a timeout value.",
  ],
  [
    "--tmpdir=a%b -e x",
    "ERROR: Safety pattern mismatch for TMPDIR ('a%b' vs. '^[-/._0-9a-z]+$') rc=1",
  ],
  [
    "--attach=../x",
    "ERROR: Safety pattern mismatch for --attach parameter ('../x' vs. '^[a-z0-9_]+$') rc=1",
  ],
  ["-F -o y -c z -e x", "ERROR: -F and -c exclude each other: the command needs the terminal"],
  ["--remote=host -e x", "ERROR: there are no servers and no remote hosts: --remote"],
  ["-J", "Unhandled argument code 74"],
];

for (const [line, expected] of REFUSED) {
  s(`refused: ${line}`, () => {
    const { message, hint } = refusal(...line.split(" ").filter((word) => word !== ""));
    assert.is(message + (hint ? "*" : ""), expected);
  });
}

s("options and operands may be mixed; -- ends the options", () => {
  const { script, args, guru, unoptimized } = parseOptions(["a.stp", "-g", "x", "--", "-u", "-"]);
  assert.equal(script, { kind: "file", path: "a.stp" });
  assert.equal(args, ["x", "-u", "-"]);
  assert.equal([guru, unoptimized], [true, false]);
});

s("with -e all operands are arguments; a lone dash is a script", () => {
  assert.equal(parseOptions(["-e", "x", "a"]).args, ["a"]);
  assert.equal(parseOptions(["-"]).script, { kind: "file", path: "-" });
});

s("letters may be joined, long names shortened, values attached", () => {
  const { verbosity, lastPass, cache } = parseOptions(["-vvp4", "--disable", "-ex"]);
  assert.equal([verbosity, lastPass, cache], [[2, 2, 2, 2, 2], 4, "off"]);
  assert.is(parseOptions(["--col", "-ex"]).color, "always");
});

s("--vp adds to -v, pass by pass", () => {
  assert.equal(parseOptions(["-v", "--vp", "0102", "-ex"]).verbosity, [1, 2, 1, 3, 1]);
});

s("--compatible takes what SystemTap orders before its own version", () => {
  for (const version of ["", "-1", "0", "4.8", "4.8.0", "5.6"]) {
    assert.is(parseOptions([`--compatible=${version}`, "-ex"]).compatible, version);
  }
  assert.is(refusal("-d", "", "-ex").message, "Data object (-d) cannot be empty.");
});

s("-m may have the ending of a module", () => {
  const { moduleName, remarks } = parseOptions(["-m", "top.ko", "-ex"]);
  assert.is(moduleName, "top");
  assert.equal(remarks, ["Truncating module name to 'top'"]);
});

s("options of the kernel are ignored with a remark", () => {
  const { remarks } = parseOptions(["-r", "5.10", "-a", "arm64", "--all-modules", "-ex"]);
  assert.is(remarks.length, 3);
  assert.match(remarks[0] ?? "", /-r has no effect/);
});

s("-q asks for coverage, and says nothing", () => {
  const { coverage, remarks } = parseOptions(["-q", "-ex"]);
  assert.equal({ coverage, remarks }, { coverage: true, remarks: [] });
});

s("--help and --version end the look at options", () => {
  assert.ok(parseOptions(["-h", "-p7"]).help);
  assert.ok(parseOptions(["-V"]).version);
});

s("words of the options file", () => {
  const words = (line: string): readonly string[] | null =>
    shellWords(line, { HOME: "/home/me", A: "b c" });
  assert.equal(words(`-v  --color=never # no`), ["-v", "--color=never"]);
  assert.equal(words(`-I "~/x y" ~/t 'a'\\ b"$A" \${A}`), [
    "-I",
    "~/x y",
    "/home/me/t",
    "a bb c",
    "b c",
  ]);
  assert.is(words("$(id)"), null);
  assert.is(words("`id`"), null);
  assert.is(words('"$(id)"'), null);
  assert.is(words("a | b"), null);
  assert.is(words('"open'), null);
});

s("the options file comes first", () => {
  const directory = mkdtempSync(join(tmpdir(), "wastap-"));
  const before = process.env["SYSTEMTAP_DIR"];
  process.env["SYSTEMTAP_DIR"] = directory;
  try {
    assert.equal(readOptionsFile(), []);
    writeFileSync(join(directory, "rc"), "-v -p2\n\n# remark\n-w\n");
    const options = parseOptions(["-p3", "-ex"], readOptionsFile());
    assert.equal([options.lastPass, options.noWarnings, options.verbosity[0]], [3, true, 1]);
    writeFileSync(join(directory, "rc"), "-v\n$(id)\n");
    assert.throws(() => readOptionsFile(), /unable to expand line 2 of .*rc": \$\(id\)/);
  } finally {
    if (before === undefined) delete process.env["SYSTEMTAP_DIR"];
    else process.env["SYSTEMTAP_DIR"] = before;
    rmSync(directory, { recursive: true });
  }
});

s.run();
