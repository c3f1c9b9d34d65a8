/**
 * Replacing nodes of a syntax tree, in a copy or with the ids kept; where the parts of a node are,
 * the table of the syntax says.
 */
import { type AccessStep, type Node, newNodeId } from "../syntax/ast.js";
import { isList, nodesIn, PARTS, type Part, partOf } from "../syntax/walk.js";

/** What to put in the place of a node: another node, or null to copy it and look inside. */
export type Replace = (node: Node, copy: <T extends Node>(node: T) => T) => Node | null;

/** A copy of `node` with fresh ids; `replace` is asked about each node before its parts. */
export function copyTree<T extends Node>(node: T, replace: Replace): T {
  const copy = <U extends Node>(part: U): U => copyNode(part) as U;
  const copyNode = (part: Node): Node =>
    replace(part, copy) ?? { ...withParts(part, copyNode), id: newNodeId() };
  return copyNode(node) as T;
}

/** `node` with some nodes replaced; ids stay, and parts without replacement are shared. */
export function editTree<T extends Node>(node: T, replace: Replace): T {
  const edit = <U extends Node>(part: U): U => editNode(part) as U;
  const editNode = (part: Node): Node => replace(part, edit) ?? withParts(part, editNode);
  return editNode(node) as T;
}

/** Calls `visit` for `node` and every node in it, parents first. */
export function forEachNode(node: Node, visit: (node: Node) => void): void {
  nodesIn(node).forEach(visit);
}

/** `node` with what `edit` makes of its parts; itself if they stay: trees change little. */
function withParts(node: Node, edit: (node: Node) => Node): Node {
  let changed: Record<string, Part> | null = null;
  for (const field of PARTS[node.kind]) {
    const part = partOf(node, field);
    if (part === null) continue;
    const edited = isList(part) ? editItems(part, edit) : edit(part);
    if (edited === part) continue;
    changed ??= {};
    changed[field] = edited;
  }
  return changed === null ? node : { ...node, ...changed };
}

type Items = readonly (Node | AccessStep | null)[];

function editItems(items: Items, edit: (node: Node) => Node): Items {
  let changed: (Node | AccessStep | null)[] | null = null;
  for (const [i, item] of items.entries()) {
    const edited = editItem(item, edit);
    if (edited === item) continue;
    changed ??= [...items];
    changed[i] = edited;
  }
  return changed ?? items;
}

function editItem(
  item: Node | AccessStep | null,
  edit: (node: Node) => Node,
): Node | AccessStep | null {
  if (item === null) return null;
  if ("id" in item) return edit(item);
  if (item.kind !== "element") return item;
  const index = edit(item.index);
  return index === item.index ? item : ({ ...item, index } as AccessStep);
}
