/**
 * Where a function's result is when it returns (SysV AMD64 ABI §3.2.3): integers and pointers in
 * rax and rdx, floating point numbers in xmm0 and xmm1, what is larger in memory at rax.
 */
import { bug } from "../../base/assert.js";
import type { ObjectPlace, Piece } from "./place.js";
import { type SourceType, sizeOf, strip } from "./source-type.js";

/** DWARF register numbers (SysV AMD64 ABI figure 3.36). */
const RAX = 0;
const RDX = 1;
const XMM0 = 17;
const XMM1 = 18;
const ST0 = 33;

/** Objects are handed over by eightbytes. */
export const EIGHT_BYTES = 8;
/** Larger objects are handed over in memory. */
export const MAX_IN_REGISTERS = 16;

/** Of an eightbyte; "sse-up" is the upper half of a vector. */
export type Class = "integer" | "sse" | "sse-up" | "x87";
type Classes = (Class | null)[];

/** Place of a result of `type`. */
export function returnPlace(type: SourceType): ObjectPlace {
  const plain = strip(type);
  const bytes = sizeOf(plain);
  if (plain.kind === "array" && plain.isVector) return inRegister(XMM0);
  if (plain.kind === "struct") {
    if (plain.isByReference() || bytes > MAX_IN_REGISTERS || bytes === 0) return memoryAtRax();
  }
  const classes = classify(type);
  if (classes === "memory") return memoryAtRax();
  if (classes.includes("x87")) return plain.kind === "struct" ? memoryAtRax() : inRegister(ST0);
  const integers = [RAX, RDX];
  const vectors = [XMM0, XMM1];
  const words = classes.map((each) => {
    if (each === "sse-up") return { ...inRegister(XMM0), offset: EIGHT_BYTES };
    return inRegister((each === "sse" ? vectors : integers).shift() ?? RAX);
  });
  return joined(words);
}

/** The object whose eightbytes are at `words`, of which there is one at least. */
export function joined(words: readonly ObjectPlace[]): ObjectPlace {
  const [first = bug("an object without bytes")] = words;
  if (words.length < 2) return first;
  const pieces = words.map(
    (place, index): Piece => ({
      start: index * EIGHT_BYTES * 8,
      size: EIGHT_BYTES * 8,
      shift: 0,
      place,
    }),
  );
  return { kind: "pieces", pieces, offset: 0 };
}

function memoryAtRax(): ObjectPlace {
  const shape = { bytes: 8, shift: 0, signed: false } as const;
  const address = { kind: "register", register: RAX, ...shape, isResult: true } as const;
  return { kind: "memory", address };
}

function inRegister(register: number): ObjectPlace & { kind: "register" } {
  return { kind: "register", register, offset: 0, isResult: true };
}

/**
 * Class of each eightbyte: integer if anything in it is no floating point number. Of an object with
 * a member that is not aligned, "memory".
 */
export function classify(type: SourceType): readonly Class[] | "memory" {
  const count = Math.max(1, Math.ceil(sizeOf(type) / EIGHT_BYTES));
  const classes: Classes = Array.from({ length: count }, () => null);
  if (!mark(type, 0, classes, 0)) return "memory";
  return classes.map((each) => each ?? "sse");
}

/** Marks what is at `offset`; false if it is not aligned. */
function mark(type: SourceType, offset: number, classes: Classes, depth: number): boolean {
  const plain = strip(type);
  if (depth > 16) return true;
  if (plain.kind === "struct") {
    return plain.members().every(({ type: inner, offset: at, bits }) => {
      const isAligned = bits !== null || (offset + at) % alignmentOf(inner(), depth) === 0;
      return isAligned && mark(inner(), offset + at, classes, depth + 1);
    });
  }
  if (plain.kind === "array") {
    if (plain.isVector) return markVector(offset, sizeOf(plain), classes);
    const bytes = Math.max(sizeOf(plain.element()), 1);
    const elements = Math.min(plain.count ?? 0, MAX_IN_REGISTERS);
    for (let i = 0; i < elements; i++) {
      if (!mark(plain.element(), offset + i * bytes, classes, depth + 1)) return false;
    }
    return true;
  }
  const isFloat =
    plain.kind === "number" && (plain.encoding === "float" || plain.encoding === "other");
  const isLong = isFloat && plain.bytes > EIGHT_BYTES && plain.encoding === "float";
  const end = offset + Math.max(sizeOf(plain), 1);
  for (let at = Math.floor(offset / EIGHT_BYTES); at * EIGHT_BYTES < end; at++) {
    if (at >= classes.length) return true;
    if (isLong) classes[at] = "x87";
    else if (!isFloat) classes[at] = "integer";
    else classes[at] ??= "sse";
  }
  return true;
}

/** A vector of 8 bytes, or of 16 at the start. */
function markVector(offset: number, bytes: number, classes: Classes): boolean {
  const at = offset / EIGHT_BYTES;
  classes[at] ??= "sse";
  if (bytes > EIGHT_BYTES) classes[at + 1] ??= "sse-up";
  return offset % EIGHT_BYTES === 0;
}

/** Bytes to which objects of `type` are aligned. */
function alignmentOf(type: SourceType, depth: number): number {
  const plain = strip(type);
  if (depth > 16) return 1;
  switch (plain.kind) {
    case "struct":
      return Math.max(1, ...plain.members().map((each) => alignmentOf(each.type(), depth + 1)));
    case "array":
      return plain.isVector ? sizeOf(plain) : alignmentOf(plain.element(), depth + 1);
    case "number":
      // The two numbers of a complex one are aligned as such.
      return Math.max(1, plain.encoding === "other" ? plain.bytes / 2 : plain.bytes);
    default:
      return Math.max(1, sizeOf(plain));
  }
}
