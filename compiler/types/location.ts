/**
 * How the value of a `$variable` is found at run time: an expression over the registers and the
 * memory of the probed thread. Variables, @cast, @var, @uderef and marks all become Locations;
 * lowering turns them into code (compiler/lower/location.ts). Arithmetic is 64-bit and wraps.
 */
import type { BundleModule } from "../../wasm-runtime/bundle.js";

/** Sizes that can be loaded and stored at once. */
export type Bytes = 1 | 2 | 4 | 8;

/** Operators of two values; comparisons give 0 or 1 (DWARF 5 §2.5.1.4, §2.5.1.5). */
export const LOCATION_OPERATORS = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "divide-unsigned",
  "remainder",
  "remainder-unsigned",
  "and",
  "or",
  "xor",
  "shift-left",
  "shift-right",
  "shift-right-signed",
  "equal",
  "not-equal",
  "less",
  "less-equal",
  "greater",
  "greater-equal",
] as const;
/** Name of an operator of two values. */
export type LocationOperator = (typeof LOCATION_OPERATORS)[number];

/** Value of a `$variable`. */
export type Location =
  | { readonly kind: "constant"; readonly value: bigint }
  /**
   * DWARF register number: FRAME, 17 to 32 for xmm0 to xmm15, 58 for fs base. `bytes` low bytes from
   * byte `shift`/8, then extended; a word of a vector register at most.
   */
  | {
      readonly kind: "register";
      readonly register: number;
      readonly bytes: Bytes;
      readonly shift: number;
      readonly signed: boolean;
      /** What the function returns: an error where that is not known. */
      readonly isResult?: boolean;
    }
  /** Load from process memory; a fault is the soft error "read fault …". */
  | {
      readonly kind: "load";
      readonly address: Location;
      readonly bytes: Bytes;
      readonly signed: boolean;
    }
  | { readonly kind: LocationOperator; readonly left: Location; readonly right: Location }
  /** `size` bits of `value` from bit `shift` on, extended; size + shift ≤ 64. */
  | {
      readonly kind: "bits";
      readonly value: Location;
      readonly shift: number;
      readonly size: number;
      readonly signed: boolean;
    }
  /** `consequent` if `condition` is not 0, else `alternate`; only one of them is evaluated. */
  | {
      readonly kind: "select";
      readonly condition: Location;
      readonly consequent: Location;
      readonly alternate: Location;
    }
  /** The bits of a binary32 number as those of the same binary64 number. */
  | { readonly kind: "widen-float"; readonly value: Location }
  /** Value of a script expression: operand `index` of the node (operandsOf in syntax/walk.ts). */
  | { readonly kind: "operand"; readonly index: number }
  /** A run-time address: ELF address plus the load bias of `module`, null = the probed one. */
  | {
      readonly kind: "module-address";
      readonly address: bigint;
      readonly module: BundleModule | null;
    }
  /** Nothing that could be known where the program came this way: the soft error `reason`. */
  | { readonly kind: "unavailable"; readonly reason: string }
  /** Address of the storage that the probed thread has for `module`, or one that is unreadable. */
  | { readonly kind: "thread-storage"; readonly module: BundleModule }
  /** Text of the control file that is read or written ($value). */
  | { readonly kind: "procfs" }
  /** Text known when compiling ($$name, $$provider). */
  | { readonly kind: "text"; readonly text: string }
  /**
   * Text made at run time: pieces in order ($$vars, $$parms, pretty printing). If memory cannot be
   * read it is `onFault`, or an error if that is null.
   */
  | {
      readonly kind: "format";
      readonly pieces: readonly FormatPiece[];
      readonly onFault: string | null;
    };

/**
 * Part of a text. Conversions are those of printf; "x" is `%#x`, "c" is `%#c`. "string" is the
 * NUL-terminated string at the address, "quoted" that in quotes, of at most `most` bytes if it is
 * not null; "name" is the one among `names`, else the number.
 */
export type FormatPiece =
  | { readonly text: string }
  | { readonly value: Location; readonly conversion: "d" | "u" | "x" | "p" | "c" | "string" }
  | { readonly value: Location; readonly conversion: "quoted"; readonly most: number | null }
  | { readonly value: Location; readonly conversion: "name"; readonly names: EnumeratorNames }
  /** In quotes the string that is not in memory: its bytes, 8 in a word, up to a NUL or the end. */
  | { readonly words: readonly Location[] }
  /** A text within the text, with a fault of its own. */
  | { readonly nested: Location }
  /** Nothing, if this value can be known. */
  | { readonly needed: Location };

/** Names of an enumeration by their values. */
export type EnumeratorNames = ReadonlyMap<bigint, string>;

/** DWARF number of the thread pointer (SysV AMD64 ABI figure 3.36). */
export const FS_BASE = 58;

/** DWARF number of xmm0 (SysV AMD64 ABI figure 3.36), and how many there are in a frame. */
export const FIRST_VECTOR = 17;
const VECTORS = 16;

/** True for the DWARF number of a vector register. */
export function isVector(register: number): boolean {
  return register >= FIRST_VECTOR && register < FIRST_VECTOR + VECTORS;
}

/** The integer constant `value`. */
export function constant(value: bigint | number): Location {
  return { kind: "constant", value: BigInt.asIntN(64, BigInt(value)) };
}

/** `left` + `right`, folded where both are constant. */
export function add(left: Location, right: Location): Location {
  if (right.kind === "constant") {
    if (right.value === 0n) return left;
    if (left.kind === "constant") return constant(left.value + right.value);
    if (left.kind === "module-address") {
      return { ...left, address: left.address + right.value };
    }
    if (left.kind === "add" && left.right.kind === "constant") {
      return add(left.left, constant(left.right.value + right.value));
    }
  }
  return left.kind === "constant" && left.value === 0n ? right : { kind: "add", left, right };
}

/** `value` × `factor`. */
export function scale(value: Location, factor: number): Location {
  if (factor === 1) return value;
  if (value.kind === "constant") return constant(value.value * BigInt(factor));
  return { kind: "multiply", left: value, right: constant(factor) };
}

/** `size` bits of `value` from bit `shift` on. */
export function bits(value: Location, shift: number, size: number, signed: boolean): Location {
  if (shift === 0 && size === 64) return value;
  if (value.kind === "constant") {
    const part = value.value >> BigInt(shift);
    return constant(signed ? BigInt.asIntN(size, part) : BigInt.asUintN(size, part));
  }
  return { kind: "bits", value, shift, size, signed };
}

/** The locations that `location` is computed from. */
export function partsOf(location: Location): readonly Location[] {
  switch (location.kind) {
    case "constant":
    case "register":
    case "operand":
    case "module-address":
    case "unavailable":
    case "thread-storage":
    case "procfs":
    case "text":
      return [];
    case "load":
      return [location.address];
    case "bits":
    case "widen-float":
      return [location.value];
    case "select":
      return [location.condition, location.consequent, location.alternate];
    case "format":
      return location.pieces.flatMap((piece) => {
        if ("value" in piece) return [piece.value];
        if ("needed" in piece) return [piece.needed];
        if ("words" in piece) return piece.words;
        return "nested" in piece ? [piece.nested] : [];
      });
    default:
      return [location.left, location.right];
  }
}

/** True if `test` holds of `location` or of a part of it; shared parts are looked at once. */
export function someLocation(location: Location, test: (part: Location) => boolean): boolean {
  const seen = new Set<Location>([location]);
  for (const part of seen) {
    if (test(part)) return true;
    for (const inner of partsOf(part)) seen.add(inner);
  }
  return false;
}

/** True if it is known only at run time whether `location` has a value, whatever can be read. */
export function mayBeUnknown(location: Location): boolean {
  return someLocation(
    location,
    (part) => part.kind === "unavailable" || (part.kind === "register" && part.isResult === true),
  );
}
