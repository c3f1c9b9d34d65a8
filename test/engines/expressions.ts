/**
 * Random expressions: each is its text and what it gives on the model (model.ts). Operands are
 * evaluated from left to right and keep the value they had then. Parentheses are left out where
 * the precedence of language.md §6 allows it.
 */
import type { Random } from "../unit/aot/random-module.js";
import {
  bucketsOf,
  calculate,
  compare,
  convert,
  cut,
  extract,
  findElement,
  insertElement,
  type Machine,
  matches,
  ScriptError,
  type Stat,
  type Table,
  type Value,
} from "./model.js";

/** State that an expression can see: the machine and the variables of its handler or function. */
export interface Frame {
  readonly machine: Machine;
  readonly locals: Map<string, Value>;
}

/** An expression of type long or string. */
export interface Term<T extends Value> {
  readonly text: string;
  /** Precedence, 1 = assignment … 17 = primary. */
  readonly level: number;
  run(frame: Frame): T;
}

/** A function that may be called. */
export interface Callable {
  readonly name: string;
  readonly parameters: readonly ("long" | "string")[];
  readonly result: "long" | "string";
  call(args: readonly Value[], machine: Machine): Value;
}

/** What the generator knows at a place of the program. */
export interface Site {
  readonly random: Random;
  readonly depth: number;
  /** Names of variables in scope, by type; globals are g… and t…. */
  readonly longs: readonly string[];
  readonly texts: readonly string[];
  readonly functions: readonly Callable[];
  /** Arrays that a foreach goes through, which may not change. */
  readonly locked: ReadonlySet<string>;
  /** False in functions, which leave arrays as they are. */
  readonly changesArrays: boolean;
}

/** Arrays of every program: types of their keys and value. */
export const ARRAYS: Readonly<
  Record<string, { keys: readonly ("long" | "string")[]; value: "long" | "string" | "stats" }>
> = {
  al: { keys: ["long"], value: "long" },
  as: { keys: ["string"], value: "long" },
  am: { keys: ["long", "string"], value: "string" },
  aw: { keys: ["long"], value: "long" },
  ax: { keys: ["string"], value: "string" },
  sa: { keys: ["long"], value: "stats" },
};

const EXTRACTORS = ["count", "sum", "min", "max", "avg"] as const;
const LINEAR = [0n, 20n, 5n] as const;
const NUMBERS = [
  "0",
  "1",
  "2",
  "3",
  "5",
  "7",
  "10",
  "63",
  "64",
  "255",
  "0x7fffffff",
  "0xffffffff",
  "4294967296",
  "9223372036854775807",
  "0x8000000000000000",
  "-1",
  "-2",
  "-9",
] as const;
const TEXTS = ["", "a", "b", "ab", "B", "z\\t", "key", "longer text", "0", "%d"] as const;
const BINARY: readonly (readonly [string, number])[] = [
  ["+", 12],
  ["-", 12],
  ["*", 13],
  ["/", 13],
  ["%", 13],
  ["<<", 10],
  [">>", 10],
  [">>>", 10],
  ["&", 7],
  ["^", 6],
  ["|", 5],
];
const COMPARISONS = ["<", ">", "<=", ">=", "==", "!="] as const;
const COMPOUND = ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="] as const;

/** `term` as an operand that must bind at least as tight as `level`. */
export function operand(term: Term<Value>, level: number): string {
  return term.level >= level ? term.text : `(${term.text})`;
}

function deeper(site: Site): Site {
  return { ...site, depth: site.depth - 1 };
}

/** A random expression of type long. */
export function makeLong(site: Site): Term<bigint> {
  const { random, depth } = site;
  if (depth <= 0 || random.oneIn(5)) return random.oneIn(2) ? makeNumber(site) : readLong(site);
  const makers = [
    makeBinary,
    makeBinary,
    makeBinary,
    makeComparison,
    makeTextComparison,
    makeLogical,
    makeUnary,
    makeLongTernary,
    makeLongElement,
    makeIn,
    makeUpdate,
    makeLongAssignment,
    makeLongCall,
    makeExtractor,
    makeBucket,
    makeStrlen,
  ];
  return random.pick(makers)(deeper(site));
}

/** A random limit; none that is known to be 0 or less, for which folding drops the loop. */
export function makeLimit(site: Site): Term<bigint> {
  const limit = makeLong(site);
  return isConstant(limit) && !/^[1-9]\d*$/.test(limit.text) ? readLong(site) : limit;
}

/** A random expression of type string. */
export function makeText(site: Site): Term<string> {
  const { random, depth } = site;
  if (depth <= 0 || random.oneIn(5)) return random.oneIn(2) ? makeLiteral(site) : readText(site);
  const makers = [
    makeConcatenation,
    makeConcatenation,
    makeTextTernary,
    makeTextElement,
    makeTextAssignment,
    makeTextCall,
    makeSprint,
    makeSprintf,
  ];
  return random.pick(makers)(deeper(site));
}

/** A random expression of `type`. */
export function makeTerm(type: "long" | "string", site: Site): Term<Value> {
  return type === "long" ? makeLong(site) : makeText(site);
}

function makeNumber({ random }: Site): Term<bigint> {
  const text = random.pick(NUMBERS);
  const value = BigInt.asIntN(64, text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text));
  return { text, level: text.startsWith("-") ? 14 : 17, run: () => value };
}

function makeLiteral({ random }: Site): Term<string> {
  const text = random.pick(TEXTS);
  const value = text.replace("\\t", "\t");
  return { text: `"${text}"`, level: 17, run: ({ machine }) => cut(machine, value) };
}

function isGlobal(name: string): boolean {
  return /^[gt]/.test(name);
}

/** Value of variable `name`. */
export function readVariable(name: string, { machine, locals }: Frame): Value {
  const variables = isGlobal(name) ? machine.globals : locals;
  return variables.get(name) ?? (/^[gni]/.test(name) ? 0n : "");
}

/** Sets variable `name`. */
export function writeVariable(name: string, value: Value, { machine, locals }: Frame): void {
  const variables = isGlobal(name) ? machine.globals : locals;
  variables.set(name, typeof value === "string" ? cut(machine, value) : value);
}

function readLong({ random, longs }: Site): Term<bigint> {
  const name = random.pick(longs);
  return { text: name, level: 17, run: (frame) => readVariable(name, frame) as bigint };
}

function readText({ random, texts }: Site): Term<string> {
  const name = random.pick(texts);
  return { text: name, level: 17, run: (frame) => readVariable(name, frame) as string };
}

/** True if the compiler knows the value: no variable, element or call in it. */
function isConstant({ text }: Term<Value>): boolean {
  return !/[a-z@[]/i.test(text.replaceAll(/"[^"]*"|0x[0-9a-f]+/g, ""));
}

/**
 * Not `0 * x` and the like: folding drops x with the errors in it, which the model does not do
 * (language.md §19).
 */
function makeBinary(site: Site): Term<bigint> {
  const left = makeLong(site);
  const right = makeLong(site);
  const mayDrop = isConstant(left) !== isConstant(right);
  const operators = BINARY.filter(([name]) => !(mayDrop && ["*", "&", "|"].includes(name)));
  const [operator, level] = site.random.pick(operators);
  return {
    text: `${operand(left, level)} ${operator} ${operand(right, level + 1)}`,
    level,
    run(frame) {
      const value = left.run(frame);
      return calculate(operator, value, right.run(frame));
    },
  };
}

function makeComparison(site: Site): Term<bigint> {
  return comparison(makeLong(site), makeLong(site), site);
}

function makeTextComparison(site: Site): Term<bigint> {
  return comparison(makeText(site), makeText(site), site);
}

function comparison(left: Term<Value>, right: Term<Value>, { random }: Site): Term<bigint> {
  const operator = random.pick(COMPARISONS);
  return {
    text: `${operand(left, 9)} ${operator} ${operand(right, 10)}`,
    level: 9,
    run(frame) {
      const value = left.run(frame);
      return compare(operator, value, right.run(frame));
    },
  };
}

function makeLogical(site: Site): Term<bigint> {
  const isAnd = site.random.oneIn(2);
  const left = makeLong(site);
  const right = makeLong(site);
  // As in makeBinary: `x && 0`.
  if (isConstant(right)) return comparison(left, right, site);
  const level = isAnd ? 4 : 3;
  return {
    text: `${operand(left, level)} ${isAnd ? "&&" : "||"} ${operand(right, level + 1)}`,
    level,
    run(frame) {
      if ((left.run(frame) !== 0n) !== isAnd) return isAnd ? 0n : 1n;
      return right.run(frame) === 0n ? 0n : 1n;
    },
  };
}

function makeUnary(site: Site): Term<bigint> {
  const operator = site.random.pick(["-", "!", "~", "+"] as const);
  const inner = makeLong(site);
  const run = (value: bigint): bigint => {
    if (operator === "!") return value === 0n ? 1n : 0n;
    if (operator === "~") return ~value;
    return operator === "-" ? BigInt.asIntN(64, -value) : value;
  };
  return {
    text: `${operator} ${operand(inner, 15)}`,
    level: 14,
    run: (frame) => run(inner.run(frame)),
  };
}

function ternary<T extends Value>(condition: Term<bigint>, arms: [Term<T>, Term<T>]): Term<T> {
  const [then, otherwise] = arms;
  return {
    text: `${operand(condition, 3)} ? ${operand(then, 2)} : ${operand(otherwise, 2)}`,
    level: 2,
    run: (frame) => (condition.run(frame) === 0n ? otherwise : then).run(frame),
  };
}

function makeLongTernary(site: Site): Term<bigint> {
  return ternary(makeLong(site), [makeLong(site), makeLong(site)]);
}

function makeTextTernary(site: Site): Term<string> {
  return ternary(makeLong(site), [makeText(site), makeText(site)]);
}

/** Keys for array `name`, few different ones. */
export function makeKeys(name: string, site: Site): readonly Term<Value>[] {
  return (ARRAYS[name]?.keys ?? []).map((type) => {
    if (site.random.oneIn(3)) return makeTerm(type, { ...site, depth: Math.min(site.depth, 2) });
    if (type === "string") return makeLiteral(site);
    const value = BigInt(site.random.below(5));
    return { text: String(value), level: 17, run: () => value };
  });
}

/** Values of `terms` in order. */
export function runAll(terms: readonly Term<Value>[], frame: Frame): Value[] {
  return terms.map((term) => term.run(frame));
}

/** Text of `terms` with commas. */
export function listText(terms: readonly Term<Value>[]): string {
  return terms.map((term) => operand(term, 2)).join(", ");
}

/** Array `name` of the model. */
export function tableOf(name: string, machine: Machine): Table {
  const table = machine.tables.get(name);
  if (table === undefined) throw new Error(`array ${name}`);
  return table;
}

function arrayNames(value: "long" | "string" | "stats"): string[] {
  return Object.keys(ARRAYS).filter((name) => ARRAYS[name]?.value === value);
}

function elementOf<T extends Value>(name: string, missing: T, site: Site): Term<T> {
  const keys = makeKeys(name, site);
  return {
    text: `${name}[${listText(keys)}]`,
    level: 17,
    run(frame) {
      const values = runAll(keys, frame);
      const found = findElement(tableOf(name, frame.machine), values);
      return (found?.value as T | undefined) ?? missing;
    },
  };
}

function makeLongElement(site: Site): Term<bigint> {
  return elementOf<bigint>(site.random.pick(arrayNames("long")), 0n, site);
}

function makeTextElement(site: Site): Term<string> {
  return elementOf<string>(site.random.pick(arrayNames("string")), "", site);
}

function makeIn(site: Site): Term<bigint> {
  const name = site.random.pick(Object.keys(ARRAYS));
  const keys = makeKeys(name, site);
  const open = keys.map(() => keys.length > 1 && site.random.oneIn(3));
  const texts = keys.map((key, index) => (open[index] ? "*" : operand(key, 2)));
  return {
    text: `[${texts.join(", ")}] in ${name}`,
    level: 8,
    run(frame) {
      const values = keys.map((key, index) => (open[index] ? null : key.run(frame)));
      const { elements } = tableOf(name, frame.machine);
      return elements.some((element) => matches(element, values)) ? 1n : 0n;
    },
  };
}

/** A variable or element that may be assigned, with access to it once its keys are known. */
interface Place<T extends Value> {
  readonly text: string;
  open(frame: Frame): { get(): T; set(value: T): void };
}

function variablePlace<T extends Value>(name: string): Place<T> {
  return {
    text: name,
    open: (frame) => ({
      get: () => readVariable(name, frame) as T,
      set: (value) => writeVariable(name, value, frame),
    }),
  };
}

function elementPlace<T extends Value>(name: string, missing: T, site: Site): Place<T> {
  const keys = makeKeys(name, site);
  return {
    text: `${name}[${listText(keys)}]`,
    open(frame) {
      const values = runAll(keys, frame);
      const table = tableOf(name, frame.machine);
      return {
        get: () => (findElement(table, values)?.value as T | undefined) ?? missing,
        set(value) {
          const kept = typeof value === "string" ? (cut(frame.machine, value) as T) : value;
          insertElement(table, values, missing).value = kept;
        },
      };
    },
  };
}

function makePlace<T extends Value>(type: "long" | "string", missing: T, site: Site): Place<T> {
  const { random, locked, changesArrays, longs, texts } = site;
  const free = arrayNames(type).filter((name) => !locked.has(name));
  if (changesArrays && free.length > 0 && random.oneIn(2)) {
    return elementPlace(random.pick(free), missing, site);
  }
  const names = (type === "long" ? longs : texts).filter((name) => !name.startsWith("i"));
  return variablePlace(random.pick(names));
}

/** `++` or `--`. */
export function makeUpdate(site: Site): Term<bigint> {
  const { random } = site;
  const place = makePlace<bigint>("long", 0n, site);
  const operator = random.pick(["++", "--"] as const);
  const prefix = random.oneIn(2);
  return {
    text: prefix ? operator + place.text : place.text + operator,
    level: 15,
    run(frame) {
      const target = place.open(frame);
      const old = target.get();
      const next = calculate(operator[0] ?? "+", old, 1n);
      target.set(next);
      return prefix ? next : old;
    },
  };
}

/** An assignment to a number. */
export function makeLongAssignment(site: Site): Term<bigint> {
  const operator = site.random.pick(COMPOUND);
  const place = makePlace<bigint>("long", 0n, site);
  const value = makeLong(site);
  return {
    text: `${place.text} ${operator} ${operand(value, 1)}`,
    level: 1,
    run(frame) {
      const target = place.open(frame);
      const right = value.run(frame);
      const next = operator === "=" ? right : calculate(operator.slice(0, -1), target.get(), right);
      target.set(next);
      return next;
    },
  };
}

/** An assignment to a string. */
export function makeTextAssignment(site: Site): Term<string> {
  const operator = site.random.pick(["=", ".="] as const);
  const place = makePlace<string>("string", "", site);
  const value = makeText(site);
  return {
    text: `${place.text} ${operator} ${operand(value, 1)}`,
    level: 1,
    run(frame) {
      const target = place.open(frame);
      const right = value.run(frame);
      const next = operator === "=" ? right : cut(frame.machine, target.get() + right);
      target.set(next);
      return next;
    },
  };
}

function callOf<T extends Value>(type: "long" | "string", fallback: Term<T>, site: Site): Term<T> {
  const fitting = site.functions.filter((fn) => fn.result === type);
  if (fitting.length === 0) return fallback;
  const fn = site.random.pick(fitting);
  const args = fn.parameters.map((parameter) => makeTerm(parameter, site));
  return {
    text: `${fn.name}(${listText(args)})`,
    level: 17,
    run: (frame) => fn.call(runAll(args, frame), frame.machine) as T,
  };
}

function makeLongCall(site: Site): Term<bigint> {
  return callOf("long", makeNumber(site), site);
}

function makeTextCall(site: Site): Term<string> {
  return callOf("string", makeLiteral(site), site);
}

/** Statistics that `text` names: a scalar or an element. */
function makeStat(site: Site): { readonly text: string; run(frame: Frame): Stat } {
  const { random } = site;
  if (random.oneIn(2)) {
    const name = random.pick(["st", "sl"] as const);
    return { text: name, run: ({ machine }) => machine.stats.get(name) ?? [] };
  }
  const keys = makeKeys("sa", site);
  return {
    text: `sa[${listText(keys)}]`,
    run(frame) {
      const values = runAll(keys, frame);
      return (findElement(tableOf("sa", frame.machine), values)?.value as Stat | undefined) ?? [];
    },
  };
}

function makeExtractor(site: Site): Term<bigint> {
  const name = site.random.pick(EXTRACTORS);
  const stat = makeStat(site);
  return {
    text: `@${name}(${stat.text})`,
    level: 17,
    run: (frame) => extract(name, stat.run(frame)),
  };
}

/** A bucket, by index or by `in`, which gives its count too. */
function makeBucket(site: Site): Term<bigint> {
  const { random } = site;
  const isLog = random.oneIn(2);
  const index = random.oneIn(4)
    ? makeLong(site)
    : constant(BigInt(random.below(9) + (isLog ? 60 : 0)));
  const name = isLog ? "st" : "sl";
  const histogram = isLog ? "@hist_log(st)" : `@hist_linear(sl, ${LINEAR.join(", ")})`;
  const isIn = random.oneIn(3);
  return {
    text: isIn ? `${operand(index, 9)} in ${histogram}` : `${histogram}[${operand(index, 2)}]`,
    level: isIn ? 8 : 17,
    run(frame) {
      const at = index.run(frame);
      const stat = frame.machine.stats.get(name) ?? [];
      if (stat.length === 0) throw new ScriptError("empty aggregate");
      const buckets = bucketsOf(stat, isLog ? null : LINEAR);
      if (at < 0n || at >= BigInt(buckets.length)) {
        throw new ScriptError("histogram index out of range");
      }
      return buckets[Number(at)] ?? 0n;
    },
  };
}

function constant(value: bigint): Term<bigint> {
  return { text: String(value), level: 17, run: () => value };
}

function makeStrlen(site: Site): Term<bigint> {
  const text = makeText(site);
  return {
    text: `strlen(${operand(text, 2)})`,
    level: 17,
    run: (frame) => BigInt(text.run(frame).length),
  };
}

function makeConcatenation(site: Site): Term<string> {
  const parts = Array.from({ length: 2 + site.random.below(3) }, () => makeText(site));
  return {
    text: parts.map((part) => operand(part, 12)).join(" . "),
    level: 11,
    run: (frame) => cut(frame.machine, runAll(parts, frame).join("")),
  };
}

/** Arguments of a print, of both types. */
export function makeArguments(count: number, site: Site): readonly Term<Value>[] {
  return Array.from({ length: count }, () =>
    makeTerm(site.random.oneIn(2) ? "long" : "string", site),
  );
}

function makeSprint(site: Site): Term<string> {
  const args = makeArguments(1 + site.random.below(3), site);
  const isLine = site.random.oneIn(4);
  return {
    text: `${isLine ? "sprintln" : "sprint"}(${listText(args)})`,
    level: 17,
    run: (frame) => cut(frame.machine, runAll(args, frame).join("") + (isLine ? "\n" : "")),
  };
}

/** A format with its arguments: text as written, and what it makes. */
export function makeFormat(site: Site): { readonly text: string; run(frame: Frame): string } {
  const { random } = site;
  const args: Term<Value>[] = [];
  const pieces: ((next: () => Value) => string)[] = [];
  let format = "";
  for (let i = random.below(4); i >= 0; i--) {
    const literal = random.pick(["", " ", "=", "%%", "x"]);
    const [text, make] = makeConversion(site, args);
    format += literal + text;
    pieces.push(() => literal.replace("%%", "%"), make);
  }
  return {
    text: `"${format}", ${listText(args)}`,
    run(frame) {
      const values = runAll(args, frame);
      let taken = 0;
      const made = pieces.map((piece) => piece(() => values[taken++] ?? 0n));
      return made.join("");
    },
  };
}

type MakePiece = (next: () => Value) => string;

function makeConversion(site: Site, args: Term<Value>[]): [string, MakePiece] {
  const { random } = site;
  const letter = random.pick(["d", "i", "u", "o", "x", "X", "p", "c", "s", "s"] as const);
  const isNumber = letter !== "s" && letter !== "c";
  const flag = random.pick(isNumber ? ["", "-", "0", "+", " ", "#"] : ["", "-"]);
  const width = makeSize(site, args, -12);
  const precision = letter === "c" ? NO_SIZE : makeSize(site, args, 0);
  args.push(letter === "s" ? makeText(site) : makeLong(site));
  const point = precision.text === "" ? "" : `.${precision.text}`;
  return [
    `%${flag}${width.text}${point}${letter}`,
    (next) => {
      const sizes = { width: width.take(next), precision: precision.take(next) };
      return convert({ flag, letter, ...sizes }, next());
    },
  ];
}

interface Size {
  readonly text: string;
  take(next: () => Value): bigint;
}

const NO_SIZE: Size = { text: "", take: () => -1n };

/** Nothing, a number up to 12, or `*` with an argument from `least` on. */
function makeSize({ random }: Site, args: Term<Value>[], least: number): Size {
  if (random.oneIn(2)) return NO_SIZE;
  if (random.oneIn(2)) {
    const value = BigInt(1 + random.below(12));
    return { text: String(value), take: () => value };
  }
  const drawn = BigInt(least + random.below(12 - least));
  // -1 stands for a size that is not given.
  const value = drawn === -1n ? -2n : drawn;
  args.push({ text: value < 0n ? `(${value})` : String(value), level: 17, run: () => value });
  return { text: "*", take: (next) => next() as bigint };
}

function makeSprintf(site: Site): Term<string> {
  const { text, run } = makeFormat(site);
  return {
    text: `sprintf(${text})`,
    level: 17,
    run: (frame) => cut(frame.machine, run(frame)),
  };
}
