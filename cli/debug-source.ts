/** Debugging information for a run: the compiler's reader of DWARF, loaded only for scripts that ask. */
import { chooseData, type DataSymbol } from "../base/elf/symbols.js";
import { TargetError } from "../base/target-error.js";
import {
  type DebugLine,
  type DebugSource,
  NO_DEBUG_SOURCE,
} from "../shim/mutator/tables/debug-source.js";
import { needsDebugSource } from "../shim/mutator/tables/tables.js";
import type { BundleMeta } from "../wasm-runtime/bundle.js";

/** Source of the symbols, data and lines that handlers of the bundle ask for. */
export async function openDebugSource(meta: BundleMeta): Promise<DebugSource> {
  if (!needsDebugSource(meta)) return NO_DEBUG_SOURCE;
  const { openDebugInfo } = await import("../compiler/dwarf/debug-info.js");
  const { callNative } = await import("../compiler/dwarf/native.js");
  const { openDebugFile } = await import("../compiler/dwarf/open.js");
  return {
    symbols: (path) => orNothing(() => callNative("functionSymbols", openDebugFile(path))),
    data: dataFinder((path, name) =>
      chooseData(orNothing(() => callNative("symbolsNamed", openDebugFile(path), name))),
    ),
    lines: (path) =>
      orNothing(() => {
        const info = openDebugInfo(path);
        return info === null
          ? []
          : info.units().flatMap((unit): readonly DebugLine[] => info.lines(unit));
      }),
  };
}

/** `find` that remembers: processes are asked for their data again and again. */
function dataFinder(find: DebugSource["data"]): DebugSource["data"] {
  const known = new Map<string, DataSymbol | null>();
  return (path, name) => {
    const key = `${name} ${path}`;
    let found = known.get(key);
    if (found === undefined) {
      found = find(path, name);
      known.set(key, found);
    }
    return found;
  };
}

/** Files without debugging information, or with damaged one, are no error of the run. */
function orNothing<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof TargetError) return [];
    throw error;
  }
}
