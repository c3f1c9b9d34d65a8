/**
 * Calls as compilers describe them (DWARF 5 §3.4): where a function is called, which values are
 * handed over, where the call returns to. Optimized code only. Found by one walk over the file.
 */
import type { Die } from "./die.js";
import type { DieReader } from "./dies.js";
import { findString } from "./function-index.js";
import { loadIndex } from "./index-cache.js";
import type { CallSiteIndex, DieId } from "./native.js";

/** Access to the call sites of a file. */
export interface CallSites {
  /** The DIEs of direct calls of the function with the code, or the abstract function, `die`. */
  callsOf(die: Die): readonly Die[];
}

/** Call sites of the file that `dies` reads. */
export function openCallSites(dies: DieReader): CallSites {
  let index: CallSiteIndex | null = null;
  const known = new Map<DieId, readonly Die[]>();
  const find = (die: Die): readonly Die[] => {
    index ??= loadIndex(dies.file, "callSiteIndex");
    const same = sameFunction(dies, die);
    const name = dies.flag(die, "external") ? findString(index.strings, linkageName(dies, die)) : 0;
    const { sites, callees, names } = index;
    const rows = [...sites.keys()].filter(
      (row) => same.has((callees[row] ?? 0) as DieId) || (name !== 0 && names[row] === name),
    );
    return rows.map((row) => dies.die((sites[row] ?? 0) as DieId));
  };
  return {
    // Every place in a function asks for them.
    callsOf(die) {
      const found = known.get(die.id) ?? find(die);
      known.set(die.id, found);
      return found;
    },
  };
}

function linkageName(dies: DieReader, die: Die): string {
  return dies.text(die, "linkage_name") ?? dies.text(die, "name") ?? "";
}

/** `die` with what it is an instance of and what declares it. */
function sameFunction(dies: DieReader, die: Die): Set<DieId> {
  const same = new Set([die.id]);
  for (const id of same) {
    const { attributes } = dies.die(id);
    const link = attributes.get("abstract_origin") ?? attributes.get("specification");
    if (link?.kind === "reference") same.add(link.die);
  }
  return same;
}
