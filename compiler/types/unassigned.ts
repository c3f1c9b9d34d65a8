/** Warnings about variables that are read but never get a value, and values for no variable. */
import { similar } from "../elaborate/similar.js";
import type { VariableSymbol } from "../elaborate/symbol.js";
import type { Node } from "../syntax/ast.js";
import type { Inference } from "./cells.js";
import { reachableFunctions } from "./infer.js";
import { variableUse } from "./usage.js";

/** Warns of locals and globals of the user's scripts; `given` are globals set from outside (-G). */
export function warnUnassigned(state: Inference, given: ReadonlyMap<string, string>): void {
  const { handlers, globals } = state.symbols;
  const functions = reachableFunctions(handlers, state);
  const names = globals.filter((g) => !g.library).map((g) => g.name);
  for (const owner of [...handlers, ...functions]) warnLocals(owner, names, state);
  const roots = [
    ...handlers.flatMap((h): Node[] => [...h.conditions, h.body]),
    ...functions.map((f) => f.body),
  ];
  const use = variableUse(roots, state.symbols);
  for (const symbol of globals) {
    const isSet = symbol.declaration?.initial || given.has(symbol.name) || use.written.has(symbol);
    if (symbol.library || isSet || !use.read.has(symbol)) continue;
    state.report.warn({
      code: "never-assigned-global",
      message: `never-assigned global variable '${symbol.name}'${similar(symbol.name, names)}`,
      node: symbol.place,
    });
  }
  for (const name of given.keys()) {
    if (globals.some((g) => g.name === name && !(g.library && g.declaration?.isPrivate))) continue;
    const message = `option -G: there is no global variable '${name}'${similar(name, names)}`;
    state.report.warn({ code: "unknown-global", message, node: null });
  }
}

function warnLocals(
  owner: {
    readonly body: Node;
    readonly locals: readonly VariableSymbol[];
    readonly parameters?: readonly VariableSymbol[];
  },
  globals: readonly string[],
  state: Inference,
): void {
  const use = variableUse([owner.body], state.symbols);
  const own = [...(owner.parameters ?? []), ...owner.locals];
  const names = [...own.map(({ name }) => name), ...globals];
  for (const local of owner.locals) {
    if (local.library || !use.read.has(local) || use.written.has(local)) continue;
    state.report.warn({
      code: "never-assigned-local",
      message: `never-assigned local variable '${local.name}'${similar(local.name, names)}`,
      node: local.place,
    });
  }
}
