/**
 * Random expressions: each is its text and what it gives on the model (model.ts). Operands are
 * evaluated from left to right and keep the value they had then. Parentheses are left out where
 * the precedence of language.md §6 allows it.
 */
import { makeLongAssignment, makeTextAssignment, makeUpdate } from "./assignments.js";
import { makeSprint, makeSprintf } from "./formats.js";
import {
  bucketsOf,
  calculate,
  compare,
  cut,
  extract,
  findElement,
  matches,
  ScriptError,
  type Stat,
  type Value,
} from "./model.js";
import {
  ARRAYS,
  arrayNames,
  constant,
  type Frame,
  isConstant,
  listText,
  type Makers,
  makeKeys,
  makeLiteral,
  makeTerm,
  operand,
  readVariable,
  runAll,
  type Site,
  type Term,
  tableOf,
} from "./term.js";

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

/** Makers of every kind of expression. */
export const MAKERS: Makers = { long: makeLong, text: makeText };

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

function makeNumber({ random }: Site): Term<bigint> {
  const text = random.pick(NUMBERS);
  const value = BigInt.asIntN(64, text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text));
  return { text, level: text.startsWith("-") ? 14 : 17, run: () => value };
}

function readLong({ random, longs }: Site): Term<bigint> {
  const name = random.pick(longs);
  return { text: name, level: 17, run: (frame) => readVariable(name, frame) as bigint };
}

function readText({ random, texts }: Site): Term<string> {
  const name = random.pick(texts);
  return { text: name, level: 17, run: (frame) => readVariable(name, frame) as string };
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
  const texts = keys.map((key, index) => (open[index] ? "*" : operand(key, 9)));
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
