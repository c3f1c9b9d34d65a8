/**
 * Replacing nodes of a syntax tree, in a copy or with the ids kept. Works on any node kind, because
 * nodes are plain objects with `kind` and `id`.
 */
import { type Node, newNodeId } from "../syntax/ast.js";
import { walk } from "../syntax/walk.js";

/** What to put in the place of a node: another node, or null to copy it and look inside. */
export type Replace = (node: Node, copy: <T extends Node>(node: T) => T) => Node | null;

/** A copy of `node` with fresh ids; `replace` is asked about each node before its parts. */
export function copyTree<T extends Node>(node: T, replace: Replace): T {
  const copy = <U extends Node>(part: U): U => copyNode(part) as U;
  const copyNode = (part: Node): Node => {
    const other = replace(part, copy);
    if (other !== null) return other;
    return { ...copyFields(part, copyNode), id: newNodeId() } as Node;
  };
  return copyNode(node) as T;
}

/** `node` with some nodes replaced; ids stay, and parts without replacement are shared. */
export function editTree<T extends Node>(node: T, replace: Replace): T {
  const edit = <U extends Node>(part: U): U => editNode(part) as U;
  const editNode = (part: Node): Node =>
    replace(part, edit) ?? (copyFields(part, editNode) as unknown as Node);
  return editNode(node) as T;
}

/** Calls `visit` for `node` and every node in it, parents first. */
export function forEachNode(node: Node, visit: (node: Node) => void): void {
  walk(node, (part) => {
    visit(part);
    return true;
  });
}

/** `node` itself if nothing in it changes: trees are edited often and change little. */
function copyFields(node: object, copyNode: (node: Node) => Node): Record<string, unknown> {
  const fields = node as Record<string, unknown>;
  let copy: Record<string, unknown> | null = null;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    if (typeof value !== "object" || value === null || key === "span") continue;
    const copied = copyValue(value, copyNode);
    if (copied === value) continue;
    copy ??= { ...fields };
    copy[key] = copied;
  }
  return copy ?? fields;
}

function copyValue(value: object, copyNode: (node: Node) => Node): unknown {
  if (Array.isArray(value)) return copyItems(value, copyNode);
  if (isNode(value)) return copyNode(value);
  return isSpan(value) ? value : copyFields(value, copyNode);
}

function copyItems(items: readonly unknown[], copyNode: (node: Node) => Node): readonly unknown[] {
  let copy: unknown[] | null = null;
  for (const [i, item] of items.entries()) {
    if (typeof item !== "object" || item === null) continue;
    const copied = copyValue(item, copyNode);
    if (copied === item) continue;
    copy ??= [...items];
    copy[i] = copied;
  }
  return copy ?? items;
}

/** Spans are shared and never looked into. */
function isSpan(value: object): boolean {
  return "file" in value;
}

function isNode(value: object): value is Node {
  return "kind" in value && "id" in value;
}
