/**
 * Where an object of the program is (DWARF 5 §2.6): memory, a register, pieces, or only a value.
 * Parts of objects are places too, and numbers are read from any place as Locations.
 */
import { ResolutionError } from "../elaborate/report.js";
import { add, type Bytes, bits, constant, isVector, type Location } from "../types/location.js";

/** A place; `offset` is in bytes from its start. */
export type ObjectPlace =
  | { readonly kind: "memory"; readonly address: Location }
  | {
      readonly kind: "register";
      readonly register: number;
      readonly offset: number;
      /** As of a Location. */
      readonly isResult?: boolean;
    }
  /** The object is the low bytes of a value that is computed. */
  | { readonly kind: "value"; readonly value: Location; readonly offset: number }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly offset: number }
  | { readonly kind: "pieces"; readonly pieces: readonly Piece[]; readonly offset: number }
  | {
      readonly kind: "missing";
      readonly reason: string;
      /** Of a pointer of which only what it points to is left: the place of that. */
      readonly target?: () => ObjectPlace;
    };

/** A part of an object, in bits from its start. */
export interface Piece {
  readonly start: number;
  readonly size: number;
  /** Bits to skip in `place`. */
  readonly shift: number;
  readonly place: ObjectPlace;
}

/** How a number is to be read. */
export interface NumberShape {
  readonly bytes: number;
  readonly signed: boolean;
}

/** Number of registers of a FRAME with DWARF numbers of their own: up to rip. */
const REGISTERS = 17;
/** Bytes of a register. */
const WORD = 8;
const WORD_BITS = 64;
const WHOLE: NumberShape = { bytes: WORD, signed: false };

/** The part of `place` from byte `offset` on. */
export function partOf(place: ObjectPlace, offset: number): ObjectPlace {
  if (offset === 0 || place.kind === "missing") return place;
  if (place.kind === "memory") return { ...place, address: add(place.address, constant(offset)) };
  return { ...place, offset: place.offset + offset };
}

/** What reading at `place` needs that may be known only at run time. */
export function sourcesOf(place: ObjectPlace): readonly Location[] {
  switch (place.kind) {
    case "memory":
      return [place.address];
    case "value":
      return [place.value];
    case "register":
      return place.isResult ? [readNumber({ ...place, offset: 0 }, WHOLE)] : [];
    case "pieces":
      return place.pieces.flatMap((piece) => sourcesOf(piece.place));
    default:
      return [];
  }
}

/** Where the pointer at `place` leads to if that is known though the pointer is not. */
export function targetOf(place: ObjectPlace): ObjectPlace | null {
  if (place.kind === "missing") return place.target?.() ?? null;
  if (place.kind !== "pieces") return null;
  const piece = place.pieces.find(({ start }) => start === 8 * place.offset);
  return piece?.size === WORD_BITS ? targetOf(piece.place) : null;
}

/** Address of what is at `place`; throws ResolutionError if it has none. */
export function addressOf(place: ObjectPlace): Location {
  switch (place.kind) {
    case "memory":
      return place.address;
    case "register":
      return refuse("cannot take address of object in register");
    case "missing":
      return refuse(place.reason);
    default:
      return refuse("cannot take address of computed value");
  }
}

/** The number at `place`; throws ResolutionError if it cannot be read. */
export function readNumber(place: ObjectPlace, { bytes, signed }: NumberShape): Location {
  if (bytes > 8) return refuse("cannot process >64-bit values");
  if (bytes <= 0) return refuse("cannot process a value of unknown size");
  switch (place.kind) {
    case "memory":
      return loadBytes(place.address, bytes, signed);
    case "register":
      return readRegister(place, bytes, signed);
    case "missing":
      return refuse(place.reason);
    default:
      return extend(readBits(place, 0, 8 * bytes), 8 * bytes, signed);
  }
}

/**
 * A bit field at `place`, `shift` bits into a container of `bytes` bytes. Of a container that is
 * not in one place other bits may not be known.
 */
export function readBitField(
  place: ObjectPlace,
  field: { readonly shift: number; readonly size: number; readonly bytes: number },
  signed: boolean,
): Location {
  const { shift, size, bytes } = field;
  const isWhole = place.kind === "memory" || place.kind === "register";
  if (isWhole && bytes <= 8) {
    return bits(readNumber(place, { bytes, signed: false }), shift, size, signed);
  }
  return extend(readBits(place, shift, size), size, signed);
}

function loadBytes(address: Location, bytes: number, signed: boolean): Location {
  if (isSize(bytes)) return { kind: "load", address, bytes, signed };
  return extend(readBits({ kind: "memory", address }, 0, 8 * bytes), 8 * bytes, signed);
}

function readRegister(
  place: ObjectPlace & { kind: "register" },
  bytes: number,
  signed: boolean,
): Location {
  const { register, offset, isResult = false } = place;
  if (isSize(bytes) && (offset % WORD) + bytes <= WORD) {
    checkRegister(register, offset + bytes);
    return { kind: "register", register, bytes, shift: 8 * offset, signed, isResult };
  }
  const value = registerBits(place, 8 * offset, 8 * bytes);
  return extend(value, 8 * bytes, signed);
}

/** `size` bits from bit `start` of a register on, all in one word of it. */
function registerBits(
  { register, isResult = false }: ObjectPlace & { kind: "register" },
  start: number,
  size: number,
): Location {
  const word = Math.floor(start / WORD_BITS) * WORD_BITS;
  checkRegister(register, Math.ceil((start + size) / 8));
  if (start - word + size > WORD_BITS) refuse("not supported yet: a part of a vector register");
  const shape = { bytes: 8, shift: word, signed: false } as const;
  const whole: Location = { kind: "register", register, ...shape, isResult };
  return bits(whole, start - word, size, false);
}

function checkRegister(register: number, end: number): void {
  if (register < REGISTERS ? end <= WORD : isVector(register) && end <= 2 * WORD) return;
  refuse(`not supported yet: value in register ${register}`);
}

/** `size` bits from bit `start` of `place` on, zero-extended; at most 64. */
function readBits(place: ObjectPlace, start: number, size: number): Location {
  switch (place.kind) {
    case "memory":
      return memoryBits(place.address, start, size);
    case "register":
      return registerBits(place, 8 * place.offset + start, size);
    case "value": {
      const at = 8 * place.offset + start;
      return at + size > WORD_BITS ? constant(0) : bits(place.value, at, size, false);
    }
    case "bytes": {
      const at = 8 * place.offset + start;
      if (at + size > 8 * place.bytes.length) return refuse("beyond the end of a constant");
      return constant(bitsOfBytes(place.bytes, at, size));
    }
    case "pieces":
      return joinPieces(place, start, size);
    default:
      return refuse(place.reason);
  }
}

/** Loads of 8, 4, 2 and 1 bytes that cover the bits and no byte more. */
function memoryBits(address: Location, start: number, size: number): Location {
  let at = Math.floor(start / 8);
  const end = Math.ceil((start + size) / 8);
  let sum: Location | null = null;
  while (at < end) {
    const bytes = ([8, 4, 2, 1] as const).find((each) => each <= end - at) ?? 1;
    const from = add(address, constant(at));
    const part: Location = { kind: "load", address: from, bytes, signed: false };
    const shift = 8 * at - start;
    sum = join(sum, shift < 0 ? shiftRight(part, -shift) : shiftLeft(part, shift));
    at += bytes;
  }
  return bits(sum ?? constant(0), 0, size, false);
}

function joinPieces(
  place: ObjectPlace & { kind: "pieces" },
  start: number,
  size: number,
): Location {
  const first = 8 * place.offset + start;
  let sum: Location | null = null;
  let known = 0;
  for (const piece of place.pieces) {
    const from = Math.max(first, piece.start);
    const to = Math.min(first + size, piece.start + piece.size);
    if (from >= to) continue;
    const part = readBits(piece.place, piece.shift + from - piece.start, to - from);
    sum = join(sum, shiftLeft(part, from - first));
    known += to - from;
  }
  if (sum === null || known < size) return refuse("the variable is only partly available");
  return sum;
}

function bitsOfBytes(bytes: Uint8Array, start: number, size: number): bigint {
  let value = 0n;
  for (const [index, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * index);
  return BigInt.asUintN(size, value >> BigInt(start));
}

function join(sum: Location | null, part: Location): Location {
  return sum === null ? part : { kind: "or", left: sum, right: part };
}

function shiftLeft(value: Location, shift: number): Location {
  return shift === 0 ? value : { kind: "shift-left", left: value, right: constant(shift) };
}

function shiftRight(value: Location, shift: number): Location {
  return shift === 0 ? value : { kind: "shift-right", left: value, right: constant(shift) };
}

/** The low `size` bits, of which those above are 0, with the sign that is asked for. */
function extend(value: Location, size: number, signed: boolean): Location {
  return signed ? bits(value, 0, size, true) : value;
}

function isSize(bytes: number): bytes is Bytes {
  return bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8;
}

function refuse(message: string): never {
  throw new ResolutionError("not-readable", message);
}
