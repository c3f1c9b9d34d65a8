/**
 * Variables of the program as objects: their type, and their place by the location or the constant
 * that debug information gives (DWARF 5 §2.6, §4.1). What is damaged or cannot be expressed makes
 * a variable inaccessible, no more.
 */
import { TargetError } from "../../base/target-error.js";
import type { Die } from "../dwarf/die.js";
import type { Operation, OperationName } from "../dwarf/operations.js";
import { ResolutionError } from "../elaborate/report.js";
import { constant } from "../types/location.js";
import type { SourceObject } from "./access.js";
import { type ExpressionContext, evaluatePlace } from "./expression.js";
import { type CodePosition, globalContext, operationsAt, positionContext } from "./frame.js";
import { passedPlaces } from "./passed.js";
import type { ObjectPlace } from "./place.js";
import type { ProgramModule } from "./program-module.js";

/** End of SystemTap's messages about debug information. */
const IS_COMPLETE = " [man error::dwarf]";

/**
 * The variable `die` where the program is at `position`; the same object for positions at which it
 * is the same.
 */
export function objectOf(
  program: ProgramModule,
  die: Die,
  position: CodePosition | null,
): SourceObject {
  try {
    const object = findObject(program, die, position);
    const { place } = object;
    if (place.kind !== "missing") return object;
    return { ...object, place: { ...place, ...inaccessible(place.reason, position) } };
  } catch (error) {
    if (!(error instanceof ResolutionError || error instanceof TargetError)) throw error;
    return objectAt(program, die, inaccessible(error.message, position));
  }
}

function findObject(program: ProgramModule, die: Die, position: CodePosition | null): SourceObject {
  if (program.info.owner(die, "location") === null) return withoutLocation(program, die);
  const operations = operationsAt(program, die, position);
  if (operations === null || operations.length === 0) {
    return objectAt(program, die, { kind: "missing", reason: "" });
  }
  if (position === null) {
    return objectAt(program, die, evaluatePlace(operations, globalContext(program)));
  }
  if (operations.some(({ atom }) => REFERENCES.has(atom))) {
    const context: ExpressionContext = {
      ...positionContext(program, position),
      pointedAt: (other) => objectOf(program, program.info.die(other), position).place,
    };
    return objectAt(program, die, evaluatePlace(operations, context));
  }
  return inFrame(program, die, operations, position);
}

/** What other expressions say, and where other variables are, depends on the address. */
const REFERENCES: ReadonlySet<OperationName> = new Set([
  "call2",
  "call4",
  "call_ref",
  "implicit_pointer",
]);

function inFrame(
  program: ProgramModule,
  die: Die,
  operations: readonly Operation[],
  position: CodePosition,
): SourceObject {
  const { context, objects, code, isEntry } = position.frame();
  const known = objects.get(operations) ?? new Map<Die["id"], SourceObject>();
  const passed = isEntry && code !== null ? passedPlaces(program, code).get(die.id) : undefined;
  const object =
    known.get(die.id) ?? objectAt(program, die, passed ?? evaluatePlace(operations, context));
  objects.set(operations, known.set(die.id, object));
  return object;
}

const constants = new WeakMap<Die, SourceObject>();

/** A constant, or something of which nothing is left. */
function withoutLocation(program: ProgramModule, die: Die): SourceObject {
  const object = constants.get(die) ?? objectAt(program, die, constantPlace(program, die));
  constants.set(die, object);
  return object;
}

function constantPlace({ info }: ProgramModule, die: Die): ObjectPlace {
  const value = info.attribute(die, "const_value");
  switch (value?.kind) {
    case "constant":
      return { kind: "value", value: constant(value.signed), offset: 0 };
    case "bytes":
      return { kind: "bytes", bytes: value.bytes, offset: 0 };
    case "string":
      return { kind: "bytes", bytes: Buffer.from(`${value.text}\0`, "latin1"), offset: 0 };
    default: {
      const name = info.text(die, "name") ?? "";
      const reason = `failed to retrieve location attribute for '${name}'${IS_COMPLETE}`;
      return { kind: "missing", reason };
    }
  }
}

function objectAt(program: ProgramModule, die: Die, place: ObjectPlace): SourceObject {
  return { type: program.types.typeOf(die), place, bits: null, node: null };
}

/** SystemTap's words, with the reason where there is more to say. */
function inaccessible(
  reason: string,
  position: CodePosition | null,
): ObjectPlace & { kind: "missing" } {
  if (reason.endsWith(IS_COMPLETE)) return { kind: "missing", reason };
  const pc = position === null ? "" : ` (pc: 0x${position.address.toString(16)})`;
  const base = `not accessible at this address${pc}${IS_COMPLETE}`;
  return { kind: "missing", reason: reason === "" ? base : `${base}: ${reason}` };
}
