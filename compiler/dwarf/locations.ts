/** Location expressions of attributes. */
import { type AttributeName, attributeCodes } from "./attributes.js";
import { callNative, type DieId, type NativeFile } from "./native.js";
import { type Operation, toOperations } from "./operations.js";
import type { AddressRange } from "./ranges.js";

/** Where something is while the program counter is in a range. */
export interface LocationEntry extends AddressRange {
  readonly operations: readonly Operation[];
}

/** Access to locations of a file. */
export interface Locations {
  /**
   * What the attribute says, empty if the DIE itself has no such attribute. One expression for all
   * addresses has the range 0 … Infinity.
   */
  locations(die: DieId, attribute: AttributeName): readonly LocationEntry[];
}

/** Locations of `file`; lists are read once, because every place in a function asks for them. */
export function openLocations(file: NativeFile): Locations {
  const known = new Map<string, readonly LocationEntry[]>();
  const read = (die: DieId, attribute: AttributeName): readonly LocationEntry[] =>
    toLocations(
      attributeCodes(attribute).flatMap((code) => callNative("locations", file, die, code)),
    );
  return {
    locations(die, attribute) {
      const key = `${attribute} ${die}`;
      const found = known.get(key) ?? read(die, attribute);
      known.set(key, found);
      return found;
    },
  };
}

function toLocations(flat: readonly unknown[]): readonly LocationEntry[] {
  const found: LocationEntry[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const [begin, end, operations] = flat.slice(i, i + 3) as [number, number, []];
    found.push({
      begin,
      end: end < 0 ? Number.POSITIVE_INFINITY : end,
      operations: toOperations(operations),
    });
  }
  return found;
}
