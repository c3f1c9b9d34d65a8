/** When memory of ours must stay in a process: a thread is in it, or code of others leads there. */
import { closeSync, openSync, writeSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isUsed } from "../../shim/mutator/apply.js";
import type { PatchDraft } from "../../shim/mutator/plan.js";
import { readMappings } from "../../shim/mutator/process.js";
import { REGISTER, startTracer } from "../../shim/mutator/ptrace.js";
import { startSession } from "../../shim/mutator/session.js";
import { buildProgram, cannotTrace } from "../support/tools.js";
import { linkBundle } from "./link.js";
import { compileBundle, countScript, launch } from "./support.js";

const s = suite("mutator/apply");
const missing = cannotTrace();
const test = missing === null ? s : s.skip;
if (missing !== null) process.stdout.write(`skipped: ${missing}\n`);

const STOP_MS = 20_000;

test("a thread is in our memory if its code or its stack is", async () => {
  const { target: pid, finished } = await launch(buildProgram("hot"), ["2"]);
  const tracer = startTracer(() => undefined);
  await tracer.seize(pid);
  const tids = await tracer.stop(pid, STOP_MS);
  const registers = await tracer.registers(tids[1] ?? 0);
  const around = (name: "rip" | "rsp") => {
    const at = Number(registers[REGISTER[name]]);
    return [{ start: at - 8, end: at + 8 }];
  };
  const used = (code: "rip" | null, stacks: "rsp" | null): Promise<boolean> =>
    isUsed(tracer, pid, tids, {
      code: code === null ? [] : around(code),
      stacks: stacks === null ? [] : around(stacks),
    });
  assert.is(await used(null, null), false);
  assert.is(await used("rip", null), true);
  assert.is(await used(null, "rsp"), true);
  await tracer.detach(pid);
  await tracer.close();
  process.kill(pid, "SIGTERM");
  assert.not.match((await finished()).stdout, /WRONG/);
});

test("memory stays if another tool has changed a patched place", async () => {
  const program = buildProgram("hot");
  const { target: pid, finished } = await launch(program, ["0"]);
  const drafts: PatchDraft[] = [];
  const session = await startSession({
    bundle: linkBundle(compileBundle(countScript(program))),
    target: { kind: "attach", pid },
    allowBreakpoints: false,
    onPlan: (draft) => drafts.push(draft),
  });
  await session.arm();
  const [module] = drafts[0]?.modules ?? [];
  const [region] = module?.regions ?? [];
  assert.ok(module && region);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  writeSync(memory, Uint8Array.of(0x90), 0, 1, region.region.start + module.code.loadBias);
  closeSync(memory);
  const { leaked, foreign, stuck } = await session.disarm();
  assert.equal(stuck, []);
  assert.is(foreign.length, 1);
  assert.equal(
    leaked.map(({ reason }) => reason),
    ["code changed by others leads there"],
  );
  assert.ok(readMappings(pid).some((mapping) => mapping.path.startsWith("/memfd:wastap")));
  await session.close();
  process.kill(pid, "SIGTERM");
  assert.is((await finished()).status, 0);
});

s.run();
