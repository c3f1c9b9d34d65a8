/** The `$variables` of code that no debug information describes. */
import type { Module } from "../elf/read.js";
import { resolveModuleVariable } from "../variables/script-targets.js";
import { checkText } from "../variables/targets.js";
import { ResolutionError } from "./report.js";
import type { TargetScope } from "./site.js";

/** Variables of code without debug information: the texts of them are empty. */
export function symbolTargets(module: Module, isReturn: boolean): TargetScope {
  const texts = new Set(["$$vars", "$$parms", "$$locals", ...(isReturn ? ["$$return"] : [])]);
  return {
    module,
    resolve(symbol, use = "value") {
      if (symbol.atVar && module.hasDebugInfo) {
        return resolveModuleVariable(symbol, use, { find: () => null, module });
      }
      if (texts.has(symbol.name)) {
        checkText(symbol);
        return { type: "string", location: { kind: "text", text: "" } };
      }
      throw new ResolutionError(
        "no-debuginfo",
        `debuginfo scope not found for module '${module.path}', cannot resolve context variable [man error::dwarf] (${HINT})`,
        symbol,
      );
    },
  };
}

const HINT = "without it long_arg(n), pointer_arg(n) and returnval() have the values";
