/** Plans probes in programs of this machine and prints how many fit; one line per program. */
import { existsSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseElf } from "../../../base/elf/image.js";
import type { ModuleCode } from "../../../shim/mutator/functions.js";
import { moduleCode } from "../../../shim/mutator/module-code.js";
import { layPatches, type PlanSite, planPatches } from "../../../shim/mutator/plan.js";

const PROGRAMS = [
  "/usr/lib/x86_64-linux-gnu/libc.so.6",
  "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
  "/usr/bin/php8.2",
  "/usr/bin/python3.11",
  "/usr/bin/bash",
];
/** Enough for statistics, in about a second for each program. */
const MOST_FUNCTIONS = 1200;
/** Shares that must be planned; measured are 98-100 % and 93-99 %. */
const LEAST_ENTRIES = 0.95;
const LEAST_EXITS = 0.85;

const s = suite("mutator/corpus");

function sites(code: ModuleCode, place: PlanSite["place"]): PlanSite[] {
  const whole = code.functions.filter(
    (f) => !f.isPart && f.size > 0 && code.code.some((r) => f.address >= r.address),
  );
  const step = Math.max(1, Math.floor(whole.length / MOST_FUNCTIONS));
  return whole
    .filter((_, i) => i % step === 0)
    .map((f, probe) => ({
      probe,
      address: f.address,
      place,
      symbol: f.name,
      floats: false,
      clobbers: null,
      semaphore: 0,
    }));
}

/** Plans, checks the plan for overlaps and gives the share of instructions that can be probed. */
function plan(path: string, code: ModuleCode, place: PlanSite["place"]): number {
  const draft = planPatches([{ code, sites: sites(code, place) }], {
    allowBreakpoints: false,
    shadowStacks: false,
  });
  const [module] = draft.modules;
  assert.ok(module);
  const patches = layPatches(draft, {
    areas: [module.lowest],
    enter: 1,
    entryOf: () => 1,
    describesCode: true,
  });
  // Only the jump of a host is written twice, with the same bytes.
  const written = new Map<number, number>();
  for (const { address, patch } of patches.regions.flatMap((region) => region.writes)) {
    for (const [i, byte] of patch.entries()) {
      const before = written.get(address + i) ?? byte;
      assert.is(before, byte, `0x${address.toString(16)} is written twice`);
      written.set(address + i, byte);
    }
  }
  const planned = module.regions.reduce((sum, region) => sum + region.shape.calls.length, 0);
  const refused = draft.refused.filter((r) => !r.reason.includes("never returns")).length;
  const by = new Map<string, number>();
  for (const { region } of module.regions) {
    by.set(region.technique, (by.get(region.technique) ?? 0) + 1);
  }
  const share = planned / (planned + refused);
  const shown = [...by].map(([technique, count]) => `${technique} ${count}`).join(", ");
  process.stdout.write(
    `${path} ${place}: ${planned} of ${planned + refused} (${(100 * share).toFixed(1)} %): ${shown}\n`,
  );
  return share;
}

for (const path of PROGRAMS) {
  const isHere = existsSync(path);
  if (!isHere) process.stdout.write(`skipped: there is no ${path}\n`);
  const test = isHere ? s : s.skip;
  test(path, () => {
    const code = moduleCode(parseElf(readFileSync(path), path), path, 0x7f0000000000);
    assert.ok(plan(path, code, "instruction") >= LEAST_ENTRIES);
    assert.ok(plan(path, code, "exits") >= LEAST_EXITS);
  });
}
s.run();
