/** Compile units: the list, and which has code at an address. */
import { firstAbove } from "../../base/search.js";
import type { Die } from "./die.js";
import type { DieReader } from "./dies.js";
import { findString } from "./function-index.js";
import { loadIndex } from "./index-cache.js";
import { type LanguageName, languageName } from "./languages.js";
import { callNative, type DieId, type NameIndex } from "./native.js";
import { type AddressRange, readRanges } from "./ranges.js";

/** A compile unit. What is not its identity is read when it is asked for. */
export interface Unit {
  /** Its DIE; of a split unit the one in the .dwo file, or the skeleton if that is missing. */
  readonly die: Die;
  /** DIE in the program's own file: `die`, or the skeleton of a split unit. */
  readonly skeleton: Die;
  /** DWARF version. */
  readonly version: number;
  /** Source file as the compiler was given it. */
  readonly name: string;
  /** Directory in which the compiler ran. */
  readonly directory: string;
  readonly language: LanguageName | null;
  readonly producer: string;
  readonly ranges: readonly AddressRange[];
}

/** Access to the units of a file. */
export interface Units {
  /** The compile units; a split unit is the one in its .dwo file. */
  units(): readonly Unit[];
  /** Names of the .dwo files that are not there, or not those of this program. */
  missingFiles(): readonly string[];
  /** The unit with code at the ELF `address`. */
  unitAt(address: number): Unit | null;
  /** The units that name a type, variable or enumerator `name` (without scopes) outside of functions. */
  unitsNaming(name: string): readonly Unit[];
  /** The unit that the DIE is in; null in type units, partial units and dwz files. */
  unitOf(die: DieId): Unit | null;
  /** True if variables of the unit have lists of locations, as they have where code is optimized. */
  hasLocationLists(unit: Unit): boolean;
}

/** Units of the file that `dies` reads. */
export function openUnits(dies: DieReader): Units {
  let known: readonly Unit[] | null = null;
  let byDie: ReadonlyMap<DieId, Unit> | null = null;
  let names: NameIndex | null = null;
  let byAddress: readonly CodeOfUnit[] | null = null;
  const withLists = new Map<Unit, boolean>();
  const units = (): readonly Unit[] => {
    known ??= readUnits(dies);
    return known;
  };
  const find = (die: DieId): Unit | null => {
    byDie ??= new Map(units().map((unit) => [unit.skeleton.id, unit]));
    return byDie.get(die) ?? units().find((unit) => unit.die.id === die) ?? null;
  };
  let missing: readonly string[] | null = null;
  return {
    units,
    missingFiles() {
      missing ??= missingFiles(dies, units);
      return missing;
    },
    unitAt(address) {
      const id = callNative("arangesUnit", dies.file, address);
      const unit = id === null ? null : find(id);
      if (unit !== null) return unit;
      byAddress ??= sortByAddress(units());
      return lookUp(byAddress, address);
    },
    unitsNaming(name) {
      names ??= loadIndex(dies.file, "nameIndex");
      return ordinalsOf(names, name).flatMap((ordinal) => units()[ordinal] ?? []);
    },
    unitOf: (die) => find(callNative("unitDie", dies.file, die)),
    hasLocationLists(unit) {
      const known = withLists.get(unit) ?? callNative("hasLocationLists", dies.file, unit.die.id);
      withLists.set(unit, known);
      return known;
    },
  };
}

function missingFiles(dies: DieReader, units: () => readonly Unit[]): readonly string[] {
  if (callNative("skeletons", dies.file).length === 0) return [];
  return units().flatMap(({ die, skeleton }) => {
    const name = die.id === skeleton.id ? dies.text(skeleton, "dwo_name") : null;
    return name === null ? [] : [name];
  });
}

function readUnits(dies: DieReader): readonly Unit[] {
  const flat = callNative("units", dies.file);
  const found: Unit[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    found.push(lazyUnit(dies, flat[i] as DieId, flat[i + 1] ?? 0));
  }
  return found;
}

function lazyUnit(dies: DieReader, id: DieId, version: number): Unit {
  let die: Die | null = null;
  let ranges: readonly AddressRange[] | null = null;
  const skeleton = dies.die(id);
  const unitDie = (): Die => {
    die ??= dies.die(callNative("splitUnit", dies.file, id));
    return die;
  };
  return {
    skeleton,
    version,
    get die() {
      return unitDie();
    },
    get name() {
      return dies.text(unitDie(), "name") ?? "";
    },
    get directory() {
      return dies.text(skeleton, "comp_dir") ?? dies.text(unitDie(), "comp_dir") ?? "";
    },
    get language() {
      const code = dies.constant(unitDie(), "language");
      return code === null ? null : languageName(Number(code));
    },
    get producer() {
      return dies.text(unitDie(), "producer") ?? "";
    },
    get ranges() {
      ranges ??= readRanges(dies.file, id);
      return ranges;
    },
  };
}

/** Places in the list of units. */
function ordinalsOf({ names, units, strings }: NameIndex, name: string): readonly number[] {
  const offset = findString(strings, name);
  const found: number[] = [];
  for (let row = offset === 0 ? -1 : names.indexOf(offset); row >= 0; ) {
    found.push(units[row] ?? 0);
    row = names.indexOf(offset, row + 1);
  }
  return found;
}

interface CodeOfUnit extends AddressRange {
  readonly unit: Unit;
}

/** For what .debug_aranges does not know: clang does not write it. */
function sortByAddress(units: readonly Unit[]): readonly CodeOfUnit[] {
  return units
    .flatMap((unit) => unit.ranges.map((range) => ({ ...range, unit })))
    .sort((a, b) => a.begin - b.begin);
}

/** The unit of the last range that begins not after `address`, if it holds it. */
function lookUp(sorted: readonly CodeOfUnit[], address: number): Unit | null {
  const after = firstAbove(sorted.length, (i) => sorted[i]?.begin ?? 0, address);
  const found = sorted[after - 1];
  return found !== undefined && address < found.end ? found.unit : null;
}
