/**
 * What a target symbol, @cast or autocast gives for what its steps lead to: a number, a text, an
 * address, or something to assign to, with the type of pointers (language.md §15).
 */
import { type Place, ResolutionError } from "../elaborate/report.js";
import type { PointerType, TargetUse, TargetValue } from "../elaborate/site.js";
import type { AccessStep } from "../syntax/ast.js";
import { type EnumeratorNames, isVector, type Location } from "../types/location.js";
import {
  addressOfObject,
  follow,
  followSteps,
  locate,
  objectValue,
  type SourceObject,
} from "./access.js";
import { prettyText } from "./pretty.js";
import { type SourceType, showType, strip } from "./source-type.js";

/** The value of `object` after `steps`, whose indexes are operands from `firstOperand` on. */
export function targetValue(
  object: SourceObject,
  steps: readonly AccessStep[],
  firstOperand: number,
  use: TargetUse,
): TargetValue {
  const found = followSteps(object, steps, firstOperand);
  const last = steps.at(-1);
  if (last?.kind === "pretty") return prettyValue(found, last.depth, use);
  if (use === "address") {
    const pointer: SourceType = { ...POINTER, target: () => found.type };
    return { type: "long", location: addressOfObject(found), pointer: pointerType(pointer) };
  }
  const location = objectValue(found);
  if (use === "write" && !isPlace(location)) {
    throw new ResolutionError("not-writable", "cannot write to a computed value", found.node);
  }
  return {
    type: "long",
    location,
    isWritable: isPlace(location),
    needsGuru: true,
    pointer: pointerType(found.type),
    enumerators: enumeratorsOf(found.type),
  };
}

/** The value of @cast(operand 0, "type"). */
export function castValue(
  type: SourceType,
  steps: readonly AccessStep[],
  use: TargetUse,
  node: Place,
): TargetValue {
  return pointedValue({ value: OPERAND, type, node }, steps, 1, use);
}

/** An address of an object of `type`, or of the first of several with `[index]`. */
export interface TypedAddress {
  readonly value: Location;
  readonly type: SourceType;
  readonly node: Place;
}

/** What `steps` lead to from `address`, whose indexes are operands from `firstOperand` on. */
export function pointedValue(
  { value, type, node }: TypedAddress,
  steps: readonly AccessStep[],
  firstOperand: number,
  use: TargetUse,
): TargetValue {
  const pointer = valueObject(value, { ...POINTER, target: () => type }, node);
  const isArray = steps[0]?.kind === "element";
  return targetValue(isArray ? pointer : follow(pointer), steps, firstOperand, use);
}

const OPERAND: Location = { kind: "operand", index: 0 };
const POINTER = { kind: "pointer", symbol: "*", bytes: 8 } as const;

function prettyValue(object: SourceObject, depth: 1 | 2, use: TargetUse): TargetValue {
  if (use !== "value") {
    const what = use === "write" ? "write to" : "take the address of";
    const message = `cannot ${what} pretty-printed variable`;
    throw new ResolutionError("not-writable", message, object.node);
  }
  return { type: "string", location: locate(object.node, () => prettyText(object, depth)) };
}

/** The names of values of `type`; null if it is no enumeration. */
export function enumeratorsOf(type: SourceType): (() => EnumeratorNames) | null {
  const plain = strip(type);
  return plain.kind === "number" ? plain.enumerators : null;
}

/** How `->` works on values of `type`; null if they are no pointers. */
function pointerType(type: SourceType): PointerType | null {
  const plain = strip(type);
  if (plain.kind !== "pointer" && plain.kind !== "array") return null;
  const pointer: SourceType =
    plain.kind === "pointer" ? plain : { ...POINTER, target: () => plain.element() };
  return {
    key: showType(pointer),
    access: (steps, use) => targetValue(valueObject(OPERAND, pointer, null), steps, 1, use),
  };
}

function valueObject(value: Location, type: SourceType, node: Place | null): SourceObject {
  return { type, place: { kind: "value", value, offset: 0 }, bits: null, node };
}

/** True for what can be assigned to. */
function isPlace(location: Location): boolean {
  if (location.kind === "bits") return isPlace(location.value);
  if (location.kind === "register") return !isVector(location.register);
  return location.kind === "load";
}
