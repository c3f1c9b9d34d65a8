/**
 * Pretty printing of `$x$` and `$x$$`: `{.a=1, .b=0x…, .c={...}, .d=[...]}`. A pointer is followed
 * once at the top, structures are shown one level deep or all of them, of an array the first
 * element. What cannot be found is `?`; a text that cannot be read at run time is `ERROR`.
 */
import { ResolutionError } from "../elaborate/report.js";
import { type FormatPiece, type Location, mayBeUnknown } from "../types/location.js";
import { enter, follow, objectValue, type SourceObject } from "./access.js";
import { addressOf, type ObjectPlace, partOf, readNumber, sourcesOf } from "./place.js";
import { type ArrayType, type Member, type StructType, strip } from "./source-type.js";

/** How deep a text goes: members of the outermost structure only, or all. */
export type PrettyDepth = 1 | 2;

/** Bytes of a character type whose arrays and pointers are shown as strings. */
const CHARACTER_BYTES = 1;
/** Of a string that lies in registers or is constant no more is shown. */
const MAX_TEXT_BYTES = 256;
/** Structures are shown no deeper, and arrays of arrays. */
const MAX_NESTING = 16;

/** Text of `object`; all of it is `?` where it is not known at run time. */
export function prettyText(object: SourceObject, depth: PrettyDepth): Location {
  const text: Location = { kind: "format", pieces: top(object, depth), onFault: "ERROR" };
  const needed = sourcesOf(object.place).filter(mayBeUnknown);
  if (needed.length === 0) return text;
  const pieces = [...needed.map((each) => ({ needed: each })), { nested: text }];
  return { kind: "format", pieces, onFault: "?" };
}

/** `outer` is the object asked for, of a pointer to pointers what they begin with. */
function top(
  object: SourceObject,
  depth: PrettyDepth,
  outer: SourceObject = object,
): readonly FormatPiece[] {
  const plain = strip(object.type);
  if (plain.kind !== "pointer") return show(object, depth, 0);
  const target = strip(plain.target());
  if (isCharacter(plain.target())) return pointer(object);
  switch (target.kind) {
    case "function":
      return [{ text: "<function>:" }, ...pointer(object)];
    case "struct":
    case "array":
      return orUnknown(() => show(follow(object), depth, 0));
    case "pointer":
      return orUnknown(() => top(follow(object), depth, outer));
    case "number":
      // SystemTap shows the outermost pointer by the type that the innermost points to.
      return orUnknown(() => [
        { value: objectValue(outer), conversion: target.signed ? "d" : "u" },
      ]);
    default:
      return pointer(object);
  }
}

/** `level` counts the structures and arrays around `object`. */
function show(object: SourceObject, depth: PrettyDepth, level: number): readonly FormatPiece[] {
  const plain = strip(object.type);
  switch (plain.kind) {
    case "number":
      return number(object);
    case "pointer":
      return pointer(object);
    case "array":
      return array(object, plain, depth, level);
    case "struct":
      if (plain.isDeclaration || isElided(depth, level)) return text("{...}");
      return struct(object, plain, depth, level);
    case "function":
      return orUnknown(() => [
        { text: "<function>:" },
        { value: addressOf(object.place), conversion: "p" },
      ]);
    default:
      return text("?");
  }
}

function isElided(depth: PrettyDepth, level: number): boolean {
  return level >= (depth === 1 ? 1 : MAX_NESTING);
}

function number(object: SourceObject): readonly FormatPiece[] {
  const plain = strip(object.type);
  if (plain.kind !== "number" || plain.encoding === "float" || plain.encoding === "other") {
    return text("?");
  }
  return orUnknown(() => {
    const value = objectValue(object);
    if (plain.encoding !== "character" || object.bits !== null) {
      const isUnsigned = plain.encoding === "unsigned" || (object.bits !== null && !plain.signed);
      return [{ value, conversion: isUnsigned ? "u" : "d" }];
    }
    return [{ text: "'" }, { value, conversion: "c" }, { text: "'" }];
  });
}

function pointer(object: SourceObject): readonly FormatPiece[] {
  const plain = strip(object.type);
  if (plain.kind !== "pointer") return text("?");
  return orUnknown(() => {
    const value = objectValue(object);
    if (isCharacter(plain.target())) return [{ value, conversion: "quoted", most: null }];
    return [{ value, conversion: "p" }];
  });
}

function array(
  object: SourceObject,
  type: ArrayType,
  depth: PrettyDepth,
  level: number,
): readonly FormatPiece[] {
  if (isElided(depth, level)) return text("[...]");
  let element = type.element();
  let most = type.count;
  // Several dimensions are shown as one.
  for (let inner = strip(element); inner.kind === "array"; inner = strip(element)) {
    element = inner.element();
    most = most === null || inner.count === null ? null : most * inner.count;
  }
  if (isCharacter(element)) return orUnknown(() => [characters(object.place, most)]);
  const first = { ...object, type: element, place: partOf(object.place, 0) };
  return [{ text: "[" }, ...show(first, depth, level + 1), { text: ", ...]" }];
}

/** The string of at most `most` bytes at `place`. */
function characters(place: ObjectPlace, most: number | null): FormatPiece {
  if (place.kind === "memory" || most === null) {
    return { value: addressOf(place), conversion: "quoted", most };
  }
  const words: Location[] = [];
  for (let at = 0; at < Math.min(most, MAX_TEXT_BYTES); at += 8) {
    words.push(readNumber(partOf(place, at), { bytes: Math.min(8, most - at), signed: false }));
  }
  return { words };
}

function struct(
  object: SourceObject,
  type: StructType,
  depth: PrettyDepth,
  level: number,
): readonly FormatPiece[] {
  const members = membersOf(object, type).flatMap(([member, at], index) => {
    const inner = strip(member.type());
    const keyword = inner.kind === "struct" && inner.keyword === "union" ? "union" : "class";
    const label = member.name === "" ? `<${keyword}>=` : `.${member.name}=`;
    const separator = index === 0 ? "" : ", ";
    return [{ text: separator + label }, ...show(at, depth, level + 1)];
  });
  return [{ text: "{" }, ...members, { text: "}" }];
}

/** The members of `object` and, behind them, those of its base classes, level by level, each once. */
function membersOf(
  object: SourceObject,
  type: StructType,
): readonly (readonly [Member, SourceObject])[] {
  const found: (readonly [Member, SourceObject])[] = [];
  const parts: (readonly [SourceObject, StructType])[] = [[object, type]];
  const seen = new Set<StructType>([type]);
  for (const [part, partType] of parts) {
    for (const member of partType.members().filter(({ isArtificial }) => !isArtificial)) {
      const at = tryEnter(part, member);
      const base = strip(member.type());
      if (!member.isBase) found.push([member, at]);
      else if (base.kind === "struct" && !seen.has(base)) {
        seen.add(base);
        parts.push([at, base]);
      }
    }
  }
  return found;
}

function tryEnter(object: SourceObject, member: Member): SourceObject {
  try {
    return enter(object, member);
  } catch (error) {
    if (!(error instanceof ResolutionError)) throw error;
    return { ...object, type: member.type(), place: { kind: "missing", reason: error.message } };
  }
}

function isCharacter(type: SourceObject["type"]): boolean {
  const plain = strip(type);
  return (
    plain.kind === "number" && plain.encoding === "character" && plain.bytes === CHARACTER_BYTES
  );
}

/** What `make` gives, "?" if the object cannot be found. */
function orUnknown(make: () => readonly FormatPiece[]): readonly FormatPiece[] {
  try {
    return make();
  } catch (error) {
    if (error instanceof ResolutionError) return text("?");
    throw error;
  }
}

function text(shown: string): readonly FormatPiece[] {
  return [{ text: shown }];
}
