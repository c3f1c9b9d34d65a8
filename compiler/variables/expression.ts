/**
 * DWARF expressions (DWARF 5 §2.5, §2.6) as Locations: the stack machine is run when compiling, on
 * Locations instead of numbers. A branch whose condition is known only at run time is followed both
 * ways. Takes operations in the one form that compiler/dwarf/operations.ts gives.
 */
import type { DieId } from "../dwarf/native.js";
import type { Operation } from "../dwarf/operations.js";
import { ResolutionError } from "../elaborate/report.js";
import {
  add,
  bits,
  constant,
  isVector,
  type Location,
  type LocationOperator,
} from "../types/location.js";
import { type BaseType, changeSign, computeFloats, convertNumber, typedBits } from "./floating.js";
import { type ObjectPlace, type Piece, partOf } from "./place.js";

/** What expressions refer to. */
export interface ExpressionContext {
  /** The 8 bytes of a register (DWARF number 0 to 16), or the low ones of a vector register. */
  register(number: number): Location;
  /** DW_AT_frame_base of the function. */
  frameBase(): Location;
  /** Canonical frame address. */
  frameAddress(): Location;
  /** Value that an expression had at the function's entry. */
  entryValue(operations: readonly Operation[]): Location;
  /** Value that the caller meant for a parameter that is not handed over. */
  parameter(die: DieId): Location;
  /** Place of the variable that a pointer led to before it was optimized out. */
  pointedAt(die: DieId): ObjectPlace;
  moduleAddress(address: bigint): Location;
  /** Address of what is `offset` bytes into the module's thread-local storage. */
  threadLocal(offset: Location): Location;
  /** Null if it is neither an integer nor IEEE 754 floating point. */
  baseType(die: DieId): BaseType | null;
  /** The expression that DW_OP_call refers to. */
  called(die: DieId): readonly Operation[];
}

/** For expressions that refer to nothing. */
export const NO_CONTEXT: ExpressionContext = {
  register: () => refuse("its location needs registers"),
  frameBase: () => refuse("its location needs a frame"),
  frameAddress: () => refuse("its location needs a frame"),
  entryValue: () => refuse("its location needs a frame"),
  parameter: () => refuse("its location needs a frame"),
  pointedAt: () => missing("its location needs a frame"),
  moduleAddress: () => refuse("its location needs an address"),
  threadLocal: () => refuse("its location needs a thread"),
  baseType: () => null,
  called: () => [],
};

/** A value on the stack; `type` null = the generic type. */
interface Item {
  readonly value: Location;
  readonly type: BaseType | null;
}

interface Machine {
  readonly operations: readonly Operation[];
  readonly context: ExpressionContext;
  /** Operations that may still be run, on all ways together. */
  readonly fuel: { left: number };
  readonly stack: Item[];
  readonly pieces: Piece[];
  /** The location description of the object or of the next piece, if it is not the stack's top. */
  place: ObjectPlace | null;
}

const MAX_OPERATIONS = 5000;
/** DWARF number of rip, the last of the general registers. */
const INSTRUCTION_POINTER = 16;
/** DW_OP_bra and DW_OP_skip: code and 2-byte operand. */
const BRANCH_BYTES = 3;

/** The place that `operations` describe; `initial` is on the stack at the start. */
export function evaluatePlace(
  operations: readonly Operation[],
  context: ExpressionContext,
  initial: readonly Location[] = [],
): ObjectPlace {
  return run(0, {
    operations,
    context,
    fuel: { left: MAX_OPERATIONS },
    stack: initial.map((value) => ({ value, type: null })),
    pieces: [],
    place: null,
  });
}

/** The value that `operations` compute (frame bases, offsets of members). */
export function evaluateValue(
  operations: readonly Operation[],
  context: ExpressionContext,
  initial: readonly Location[] = [],
): Location {
  const place = evaluatePlace(operations, context, initial);
  if (place.kind === "memory") return place.address;
  if (place.kind === "value" && place.offset === 0) return place.value;
  if (place.kind === "register") return registerValue(BigInt(place.register), context);
  return refuse(place.kind === "missing" ? place.reason : "an expression without a value");
}

function run(start: number, machine: Machine): ObjectPlace {
  const { operations, fuel } = machine;
  let index = start;
  for (let op = operations[index]; op !== undefined; op = operations[index]) {
    if (--fuel.left < 0) refuse("an expression that does not end");
    if (op.atom === "skip") index = target(op, operations);
    else if (op.atom === "bra") {
      const { value } = pop(machine);
      const taken = target(op, operations);
      if (value.kind !== "constant") return fork(value, taken, index + 1, machine);
      index = value.value === 0n ? index + 1 : taken;
    } else {
      step(op, machine);
      index++;
    }
  }
  return finish(machine);
}

function target(op: Operation, operations: readonly Operation[]): number {
  const offset = op.offset + BRANCH_BYTES + Number(op.number);
  const index = operations.findIndex((each) => each.offset === offset);
  return index < 0 ? operations.length : index;
}

function fork(condition: Location, taken: number, next: number, machine: Machine): ObjectPlace {
  const other: Machine = {
    ...machine,
    stack: [...machine.stack],
    pieces: [...machine.pieces],
  };
  const consequent = run(taken, other);
  const alternate = run(next, machine);
  const select = (one: Location, two: Location): Location => ({
    kind: "select",
    condition,
    consequent: one,
    alternate: two,
  });
  if (consequent.kind === "memory" && alternate.kind === "memory") {
    return { kind: "memory", address: select(consequent.address, alternate.address) };
  }
  if (consequent.kind === "value" && alternate.kind === "value") {
    return { kind: "value", value: select(consequent.value, alternate.value), offset: 0 };
  }
  return missing("its place is of different kinds");
}

function finish(machine: Machine): ObjectPlace {
  if (machine.pieces.length > 0) return { kind: "pieces", pieces: machine.pieces, offset: 0 };
  return described(machine) ?? missing("optimized out");
}

/** The location description that was completed, null for an empty one. */
function described(machine: Machine): ObjectPlace | null {
  const { place } = machine;
  if (place !== null) return place;
  const top = machine.stack.at(-1);
  return top === undefined ? null : { kind: "memory", address: top.value };
}

function step(op: Operation, machine: Machine): void {
  const value = pushedValue(op, machine);
  if (value !== null) push(machine, value);
  else if (shuffle(op, machine) || stepTyped(op, machine) || stepPlace(op, machine)) return;
  else compute(op, machine);
}

/** What `op` pushes on the stack as a value of the generic type; null if it does not. */
function pushedValue(op: Operation, machine: Machine): Location | null {
  const { context } = machine;
  switch (op.atom) {
    case "const":
      return constant(op.number);
    case "addr":
      return context.moduleAddress(op.number);
    case "breg":
      return add(registerValue(op.number, context), constant(op.number2));
    case "fbreg":
      return add(context.frameBase(), constant(op.number));
    case "call_frame_cfa":
      return context.frameAddress();
    case "entry_value":
      return context.entryValue(op.expression ?? []);
    case "GNU_parameter_ref":
      return op.die === null ? refuse("a damaged location expression") : context.parameter(op.die);
    case "form_tls_address":
      return context.threadLocal(pop(machine).value);
    case "deref":
      return load(pop(machine).value, 8);
    case "deref_size":
      return load(pop(machine).value, Number(op.number));
    default:
      return null;
  }
}

/** Operations that move what is on the stack, or do nothing to it; false if `op` is none. */
function shuffle(op: Operation, machine: Machine): boolean {
  const { stack } = machine;
  switch (op.atom) {
    case "dup":
      stack.push(peek(machine, 0));
      return true;
    case "drop":
      pop(machine);
      return true;
    case "over":
      stack.push(peek(machine, 1));
      return true;
    case "pick":
      stack.push(peek(machine, Number(op.number)));
      return true;
    case "swap":
      rotate(machine, 2);
      return true;
    case "rot":
      rotate(machine, 3);
      return true;
    case "call2":
    case "call4":
    case "call_ref":
      call(op, machine);
      return true;
    case "nop":
    case "GNU_uninit":
      return true;
    default:
      return false;
  }
}

/** Operations that end a location description; false if `op` is none. */
function stepPlace(op: Operation, machine: Machine): boolean {
  switch (op.atom) {
    case "reg":
      machine.place = { kind: "register", register: Number(op.number), offset: 0 };
      return true;
    case "stack_value":
      machine.place = { kind: "value", value: pop(machine).value, offset: 0 };
      return true;
    case "implicit_value":
      machine.place = { kind: "bytes", bytes: op.block ?? new Uint8Array(), offset: 0 };
      return true;
    case "implicit_pointer":
      machine.place = implicitPointer(op, machine);
      return true;
    case "piece":
      addPiece(Number(op.number) * 8, 0, machine);
      return true;
    case "bit_piece":
      addPiece(Number(op.number), Number(op.number2), machine);
      return true;
    default:
      return false;
  }
}

function implicitPointer({ die, number2 }: Operation, { context }: Machine): ObjectPlace {
  const place = missing("points to what was optimized out");
  if (die === null) return place;
  return { ...place, target: () => partOf(context.pointedAt(die), Number(number2)) };
}

function addPiece(size: number, shift: number, machine: Machine): void {
  const last = machine.pieces.at(-1);
  const start = last === undefined ? 0 : last.start + last.size;
  const place = described(machine) ?? missing("only partly available");
  machine.pieces.push({ start, size, shift, place });
  machine.place = null;
  machine.stack.pop();
}

/** Operations with a type of their own; false if `op` is none. */
function stepTyped(op: Operation, machine: Machine): boolean {
  switch (op.atom) {
    case "const_type": {
      let value = 0n;
      for (const [i, byte] of (op.block ?? []).entries()) value |= BigInt(byte) << BigInt(8 * i);
      pushTyped(machine, constant(value), typeOf(op, machine));
      return true;
    }
    case "regval_type":
      pushTyped(machine, registerValue(op.number, machine.context), typeOf(op, machine));
      return true;
    case "deref_type":
      pushTyped(machine, load(pop(machine).value, Number(op.number)), typeOf(op, machine));
      return true;
    case "convert":
    case "reinterpret": {
      const { value, type: from } = pop(machine);
      const isMove = op.atom === "reinterpret";
      // A reference to nothing is the generic type.
      if (op.die === null) push(machine, isMove ? value : convertNumber(value, from, GENERIC));
      else {
        const type = typeOf(op, machine);
        pushTyped(machine, isMove ? value : convertNumber(value, from, type), type);
      }
      return true;
    }
    default:
      return false;
  }
}

const GENERIC: BaseType = { bytes: 8, signed: true, isFloat: false };

function typeOf(op: Operation, { context }: Machine): BaseType {
  const type = op.die === null ? null : context.baseType(op.die);
  return type !== null && type.bytes <= 8 ? type : refuse("a type of its location is not known");
}

function pushTyped(machine: Machine, value: Location, type: BaseType): void {
  machine.stack.push({ value: typedBits(value, type), type });
}

/** Signed ones, with those for unsigned types behind. */
const BINARY: { readonly [atom: string]: readonly [LocationOperator, LocationOperator] } = {
  plus: ["add", "add"],
  minus: ["subtract", "subtract"],
  mul: ["multiply", "multiply"],
  div: ["divide", "divide-unsigned"],
  mod: ["remainder", "remainder-unsigned"],
  and: ["and", "and"],
  or: ["or", "or"],
  xor: ["xor", "xor"],
  shl: ["shift-left", "shift-left"],
  shr: ["shift-right", "shift-right"],
  shra: ["shift-right-signed", "shift-right-signed"],
  eq: ["equal", "equal"],
  ne: ["not-equal", "not-equal"],
  lt: ["less", "less"],
  le: ["less-equal", "less-equal"],
  gt: ["greater", "greater"],
  ge: ["greater-equal", "greater-equal"],
};
const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);
/** Shifts to the right take what they shift as signed or not, whatever its type is. */
const SIGNED_SHIFTS: ReadonlyMap<string, boolean> = new Map([
  ["shr", false],
  ["shra", true],
]);

function compute(op: Operation, machine: Machine): void {
  const operators = BINARY[op.atom];
  if (operators === undefined) {
    computeOne(op, machine);
    return;
  }
  const right = pop(machine);
  const left = pop(machine);
  const { type } = left;
  if (type?.isFloat === true) {
    const result = computeFloats(op.atom, left.value, right.value, type);
    machine.stack.push({ value: result, type: COMPARISONS.has(op.atom) ? null : type });
    return;
  }
  // The generic type is signed for divisions, unsigned for remainders (DWARF 5 §2.5.1.4).
  const unsigned = type === null ? op.atom === "mod" : !type.signed;
  const kind = operators[unsigned ? 1 : 0];
  const value = binary(kind, operand(left, op, unsigned), operand(right, op, unsigned));
  if (type === null || COMPARISONS.has(op.atom)) push(machine, value);
  else pushTyped(machine, value, type);
}

/** The value of `item` for `op`: shifted, or compared, as a number of 64 bits with sign. */
function operand({ value, type }: Item, op: Operation, unsigned: boolean): Location {
  const shift = SIGNED_SHIFTS.get(op.atom);
  if (type !== null && shift !== undefined) return bits(value, 0, 8 * type.bytes, shift);
  const isFlipped = unsigned && type?.bytes === 8 && COMPARISONS.has(op.atom);
  return isFlipped ? binary("xor", value, constant(-1n << 63n)) : value;
}

function binary(kind: LocationOperator, left: Location, right: Location): Location {
  return kind === "add" ? add(left, right) : { kind, left, right };
}

function computeOne(op: Operation, machine: Machine): void {
  const { value, type } = pop(machine);
  const changed = type?.isFloat === true ? changeSign(op.atom, value, type) : null;
  const result = changed ?? computeInteger(op, value);
  if (type === null) push(machine, result);
  else pushTyped(machine, result, type);
}

function computeInteger(op: Operation, value: Location): Location {
  const negated = binary("subtract", constant(0), value);
  switch (op.atom) {
    case "plus_uconst":
      return add(value, constant(op.number));
    case "neg":
      return negated;
    case "not":
      return binary("xor", value, constant(-1));
    case "abs": {
      const condition = binary("less", value, constant(0));
      return { kind: "select", condition, consequent: negated, alternate: value };
    }
    default:
      return refuse(`its location uses DW_OP_${op.atom}`);
  }
}

function call(op: Operation, machine: Machine): void {
  const operations = op.die === null ? [] : machine.context.called(op.die);
  const inner: Machine = { ...machine, operations };
  for (const each of operations) {
    if (each.atom === "skip" || each.atom === "bra") refuse("branches in a called expression");
    if (--machine.fuel.left < 0) refuse("an expression that does not end");
    step(each, inner);
  }
  machine.place = inner.place;
}

function load(address: Location, bytes: number): Location {
  if (bytes !== 1 && bytes !== 2 && bytes !== 4 && bytes !== 8) {
    return refuse(`its location loads ${bytes} bytes`);
  }
  return { kind: "load", address, bytes, signed: false };
}

function registerValue(register: bigint, context: ExpressionContext): Location {
  const number = Number(register);
  const isKnown = number >= 0 && (number <= INSTRUCTION_POINTER || isVector(number));
  return isKnown ? context.register(number) : refuse(`its location needs register ${number}`);
}

/** A register as it is at the hit. */
export function registerOfHit(register: number): Location {
  return { kind: "register", register, bytes: 8, shift: 0, signed: false };
}

function push(machine: Machine, value: Location): void {
  machine.stack.push({ value, type: null });
}

function pop(machine: Machine): Item {
  return machine.stack.pop() ?? refuse("a damaged location expression");
}

function peek({ stack }: Machine, depth: number): Item {
  return stack[stack.length - 1 - depth] ?? refuse("a damaged location expression");
}

/** Moves the top below `count` - 1 others. */
function rotate(machine: Machine, count: number): void {
  const top = pop(machine);
  if (machine.stack.length < count - 1) refuse("a damaged location expression");
  machine.stack.splice(machine.stack.length - (count - 1), 0, top);
}

function missing(reason: string): ObjectPlace & { kind: "missing" } {
  return { kind: "missing", reason };
}

function refuse(message: string): never {
  throw new ResolutionError("not-accessible", message);
}
