/**
 * Where a function is probed: at its first instruction, or behind the prologue where only there
 * its variables are what debug information says, as in code that was compiled without
 * optimization (it has no lists of locations; GDB decides in the same way).
 */
import type { PrologueSearching } from "../../base/stage.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { SourceLine } from "../dwarf/lines.js";
import type { ChosenFunction } from "./code-functions.js";
import { hasAddress, indexAbove } from "./statement-lines.js";

/** ELF address at which a probe of `code` lies. */
export function probeAddress(
  info: DebugInfo,
  code: ChosenFunction,
  searching: PrologueSearching,
): number {
  if (code.isInline || searching === "never") return code.entry;
  if (searching === "auto" && info.hasLocationLists(code.unit)) return code.entry;
  return prologueEnd(info.lines(code.unit), code);
}

/**
 * Address of the record that the compiler marked, else of the one behind that of the entry (which
 * is the brace); the entry if the function has no such record. `records` are those of the unit.
 */
export function prologueEnd(
  records: readonly SourceLine[],
  code: Pick<ChosenFunction, "entry" | "file" | "ranges">,
): number {
  const first = indexAbove(records, code.entry - 1);
  const entry = records[first];
  if (entry?.address !== code.entry) return code.entry;
  for (let at = first; at < records.length; at++) {
    const record = records[at];
    if (record === undefined || !hasAddress(code, record.address)) {
      return records[at - 1]?.address ?? code.entry;
    }
    const isBehind = at > first || record.file !== code.file;
    if (isBehind || record.isPrologueEnd) return record.address;
  }
  return records.at(-1)?.address ?? code.entry;
}
