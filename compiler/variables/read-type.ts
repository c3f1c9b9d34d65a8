/**
 * Types from their DIEs (DWARF 5 §5). A declaration stands for the definition of the same name in
 * another unit where there is one.
 */
import { once } from "../../base/remember.js";
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import type { DieId } from "../dwarf/native.js";
import type { EnumeratorNames, Location } from "../types/location.js";
import { ownCopying } from "./copying.js";
import { evaluateValue, NO_CONTEXT } from "./expression.js";
import type { ObjectPlace } from "./place.js";
import {
  type Encoding,
  type Member,
  type SourceType,
  type StructType,
  strip,
} from "./source-type.js";

/** What types refer to elsewhere in the program. */
export interface TypeEnvironment {
  /** The definition of the structure named `name`, null if there is none. */
  findDefinition(keyword: string, name: string): Die | null;
  /** Where the static member `die` of a class is. */
  staticPlace(die: Die): ObjectPlace;
}

/** Reads types; each DIE is read once. */
export interface TypeReader {
  /** The type that `die` is. */
  typeAt(die: Die): SourceType;
  /** The type that `die` has; void if it has none. */
  typeOf(die: Die): SourceType;
}

/** Bits of a byte. */
const BYTE = 8;

interface Reading {
  readonly info: DebugInfo;
  readonly environment: TypeEnvironment;
  readonly known: Map<DieId, SourceType>;
}

/** A reader of the types of `info`. */
export function createTypeReader(info: DebugInfo, environment: TypeEnvironment): TypeReader {
  const reading: Reading = { info, environment, known: new Map() };
  return {
    typeAt: (die) => typeAt(die, reading),
    typeOf: (die) => typeOf(die, reading),
  };
}

function typeOf(die: Die, reading: Reading): SourceType {
  const type = reading.info.reference(die, "type");
  return type === null ? { kind: "void" } : typeAt(type, reading);
}

function typeAt(die: Die, reading: Reading): SourceType {
  const known = reading.known.get(die.id);
  if (known) return known;
  const type = readType(die, reading);
  reading.known.set(die.id, type);
  return type;
}

const QUALIFIERS: { readonly [tag: string]: string } = {
  const_type: "const",
  volatile_type: "volatile",
  restrict_type: "restrict",
  atomic_type: "_Atomic",
  immutable_type: "immutable",
  packed_type: "packed",
  shared_type: "shared",
};

function readType(die: Die, reading: Reading): SourceType {
  const { info } = reading;
  const name = info.text(die, "name") ?? "";
  switch (die.tag) {
    case "base_type":
      return baseType(die, name, info);
    case "enumeration_type":
      return enumeration(die, name, reading);
    case "pointer_type":
      return pointer(die, "*", reading);
    case "ptr_to_member_type":
      return pointer(die, `${containingName(die, info)}::*`, reading);
    case "reference_type":
      return pointer(die, "&", reading);
    case "rvalue_reference_type":
      return pointer(die, "&&", reading);
    case "array_type":
      return array(die, reading);
    case "structure_type":
    case "union_type":
    case "class_type":
    case "interface_type":
      return struct(die, name, reading);
    case "subroutine_type":
      return subroutine(die, reading);
    case "typedef":
    case "template_alias":
      return { kind: "alias", name, isQualifier: false, target: () => typeOf(die, reading) };
    case "unspecified_type":
      return { kind: "void" };
    default: {
      const qualifier = QUALIFIERS[die.tag];
      if (qualifier === undefined) return { kind: "unknown", tag: die.tag };
      const target = (): SourceType => typeOf(die, reading);
      return { kind: "alias", name: qualifier, isQualifier: true, target };
    }
  }
}

/** DW_ATE_… of DWARF 5 table 7.11. */
const ENCODINGS: ReadonlyMap<bigint, readonly [Encoding, boolean]> = new Map([
  [0x01n, ["unsigned", false]], // address
  [0x02n, ["boolean", false]],
  [0x03n, ["other", false]], // complex_float
  [0x04n, ["float", false]],
  [0x05n, ["signed", true]],
  [0x06n, ["character", true]], // signed_char
  [0x07n, ["unsigned", false]],
  [0x08n, ["character", false]], // unsigned_char
  [0x0dn, ["signed", true]], // signed_fixed
  [0x0en, ["unsigned", false]], // unsigned_fixed
  [0x10n, ["unsigned", false]], // UTF
  [0x11n, ["unsigned", false]], // UCS
  [0x12n, ["unsigned", false]], // ASCII
]);

function baseType(die: Die, name: string, info: DebugInfo): SourceType {
  const [encoding, signed] = ENCODINGS.get(info.constant(die, "encoding") ?? 0n) ?? [
    "other",
    false,
  ];
  const bytes = byteSize(die, info);
  return { kind: "number", name, bytes, encoding, signed, enumerators: null };
}

function enumeration(die: Die, name: string, reading: Reading): SourceType {
  const { info } = reading;
  const base = info.reference(die, "type");
  const under = base === null ? null : typeAt(base, reading);
  const signed =
    under?.kind === "number"
      ? under.signed
      : info.children(die.id).some((child) => isNegative(child, info));
  const bytes = byteSize(die, info) || (under?.kind === "number" ? under.bytes : 4);
  const enumerators = (): EnumeratorNames => enumeratorNames(die, info);
  return { kind: "number", name, bytes, encoding: "signed", signed, enumerators };
}

function enumeratorNames(die: Die, info: DebugInfo): EnumeratorNames {
  const names = new Map<bigint, string>();
  for (const child of info.children(die.id)) {
    const value = info.attribute(child, "const_value");
    if (child.tag !== "enumerator" || value?.kind !== "constant") continue;
    if (!names.has(value.signed)) names.set(value.signed, info.text(child, "name") ?? "");
  }
  return names;
}

function isNegative(die: Die, info: DebugInfo): boolean {
  const value = info.attribute(die, "const_value");
  return value?.kind === "constant" && value.signed < 0n;
}

/** Name of the class that a pointer to a member is about. */
function containingName(die: Die, info: DebugInfo): string {
  const containing = info.reference(die, "containing_type");
  return (containing && info.text(containing, "name")) ?? "";
}

function pointer(die: Die, symbol: string, reading: Reading): SourceType {
  const bytes = byteSize(die, reading.info) || 8;
  return { kind: "pointer", symbol, bytes, target: () => typeOf(die, reading) };
}

function array(die: Die, reading: Reading): SourceType {
  const { info } = reading;
  const ranges = info.children(die.id).filter(({ tag }) => tag === "subrange_type");
  const isVector = info.flag(die, "GNU_vector");
  const from = (dimension: number): SourceType => {
    const range = ranges[dimension];
    if (range === undefined && dimension > 0) return typeOf(die, reading);
    const lower = Number(info.constant(range ?? die, "lower_bound") ?? 0n);
    const count = range === undefined ? null : countOf(range, lower, info);
    return { kind: "array", count, lower, isVector, element: () => from(dimension + 1) };
  };
  return from(0);
}

function countOf(range: Die, lower: number, info: DebugInfo): number | null {
  const count = info.constant(range, "count");
  if (count !== null) return Number(count);
  const upper = info.attribute(range, "upper_bound");
  return upper?.kind === "constant" ? Number(upper.signed) - lower + 1 : null;
}

function subroutine(die: Die, reading: Reading): SourceType {
  const children = reading.info.children(die.id);
  return {
    kind: "function",
    isVariadic: children.some(({ tag }) => tag === "unspecified_parameters"),
    result: () => typeOf(die, reading),
    parameters: () =>
      children
        .filter(({ tag }) => tag === "formal_parameter")
        .map((parameter) => typeOf(parameter, reading)),
  };
}

const KEYWORDS: { readonly [tag: string]: string } = {
  union_type: "union",
  class_type: "class",
  interface_type: "interface",
};

function struct(die: Die, name: string, reading: Reading): StructType {
  const { info, environment } = reading;
  const keyword = KEYWORDS[die.tag] ?? "struct";
  const isDeclaration = info.flag(die, "declaration");
  const defined = (isDeclaration ? environment.findDefinition(keyword, name) : null) ?? die;
  const file = info.sourceFile(defined, "decl_file");
  const line = info.constant(defined, "decl_line");
  return {
    kind: "struct",
    keyword,
    name,
    bytes: byteSize(defined, info),
    isDeclaration: info.flag(defined, "declaration"),
    isByReference: once(() => isByReference(defined, reading)),
    place: file === null ? "" : `${file}:${line ?? 0}`,
    members: () => members(defined, reading),
    findStatic: (wanted) => findStatic(defined, wanted, reading),
  };
}

/** By address, whatever its size: so is what it has in it. */
function isByReference(die: Die, reading: Reading): boolean {
  const own = ownCopying(die, reading.info);
  if (own !== null) return own;
  return members(die, reading).some((each) => {
    let type = strip(each.type());
    while (type.kind === "array") type = strip(type.element());
    return type.kind === "struct" && type.isByReference();
  });
}

/** Static members have no place in the structure. */
function isStatic(die: Die, info: DebugInfo): boolean {
  const isMember = die.tag === "member" || die.tag === "variable";
  return isMember && (info.flag(die, "external") || info.flag(die, "declaration"));
}

function findStatic(
  die: Die,
  wanted: string,
  reading: Reading,
): ReturnType<StructType["findStatic"]> {
  const { info, environment } = reading;
  const found = info
    .children(die.id)
    .find((child) => isStatic(child, info) && info.text(child, "name") === wanted);
  if (found === undefined) return null;
  return { type: typeOf(found, reading), place: environment.staticPlace(found) };
}

function members(die: Die, reading: Reading): readonly Member[] {
  return reading.info.children(die.id).flatMap((child): readonly Member[] => {
    if (child.tag === "variant_part") return variantMembers(child, reading);
    if (child.tag !== "member" && child.tag !== "inheritance") return [];
    return isStatic(child, reading.info) ? [] : [member(child, reading)];
  });
}

/** Of a Rust enum: its discriminant, and each variant under its name. */
function variantMembers(part: Die, reading: Reading): readonly Member[] {
  return reading.info.children(part.id).flatMap((child) => {
    if (child.tag === "member") return [member(child, reading)];
    return child.tag === "variant" ? members(child, reading) : [];
  });
}

function member(die: Die, reading: Reading): Member {
  const { info } = reading;
  const isBase = die.tag === "inheritance";
  const size = Number(info.constant(die, "bit_size") ?? 0n);
  const location = info.attribute(die, "data_member_location");
  const offset = location?.kind === "constant" ? Number(location.value) : 0;
  const type = (): SourceType => typeOf(die, reading);
  const name = isBase ? "" : (info.text(die, "name") ?? "");
  const isComputed = location !== null && location.kind !== "constant";
  const address = isComputed ? (object: Location) => memberAddress(die, object, info) : null;
  const isArtificial = info.flag(die, "artificial") || name.startsWith("_vptr");
  const plain: Member = { name, isBase, offset, bits: null, address, isArtificial, type };
  return size === 0 ? plain : { ...plain, ...bitField(die, offset, size, reading) };
}

/** DW_AT_data_member_location with the address of the object on the stack (DWARF 5 §5.7.6). */
function memberAddress(die: Die, object: Location, info: DebugInfo): Location {
  const [entry] = info.locations(die.id, "data_member_location");
  return evaluateValue(entry?.operations ?? [], NO_CONTEXT, [object]);
}

/** Container and place of a bit field, by DW_AT_data_bit_offset or by that of DWARF 3. */
function bitField(
  die: Die,
  offset: number,
  size: number,
  reading: Reading,
): Pick<Member, "offset" | "bits"> {
  const { info } = reading;
  const type = info.reference(die, "type");
  const declared = type === null ? 0 : sizeThrough(type, info);
  const old = info.attribute(die, "bit_offset");
  if (old?.kind === "constant") {
    const bytes = byteSize(die, info) || declared;
    // Counted from the most significant bit of the container (DWARF 3 §5.6.6).
    return { offset, bits: { shift: bytes * BYTE - Number(old.signed) - size, size, bytes } };
  }
  const first = offset * BYTE + Number(info.constant(die, "data_bit_offset") ?? 0n);
  const container = Math.max(declared, 1);
  const start = Math.floor(first / (container * BYTE)) * container;
  const shift = first - start * BYTE;
  if (shift + size <= container * BYTE)
    return { offset: start, bits: { shift, size, bytes: container } };
  const tight = Math.floor(first / BYTE);
  const bytes = Math.ceil((first - tight * BYTE + size) / BYTE);
  return { offset: tight, bits: { shift: first - tight * BYTE, size, bytes } };
}

/** Size of a type behind typedefs and qualifiers. */
function sizeThrough(die: Die, info: DebugInfo): number {
  let at: Die | null = die;
  for (let i = 0; i < 32 && at !== null; i++) {
    const bytes = byteSize(at, info);
    if (bytes > 0) return bytes;
    at = info.reference(at, "type");
  }
  return 0;
}

function byteSize(die: Die, info: DebugInfo): number {
  return Number(info.constant(die, "byte_size") ?? 0n);
}
