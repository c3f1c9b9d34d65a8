/** The `$variables` of places in code. */
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { Unit } from "../dwarf/units.js";
import type { Module } from "../elf/read.js";
import type { TargetSymbol } from "../syntax/ast.js";
import { ResolutionError } from "./report.js";
import type { TargetScope } from "./site.js";

/** A place in code that debug information describes. */
export interface TargetPlace {
  readonly module: Module;
  readonly info: DebugInfo;
  readonly unit: Unit;
  /** ELF address of the probe; of a return probe the start of the function. */
  readonly address: number;
  /** Innermost scope: a block, a function, or an inlined instance of one. */
  readonly scope: Die;
  readonly isReturn: boolean;
}

/** Variables of a place with debug information. */
export function placeTargets({ module }: TargetPlace): TargetScope {
  return symbolTargets(module);
}

/** Variables of code without debug information: there are none. */
export function symbolTargets(module: Module): TargetScope {
  return {
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
