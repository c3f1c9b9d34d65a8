/**
 * Where the parameters of functions in C and C++ are at the first instruction (SysV AMD64 ABI
 * §3.2.3). Code that was not optimized stores them in its frame only then, but debug information
 * says that they are there all the time.
 */
import type { DebugInfo } from "../dwarf/debug-info.js";
import type { Die } from "../dwarf/die.js";
import { isAlwaysInFrame, isListed } from "../dwarf/framed.js";
import type { DieId } from "../dwarf/native.js";
import type { ObjectPlace } from "./place.js";
import type { ProgramModule } from "./program-module.js";
import { classify, EIGHT_BYTES, joined, MAX_IN_REGISTERS, returnPlace } from "./return-value.js";
import { type SourceType, sizeOf, strip } from "./source-type.js";

/** DWARF numbers of rdi, rsi, rdx, rcx, r8 and r9 (SysV AMD64 ABI figure 3.36). */
const INTEGERS: readonly number[] = [5, 4, 1, 2, 8, 9];
/** xmm0 to xmm7. */
const VECTORS: readonly number[] = [17, 18, 19, 20, 21, 22, 23, 24];

type Places = ReadonlyMap<DieId, ObjectPlace>;
const known = new WeakMap<Die, Places>();

/** Places of the parameters of `code` that come in registers and are stored later. */
export function passedPlaces(program: ProgramModule, code: Die): Places {
  const places = known.get(code) ?? findPlaces(program, code);
  known.set(code, places);
  return places;
}

function findPlaces(program: ProgramModule, code: Die): Places {
  const { info, types } = program;
  const found = new Map<DieId, ObjectPlace>();
  const parameters = info.children(code.id).filter(({ tag }) => tag === "formal_parameter");
  if (!isAsWritten(info, code, parameters)) return found;
  const result = types.typeOf(code);
  const isInMemory = strip(result).kind !== "void" && returnPlace(result).kind === "memory";
  // The caller says where a result is to be stored.
  const left: Registers = { integers: INTEGERS.slice(isInMemory ? 1 : 0), vectors: [...VECTORS] };
  for (const die of parameters) {
    const place = take(types.typeOf(die), left);
    if (place === "unknown") break;
    if (place !== "stack" && isAlwaysInFrame(info, die)) found.set(die.id, place);
  }
  return found;
}

/** Optimizers leave parameters in registers; or they leave them out, or hand over others. */
function isAsWritten(info: DebugInfo, code: Die, parameters: readonly Die[]): boolean {
  const language = info.unitOf(code.id)?.language ?? "";
  if (!/^C(\d\d|_plus_plus.*)?$/.test(language)) return false;
  // clang -O0 leaves pointers to objects in registers; gcc says of some functions that it
  // describes all calls in them, as of optimized ones.
  const isPlain =
    !info.flag(code, "call_all_calls") && !parameters.some((die) => isListed(info, die));
  return isPlain || parameters.every((die) => isAlwaysInFrame(info, die));
}

/** Those that no parameter has yet. */
interface Registers {
  readonly integers: number[];
  readonly vectors: number[];
}

/** Place of the next parameter; "unknown" for what compilers do not agree about. */
function take(type: SourceType, left: Registers): ObjectPlace | "stack" | "unknown" {
  const plain = strip(type);
  if (plain.kind === "struct") {
    if (plain.isByReference()) return pointedAt(left);
    if (plain.members().length === 0) return "unknown";
    if (sizeOf(plain) > MAX_IN_REGISTERS) return "stack";
  }
  if (plain.kind === "array") return "unknown";
  const classes = classify(type);
  if (classes === "memory" || classes.includes("x87")) return "stack";
  if (classes.includes("sse-up")) return "unknown";
  const vectors = classes.filter((each) => each === "sse").length;
  const integers = classes.length - vectors;
  if (integers > left.integers.length || vectors > left.vectors.length) return "stack";
  return joined(
    classes.map((each) => ({
      kind: "register",
      register: (each === "sse" ? left.vectors : left.integers).shift() ?? 0,
      offset: 0,
    })),
  );
}

/** An object whose address is handed over. */
function pointedAt({ integers }: Registers): ObjectPlace | "stack" {
  const register = integers.shift();
  if (register === undefined) return "stack";
  const whole = { bytes: EIGHT_BYTES, shift: 0, signed: false } as const;
  return { kind: "memory", address: { kind: "register", register, ...whole } };
}
