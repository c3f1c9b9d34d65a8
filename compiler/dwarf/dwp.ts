/**
 * DWARF packages: PROGRAM.dwp, which has what was in the .dwo files of a program (DWARF 5 §7.3.5,
 * and GNU's forerunner of version 2). elfutils 0.188 cannot read them, but finds .dwo files beside
 * a program: so the package is taken apart into a directory, to which the program is linked.
 *
 * A package concatenates the sections of the .dwo files, but for strings, of which it has one
 * section; the index says for each unit, by its id, which part of each section is its own.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  type ElfImage,
  findSection,
  parseElf,
  sectionBytes,
  viewOf,
} from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import { isFile } from "../elf/find.js";
import type { NativeFile } from "./native.js";
import { buildObject, type ObjectSection } from "./object-file.js";
import { gatherSplitFiles } from "./split-files.js";

/** Names of the sections that the columns of an index stand for, by version and number. */
const COLUMNS: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  2: {
    1: ".debug_info.dwo",
    2: ".debug_types.dwo",
    3: ".debug_abbrev.dwo",
    4: ".debug_line.dwo",
    5: ".debug_loc.dwo",
    6: ".debug_str_offsets.dwo",
    7: ".debug_macinfo.dwo",
    8: ".debug_macro.dwo",
  },
  5: {
    1: ".debug_info.dwo",
    3: ".debug_abbrev.dwo",
    4: ".debug_line.dwo",
    5: ".debug_loclists.dwo",
    6: ".debug_str_offsets.dwo",
    7: ".debug_macro.dwo",
    8: ".debug_rnglists.dwo",
  },
};

/** What all units of a .dwo file have in common. */
const SHARED: ReadonlySet<string> = new Set([".debug_abbrev.dwo", ".debug_str_offsets.dwo"]);

/** Bytes before the offsets in a part of .debug_str_offsets.dwo. */
const STRING_HEADER_BYTES: Readonly<Record<number, number>> = { 2: 0, 5: 8 };

/** Part of a section. */
interface Part {
  readonly section: string;
  readonly bytes: Uint8Array;
}

/** Path of the package of `file`, null if it has none. */
export function findPackage({ path, debugPath }: NativeFile): string | null {
  const candidates = [path, ...(debugPath === null ? [] : [debugPath])].map(
    (name) => `${name}.dwp`,
  );
  return candidates.find(isFile) ?? null;
}

/**
 * Takes apart the package at `packagePath` for `file`, whose DWARF is in the file at `holder`.
 * Returns the path to open instead of `holder`; it exists as long as this process.
 */
export function unpackPackage(file: NativeFile, holder: string, packagePath: string): string {
  const image = parseElf(readFileSync(packagePath), packagePath);
  const units = readIndex(image, ".debug_cu_index");
  const types = [...readIndex(image, ".debug_tu_index").values()];
  return gatherSplitFiles(file, holder, ({ id }) => {
    const unit = units.get(id);
    if (unit === undefined) return null;
    const own = types.filter(({ origin }) => origin === unit.origin);
    return (target) => writeFileSync(target, buildObject(toSections(image, unit, own)));
  });
}

/** The parts of each unit by its id. */
function readIndex(image: ElfImage, name: string): ReadonlyMap<bigint, UnitParts> {
  const section = findSection(image, name);
  const units = new Map<bigint, UnitParts>();
  if (section === null) return units;
  try {
    const index = openIndex(viewOf(sectionBytes(image, section)));
    for (let slot = 0; slot < index.slots; slot++) {
      const row = index.row(slot);
      if (row > 0) units.set(index.id(slot), partsOf(image, index, row));
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new TargetError(
      `cannot read the debugging information of '${image.name}': its index is damaged`,
      { operation: "read debugging information", subject: image.name },
      { cause },
    );
  }
  return units;
}

interface UnitParts {
  readonly version: number;
  /** The same for units of one .dwo file. */
  readonly origin: string;
  readonly parts: readonly Part[];
}

interface PackageIndex {
  readonly version: number;
  readonly columns: number;
  readonly slots: number;
  id(slot: number): bigint;
  /** From 1; 0 for an empty slot. */
  row(slot: number): number;
  /** Name of the section of a column. */
  section(column: number): string | undefined;
  /** Offset and size of what the unit in `row` has of the section of `column`. */
  extent(row: number, column: number): readonly [number, number];
}

/** Header, ids by slot, rows by slot, section numbers, offsets by row, sizes by row. */
function openIndex(view: DataView): PackageIndex {
  const word = (at: number): number => view.getUint32(at, true);
  const version = word(0) === 2 ? 2 : view.getUint16(0, true);
  const [columns, units, slots] = [word(4), word(8), word(12)];
  const rowsAt = 16 + slots * 8;
  const numbersAt = rowsAt + slots * 4;
  const offsetsAt = numbersAt + columns * 4;
  const sizesAt = offsetsAt + units * columns * 4;
  return {
    version,
    columns,
    slots,
    id: (slot) => view.getBigUint64(16 + slot * 8, true),
    row: (slot) => word(rowsAt + slot * 4),
    section: (column) => COLUMNS[version]?.[word(numbersAt + column * 4)],
    extent(row, column) {
      const place = ((row - 1) * columns + column) * 4;
      return [word(offsetsAt + place), word(sizesAt + place)];
    },
  };
}

function partsOf(image: ElfImage, index: PackageIndex, row: number): UnitParts {
  const parts: Part[] = [];
  const shared: string[] = [];
  for (let column = 0; column < index.columns; column++) {
    const section = index.section(column);
    const whole = section === undefined ? null : findSection(image, section);
    if (section === undefined || whole === null) continue;
    const [offset, size] = index.extent(row, column);
    if (SHARED.has(section)) shared.push(`${section} ${offset}`);
    parts.push({ section, bytes: sectionBytes(image, whole).subarray(offset, offset + size) });
  }
  return { version: index.version, origin: shared.sort().join(), parts };
}

/**
 * The sections of a .dwo file with only the strings that its units use. Type units are those that
 * came from the same file; linkers of packages keep one of each, perhaps that of another file.
 */
function toSections(
  image: ElfImage,
  { version, parts }: UnitParts,
  types: readonly UnitParts[],
): readonly ObjectSection[] {
  const whole = findSection(image, ".debug_str.dwo");
  const strings = whole === null ? new Uint8Array() : sectionBytes(image, whole);
  return parts.flatMap(({ section, bytes }): ObjectSection[] => {
    if (section === ".debug_info.dwo") return withTypes(bytes, types);
    if (section !== ".debug_str_offsets.dwo") return [{ name: section, bytes }];
    const used = useStrings(bytes, strings, STRING_HEADER_BYTES[version] ?? 0);
    return [
      { name: section, bytes: used.offsets },
      { name: ".debug_str.dwo", bytes: used.strings },
    ];
  });
}

/** DWARF 5 has type units behind the compile unit, GNU's forerunner in a section of their own. */
function withTypes(unit: Uint8Array, types: readonly UnitParts[]): ObjectSection[] {
  const of = (name: string): Uint8Array[] =>
    types.flatMap(({ parts }) => parts.filter((part) => part.section === name)).map((p) => p.bytes);
  return [
    { name: ".debug_info.dwo", bytes: Buffer.concat([unit, ...of(".debug_info.dwo")]) },
    { name: ".debug_types.dwo", bytes: Buffer.concat(of(".debug_types.dwo")) },
  ].filter(({ bytes }) => bytes.length > 0);
}

/** The strings at `offsets` (behind a header) one after the other, and where they are then. */
function useStrings(
  offsets: Uint8Array,
  strings: Uint8Array,
  headerBytes: number,
): { readonly offsets: Uint8Array; readonly strings: Uint8Array } {
  const moved = Uint8Array.from(offsets);
  const view = viewOf(moved);
  const places = new Map<number, number>();
  const used: Uint8Array[] = [];
  let size = 0;
  for (let at = headerBytes; at + 4 <= moved.length; at += 4) {
    const offset = view.getUint32(at, true);
    const known = places.get(offset);
    view.setUint32(at, known ?? size, true);
    if (known !== undefined) continue;
    const end = strings.indexOf(0, offset);
    const string = strings.subarray(offset, end < 0 ? offset : end + 1);
    places.set(offset, size);
    used.push(string);
    size += string.length;
  }
  return { offsets: moved, strings: Buffer.concat(used) };
}
