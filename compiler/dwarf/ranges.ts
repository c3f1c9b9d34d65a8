/** Address ranges of DIEs. */
import type { DebugInfo } from "./debug-info.js";
import type { Die } from "./die.js";
import { callNative, type DieId, type NativeFile } from "./native.js";

/** Half-open range of ELF addresses. */
export interface AddressRange {
  readonly begin: number;
  readonly end: number;
}

/** Addresses of the code of `die`, empty if it has none. */
export function readRanges(file: NativeFile, die: DieId): readonly AddressRange[] {
  const flat = callNative("ranges", file, die);
  const found: AddressRange[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [begin = 0, end = 0] = flat.slice(i, i + 2);
    if (begin < end) found.push({ begin, end });
  }
  return found;
}

/** First address of the code of `die` (DWARF 5 §2.18), null if it has none. */
export function entryOf(info: Pick<DebugInfo, "ranges">, die: Die): number | null {
  const entry = die.attributes.get("entry_pc");
  if (entry?.kind === "address") return entry.address;
  const low = die.attributes.get("low_pc");
  const base = low?.kind === "address" ? low.address : info.ranges(die.id)[0]?.begin;
  if (base === undefined) return null;
  return entry?.kind === "constant" ? base + Number(entry.value) : base;
}
