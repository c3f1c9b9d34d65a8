/**
 * Where a function's result is when it returns (SysV AMD64 ABI §3.2.3): integers and pointers in
 * rax and rdx, floating point numbers in xmm0 and xmm1, what is larger in memory at rax.
 */
import type { ObjectPlace, Piece } from "./place.js";
import { type SourceType, sizeOf, strip } from "./source-type.js";

/** DWARF register numbers (SysV AMD64 ABI figure 3.36). */
const RAX = 0;
const RDX = 1;
const XMM0 = 17;
const XMM1 = 18;
const ST0 = 33;

const EIGHT_BYTES = 8;
const MAX_IN_REGISTERS = 16;

type Class = "integer" | "sse" | "x87";

/** Place of a result of `type`. */
export function returnPlace(type: SourceType): ObjectPlace {
  const plain = strip(type);
  const bytes = sizeOf(plain);
  if (plain.kind === "struct") {
    if (plain.isByReference || bytes > MAX_IN_REGISTERS || bytes === 0) return memoryAtRax();
  }
  const classes = classify(type);
  if (classes.includes("x87")) return plain.kind === "struct" ? memoryAtRax() : inRegister(ST0);
  const integers = [RAX, RDX];
  const vectors = [XMM0, XMM1];
  const registers = classes.map((each) => (each === "sse" ? vectors : integers).shift() ?? RAX);
  const [first = RAX] = registers;
  if (registers.length < 2) return inRegister(first);
  const pieces = registers.map(
    (register, index): Piece => ({
      start: index * EIGHT_BYTES * 8,
      size: EIGHT_BYTES * 8,
      shift: 0,
      place: inRegister(register),
    }),
  );
  return { kind: "pieces", pieces, offset: 0 };
}

function memoryAtRax(): ObjectPlace {
  const shape = { bytes: 8, shift: 0, signed: false } as const;
  const address = { kind: "register", register: RAX, ...shape, isResult: true } as const;
  return { kind: "memory", address };
}

function inRegister(register: number): ObjectPlace {
  return { kind: "register", register, offset: 0, isResult: true };
}

/** Class of each eightbyte: integer if anything in it is no floating point number. */
function classify(type: SourceType): readonly Class[] {
  const count = Math.max(1, Math.ceil(sizeOf(type) / EIGHT_BYTES));
  const classes: (Class | null)[] = Array.from({ length: count }, () => null);
  mark(type, 0, classes, 0);
  return classes.map((each) => each ?? "sse");
}

function mark(type: SourceType, offset: number, classes: (Class | null)[], depth: number): void {
  const plain = strip(type);
  if (depth > 16) return;
  if (plain.kind === "struct") {
    for (const member of plain.members())
      mark(member.type(), offset + member.offset, classes, depth + 1);
    return;
  }
  if (plain.kind === "array") {
    const bytes = Math.max(sizeOf(plain.element()), 1);
    for (let i = 0; i < Math.min(plain.count ?? 0, MAX_IN_REGISTERS); i++) {
      mark(plain.element(), offset + i * bytes, classes, depth + 1);
    }
    return;
  }
  const isFloat =
    plain.kind === "number" && (plain.encoding === "float" || plain.encoding === "other");
  const isLong = isFloat && plain.bytes > EIGHT_BYTES && plain.encoding === "float";
  const end = offset + Math.max(sizeOf(plain), 1);
  for (let at = Math.floor(offset / EIGHT_BYTES); at * EIGHT_BYTES < end; at++) {
    if (at >= classes.length) return;
    if (isLong) classes[at] = "x87";
    else if (!isFloat) classes[at] = "integer";
    else classes[at] ??= "sse";
  }
}
