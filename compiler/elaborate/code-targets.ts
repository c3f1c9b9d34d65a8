/** The `$variables` of code that no debug information describes. */
import type { Module } from "../elf/read.js";
import type { TargetSymbol } from "../syntax/ast.js";
import { ResolutionError } from "./report.js";
import type { TargetScope } from "./site.js";

/** Variables of code without debug information: there are none. */
export function symbolTargets(module: Module): TargetScope {
  return {
    module,
    resolve(symbol: TargetSymbol): never {
      const what = symbol.atVar ? "@var" : `variable '${symbol.name}'`;
      throw module.hasDebugInfo
        ? new ResolutionError("unsupported-dwarf", `not supported yet: DWARF ${what}`, symbol)
        : new ResolutionError(
            "no-debuginfo",
            `not supported yet: DWARF ${what} (no debug information found for '${module.path}')`,
            symbol,
          );
    },
  };
}
