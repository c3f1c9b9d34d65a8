/** The `.` operator: all parts of a chain go one after the other into one temporary. */
import { bug } from "../../base/assert.js";
import type { ConcatenationExpression, Expression } from "../syntax/ast.js";
import { lowerOperands } from "./operands.js";
import { callLibrary, type Scope, type Text, takeText } from "./scope.js";

/** String that `node` gives. */
export function lowerConcatenation(
  node: ConcatenationExpression,
  scope: Scope,
  destination?: Text,
): Text {
  const parts = lowerOperands(partsOf(node), scope);
  const out = destination ?? takeText(scope);
  for (const [index, part] of parts.entries()) {
    if (part.type !== "string") return bug("concatenation of a number");
    const copy = index === 0 ? "string_copy" : "string_append";
    callLibrary(scope, copy, [out.address, part.text.address]);
  }
  return out;
}

function partsOf(node: Expression): readonly Expression[] {
  return node.kind === "concatenation" ? [...partsOf(node.left), ...partsOf(node.right)] : [node];
}
