/** Assignments, compound assignments, ++ and --, on every kind of target. */
import { bug } from "../../base/assert.js";
import { binary, i64, load } from "../ir/build.js";
import type { IrExpression } from "../ir/ir.js";
import type {
  AssignmentExpression,
  Expression,
  IndexExpression,
  UpdateExpression,
} from "../syntax/ast.js";
import { contains } from "../syntax/walk.js";
import type { Variable } from "../types/program.js";
import { type Arithmetic, divide, guardDivisor, lowerArithmetic } from "./arithmetic.js";
import { addToEntry, insertEntry, lowerKeys, requireArray, valueAddress } from "./array.js";
import { placeOf, writeProcfs } from "./location-write.js";
import { freezeText, lowerOperands, type Operand } from "./operands.js";
import {
  callLibrary,
  keep,
  lowerLong,
  lowerText,
  lowerTextTo,
  type Scope,
  type Text,
} from "./scope.js";
import { lowerInsertion } from "./stat.js";
import { typeOfExpression, variableOf } from "./unit.js";
import { addLong, readLong, readText, writeLong } from "./variable.js";

/** An assignment to a number; its value. */
export function assignLong(
  node: AssignmentExpression,
  scope: Scope,
  isUsed: boolean,
): IrExpression {
  const { target, operator } = node;
  if (target.kind === "index") return assignLongElement(node, target, scope);
  if (target.kind !== "identifier") return assignUser(node, scope);
  const variable = variableOf(scope.unit, target);
  const value = lowerLong(node.value, scope);
  if (!isUsed && (operator === "+=" || operator === "-=")) {
    const amount = operator === "+=" ? value : binary("i64.sub", i64(0n), value);
    addLong(variable, amount, scope);
    return i64(0n);
  }
  const kept = operator === "=" ? value : keep(scope, value);
  const next = apply(node, () => readLong(variable, scope), kept, scope);
  const result = isUsed ? keep(scope, next) : next;
  writeLong(variable, result, scope);
  return result;
}

/** An assignment to a string; its value. */
export function assignText(node: AssignmentExpression, scope: Scope): Text {
  const { target } = node;
  const isAppend = node.operator === ".=";
  if (target.kind === "index") return assignTextElement(node, target, scope);
  if (target.kind !== "identifier") {
    const value = lowerText(node.value, scope);
    writeProcfs(target, value, isAppend, scope);
    return value;
  }
  const variable = variableOf(scope.unit, target);
  const place = readText(variable, scope);
  if (!isAppend) {
    const isPrivate = scope.onError === scope.exit && !mayRead(node.value, variable, scope);
    lowerTextTo(node.value, place.address, isPrivate, scope);
    return place;
  }
  const value = lowerText(node.value, scope);
  callLibrary(scope, "string_append", [place.address, freezeText(value, scope).address]);
  return place;
}

/** An assignment whose value is not used. */
export function assignEffect(node: AssignmentExpression, scope: Scope): void {
  if (node.operator === "<<<") lowerInsertion(node, scope);
  else if (typeOfExpression(scope.unit, node.target) === "string") assignText(node, scope);
  else assignLong(node, scope, false);
}

/** `++` or `--`; its value. */
export function lowerUpdate(node: UpdateExpression, scope: Scope, isUsed: boolean): IrExpression {
  const { operand } = node;
  const amount = i64(node.operator === "++" ? 1n : -1n);
  if (operand.kind === "identifier") {
    const variable = variableOf(scope.unit, operand);
    if (!isUsed) {
      addLong(variable, amount, scope);
      return i64(0n);
    }
    const old = keep(scope, readLong(variable, scope));
    const next = keep(scope, binary("i64.add", old, amount));
    writeLong(variable, next, scope);
    return node.prefix ? next : old;
  }
  if (operand.kind === "index") {
    const old = addToElement(operand, lowerKeys(operand.indexes, scope), amount, scope);
    return node.prefix ? binary("i64.add", old, amount) : old;
  }
  const place = placeOf(operand, scope);
  const old = keep(scope, place.read());
  const next = keep(scope, binary("i64.add", old, amount));
  place.write(next);
  return node.prefix ? next : old;
}

function assignLongElement(
  node: AssignmentExpression,
  target: IndexExpression,
  scope: Scope,
): IrExpression {
  const [keys, operand] = keysAndValue(target, node.value, scope);
  if (operand.type !== "long") return bug("assignment of a string to a number");
  const value = keep(scope, operand.value);
  const { operator } = node;
  const divides = operator === "/=" || operator === "%=";
  if (divides) guardDivisor(value, scope, node.value);
  if (operator === "+=" || operator === "-=") {
    const amount = operator === "+=" ? value : keep(scope, binary("i64.sub", i64(0n), value));
    return binary("i64.add", addToElement(target, keys, amount, scope), amount);
  }
  const address = elementAddress(target, keys, scope);
  const old = (): IrExpression => load("i64.load", address);
  const next = divides
    ? divide(operator === "/=" ? "/" : "%", old(), value, scope)
    : apply(node, old, value, scope);
  const result = keep(scope, next);
  scope.code.store("i64.store", address, 0, result);
  return result;
}

function assignTextElement(
  node: AssignmentExpression,
  target: IndexExpression,
  scope: Scope,
): Text {
  const [keys, operand] = keysAndValue(target, node.value, scope);
  if (operand.type !== "string") return bug("assignment of a number to a string");
  const isAppend = node.operator === ".=";
  const value = isAppend ? freezeText(operand.text, scope) : operand.text;
  const address = elementAddress(target, keys, scope);
  callLibrary(scope, isAppend ? "string_append" : "string_copy", [address, value.address]);
  return { address, origin: "variable" };
}

/** True if evaluating `expression` could look at `variable`. */
function mayRead(expression: Expression, variable: Variable, scope: Scope): boolean {
  const { variables } = scope.unit.program;
  return (
    variable.kind === "global" || contains(expression, ({ id }) => variables.get(id) === variable)
  );
}

/** Keys of the element, then the value assigned, each as it was when evaluated. */
function keysAndValue(
  target: IndexExpression,
  value: Expression,
  scope: Scope,
): readonly [Operand[], Operand] {
  const indexes = target.indexes.map((index) => index ?? bug("`*` outside of a slice"));
  const operands = lowerOperands([...indexes, value], scope);
  return [operands, operands.pop() ?? bug("no value")];
}

/** Adds to the number of an element, which is made if it is unset; its old value. */
function addToElement(
  target: IndexExpression,
  keys: readonly Operand[],
  amount: IrExpression,
  scope: Scope,
): IrExpression {
  const global = requireArray(target.base, scope);
  return addToEntry(global, insertEntry(global, keys, scope, target), amount, scope);
}

/** Address of the value of an element, which is made if it is unset; in a temporary. */
function elementAddress(
  target: IndexExpression,
  keys: readonly Operand[],
  scope: Scope,
): IrExpression {
  const global = requireArray(target.base, scope);
  return valueAddress(global, insertEntry(global, keys, scope, target), scope);
}

function assignUser(node: AssignmentExpression, scope: Scope): IrExpression {
  const place = placeOf(node.target, scope);
  const value = keep(scope, lowerLong(node.value, scope));
  const old = (): IrExpression => keep(scope, place.read());
  const next = keep(scope, apply(node, old, value, scope));
  place.write(next);
  return next;
}

/** New value of the target of `node`: `old operator value`. A division by 0 names the divisor. */
function apply(
  { operator, value: divisor }: AssignmentExpression,
  old: () => IrExpression,
  value: IrExpression,
  scope: Scope,
): IrExpression {
  if (operator === "=") return value;
  return lowerArithmetic(operator.slice(0, -1) as Arithmetic, old(), value, scope, divisor);
}
