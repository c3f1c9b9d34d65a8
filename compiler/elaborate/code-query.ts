/**
 * A `.function("…")` or `.statement("…")` of one module with debug information, as the files for
 * functions, statements, labels and callees get it.
 */
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { ChosenFunction } from "./code-functions.js";
import { placeTargets } from "./code-targets.js";
import type { FunctionPattern } from "./function-pattern.js";
import type { ProcessModule } from "./process-path.js";
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
  { where, info }: Pick<CodeQuery, "where" | "info">,
  code: Pick<ChosenFunction, "die" | "unit">,
  address: number,
  isReturn = false,
): TargetScope {
  const { die, unit } = code;
  let scope: Die | null = null;
  return placeTargets({
    module: where.module,
    info,
    unit,
    address,
    isReturn,
    get scope() {
      scope ??= innermostBlock(info.scopesAt(unit, address), die);
      return scope;
    },
  });
}

const BLOCKS: ReadonlySet<string> = new Set([
  "lexical_block",
  "with_stmt",
  "catch_block",
  "try_block",
  "entry_point",
]);

/** The innermost block of `die` among the scopes around an address; what is inlined is not entered. */
function innermostBlock(scopes: readonly Die[], die: Die): Die {
  const own = scopes.findIndex(({ id }) => id === die.id);
  let at = own;
  while (at > 0 && BLOCKS.has(scopes[at - 1]?.tag ?? "")) at--;
  return scopes[at] ?? die;
}
