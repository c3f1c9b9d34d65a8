/**
 * Puts the blocks of an alias around the body of a probe. Their @probewrite asks about that body,
 * not about the alias's own blocks, so it is answered here (stap(1) "PROBES").
 */
import {
  type BlockStatement,
  type Expression,
  type Node,
  newNodeId,
  type ProbeAlias,
} from "../syntax/ast.js";
import { editTree, forEachNode } from "./rewrite.js";

/** `body` between the blocks of `alias`, in one scope; itself if there are none. */
export function wrapBody(alias: ProbeAlias, body: BlockStatement): BlockStatement {
  const { prologue, epilogue } = alias;
  if (prologue === null && epilogue === null) return body;
  const written = writtenNames(body);
  const before = prologue === null ? [] : [answered(prologue, written)];
  const after = epilogue === null ? [] : [answered(epilogue, written)];
  return { ...body, id: newNodeId(), statements: [...before, body, ...after] };
}

function answered(block: BlockStatement, written: ReadonlySet<string>): BlockStatement {
  return editTree(block, (node) => {
    if (node.kind !== "probewrite") return null;
    const isWritten = written.has(nameOf(node.operand) ?? "");
    return { ...node, id: newNodeId(), isWritten };
  });
}

/** Names of all variables, those of the program with their `$`, that `body` gives values. */
function writtenNames(body: Node): Set<string> {
  const names = new Set<string>();
  const add = (target: Expression | null): void => {
    const name = target === null ? null : nameOf(target);
    if (name !== null) names.add(name);
  };
  forEachNode(body, (node) => {
    if (node.kind === "assignment") add(node.target);
    else if (node.kind === "update") add(node.operand);
    else if (node.kind === "try") add(node.variable);
    else if (node.kind === "foreach") [node.value, ...node.keys].forEach(add);
  });
  return names;
}

/** The variable that `expression` is or is a part of. */
function nameOf(expression: Expression): string | null {
  if (expression.kind === "identifier") return expression.name;
  if (expression.kind === "target") return expression.atVar ? null : expression.name;
  const isElement = expression.kind === "index" && expression.base.kind === "identifier";
  return isElement ? nameOf(expression.base) : null;
}
