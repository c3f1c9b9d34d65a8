/**
 * When specialized copies of one body mean the same: what was decided and found in them is equal.
 * Requires copies made by `specialize` from the same source.
 */

import type { Node } from "../syntax/ast.js";
import { walk } from "../syntax/walk.js";
import type { TargetTable } from "./resolve-target.js";
import type { TargetValue } from "./site.js";

/** Gives texts that are equal for copies that mean the same, as long as it is the same function. */
export function bodyKeys(table: TargetTable): (copies: readonly Node[]) => string {
  const identify = identifier();
  const found = (node: Node): string => {
    const value = table.values.get(node.id);
    const failure = table.failures.get(node.id);
    const pointer = table.pointers.get(node.id)?.key ?? "";
    return `${value === undefined ? "" : identify(plain(value))},${failure?.message ?? ""},${pointer}`;
  };
  return (copies) => {
    const parts: string[] = [];
    for (const copy of copies) {
      walk(copy, (node) => {
        const literal = node.kind === "number" ? String(node.value) : "";
        parts.push(`${node.kind} ${node.span.start} ${literal} ${found(node)}`);
        return true;
      });
    }
    return parts.join(";");
  };
}

/** `value` without functions: types of pointers are told apart by their keys. */
function plain({ pointer, ...value }: TargetValue): object {
  return { ...value, pointer: pointer?.key ?? "" };
}

/** Numbers for plain values, equal for equal ones. Parts that are shared are looked at once. */
function identifier(): (value: unknown) => number {
  const numbers = new Map<string, number>();
  const known = new WeakMap<object, number>();
  const numberOf = (text: string): number => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  };
  const identify = (value: unknown): number => {
    if (typeof value !== "object" || value === null) return numberOf(`${typeof value} ${value}`);
    const number = known.get(value) ?? numberOf(shapeOf(value, identify));
    known.set(value, number);
    return number;
  };
  return identify;
}

function shapeOf(value: object, identify: (part: unknown) => number): string {
  return Object.entries(value)
    .map(([name, part]) => `${name} ${identify(part)}`)
    .join();
}
