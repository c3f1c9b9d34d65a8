/**
 * From a variable to what `->member` and `[index]` reach, and to its value as a number. `->` stands
 * for both `.` and `->` of C; references behave like pointers (language.md §15, messages as
 * SystemTap has them).
 */
import { type Place, ResolutionError } from "../elaborate/report.js";
import { nearestNames } from "../elaborate/similar.js";
import type { AccessStep } from "../syntax/ast.js";
import { add, constant, type Location, scale } from "../types/location.js";
import {
  addressOf,
  type ObjectPlace,
  partOf,
  readBitField,
  readNumber,
  targetOf,
} from "./place.js";
import {
  type Member,
  type SourceType,
  type StructType,
  showType,
  sizeOf,
  strip,
  structName,
} from "./source-type.js";

/** Something with a type in the program. */
export interface SourceObject {
  readonly type: SourceType;
  readonly place: ObjectPlace;
  /** Of a bit field: where it is in its container. */
  readonly bits: Member["bits"];
  /** The part of the script that named it last, for messages. */
  readonly node: Place | null;
}

/** A step that leads on, with the operand number of its index. */
type Step = Exclude<AccessStep, { kind: "pretty" }>;

/** What `steps` lead to from `object`; indexes are operands from `firstOperand` on. */
export function followSteps(
  object: SourceObject,
  steps: readonly AccessStep[],
  firstOperand: number,
): SourceObject {
  let at = object;
  let operand = firstOperand;
  for (const step of steps) {
    if (step.kind === "pretty") continue;
    at = locate(step, () =>
      step.kind === "member" ? member(at, step) : element(at, step, operand),
    );
    if (step.kind === "element") operand++;
  }
  return at;
}

/** Runs `action`; what it refuses is blamed on `node` if it blames nothing else. */
export function locate<T>(node: Place | null, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ResolutionError) || error.reason.node !== null) throw error;
    throw new ResolutionError(error.reason.code, error.message, node);
  }
}

/** Value of `object`: a number, or the address of an array or a function. */
export function objectValue(object: SourceObject): Location {
  return locate(object.node, () => readValue(object));
}

function readValue({ type, place, bits }: SourceObject): Location {
  const plain = strip(type);
  switch (plain.kind) {
    case "number": {
      if (bits !== null) return readBitField(place, bits, plain.signed);
      const value = readNumber(place, plain);
      return plain.encoding === "float" && plain.bytes === 4
        ? { kind: "widen-float", value }
        : value;
    }
    case "pointer":
      return readNumber(place, { bytes: plain.bytes, signed: false });
    case "array":
    case "function":
      return addressOf(place);
    case "struct": {
      const [first] = memberNames(plain).sort();
      const hint = first === undefined ? "" : ` such as '->${first}'`;
      const where = plain.place === "" ? "" : ` (${plain.place})`;
      return refuse(`'${structName(plain)}'${where} is being accessed instead of a member${hint}`);
    }
    case "void":
      return refuse("cannot read a value of type 'void'");
    default:
      return refuse(`unexpected type tag ${plain.tag}`);
  }
}

/** Address of `object`. */
export function addressOfObject(object: SourceObject): Location {
  return locate(object.node, () => {
    if (object.bits !== null) refuse("cannot take the address of a bit field");
    return addressOf(object.place);
  });
}

/** The object that the pointer `object` leads to. */
export function follow(object: SourceObject, index: Location = constant(0)): SourceObject {
  const plain = strip(object.type);
  const target = plain.kind === "pointer" ? plain.target() : refuse("not a pointer");
  const known = targetOf(object.place);
  if (known !== null) return { ...object, ...elementOf(known, target, index), bits: null };
  const address = add(readValue(object), scale(index, sizeOf(target)));
  return { ...object, type: target, place: { kind: "memory", address }, bits: null };
}

function member(object: SourceObject, step: Step & { kind: "member" }): SourceObject {
  const plain = strip(object.type);
  switch (plain.kind) {
    case "struct":
      return structMember({ ...object, node: step }, plain, step);
    case "pointer": {
      const target = strip(plain.target());
      if (target.kind === "void") refuse(`invalid access '->${step.name}' vs 'void*'`);
      if (target.kind === "function") refuse(`${showType(target)}: unexpected type tag 21`);
      return member(follow(object), step);
    }
    case "array":
      return refuse(`invalid access '->${step.name}' for array type`);
    default:
      return refuse(`invalid access '->${step.name}' vs. ${showType(object.type)}`);
  }
}

function structMember(
  object: SourceObject,
  type: StructType,
  step: Step & { kind: "member" },
): SourceObject {
  const path = findMember(type, step.name, 0);
  if (path !== null) return path.reduce(enter, object);
  const common = findStatic(type, step.name, 0);
  if (common !== null) return { ...object, ...common, bits: null };
  if (type.isDeclaration) refuse(`unresolved ${structName(type)}`);
  const names = memberNames(type);
  const nearest = nearestNames(step.name, names, names.length);
  const alternatives = nearest.length === 0 ? "" : ` (alternatives: ${nearest.join(", ")})`;
  return refuse(`unable to find member '${step.name}' for ${structName(type)}${alternatives}`);
}

/** The member `found` of the structure `object`. */
export function enter(object: SourceObject, found: Member): SourceObject {
  const place: ObjectPlace =
    found.address === null
      ? partOf(object.place, found.offset)
      : { kind: "memory", address: found.address(addressOf(object.place)) };
  return { ...object, type: found.type(), place, bits: found.bits };
}

/** Structures nest no deeper; a file with more goes round in circles. */
const MAX_NESTING = 32;

/** Own members first, then those of anonymous members and base classes, in order. */
function findMember(type: StructType, name: string, depth: number): readonly Member[] | null {
  if (depth > MAX_NESTING) return null;
  const members = type.members();
  const own = members.find((each) => each.name === name && !each.isBase);
  if (own !== undefined) return [own];
  for (const each of members) {
    if (each.name !== "") continue;
    const inner = strip(each.type());
    const path = inner.kind === "struct" ? findMember(inner, name, depth + 1) : null;
    if (path !== null) return [each, ...path];
  }
  return null;
}

/** The static member of the class or of one of its bases. */
function findStatic(
  type: StructType,
  name: string,
  depth: number,
): ReturnType<StructType["findStatic"]> {
  if (depth > MAX_NESTING) return null;
  const own = type.findStatic(name);
  if (own !== null) return own;
  for (const each of type.members().filter(({ isBase }) => isBase)) {
    const base = strip(each.type());
    const found = base.kind === "struct" ? findStatic(base, name, depth + 1) : null;
    if (found !== null) return found;
  }
  return null;
}

function memberNames(type: StructType, depth = 0): string[] {
  if (depth > MAX_NESTING) return [];
  return type.members().flatMap((each) => {
    if (each.name !== "") return [each.name];
    const inner = strip(each.type());
    return inner.kind === "struct" ? memberNames(inner, depth + 1) : [];
  });
}

function element(
  object: SourceObject,
  step: Step & { kind: "element" },
  operand: number,
): SourceObject {
  const plain = strip(object.type);
  const shown = step.index.kind === "number" ? `${step.index.value}` : "…";
  const index: Location =
    step.index.kind === "number" ? constant(step.index.value) : { kind: "operand", index: operand };
  switch (plain.kind) {
    case "array":
      return {
        ...object,
        ...elementOf(object.place, plain.element(), index),
        bits: null,
        node: step,
      };
    case "pointer":
      if (strip(plain.target()).kind === "void") refuse(`invalid access '[${shown}]' vs 'void*'`);
      return { ...follow(object, index), node: step };
    case "struct":
      return refuse(`invalid access '[${shown}]' for ${structName(plain)}`);
    default:
      return refuse(`invalid access '[${shown}]' vs. ${showType(object.type)}`);
  }
}

function elementOf(
  place: ObjectPlace,
  type: SourceType,
  index: Location,
): Pick<SourceObject, "type" | "place"> {
  const bytes = sizeOf(type);
  if (index.kind === "constant" && (index.value >= 0n || place.kind === "memory")) {
    return { type, place: partOf(place, Number(index.value) * bytes) };
  }
  const address = add(addressOf(place), scale(index, bytes));
  return { type, place: { kind: "memory", address } };
}

function refuse(message: string): never {
  throw new ResolutionError("invalid-access", message);
}
