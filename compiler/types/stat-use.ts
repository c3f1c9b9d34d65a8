/** What the statistics operators used on each variable ask of it (language.md §9). */
import { forEachNode } from "../elaborate/rewrite.js";
import type { VariableSymbol } from "../elaborate/symbol.js";
import type { AggregateOperation, HistogramOperation, Node } from "../syntax/ast.js";
import type { Inference } from "./cells.js";
import type { StatUse } from "./program.js";
import { baseOf } from "./usage.js";

/** Largest bit shift of @variance (language.md §9). */
const MAX_SHIFT = 62;

type Histogram = StatUse["histogram"];

/** Uses of all statistics in `bodies`; conflicting ones are errors. */
export function statUses(bodies: Iterable<Node>, state: Inference): Map<VariableSymbol, StatUse> {
  const uses = new Map<VariableSymbol, StatUse>();
  for (const body of bodies) {
    forEachNode(body, (node) => {
      if (node.kind !== "aggregate" && node.kind !== "histogram") return;
      const variable = state.symbols.variables.get(baseOf(node.stat)?.id ?? -1);
      if (variable === undefined) return;
      const use = uses.get(variable) ?? { histogram: { kind: "none" }, varianceShift: 0 };
      if (node.kind === "histogram") {
        uses.set(variable, {
          ...use,
          histogram: mergeHistogram(node, use.histogram, variable, state),
        });
        return;
      }
      const varianceShift = node.operator === "variance" ? mergeShift(node, use, state) : null;
      uses.set(variable, { ...use, varianceShift: varianceShift ?? use.varianceShift });
    });
  }
  return uses;
}

function mergeShift(node: AggregateOperation, before: StatUse, state: Inference): number {
  const shift = node.shift ?? 0;
  if (shift < 0 || shift > MAX_SHIFT) {
    const message = `bit shift (${shift}) out of range <0..${MAX_SHIFT}>`;
    state.report.error({ code: "shift-range", message, node });
    return before.varianceShift;
  }
  if (before.varianceShift !== 0 && before.varianceShift !== shift) {
    const message = `conflicting bit shifts declared (previously ${before.varianceShift})`;
    state.report.error({ code: "conflicting-shifts", message, node });
    return before.varianceShift;
  }
  return shift;
}

function mergeHistogram(
  node: HistogramOperation,
  before: Histogram,
  variable: VariableSymbol,
  state: Inference,
): Histogram {
  const histogram = histogramOf(node);
  if (before.kind === "none" || isSame(before, histogram)) return histogram;
  state.report.error({
    code: "conflicting-histograms",
    message: `multiple histogram types declared on '${variable.name}'`,
    node,
  });
  return before;
}

function histogramOf(node: HistogramOperation): Histogram {
  if (node.operator === "hist_log") return { kind: "log" };
  const [low = 0n, high = 0n, width = 1n] = node.parameters;
  return { kind: "linear", low, high, width };
}

function isSame(a: Histogram, b: Histogram): boolean {
  if (a.kind !== "linear" || b.kind !== "linear") return a.kind === b.kind;
  return a.low === b.low && a.high === b.high && a.width === b.width;
}
