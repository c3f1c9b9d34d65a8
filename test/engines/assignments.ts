/** Random assignments: to variables and elements, plain and compound, ++ and --. */
import { calculate, cut, findElement, insertElement, type Value } from "./model.js";
import {
  arrayNames,
  type Frame,
  listText,
  makeKeys,
  operand,
  readVariable,
  runAll,
  type Site,
  type Term,
  tableOf,
  writeVariable,
} from "./term.js";

const COMPOUND = ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="] as const;

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
  const value = site.make.long(site);
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
  const value = site.make.text(site);
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
