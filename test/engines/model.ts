/**
 * What a script means, as plainly as it can be said: state and operations of the language
 * (language.md §5 to §10) over bigint and strings, with none of the product's code. Programs made
 * by random-program.ts run on it, to be compared with what the engines do.
 */

/** A soft error of the script. */
export class ScriptError extends Error {
  /** How many there were so far, caught or not. */
  static count = 0;
  constructor(message: string) {
    super(message);
    ScriptError.count++;
  }
}

/** Control flow that leaves a statement. */
export class Jump extends Error {
  readonly kind: "break" | "continue" | "next" | "return";
  readonly value: Value;
  constructor(kind: Jump["kind"], value: Value = 0n) {
    super(kind);
    this.kind = kind;
    this.value = value;
  }
}

/** A number or a string of one character per byte. */
export type Value = bigint | string;

/** All values that were added. */
export type Stat = bigint[];

/** Element of an array; the list of elements is in iteration order. */
export interface Element {
  readonly keys: readonly Value[];
  value: Value | Stat;
}

/** An associative array. */
export interface Table {
  readonly capacity: number;
  /** True if the script states the capacity. */
  readonly sized: boolean;
  readonly wraps: boolean;
  elements: Element[];
}

/** State of a run. */
export interface Machine {
  /** MAXSTRINGLEN. */
  readonly maxString: number;
  readonly globals: Map<string, Value>;
  readonly stats: Map<string, Stat>;
  readonly tables: Map<string, Table>;
  printed: string;
  readonly errors: string[];
}

/** The number `value` in 64 bits. */
export function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** What a string can hold of `text`. */
export function cut(machine: Machine, text: string): string {
  const end = text.indexOf("\0");
  return (end < 0 ? text : text.slice(0, end)).slice(0, machine.maxString - 1);
}

/** `left operator right` on numbers. */
export function calculate(operator: string, left: bigint, right: bigint): bigint {
  const shift = right & 63n;
  switch (operator) {
    case "+":
      return wrap(left + right);
    case "-":
      return wrap(left - right);
    case "*":
      return wrap(left * right);
    case "/":
    case "%":
      if (right === 0n) throw new ScriptError("division by 0");
      return operator === "/" ? wrap(left / right) : wrap(left % right);
    case "&":
      return left & right;
    case "|":
      return left | right;
    case "^":
      return left ^ right;
    case "<<":
      return wrap(left << shift);
    case ">>":
      return left >> shift;
    case ">>>":
      return wrap(BigInt.asUintN(64, left) >> shift);
    default:
      throw new Error(`operator ${operator}`);
  }
}

/** `left operator right` as 0 or 1; strings by their bytes. */
export function compare(operator: string, left: Value, right: Value): bigint {
  const holds = {
    "<": left < right,
    ">": left > right,
    "<=": left <= right,
    ">=": left >= right,
    "==": left === right,
    "!=": left !== right,
  }[operator];
  if (holds === undefined) throw new Error(`operator ${operator}`);
  return holds ? 1n : 0n;
}

/** The element of `table` with `keys`. */
export function findElement(table: Table, keys: readonly Value[]): Element | undefined {
  return table.elements.find((element) => matches(element, keys));
}

/** True if `element` has `keys`; null stands for any. */
export function matches(element: Element, keys: readonly (Value | null)[]): boolean {
  return keys.every((key, index) => key === null || element.keys[index] === key);
}

/** The element of `table` with `keys`, made with the value `fresh` if there is none. */
export function insertElement(table: Table, keys: readonly Value[], fresh: Value | Stat): Element {
  const found = findElement(table, keys);
  if (found !== undefined) return found;
  if (table.elements.length >= table.capacity) {
    const limit = table.sized ? `size limit (${table.capacity})` : "MAXMAPENTRIES";
    if (!table.wraps) throw new ScriptError(`Array overflow, check ${limit}`);
    table.elements.shift();
  }
  const element = { keys, value: fresh };
  table.elements.push(element);
  return element;
}

/** How foreach orders an array: by a number or string of each element. */
export interface Order {
  readonly of: (element: Element) => Value;
  readonly descending: boolean;
}

/** Orders `table` for good; with a limit of 1 to 30 only the elements in front are in order. */
export function sortTable(table: Table, { of, descending }: Order, limit: bigint): void {
  const isBehind = (a: Element, b: Element): boolean =>
    descending ? of(a) < of(b) : of(a) > of(b);
  const order = (list: Element[]): Element[] =>
    [...list].sort((a, b) => Number(isBehind(a, b)) - Number(isBehind(b, a)));
  if (limit < 1n || limit > 30n) {
    table.elements = order(table.elements);
    return;
  }
  const front = order(table.elements.slice(0, Number(limit)));
  const others: Element[] = [];
  for (const element of table.elements.slice(Number(limit))) {
    let place = front.length;
    while (place > 0 && isBehind(front[place - 1] as Element, element)) place--;
    if (place === front.length) {
      others.push(element);
      continue;
    }
    front.splice(place, 0, element);
    others.unshift(front.pop() as Element);
  }
  table.elements = [...front, ...others];
}

/** Extractor `@name` of `stat`. */
export function extract(name: string, stat: Stat): bigint {
  const sum = wrap(stat.reduce((total, value) => total + value, 0n));
  if (name === "count") return BigInt(stat.length);
  if (name === "sum") return sum;
  if (stat.length === 0) throw new ScriptError("empty aggregate");
  if (name === "avg") return sum / BigInt(stat.length);
  const least = name === "min";
  return stat.reduce((best, value) => (value < best === least ? value : best));
}

/** Counts of the buckets of @hist_log, or of @hist_linear with `shape` low, high, width. */
export function bucketsOf(stat: Stat, shape: readonly [bigint, bigint, bigint] | null): bigint[] {
  const [low, high, width] = shape ?? [0n, 0n, 1n];
  const size = shape === null ? 128 : Number((high - low) / width) + 3;
  const counts = new Array<bigint>(size).fill(0n);
  for (const value of stat) {
    const place = shape === null ? logBucket(value) : linearBucket(value, low, width, size);
    counts[place] = (counts[place] ?? 0n) + 1n;
  }
  return counts;
}

function logBucket(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  const bits = value === 0n ? 0 : magnitude.toString(2).length;
  return value < 0n ? 64 - bits : Math.min(64 + bits, 127);
}

function linearBucket(value: bigint, low: bigint, width: bigint, size: number): number {
  if (value < low) return 0;
  return Number(
    BigInt.asUintN(64, value - low) / width < BigInt(size)
      ? Math.min(Number((value - low) / width) + 1, size - 1)
      : size - 1,
  );
}

/** One conversion of a format; sizes are -1 where not given. */
export interface Conversion {
  readonly flag: string;
  readonly width: bigint;
  readonly precision: bigint;
  readonly letter: string;
}

/** `value` by `conversion` (printf(3), with SystemTap's %p and 0 prefix). */
export function convert(conversion: Conversion, value: Value): string {
  const { precision, letter } = conversion;
  const left = conversion.flag === "-";
  const width = Number(conversion.width);
  const justify = (text: string): string => (left ? text.padEnd(width) : text.padStart(width));
  if (typeof value === "string") {
    return justify(precision < 0n ? value : value.slice(0, Number(precision)));
  }
  if (letter === "c") return justify(String.fromCharCode(Number(value & 255n)));
  const [head, digits] = numberParts(conversion, value);
  const shown = digits.padStart(Number(precision), "0");
  if (conversion.flag !== "0" || left) return justify(head + shown);
  return head + shown.padStart(width - head.length, "0");
}

function numberParts({ flag, letter }: Conversion, value: bigint): [string, string] {
  if (letter === "d" || letter === "i") {
    const sign = value < 0n ? "-" : flag === "+" ? "+" : flag === " " ? " " : "";
    return [sign, (value < 0n ? -value : value).toString()];
  }
  const base = { o: 8, x: 16, X: 16, p: 16 }[letter] ?? 10;
  const digits = BigInt.asUintN(64, value).toString(base);
  const prefix = base === 16 ? "0x" : base === 8 ? "0" : "";
  const head = flag === "#" || letter === "p" ? prefix : "";
  return letter === "X" ? [head.toUpperCase(), digits.toUpperCase()] : [head, digits];
}
