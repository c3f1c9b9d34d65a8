/**
 * Types of the program's source language as far as reading values needs them, with the names that
 * SystemTap shows: qualifiers behind (`char const*`), `{...}` for a tag without a name. What a type
 * refers to is read when it is asked for, for types go round in circles.
 */
import type { EnumeratorNames, Location } from "../types/location.js";
import type { ObjectPlace } from "./place.js";

/** How the bits of a number are to be understood (DWARF 5 §5.1.1). */
export type Encoding = "signed" | "unsigned" | "boolean" | "character" | "float" | "other";

/** A type. */
export type SourceType =
  | NumberType
  | PointerType
  | ArrayType
  | StructType
  | {
      /** typedef, or a qualifier such as const. */
      readonly kind: "alias";
      readonly name: string;
      readonly isQualifier: boolean;
      target(): SourceType;
    }
  | {
      readonly kind: "function";
      result(): SourceType;
      parameters(): readonly SourceType[];
      readonly isVariadic: boolean;
    }
  | { readonly kind: "void" }
  | { readonly kind: "unknown"; readonly tag: string };

/** A base type or an enumeration. */
export interface NumberType {
  readonly kind: "number";
  readonly name: string;
  readonly bytes: number;
  readonly encoding: Encoding;
  readonly signed: boolean;
  /** Names of an enumeration by their values, the first of several; null for other numbers. */
  readonly enumerators: (() => EnumeratorNames) | null;
}

/** A pointer, a pointer to a member, or a C++ reference, which is followed by itself. */
export interface PointerType {
  readonly kind: "pointer";
  /** `*`, `&`, `&&`, of pointers to members `CLASS::*`. */
  readonly symbol: string;
  readonly bytes: number;
  target(): SourceType;
}

/** An array; several dimensions are arrays of arrays. */
export interface ArrayType {
  readonly kind: "array";
  /** Null where it is not stated. */
  readonly count: number | null;
  /** First index. */
  readonly lower: number;
  /** Of GNU C's `vector_size`. */
  readonly isVector: boolean;
  element(): SourceType;
}

/** A structure, union or class. */
export interface StructType {
  readonly kind: "struct";
  readonly keyword: string;
  /** "" if it has none. */
  readonly name: string;
  readonly bytes: number;
  /** Declared alone: what is in it is not known. */
  readonly isDeclaration: boolean;
  /** Functions take and return it by address, whatever its size. */
  isByReference(): boolean;
  /** `file:line` of its declaration, "" if unknown. */
  readonly place: string;
  members(): readonly Member[];
  /** Static members, which are variables of their own; null if there is none of that name. */
  findStatic(name: string): { readonly type: SourceType; readonly place: ObjectPlace } | null;
}

/** A member, or an anonymous member or base class whose members count as members. */
export interface Member {
  /** "" for anonymous ones and base classes. */
  readonly name: string;
  readonly isBase: boolean;
  /** From the start of the structure; of a bit field the offset of its container. */
  readonly offset: number;
  /** Bit offset in a container of `bytes` bytes and size of a bit field. */
  readonly bits: { readonly shift: number; readonly size: number; readonly bytes: number } | null;
  /** Address in the object at the address given, where it is computed at run time (virtual bases). */
  readonly address: ((object: Location) => Location) | null;
  /** Made by the compiler, e.g. the pointer to the table of virtual functions. */
  readonly isArtificial: boolean;
  type(): SourceType;
}

/** The type behind typedefs and qualifiers. */
export function strip(type: SourceType): Exclude<SourceType, { kind: "alias" }> {
  let at = type;
  for (let i = 0; i < MAX_DEPTH && at.kind === "alias"; i++) at = at.target();
  return at.kind === "alias" ? { kind: "void" } : at;
}

/** Types nest no deeper; a file with more goes round in circles. */
const MAX_DEPTH = 64;

/** Bytes of a value, 0 if unknown. */
export function sizeOf(type: SourceType, depth = 0): number {
  const plain = strip(type);
  switch (plain.kind) {
    case "number":
    case "struct":
    case "pointer":
      return plain.bytes;
    case "array":
      return depth > MAX_DEPTH ? 0 : (plain.count ?? 0) * sizeOf(plain.element(), depth + 1);
    case "function":
    case "void":
      // As GNU C has it for arithmetic on pointers.
      return 1;
    default:
      return 0;
  }
}

/** Name of `type`, e.g. `struct node*`, `int (*) (char)`. */
export function showType(type: SourceType): string {
  const { before, after } = declarator(type, 0);
  return before + after;
}

/** A type around the name that is declared: `int (*` and `) (char)`. */
interface Declarator {
  readonly before: string;
  /** Parameters of a function; `)` in front of them if the name stands in parentheses. */
  readonly after: string;
}

function declarator(type: SourceType, depth: number): Declarator {
  if (depth > MAX_DEPTH) return { before: "...", after: "" };
  switch (type.kind) {
    case "number":
      return {
        before: type.enumerators !== null ? `enum ${type.name || "{...}"}` : type.name,
        after: "",
      };
    case "struct":
      return { before: structName(type), after: "" };
    case "alias":
      if (!type.isQualifier) return { before: type.name, after: "" };
      return behind(declarator(type.target(), depth + 1), ` ${type.name}`);
    case "pointer": {
      const { before, after } = declarator(type.target(), depth + 1);
      const isFunction = after !== "" && !after.startsWith(")");
      if (isFunction) return { before: `${before} (${type.symbol}`, after: `)${after}` };
      return behind(
        { before, after },
        type.symbol.includes("::") ? ` ${type.symbol}` : type.symbol,
      );
    }
    case "array": {
      const element = type.element();
      const inner = declarator(element, depth + 1);
      // Several dimensions are shown as one.
      return element.kind === "array" ? inner : behind(inner, "[]");
    }
    case "function": {
      const result = showType(type.result());
      const parameters = type.parameters().map(showType);
      if (type.isVariadic) parameters.push("...");
      return { before: result, after: ` (${parameters.join(", ") || "void"})` };
    }
    case "void":
      return { before: "void", after: "" };
    default:
      return { before: `<${type.tag}>`, after: "" };
  }
}

function behind({ before, after }: Declarator, symbol: string): Declarator {
  return { before: before + symbol, after };
}

/** `struct point`, `union {...}` */
export function structName(type: StructType): string {
  return `${type.keyword} ${type.name || "{...}"}`;
}
