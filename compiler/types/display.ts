/**
 * Automatic display: an end probe for each global of the user's that is written but never read
 * (language.md §12, cli.md §7). The probes are source text, parsed like any other.
 */
import type { VariableSymbol } from "../elaborate/symbol.js";
import { cellsOf, type Inference } from "./cells.js";
import type { Type } from "./program.js";

/** Text of the probe that shows `variable`. */
export function displayProbe(variable: VariableSymbol, state: Inference): string {
  const { value, keys } = cellsOf(variable, state);
  const { name } = variable;
  const body =
    keys.length === 0
      ? displayScalar(name, value.type, (state.pointers.get(variable) ?? null) !== null)
      : displayArray(
          name,
          value.type,
          keys.map((key) => key.type),
        );
  return `probe end { ${body} }`;
}

function displayScalar(name: string, type: Type | null, isPointer: boolean): string {
  if (type === "string") return `printf("${name}=\\"%#s\\"\\n", ${name})`;
  if (type !== "stats") return `printf("${name}=${isPointer ? "%#x" : "%d"}\\n", ${name})`;
  const empty = `printf("${name} @count=0x0\\n")`;
  return `if (@count(${name}) == 0) ${empty} else ${displayStat(name, "", name, [])}`;
}

function displayArray(name: string, type: Type | null, keys: readonly (Type | null)[]): string {
  const indexes = keys.map((_, i) => `__idx${i}`);
  const label = keys.map((key) => (key === "string" ? '\\"%#s\\"' : "%#d")).join(",");
  const list = indexes.join(", ");
  if (type === "stats") {
    const show = displayStat(name, `[${label}]`, `${name}[${list}]`, indexes);
    return `foreach ([${list}] in ${name}-) ${show}`;
  }
  const value = type === "string" ? '\\"%#s\\"' : "%d";
  const show = `printf("${name}[${label}]=${value}\\n", ${list}, __val)`;
  return `foreach (__val = [${list}] in ${name}-) ${show}`;
}

function displayStat(
  name: string,
  label: string,
  element: string,
  indexes: readonly string[],
): string {
  const operators = ["count", "min", "max", "sum", "avg"];
  const format = operators.map((operator) => `@${operator}=%#d`).join(" ");
  const values = operators.map((operator) => `@${operator}(${element})`);
  return `printf("${name}${label} ${format}\\n", ${[...indexes, ...values].join(", ")})`;
}
