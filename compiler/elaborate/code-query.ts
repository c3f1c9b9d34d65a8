/**
 * A `.function("…")` or `.statement("…")` of one module with debug information, as the files for
 * functions, statements, labels and callees get it.
 */
import type { DebugInfo } from "../dwarf/debug-info.js";
import { dwarfTargets } from "../variables/targets.js";
import type { FunctionCode } from "./code-functions.js";
import type { CodePlace } from "./code-site.js";
import type { FunctionPattern } from "./function-pattern.js";
import type { ProcessModule } from "./process-path.js";
import { probeAddress } from "./prologue.js";
import type { FamilyContext, TargetScope } from "./site.js";

/** What is looked for, and where. */
export interface CodeQuery {
  readonly where: ProcessModule;
  readonly info: DebugInfo;
  readonly pattern: FunctionPattern;
  readonly context: FamilyContext;
}

/** `name@file:line` with what is known, as resolved points show a place. */
export function showPlace(name: string, file: string, line: number): string {
  if (file === "") return name;
  return line > 0 ? `${name}@${file}:${line}` : `${name}@${file}`;
}

/** The variables at `address` in `code`, seen from its innermost block there. */
export function targetsAt(
  { where: { module }, info }: Pick<CodeQuery, "where" | "info">,
  { die: code, unit }: Pick<FunctionCode, "die" | "unit">,
  address: number,
): TargetScope {
  return dwarfTargets({ module, info, unit, address, code, inBlocks: true, isReturn: false });
}

/**
 * The variables of `code` itself where its entry is probed, at `address`: it may belong to a block
 * already, of which nothing has run.
 */
export function entryTargets(
  { where: { module }, info }: Pick<CodeQuery, "where" | "info">,
  { die: code, unit }: Pick<FunctionCode, "die" | "unit">,
  address: number,
  isReturn = false,
): TargetScope {
  return dwarfTargets({ module, info, unit, address, code, inBlocks: false, isReturn });
}

/** Where the entry of `code` is probed, and what can be seen there: for what return probes keep. */
export function entryPlace(
  query: Pick<CodeQuery, "where" | "info" | "context">,
  code: FunctionCode,
): Pick<CodePlace, "address" | "targets"> {
  const address = probeAddress(query.info, code, query.context.context.options.prologueSearching);
  return { address, targets: entryTargets(query, code, address) };
}
