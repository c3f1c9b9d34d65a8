/**
 * Reads damaged files with everything that the DWARF reader can do, for dwarf.ts:
 *
 *   node dwarf-worker.js SEED FIRST COUNT DIRECTORY ORIGINAL…
 *
 * Prints the number of each input before it is read. Inputs are a function of SEED and number.
 * What is not a TargetError ends the process with status 1 and its stack.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { TargetError } from "../../base/target-error.js";
import { type DebugInfo, openDebugInfo } from "../../compiler/dwarf/debug-info.js";
import type { Die } from "../../compiler/dwarf/die.js";
import { openModule } from "../../compiler/elf/read.js";
import { seededRandom } from "../support/random.js";
import { damage, original } from "./dwarf-inputs.js";

const MAX_DIES = 3000;
const MAX_FUNCTIONS = 50;

const [seed = "0", first = "0", count = "1", directory = ".", ...paths] = process.argv.slice(2);
const originals = paths.map((path) => original(basename(path), readFileSync(path)));

for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const random = seededRandom(Number(seed) + number * 7919);
  const file = originals[number % originals.length];
  if (file === undefined) break;
  const path = join(directory, `${file.name}.${number}`);
  writeFileSync(path, damage(file, random));
  process.stdout.write(`${number}\n`);
  readAll(path);
  rmSync(path);
}

function readAll(path: string): void {
  attempt(() => openModule(path).symbols);
  const info = attempt(() => openDebugInfo(path)) ?? null;
  if (info === null) return;
  attempt(() => readFunctions(info));
  for (const unit of attempt(() => info.units()) ?? []) {
    attempt(() => [unit.name, unit.directory, unit.language, unit.producer, unit.ranges]);
    attempt(() => info.lines(unit));
    attempt(() => info.fileNames(unit));
    attempt(() => info.scopesAt(unit, unit.ranges[0]?.begin ?? 0));
    attempt(() => readTree(info, unit.die, { left: MAX_DIES }));
  }
}

function readFunctions(info: DebugInfo): void {
  for (const entry of info.functions(() => true).slice(0, MAX_FUNCTIONS)) {
    attempt(() => [entry.qualifiedName, entry.file, entry.line, entry.ranges]);
    attempt(() => info.inlineInstances(entry.origin.id).map(({ callFile }) => callFile));
    const address = entry.entryPc ?? 0;
    attempt(() => info.unitAt(address));
    const rules = attempt(() => info.frameRules(address));
    for (const register of [3, 7, 16]) attempt(() => rules?.register(register));
  }
}

function readTree(info: DebugInfo, die: Die, budget: { left: number }): void {
  if (budget.left-- <= 0) return;
  for (const name of ["location", "frame_base", "data_member_location", "call_value"] as const) {
    attempt(() => info.locations(die.id, name));
  }
  attempt(() => [info.text(die, "name"), info.reference(die, "type"), info.ranges(die.id)]);
  attempt(() => info.enclosing(die.id));
  for (const child of attempt(() => info.children(die.id)) ?? []) readTree(info, child, budget);
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof TargetError) return null;
    throw error;
  }
}
