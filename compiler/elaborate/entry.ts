/**
 * @entry(expression) in .return probes: its value is computed by a probe at the function's entry,
 * kept per thread and depth of recursion, and taken by the return probe before anything else, so
 * that `next` cannot leave it behind (language.md §15).
 */
import { bug } from "../../base/assert.js";
import type { BlockStatement, EntryExpression, Expression, Identifier } from "../syntax/ast.js";
import { newNodeId } from "../syntax/ast.js";
import type { DerivedProbe } from "./derive.js";
import { showComponents, withComponents } from "./point.js";
import { copyTree } from "./rewrite.js";

/** The @entry expressions of one return probe. */
export interface EntryValues {
  /** Number of the return probe, part of all names. */
  readonly number: number;
  /** Operands in order of appearance; the copy that runs at entry. */
  readonly operands: Expression[];
  /** Stands for an @entry expression in the return probe. */
  replace(node: EntryExpression): Identifier;
}

/** Collects the @entry expressions of the return probe number `probe`. */
export function collectEntryValues(probe: number): EntryValues {
  const operands: Expression[] = [];
  return {
    number: probe,
    operands,
    replace(node) {
      const name = `__entry_value${probe}_${operands.length}`;
      operands.push(node.operand);
      return { kind: "identifier", id: newNodeId(), span: node.span, name };
    },
  };
}

/** Source text of the globals, of the entry probe's body and of the return probe's prologue. */
export function entryText(probe: number, count: number): string {
  const each = (make: (k: number) => string): string =>
    Array.from({ length: count }, (_, k) => make(k)).join("\n");
  const stack = (k: number): string => `__entry_stack${probe}_${k}[__entry_tid, __entry_depth]`;
  const depth = `__entry_depth${probe}`;
  return `
    global ${depth}
    ${each((k) => `global __entry_stack${probe}_${k}`)}
    probe never {
      __entry_tid = tid()
      __entry_depth = ++${depth}[__entry_tid]
      ${each((k) => `${stack(k)} = __entry_operand${k}`)}
    }
    probe never {
      __entry_tid = tid()
      __entry_depth = ${depth}[__entry_tid]
      ${each((k) => `__entry_value${probe}_${k} = ${stack(k)}`)}
      ${each((k) => `delete ${stack(k)}`)}
      if (__entry_depth <= 1) delete ${depth}[__entry_tid]
      else ${depth}[__entry_tid] = __entry_depth - 1
    }`;
}

/** `template` with its placeholders replaced by copies of `operands`. */
export function fillOperands(
  template: BlockStatement,
  operands: readonly Expression[],
): BlockStatement {
  return copyTree(template, (node, copy) => {
    const index = node.kind === "identifier" && /^__entry_operand(\d+)$/.exec(node.name)?.[1];
    if (!index) return null;
    return copy(operands[Number(index)] ?? bug("no operand"));
  });
}

/** The probe at the entry of the function whose return `derived` probes, with `body`. */
export function entryProbe(derived: DerivedProbe, body: BlockStatement): DerivedProbe {
  const { site } = derived;
  const point = withComponents(
    site.point,
    site.point.components.filter((component) => component.name !== "return"),
  );
  const own = site.place.kind === "site" ? site.place : bug("return probe without a place");
  const entry = site.entry ?? { place: { ...own, place: "instruction" }, targets: site.targets };
  return {
    ...derived,
    site: { ...site, ...entry, point, isReturn: false },
    name: showComponents(point),
    body,
  };
}
