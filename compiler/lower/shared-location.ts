/**
 * Values that are long to find and that several expressions find in the same way (what registers
 * held at the entry, as all callers have it): functions of the bundle, (context) → i64, so that the
 * handlers of thousands of places do not each hold a copy of the code.
 */
import { get, i32 } from "../ir/build.js";
import type { FunctionReference, IrExpression, IrFunction, IrLocal } from "../ir/ir.js";
import type { Expression } from "../syntax/ast.js";
import { type Location, partsOf } from "../types/location.js";
import { createCode, finishFunction } from "./code.js";
import { callOf, checkError, keep, type Scope } from "./scope.js";
import { locationIndex } from "./unit.js";

/** Parts of a value for which a function is worth its call. */
const FEWEST_PARTS = 32;

/** The values of a program that are functions. */
export interface SharedLocations {
  /** True if `location` is such a value. */
  has(location: Location): boolean;
  /** What was lowered so far, by value and by the token that its errors name. */
  readonly functions: Map<string, IrFunction>;
  /** Number of `location` among them. */
  numberOf(location: Location): number;
}

/** The values among `locations` and their parts that are found in the same way more than once. */
export function sharedLocations(locations: Iterable<Location>): SharedLocations {
  const seen = new Set<Location>();
  const repeated = new Set<Location>();
  const visit = (location: Location): void => {
    if (repeated.has(location)) return;
    const isRepeated = seen.has(location);
    (isRepeated ? repeated : seen).add(location);
    // What a repeated choice is made of is only in its function.
    if (isRepeated && location.kind === "select") return;
    for (const part of partsOf(location)) visit(part);
  };
  for (const location of locations) visit(location);
  const choices = [...repeated].filter(({ kind }) => kind === "select");
  const numbers = new Map(choices.filter(isWorthwhile).map((each, index) => [each, index]));
  return {
    has: (location) => numbers.has(location),
    functions: new Map(),
    numberOf: (location) => numbers.get(location) ?? -1,
  };
}

/** True for long ones that depend on nothing but the hit. */
function isWorthwhile(location: Location): boolean {
  const parts = new Set([location]);
  for (const part of parts) {
    if (part.kind === "operand") return false;
    if (part.kind === "module-address" && part.module === null) return false;
    for (const inner of partsOf(part)) parts.add(inner);
  }
  return parts.size >= FEWEST_PARTS;
}

/** Calls the function for `location`, which `evaluate` lowers in a scope of its own when needed. */
export function callShared(
  location: Location,
  scope: Scope,
  node: Expression,
  evaluate: (inside: Scope) => IrExpression,
): IrExpression {
  const { functions, numberOf } = scope.unit.shared;
  const place = locationIndex(scope.unit, node.span);
  const name = `value_${numberOf(location)}_${place}`;
  const fn = functions.get(name) ?? lowerShared(name, scope, evaluate);
  functions.set(name, fn);
  const value = keep(scope, callOf(fn.reference, [scope.context]));
  checkError(scope);
  return value;
}

function lowerShared(
  name: string,
  outer: Scope,
  evaluate: (inside: Scope) => IrExpression,
): IrFunction {
  const context: IrLocal = { name: "context", type: "i32" };
  const reference: FunctionReference = {
    kind: "function",
    name,
    parameters: ["i32"],
    result: "i64",
  };
  const code = createCode([context.name]);
  const exit = code.label("end");
  const result = code.local("result", "i64");
  const scope: Scope = {
    ...outer,
    code,
    context: get(context),
    frame: i32(0),
    variables: new Map(),
    exit,
    result: null,
    actions: null,
    callers: [],
    onError: exit,
    loop: null,
  };
  const body = code.collect(() => {
    code.block(exit, () => code.set(result, evaluate(scope)));
    code.emit({ kind: "return", value: get(result) });
  });
  return finishFunction({ reference, exported: null, parameters: [context] }, code, body);
}
