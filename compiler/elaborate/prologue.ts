/**
 * Where a function is probed: at its first instruction, or behind the prologue where only there
 * its variables are what debug information says, as in code that was compiled without
 * optimization (it has no lists of locations; GDB decides in the same way). A unit may hold both:
 * rustc compiles generic functions of optimized libraries anew.
 */
import type { PrologueSearching } from "../../base/stage.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { SourceLine } from "../dwarf/lines.js";
import type { FunctionCode } from "./code-functions.js";
import { firstRowAt, hasAddress } from "./statement-lines.js";

/** ELF address at which a probe of `code` lies. */
export function probeAddress(
  info: DebugInfo,
  code: FunctionCode,
  searching: PrologueSearching,
): number {
  if (code.isInline || searching === "never") return code.entry;
  const isOptimized = searching === "auto" && info.hasLocationLists(code.unit);
  if (isOptimized && !needsFrame(info, code.die)) return code.entry;
  return prologueEnd(info.lines(code.unit), code);
}

/**
 * True if a parameter is all the time in a frame that a register points at: not before the prologue
 * has made it.
 */
function needsFrame(info: DebugInfo, die: Die): boolean {
  const [base, ...bases] = info.locations(die.id, "frame_base");
  if (base?.operations[0]?.atom !== "reg" || bases.length > 0) return false;
  return info.children(die.id).some((each) => {
    if (each.tag !== "formal_parameter") return false;
    const [place, ...places] = info.locations(each.id, "location");
    const isAlways = place?.end === Number.POSITIVE_INFINITY && places.length === 0;
    return isAlways && place.operations[0]?.atom === "fbreg";
  });
}

/**
 * Address of the record that the compiler marked, else of the one behind that of the entry (which
 * is the brace); the entry if the function has no such record. `records` are those of the unit.
 */
export function prologueEnd(
  records: readonly SourceLine[],
  code: Pick<FunctionCode, "entry" | "file" | "ranges">,
): number {
  const first = firstRowAt(records, code.entry);
  if (first < 0) return code.entry;
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
