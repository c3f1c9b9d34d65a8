/** The parts of statements and expressions, as lowering sees them: code, without declarations. */
import type { Expression, Statement } from "../syntax/ast.js";
import { childrenOf } from "../syntax/walk.js";

/** A statement or expression. */
export type Code = Statement | Expression;

/** Statements and expressions right below `node`, in source order. */
export function children(node: Code): readonly Code[] {
  // What is in code is code.
  return childrenOf(node) as readonly Code[];
}
