/** Call chains at every function entry and return of programs, against gdb; their texts. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../base/root.js";
import { compileInto, emptyDirectory, missingTool } from "../support/dwarf-programs.js";
import { cannotTrace, wastap } from "../support/tools.js";

const s = suite("run/backtrace");
const missing = cannotTrace() ?? missingTool(["gdb", "g++", "clang"]);
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const directory = emptyDirectory("backtrace");
const LIMITS = ["-DMAXBACKTRACE=64", "-DMAXACTION=100000", "-DMAXERRORS=0"];

/** A line for each hit: where it is and returns to, as MODULE+OFFSET words. */
const SCRIPT = `
function place:string (address) { return sprintf("%s+%x", umodname(address), umodaddr(address)) }
function show_chain () {
  try {
    for (n = 0; n < 64; n++) printf("%s%s", n ? " " : "", place(ustack(n)))
  } catch { println("") }
}`;

/** Chains at the points of `program` by wastap. */
function ownChains(program: string, points: readonly string[]): string[] {
  const list = points.map((point) => `process("${program}").${point}`).join(", ");
  const output = `${program}.own`;
  const script = `${SCRIPT} probe ${list} { show_chain() }`;
  const result = wastap(["-w", ...LIMITS, "-o", output, "-e", script, "-c", program]);
  assert.is(result.stderr, "");
  assert.is(result.status, 0);
  return readFileSync(output, "utf8").trim().split("\n");
}

/** Chains at the same places by gdb. */
function gdbChains(program: string, chains: readonly string[]): string[] {
  const places = new Set(chains.map((chain) => chain.split(" ")[0] ?? ""));
  const offsets = [...places].map((place) => place.slice(place.lastIndexOf("+") + 1));
  const output = `${program}.gdb`;
  const script = join(PACKAGE_ROOT, "test", "support", "gdb-stacks.py");
  const env = { ...process.env, OFFSETS: offsets.join(" "), OUTPUT: output };
  execFileSync("gdb", ["-nx", "-batch", "-x", script, program], { env, stdio: "pipe" });
  return readFileSync(output, "utf8").trim().split("\n");
}

/** Chains by the place that they begin with, in order. */
function byPlace(chains: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const chain of chains) {
    const [place = ""] = chain.split(" ");
    found.set(place, [...(found.get(place) ?? []), chain]);
  }
  return found;
}

function compare(program: string, points: readonly string[], least: number): void {
  const own = ownChains(program, points);
  const expected = byPlace(gdbChains(program, own));
  for (const [place, chains] of byPlace(own)) {
    assert.equal(chains, expected.get(place), `${program} at ${place}`);
  }
  assert.ok(own.length >= least, `${own.length} chains`);
}

const ENTRIES = 'function("*@chains.c")';
const RETURNS = 'function("*@chains.c").return';

const C_BUILDS: readonly (readonly [compiler: string, ...flags: string[]])[] = [
  ["gcc", "-O2", "-fomit-frame-pointer"],
  ["gcc", "-O0", "-fno-pie", "-no-pie"],
  ["gcc", "-O3", "-flto", "-fcf-protection=full"],
  ["clang", "-O2", "-fomit-frame-pointer"],
  ["gcc", "-O2", "-static"],
];

for (const [compiler, ...flags] of C_BUILDS) {
  test(`${compiler} ${flags.join(" ")}`, () => {
    const name = `chains-${[compiler, ...flags].join("").replaceAll(/[^a-z0-9]/gi, "")}`;
    const all = ["-pthread", "-g", ...flags];
    const program = compileInto(directory, name, { source: "chains.c", compiler, flags: all });
    // At -O0 the rules for the ends of realigned frames are wrong, and gdb believes them.
    const points = flags.includes("-O0") ? [ENTRIES] : [ENTRIES, RETURNS];
    compare(program, points, 15);
  });
}

for (const compiler of ["g++", "clang++"]) {
  test(`C++ by ${compiler}`, () => {
    const flags = ["-O2", "-std=c++17", "-fomit-frame-pointer"];
    const name = `chains-${compiler}`;
    const program = compileInto(directory, name, { source: "chains.cc", compiler, flags });
    compare(program, ['function("leaf")', 'function("*thrower*").return'], 15);
  });
}

const PLACES = `
function place:string (address) {
  // Without a symbol the name is the address, which is another one in each run.
  name = usymname(address)
  return sprintf("%s+%x", name =~ "^0x" ? umodname(address) : name, umodaddr(address))
}
function show_chain () {
  try {
    for (n = 0; n < 64; n++) printf("%s%s", n ? " " : "", place(ustack(n)))
  } catch { println("") }
}
global hits`;

/** Chains in the handler of a signal that comes after each instruction, with `probes` beside. */
function steppedChains(program: string, args: string, probes: string): string[] {
  const output = `${program}.chains`;
  const script = `${PLACES} probe process.function("spot") { show_chain() } ${probes}`;
  // Where the signal comes in a handler, the hit is skipped.
  const limits = [...LIMITS, "-DMAXSKIPPED=1000000"];
  const command = ["-c", `${program} ${args}`];
  const result = wastap(["-w", ...limits, "-o", output, "-e", script, ...command]);
  assert.match(result.stdout, /^steps \d+ sum 529.5$/m);
  return readFileSync(output, "utf8").match(/^spot.*$/gm) ?? [];
}

const STEPPED_PROBES = [
  'probe process.function("*@stepped.c"), process.function("*@stepped.c").return { hits++ }',
  'probe process.statement("*@stepped.c:28-60"), process.plt("*").return { hits++ }',
  'probe process.function("l*@stepped.c") { hits += $a }',
  'probe process.function("*s@stepped.c").return { hits += $return }',
];

for (const args of ["", "own-stack"]) {
  const where = args === "" ? "" : ", on a stack of its own";
  test(`a signal in a trampoline is one in the probed code${where}`, () => {
    const flags = ["-g", "-O2", "-Wl,-z,now"];
    const source = { source: "stepped.c", compiler: "gcc", flags };
    const program = compileInto(directory, `stepped${args}`, source);
    const expected = steppedChains(program, args, "");
    const known = new Set(expected);
    for (const probes of STEPPED_PROBES) {
      const found = steppedChains(program, args, probes);
      const unknown = found.filter((chain) => !known.has(chain));
      assert.equal(unknown, [], probes);
      assert.ok(found.length > expected.length + 200, `${probes}: ${found.length} chains`);
    }
  });
}

s.run();
