/**
 * What random expressions are made of: each is its text and what it gives on the model (model.ts),
 * with the place of the program it is made for.
 */
import type { Random } from "../support/random.js";
import { cut, type Machine, type Table, type Value } from "./model.js";

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
  readonly make: Makers;
}

/** What makes random expressions of each type, for the parts of larger ones. */
export interface Makers {
  long(site: Site): Term<bigint>;
  text(site: Site): Term<string>;
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

const TEXTS = ["", "a", "b", "ab", "B", "z\\t", "key", "longer text", "0", "%d"] as const;

/** `term` as an operand that must bind at least as tight as `level`. */
export function operand(term: Term<Value>, level: number): string {
  return term.level >= level ? term.text : `(${term.text})`;
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

/** True if the compiler knows the value: no variable, element or call in it. */
export function isConstant({ text }: Term<Value>): boolean {
  return !/[a-z@[]/i.test(text.replaceAll(/"[^"]*"|0x[0-9a-f]+/g, ""));
}

/** The number `value`. */
export function constant(value: bigint): Term<bigint> {
  return { text: String(value), level: 17, run: () => value };
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

/** Arrays with values of type `value`. */
export function arrayNames(value: "long" | "string" | "stats"): string[] {
  return Object.keys(ARRAYS).filter((name) => ARRAYS[name]?.value === value);
}

/** A random expression of `type`. */
export function makeTerm(type: "long" | "string", site: Site): Term<Value> {
  return type === "long" ? site.make.long(site) : site.make.text(site);
}

/** A random literal. */
export function makeLiteral({ random }: Site): Term<string> {
  const text = random.pick(TEXTS);
  const value = text.replace("\\t", "\t");
  return { text: `"${text}"`, level: 17, run: ({ machine }) => cut(machine, value) };
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
