/**
 * Several operands of one operation, evaluated left to right. A value that a later operand could
 * change (a variable that it assigns) is copied first.
 */
import type { IrExpression } from "../ir/ir.js";
import type { Expression } from "../syntax/ast.js";
import { contains } from "../syntax/walk.js";
import type { FunctionInstance } from "../types/program.js";
import {
  callLibrary,
  keep,
  lowerLong,
  lowerText,
  type Scope,
  type Text,
  takeText,
} from "./scope.js";
import { typeOfExpression } from "./unit.js";
import { changesGlobals } from "./usage.js";

/** Value of an operand. */
export type Operand =
  | { readonly type: "long"; readonly value: IrExpression }
  | { readonly type: "string"; readonly text: Text };

/** Values of `expressions` as they were when each was evaluated. */
export function lowerOperands(expressions: readonly Expression[], scope: Scope): Operand[] {
  return expressions.map((expression, index) => {
    const operand = lowerOperand(expression, scope);
    const later = expressions.slice(index + 1);
    return later.some((next) => mayChange(next, scope)) ? freeze(operand, scope) : operand;
  });
}

/** Values of two long operands. */
export function lowerLongPair(
  left: Expression,
  right: Expression,
  scope: Scope,
): readonly [IrExpression, IrExpression] {
  const first = lowerLong(left, scope);
  const kept = mayChange(right, scope) ? keep(scope, first) : first;
  return [kept, lowerLong(right, scope)];
}

/** Value of `expression`, whatever its type. */
export function lowerOperand(expression: Expression, scope: Scope): Operand {
  return typeOfExpression(scope.unit, expression) === "string"
    ? { type: "string", text: lowerText(expression, scope) }
    : { type: "long", value: lowerLong(expression, scope) };
}

/** A copy of `text` that no later statement changes, in this statement's temporaries. */
export function freezeText(text: Text, scope: Scope): Text {
  if (text.origin !== "variable") return text;
  const copy = takeText(scope);
  callLibrary(scope, "string_copy", [copy.address, text.address]);
  return copy;
}

/** The operand as an argument: its value or address. */
export function argumentOf(operand: Operand): IrExpression {
  return operand.type === "long" ? operand.value : operand.text.address;
}

function freeze(operand: Operand, scope: Scope): Operand {
  return operand.type === "long"
    ? { type: "long", value: keep(scope, operand.value) }
    : { type: "string", text: freezeText(operand.text, scope) };
}

/** True if evaluating `expression` may change a variable. */
function mayChange(expression: Expression, scope: Scope): boolean {
  const { program, usages } = scope.unit;
  const changes = (fn: FunctionInstance): boolean => changesGlobals(usages.all(fn));
  return contains(
    expression,
    ({ kind, id }) =>
      kind === "assignment" || kind === "update" || program.calls.get(id)?.some(changes) === true,
  );
}
