/** Debug information of modules for probe points: what is damaged is said once and not used. */
import { TargetError } from "../../base/target-error.js";
import { type DebugInfo, openDebugInfo } from "../dwarf/debug-info.js";
import type { Module } from "../elf/read.js";
import { type Reporter, ResolutionError } from "./report.js";
import type { Family, FamilyContext } from "./site.js";

/** DWARF of `module`, null if it has none or if it cannot be read. */
export function debugInfoOf(module: Module, { report }: FamilyContext): DebugInfo | null {
  try {
    const info = openDebugInfo(module.file, module.sysroot);
    const [first, ...others] = info?.missingFiles() ?? [];
    if (first !== undefined) {
      const more = others.length === 0 ? "" : ` and ${others.length} more`;
      const message = `cannot find ${first}${more} with debug information of ${module.path}`;
      warnOnce(report, "missing-dwo", message);
    }
    return info;
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    warnOnce(report, "unreadable-debuginfo", error.message);
    return null;
  }
}

const said = new WeakMap<Reporter, Set<string>>();

function warnOnce(report: Reporter, code: string, message: string): void {
  const messages = said.get(report) ?? new Set();
  said.set(report, messages);
  if (messages.has(message)) return;
  messages.add(message);
  report.warn({ code, message, node: null });
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
