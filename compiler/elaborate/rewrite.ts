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

function copyFields(node: object, copyNode: (node: Node) => Node): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  let changed = false;
  for (const [key, value] of Object.entries(node)) {
    const copied = key === "span" ? value : copyValue(value, copyNode);
    changed ||= copied !== value;
    fields[key] = copied;
  }
  return changed ? fields : (node as Record<string, unknown>);
}

function copyValue(value: unknown, copyNode: (node: Node) => Node): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => copyValue(item, copyNode));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  if (isNode(value)) return copyNode(value);
  return isRecord(value) ? copyFields(value, copyNode) : value;
}

/** Spans are shared and never looked into. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !("file" in value);
}

function isNode(value: unknown): value is Node {
  return isRecord(value) && typeof value["id"] === "number" && typeof value["kind"] === "string";
}
