/** Debug information of modules for probe points: what is damaged is said once and not used. */
import { TargetError } from "../../base/target-error.js";
import { type DebugInfo, openDebugInfo } from "../dwarf/debug-info.js";
import type { Module } from "../elf/read.js";
import { ResolutionError } from "./report.js";
import type { Family, FamilyContext } from "./site.js";

/** DWARF of `module`, null if it has none or if it cannot be read. */
export function debugInfoOf(module: Module, { report }: FamilyContext): DebugInfo | null {
  try {
    return openDebugInfo(module.path);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    report.warn({ code: "unreadable-debuginfo", message: error.message, node: null });
    return null;
  }
}

/** `family`, in which debug information that turns out to be damaged makes the point unresolvable. */
export function readingDebugInfo(family: Family): Family {
  return (point, context) => {
    try {
      return family(point, context);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      throw new ResolutionError("unreadable-debuginfo", error.message);
    }
  };
}
