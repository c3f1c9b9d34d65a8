/**
 * Where a function is probed: at its first instruction, or behind the prologue where only there
 * its variables are what debug information says, as in code that was compiled without
 * optimization (it has no lists of locations; GDB decides in the same way). A unit may hold both:
 * rustc compiles generic functions of optimized libraries anew.
 */
import type { PrologueSearching } from "../../base/stage.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import { isAlwaysInFrame, isListed } from "../dwarf/framed.js";
import type { SourceLine } from "../dwarf/lines.js";
import type { DieId } from "../dwarf/native.js";
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

/** DWARF number of rbp (SysV AMD64 ABI figure 3.36). */
const FRAME_POINTER = 6n;

/**
 * True if a parameter is all the time in a frame that a register points at, or local variables are,
 * none is elsewhere, and the function is not said to be optimized: the prologue makes that frame.
 */
function needsFrame(info: DebugInfo, die: Die): boolean {
  const [base, ...bases] = info.locations(die.id, "frame_base");
  const [operation] = base?.operations ?? [];
  if (operation?.atom !== "reg" || bases.length > 0) return false;
  const variables = variablesOf(info, die.id);
  const framed = variables.filter((each) => isAlwaysInFrame(info, each));
  if (framed.some(({ tag }) => tag === "formal_parameter")) return true;
  if (operation.number !== FRAME_POINTER || info.flag(die, "call_all_calls")) return false;
  const hasLists = variables.some((each) => each.tag === "variable" && isListed(info, each));
  return framed.length > 0 && !hasLists;
}

/** Parameters and variables of a function, those of its blocks too. */
function variablesOf(info: DebugInfo, parent: DieId): readonly Die[] {
  return info.children(parent).flatMap((die): readonly Die[] => {
    if (die.tag === "lexical_block") return variablesOf(info, die.id);
    return die.tag === "formal_parameter" || die.tag === "variable" ? [die] : [];
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
