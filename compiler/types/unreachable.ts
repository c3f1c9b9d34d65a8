/** Drops the statements of a block that follow a jump (language.md §19). */
import { editTree } from "../elaborate/rewrite.js";
import type { BlockStatement, Statement } from "../syntax/ast.js";
import { nodesIn } from "../syntax/walk.js";

/** `body` without statements that are never reached. */
export function dropUnreachable(body: BlockStatement): BlockStatement {
  if (!nodesIn(body).some((node) => node.kind === "block" && reachedIn(node) !== null)) return body;
  return editTree(body, (node, edit) => {
    const reached = node.kind === "block" ? reachedIn(node) : null;
    return reached && { ...node, statements: reached.map((statement) => edit(statement)) };
  });
}

/** Statements of `block` up to its first jump; null if that is all of them. */
function reachedIn({ statements }: BlockStatement): readonly Statement[] | null {
  const jump = statements.findIndex(isJump);
  return jump < 0 || jump === statements.length - 1 ? null : statements.slice(0, jump + 1);
}

function isJump({ kind }: Statement): boolean {
  return kind === "return" || kind === "next" || kind === "break" || kind === "continue";
}
