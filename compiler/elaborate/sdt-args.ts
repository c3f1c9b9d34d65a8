/**
 * Argument strings of static marks, e.g. `-4@%edi 8@16(%rsp,%rcx,8) 4@$-7 8@name+8(%rip)`, as
 * locations. Each operand is `[-]SIZE[f]@OPERAND` in the assembler's AT&T notation; a negative
 * size means signed. Source: <sys/sdt.h> of SystemTap (format), GNU as manual §9.16.3 (operands).
 */
import {
  add,
  constant,
  FIRST_VECTOR,
  FS_BASE,
  isVector,
  type Location,
  scale,
} from "../types/location.js";

/** An argument, or why it cannot be read. */
export type SdtArgument =
  | { readonly kind: "location"; readonly location: Location }
  | {
      readonly kind: "unsupported";
      readonly reason: string;
      /** What it names and nobody knows, null if that is not the reason. */
      readonly symbol: string | null;
    };

/** The address of a symbol; of `name@tpoff` its distance from the thread pointer. */
export type FindSymbol = (name: string) => Location | null;

type Bytes = 1 | 2 | 4 | 8;

/** Splits an argument string; blanks inside parentheses do not separate. */
export function splitSdtArguments(args: string): string[] {
  return args.match(/(?:\([^)]*\)|[^\s(])+/g) ?? [];
}

/** The argument that `text` states for a mark at ELF address `pc`. */
export function parseSdtArgument(text: string, pc: number, find: FindSymbol): SdtArgument {
  const match = /^(?:(-?)(\d+)f?@)?(.*)$/.exec(text);
  const [, sign, size, operand] = match ?? [];
  const bytes = size === undefined ? 8 : Number(size);
  if (operand === undefined || operand === "" || !isBytes(bytes)) return unsupported(text);
  // Without a size (version 1 and 2 of the macros) values are signed words.
  const signed = size === undefined ? true : sign === "-";
  let unknown: string | null = null;
  const look: FindSymbol = (name) => {
    const found = find(name);
    if (found === null && /^[\w.$]+$/.test(name)) unknown = name;
    return found;
  };
  const location = parseOperand(operand, { bytes, signed }, pc, look);
  return location === null ? unsupported(text, unknown) : { kind: "location", location };
}

function unsupported(text: string, symbol: string | null = null): SdtArgument {
  return { kind: "unsupported", reason: `operand '${text}'`, symbol };
}

interface Value {
  readonly bytes: Bytes;
  readonly signed: boolean;
}

function parseOperand(text: string, value: Value, pc: number, find: FindSymbol): Location | null {
  if (text.startsWith("$")) return parseImmediate(text.slice(1), value, find);
  const isThreadLocal = text.startsWith("%fs:");
  if (!isThreadLocal && text.startsWith("%")) return parseRegister(text.slice(1), value);
  const address = isThreadLocal
    ? parseThreadAddress(text.slice("%fs:".length), pc, find)
    : parseAddress(text, pc, find);
  return address && { kind: "load", address, bytes: value.bytes, signed: value.signed };
}

/** `name@tpoff+4(,%rax,2)` (gcc), `name+4@TPOFF(,%rax,2)` (clang), `16`, `(%rax)`. */
function parseThreadAddress(text: string, pc: number, find: FindSymbol): Location | null {
  const place = parseAddress(text.replace(/@tpoff/i, ""), pc, (name) => find(`${name}@tpoff`));
  return place && add(THREAD_POINTER, place);
}

const THREAD_POINTER: Location = {
  kind: "register",
  register: FS_BASE,
  bytes: 8,
  shift: 0,
  signed: false,
};

function parseRegister(name: string, value: Value): Location | null {
  const register = registerOf(name);
  if (register === null) return null;
  const bytes = Math.min(register.bytes, value.bytes);
  if (!isBytes(bytes)) return null;
  const { number, shift } = register;
  return { kind: "register", register: number, bytes, shift, signed: value.signed };
}

function parseImmediate(text: string, value: Value, find: FindSymbol): Location | null {
  const number = parseNumber(text);
  if (number !== null) return { kind: "constant", value: truncate(number, value) };
  return parseSymbol(text, find);
}

/** The value as its type holds it, extended to 64 bits. */
function truncate(number: bigint, value: Value): bigint {
  const bits = value.bytes * 8;
  return value.signed
    ? BigInt.asIntN(bits, number)
    : BigInt.asIntN(64, BigInt.asUintN(bits, number));
}

/** `disp(base,index,scale)`, `symbol+off(%rip)`, `symbol`, `number`. */
function parseAddress(text: string, pc: number, find: FindSymbol): Location | null {
  const match = /^([^(]*)(?:\(([^)]*)\))?$/.exec(text);
  if (!match) return null;
  const displacement = (match[1] ?? "").trim();
  const registers = match[2]?.split(",").map((part) => part.trim());
  if (registers?.[0] === "%rip" || registers?.[0] === "%eip") {
    const offset = parseNumber(displacement);
    if (offset === null) return parseSymbol(displacement, find);
    return { kind: "module-address", address: BigInt(pc) + offset, module: null };
  }
  const sum = displacement === "" ? constant(0) : parseDisplacement(displacement, find);
  return sum === null || registers === undefined ? sum : addRegisters(sum, registers);
}

function parseDisplacement(text: string, find: FindSymbol): Location | null {
  const number = parseNumber(text);
  return number === null ? parseSymbol(text, find) : constant(number);
}

function addRegisters(displacement: Location, parts: readonly string[]): Location | null {
  const [baseName = "", indexName = "", scaleText = ""] = parts;
  let sum = displacement;
  if (baseName !== "") {
    const base = wholeRegister(baseName);
    if (base === null) return null;
    sum = sum.kind === "constant" ? add(base, sum) : add(sum, base);
  }
  if (indexName !== "") {
    const index = wholeRegister(indexName);
    if (index === null || !/^[1248]?$/.test(scaleText)) return null;
    sum = add(sum, scale(index, Number(scaleText || "1")));
  }
  return sum;
}

function wholeRegister(name: string): Location | null {
  const register = name.startsWith("%") ? registerOf(name.slice(1)) : null;
  if (register === null || register.bytes < 4 || isVector(register.number)) return null;
  const { number, bytes } = register;
  return { kind: "register", register: number, bytes, shift: 0, signed: false };
}

/** `name`, `name+8`, `8+name`, `name-4`, `name+8-4`. */
function parseSymbol(text: string, find: FindSymbol): Location | null {
  let offset = 0n;
  let symbol: string | null = null;
  for (const [term] of text.matchAll(/[+-]?[^+-]+/g)) {
    const number = parseNumber(term);
    if (number !== null) offset += number;
    else if (symbol === null && !term.startsWith("-")) symbol = term.replace(/^\+/, "");
    else return null;
  }
  const address = symbol === null ? null : find(symbol.trim());
  return address && add(address, constant(offset));
}

function parseNumber(text: string): bigint | null {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text.trim());
  const digits = match?.[2];
  if (digits === undefined) return null;
  // A leading 0 means octal to the assembler.
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
  return match?.[1] === "-" ? -value : value;
}

function isBytes(value: number): value is Bytes {
  return value === 1 || value === 2 || value === 4 || value === 8;
}

interface Register {
  readonly number: number;
  readonly bytes: Bytes;
  readonly shift: number;
}

/** DWARF numbers of SysV AMD64 ABI §3.6.2, figure 3.36. */
const REGISTERS: ReadonlyMap<string, Register> = registerTable();

function registerOf(name: string): Register | null {
  return REGISTERS.get(name) ?? null;
}

function registerTable(): Map<string, Register> {
  const table = new Map<string, Register>();
  const add = (name: string, number: number, bytes: Bytes, shift = 0): void => {
    table.set(name, { number, bytes, shift });
  };
  ["a", "d", "c", "b"].forEach((letter, number) => {
    add(`r${letter}x`, number, 8);
    add(`e${letter}x`, number, 4);
    add(`${letter}x`, number, 2);
    add(`${letter}l`, number, 1);
    add(`${letter}h`, number, 1, 8);
  });
  ["si", "di", "bp", "sp"].forEach((name, index) => {
    add(`r${name}`, 4 + index, 8);
    add(`e${name}`, 4 + index, 4);
    add(name, 4 + index, 2);
    add(`${name}l`, 4 + index, 1);
  });
  for (let number = 8; number < 16; number++) {
    add(`r${number}`, number, 8);
    add(`r${number}d`, number, 4);
    add(`r${number}w`, number, 2);
    add(`r${number}b`, number, 1);
    add(`r${number}l`, number, 1);
  }
  for (let number = 0; number < 16; number++) add(`xmm${number}`, FIRST_VECTOR + number, 8);
  return table;
}
