/**
 * Deep copies with fresh node ids: a body that is used for several probes has facts of its own in
 * each. A node is a plain object, so one generic copy serves all kinds.
 */
import {
  type BlockStatement,
  type Expression,
  type Node,
  newNodeId,
  type ProbeComponent,
  type ProbePoint,
  type Statement,
} from "./ast.js";

/** Called for each node that was copied, with the original first. */
export type OnCopy = (original: Node, copy: Node) => void;

/** A deep copy of `statement` with fresh ids. */
export function cloneStatement<S extends Statement>(statement: S, onCopy?: OnCopy): S {
  return copyOf(statement, onCopy);
}

/** A deep copy of `expression` with fresh ids. */
export function cloneExpression<E extends Expression>(expression: E, onCopy?: OnCopy): E {
  return copyOf(expression, onCopy);
}

/** A deep copy of `block` with fresh ids. */
export function cloneBlock(block: BlockStatement, onCopy?: OnCopy): BlockStatement {
  return copyOf(block, onCopy);
}

/** A deep copy of `component` with fresh ids. */
export function cloneComponent(component: ProbeComponent): ProbeComponent {
  return copyOf(component, undefined);
}

/** A deep copy of `point` with fresh ids. */
export function clonePoint(point: ProbePoint): ProbePoint {
  return copyOf(point, undefined);
}

function copyOf<T>(value: T, onCopy: OnCopy | undefined): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copyOf(item, onCopy)) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (key === "span") copy[key] = field;
    else copy[key] = key === "id" ? newNodeId() : copyOf(field, onCopy);
  }
  if ("id" in copy) onCopy?.(value as unknown as Node, copy as unknown as Node);
  return copy as T;
}
