/**
 * DWARF of an ELF file and of all files that belong to it (separate debug file, dwz, .dwo), as the
 * compiler reads it. Everything is read when it is asked for, and kept. Addresses are those of the
 * ELF file. What is damaged ends in a TargetError. Sources: DWARF 5, libdw.h of elfutils 0.188.
 */
import { type CallSites, openCallSites } from "./call-sites.js";
import type { Die } from "./die.js";
import { type Dies, openDies } from "./dies.js";
import { type Frames, openFrames } from "./frames.js";
import { type Functions, openFunctions } from "./functions.js";
import { type Lines, openLines } from "./lines.js";
import { type Locations, openLocations } from "./locations.js";
import { callNative, type DieId } from "./native.js";
import { openDwarf } from "./open.js";
import { type AddressRange, readRanges } from "./ranges.js";
import { openUnits, type Unit, type Units } from "./units.js";

/** The DWARF of one file. */
export interface DebugInfo extends Dies, Units, Lines, Functions, CallSites, Frames, Locations {
  readonly path: string;
  /** Addresses of the code of a DIE. */
  ranges(die: DieId): readonly AddressRange[];
  /**
   * The DIEs around the ELF `address` in `unit`, innermost first, as they are nested in the code:
   * after an inlined_subroutine comes what it was expanded into. The last is the unit's.
   */
  scopesAt(unit: Unit, address: number): readonly Die[];
}

const open = new Map<string, DebugInfo | null>();

/**
 * DWARF of the ELF file at the absolute `path`, which may be below `sysroot`; null if there is none.
 * Throws TargetError.
 */
export function openDebugInfo(path: string, sysroot = ""): DebugInfo | null {
  const known = open.get(path);
  if (known !== undefined) return known;
  const info = read(path, sysroot);
  open.set(path, info);
  return info;
}

function read(path: string, sysroot: string): DebugInfo | null {
  const file = openDwarf(path, sysroot);
  if (file === null) return null;
  const dies = openDies(file);
  const lines = openLines(dies);
  return {
    path,
    ...dies,
    ...openUnits(dies),
    ...lines,
    ...openFunctions(dies, lines),
    ...openCallSites(dies),
    ...openFrames(file),
    ...openLocations(file),
    ranges: (die) => readRanges(file, die),
    scopesAt: (unit, address) =>
      callNative("scopesAt", file, unit.die.id, address).map((id) => dies.die(id)),
  };
}
