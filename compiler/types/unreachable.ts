/** Drops the statements of a block that follow a jump (language.md §19). */
import { editTree } from "../elaborate/rewrite.js";
import type { BlockStatement, Statement } from "../syntax/ast.js";

/** `body` without statements that are never reached. */
export function dropUnreachable(body: BlockStatement): BlockStatement {
  return editTree(body, (node, edit) => {
    if (node.kind !== "block") return null;
    const jump = node.statements.findIndex(isJump);
    if (jump < 0 || jump === node.statements.length - 1) return null;
    return { ...node, statements: node.statements.slice(0, jump + 1).map((s) => edit(s)) };
  });
}

function isJump({ kind }: Statement): boolean {
  return kind === "return" || kind === "next" || kind === "break" || kind === "continue";
}
