/**
 * Patches a program's functions with its own help (test/shim/self-patch.c) and the real shim, and
 * compares: every call must give the same result, and probes must see exactly the instructions
 * that single-stepping the unpatched program shows.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseElf } from "../../../base/elf/image.js";
import { readFunctionSymbols } from "../../../base/elf/symbols.js";
import { PACKAGE_ROOT } from "../../../base/root.js";
import {
  bytesOf,
  type FunctionCode,
  functionAt,
  indexFunctions,
} from "../../../shim/mutator/functions.js";
import { moduleCode } from "../../../shim/mutator/module-code.js";
import {
  layPatches,
  type PatchDraft,
  type PatchPlan,
  type PlanSite,
  planPatches,
} from "../../../shim/mutator/plan.js";
import { fillParams, loadShim, type ShimImage } from "../../../shim/mutator/shim-image.js";
import type { ProbeCall } from "../../../shim/mutator/trampoline.js";
import { PRIVATE } from "../../../wasm-runtime/layout/private.js";
import { CONTROL } from "../../../wasm-runtime/layout/shared.js";

/** Above the random start of the heap, which is within 1 GB of a non-PIE (arch_randomize_brk). */
const AREA = 0x50000000;
const SHIM = 0x51000000;
const CONTROL_AREA = 0x52000000;
const MEMORY = 0x53000000;
const PRIVATE_AREA = 0x54000000;
const MEMORY_BYTES = 65536;
const SLOTS = 4;
const GUARD = 77;

interface Call {
  readonly name: string;
  readonly result: string;
  readonly addresses: readonly number[];
}

const traces = new Map<string, readonly Call[]>();
const work = mkdtempSync(join(tmpdir(), "wastap-self-patch-"));
const s = suite("mutator/self-patch");
const hasCompiler = spawnSync("gcc", ["--version"]).status === 0;
const test = hasCompiler ? s : s.skip;
if (!hasCompiler) process.stdout.write("skipped: there is no gcc\n");
s.after(() => rmSync(work, { recursive: true, force: true }));

function build(flags: readonly string[]): string {
  const program = join(work, `self-patch${flags.join("")}`);
  if (traces.has(program)) return program;
  const source = join(PACKAGE_ROOT, "test", "shim", "self-patch.c");
  execFileSync("gcc", ["-no-pie", "-fno-toplevel-reorder", ...flags, source, "-o", program]);
  return program;
}

function run(program: string, args: readonly string[]): Call[] {
  const output = execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  return output
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", argument = "", result = "", ...rest] = line.split(" ");
      return {
        name: `${name}(${argument})`,
        result,
        addresses: rest.map((text) => Number.parseInt(text, 16)),
      };
    });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Instructions for the program: what the mutator would do by ptrace. */
function script(plan: PatchPlan, shim: ShimImage): string {
  const lines: string[] = [];
  const map = (address: number, size: number): void => {
    lines.push(`map ${address.toString(16)} ${((size + 4095) & ~4095).toString(16)}`);
  };
  const write = (address: number, bytes: Uint8Array): void => {
    lines.push(`write ${address.toString(16)} ${hex(bytes)}`);
  };
  const image = fillParams(shim, SHIM, {
    control: CONTROL_AREA,
    memoryBase: MEMORY,
    memorySize: MEMORY_BYTES,
    privateBase: PRIVATE_AREA,
    contextBase: 0,
    contextStride: 0,
    slotCount: SLOTS,
    guard: GUARD,
    tidOffset: -1,
    vdsoClock: 0,
    recover: 0,
    fuel: 1000,
    capabilities: 0,
    inMutator: false,
    mutatorPid: 0,
    noSystemCalls: false,
    instance: 0,
    modules: 0,
    modulesBytes: 0,
    target: 0,
    argumentsStart: 0,
    argumentsEnd: 0,
    environmentStart: 0,
    environmentEnd: 0,
  });
  map(SHIM, image.length);
  for (let at = 0; at < image.length; at += 4096) write(SHIM + at, image.subarray(at, at + 4096));
  map(CONTROL_AREA, CONTROL.bytes);
  write(CONTROL_AREA + CONTROL.guard, Uint8Array.of(GUARD, 0, 0, 0));
  map(MEMORY, MEMORY_BYTES);
  map(PRIVATE_AREA, SLOTS * PRIVATE.stackBytes + PRIVATE.stateBytes);
  for (const { address, bytes } of plan.areas) {
    map(address, bytes.length);
    for (let at = 0; at < bytes.length; at += 4096) {
      write(address + at, bytes.subarray(at, at + 4096));
    }
  }
  for (const region of plan.regions) for (const w of region.writes) write(w.address, w.patch);
  return lines.join("\n");
}

/** Addresses that probe calls must see, from the single-stepped run: every call runs the handler. */
function expected(draft: PatchDraft, trace: readonly number[]): number[] {
  const calls = draft.modules.flatMap((m) => m.regions.flatMap((r) => r.shape.calls));
  const callsAt = (address: number): ProbeCall[] => calls.filter((c) => c.address === address);
  const known = new Map(calls.map(({ address }) => [address, callsAt(address)]));
  const ends = new Map(
    draft.modules.flatMap((m) =>
      m.regions.flatMap((r) =>
        r.shape.displaced.map(({ insn }) => [insn.address, insn.address + insn.length] as const),
      ),
    ),
  );
  return trace.flatMap((address, at) => {
    // A repeated string instruction is one hit, but many steps.
    if (trace[at - 1] === address) return [];
    const isTaken = trace[at + 1] !== ends.get(address);
    const made = (known.get(address) ?? []).filter((call) => isTaken || !call.onlyTaken);
    return made.map(() => address);
  });
}

type Choose = (functions: readonly FunctionCode[]) => Omit<PlanSite, "probe">[];

function check(program: string, choose: Choose): PatchDraft {
  const image = parseElf(readFileSync(program), program);
  const code = moduleCode(image, program, 0);
  const symbols = readFunctionSymbols(image);
  const index = indexFunctions(code);
  const functions = symbols
    .filter((symbol) => symbol.name.startsWith("t_") && !symbol.name.includes(".cold"))
    .flatMap((symbol) => functionAt(index, symbol.address) ?? []);
  const handler = symbols.find((symbol) => symbol.name === "handler")?.address ?? 0;
  const sites = choose(functions).map((site, probe) => ({ ...site, probe }));
  const draft = planPatches([{ code, sites }], { allowBreakpoints: false, shadowStacks: false });
  const plan = layPatches(draft, {
    areas: [AREA],
    enter: SHIM + loadShim().enter,
    entryOf: () => handler,
    describesCode: false,
  });
  const file = join(work, "patches");
  writeFileSync(file, script(plan, loadShim()));
  const before = traces.get(program) ?? run(program, ["trace"]);
  traces.set(program, before);
  const after = run(program, ["patch", file]);
  assert.is(after.length, before.length);
  before.forEach((call, i) => {
    const now = after[i];
    assert.is(now?.name, call.name);
    assert.is(now?.result, call.result, call.name);
    const wanted = expected(draft, call.addresses).map((a) => a.toString(16));
    assert.equal(
      now?.addresses.map((a) => a.toString(16)),
      wanted,
      `hits of ${call.name}`,
    );
  });
  return draft;
}

function site(address: number, place: PlanSite["place"], symbol: string): Omit<PlanSite, "probe"> {
  return { address, place, symbol, floats: true, clobbers: null, semaphore: 0 };
}

const entries: Choose = (functions) => functions.map((f) => site(f.start, "instruction", f.name));
const exits: Choose = (functions) => functions.map((f) => site(f.start, "exits", f.name));
const every =
  (step: number): Choose =>
  (functions) =>
    functions.flatMap((f) =>
      [...f.insns]
        .filter((insn, i) => insn.address < f.end && i % step === 0 && !isAfterSystemCall(f, i))
        .map((insn) => site(insn.address, "instruction", f.name)),
    );

/** Single-stepping does not stop there: the processor clears the trap flag at `syscall`. */
function isAfterSystemCall(code: FunctionCode, at: number): boolean {
  const previous = code.insns.item(at - 1);
  return previous !== undefined && hex(bytesOf(code, previous)) === "0f05";
}

function showCounts(label: string, draft: PatchDraft): void {
  const count = draft.modules.flatMap((m) => m.regions.flatMap((r) => r.shape.calls)).length;
  process.stdout.write(`${label}: ${count} probed, ${draft.refused.length} refused\n`);
}

const both: Choose = (functions) => [...entries(functions), ...exits(functions)];

for (const flags of [["-O2"], ["-Os"], ["-O3", "-fcf-protection=full"]]) {
  const name = flags.join(" ");
  for (const [what, choose] of [
    ["entries", entries],
    ["exits", exits],
    ["entries and exits", both],
    ["every instruction", every(1)],
    ["every third instruction", every(3)],
  ] as const) {
    test(`${what}, ${name}`, () => showCounts(`${what}, ${name}`, check(build(flags), choose)));
  }
}
s.run();
