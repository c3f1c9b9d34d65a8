/** Random statements: assignments, prints, errors, jumps, loops that end, `try`, `foreach`. */

import { makeLongAssignment, makeTextAssignment, makeUpdate } from "./assignments.js";
import { makeLimit, makeLong, makeText } from "./expressions.js";
import { makeArguments, makeFormat, printedText } from "./formats.js";
import {
  cut,
  type Element,
  extract,
  insertElement,
  Jump,
  matches,
  type Order,
  ScriptError,
  type Stat,
  sortTable,
  type Value,
} from "./model.js";
import {
  ARRAYS,
  type Frame,
  listText,
  makeKeys,
  makeTerm,
  operand,
  readVariable,
  runAll,
  type Site,
  type Term,
  tableOf,
  writeVariable,
} from "./term.js";

/** A statement; `run` throws Jump and ScriptError. */
export interface Step {
  readonly text: string;
  run(frame: Frame): void;
}

/** What may be written where a statement stands. */
export interface Block extends Site {
  readonly inLoop: boolean;
  /** Result of the function that it is in, null in a probe. */
  readonly result: "long" | "string" | null;
  /** Number of loops around it. */
  readonly loops: number;
}

/** Up to `most` statements. */
export function makeBlock(site: Block, most: number): Step {
  return sequence(Array.from({ length: 1 + site.random.below(most) }, () => makeStep(site)));
}

/** `steps` one after the other. */
export function sequence(steps: readonly Step[]): Step {
  return {
    text: steps.map((step) => step.text).join("\n"),
    run: (frame) => {
      for (const step of steps) step.run(frame);
    },
  };
}

function inner(site: Block): Block {
  return { ...site, depth: site.depth - 1 };
}

/** A random statement. */
export function makeStep(site: Block): Step {
  const { random, depth, inLoop } = site;
  const simple = [makeAssignment, makeAssignment, makePrint, makePrintf, makeStatAdd];
  const rare = [makeError, makeDelete, makeDelete, makeJump];
  if (depth <= 1) return random.pick(random.oneIn(5) ? rare : simple)(site);
  if (random.oneIn(8)) return random.pick(rare)(site);
  const nested = [makeIf, makeFor, makeWhile, makeForeach, makeForeach, makeTry, makeTry];
  const makers = random.oneIn(2) ? simple : nested;
  const maker = random.pick(makers);
  return maker({ ...inner(site), inLoop });
}

function statement(term: Term<Value>): Step {
  return { text: `${term.text};`, run: (frame) => void term.run(frame) };
}

function makeAssignment(site: Block): Step {
  const make = site.random.pick([makeLongAssignment, makeTextAssignment, makeUpdate]);
  return statement(make(site));
}

function makePrint(site: Block): Step {
  const [name, between, end] = site.random.pick([
    ["print(", "", ""],
    ["println(", "", "\n"],
    ['printd(" ", ', " ", ""],
    ['printdln(",", ', ",", "\n"],
  ] as const);
  const args = makeArguments(2 + site.random.below(2), site);
  return {
    text: `${name}${printedText(args)});`,
    run(frame) {
      const text = runAll(args, frame).join(between);
      frame.machine.printed += text + end;
    },
  };
}

function makePrintf(site: Block): Step {
  const { text, run } = makeFormat(site);
  return {
    text: `printf(${text});`,
    run(frame) {
      const made = run(frame);
      frame.machine.printed += made;
    },
  };
}

function makeStatAdd(site: Block): Step {
  const value = makeLong({ ...site, depth: 2 });
  if (site.random.oneIn(2) || !site.changesArrays || site.locked.has("sa")) {
    const name = site.random.pick(["st", "sl"] as const);
    return {
      text: `${name} <<< ${operand(value, 1)};`,
      run(frame) {
        const added = value.run(frame);
        frame.machine.stats.get(name)?.push(added);
      },
    };
  }
  const keys = makeKeys("sa", site);
  return {
    text: `sa[${listText(keys)}] <<< ${operand(value, 1)};`,
    run(frame) {
      const at = runAll(keys, frame);
      const added = value.run(frame);
      (insertElement(tableOf("sa", frame.machine), at, []).value as Stat).push(added);
    },
  };
}

function makeError(site: Block): Step {
  const message = makeText({ ...site, depth: 1 });
  return {
    text: `error("E" . ${operand(message, 12)});`,
    run(frame) {
      throw new ScriptError(cut(frame.machine, `E${message.run(frame)}`));
    },
  };
}

function makeDelete(site: Block): Step {
  const { random, locked, changesArrays } = site;
  const arrays = Object.keys(ARRAYS).filter((name) => !locked.has(name));
  if (!changesArrays || arrays.length === 0 || random.oneIn(4)) return deleteScalar(site);
  const name = random.pick(arrays);
  if (random.oneIn(6)) {
    return {
      text: `delete ${name};`,
      run: ({ machine }) => {
        tableOf(name, machine).elements = [];
      },
    };
  }
  const keys = makeKeys(name, site);
  const open = keys.map(() => random.oneIn(4));
  return {
    text: `delete ${name}[${keys.map((key, i) => (open[i] ? "*" : operand(key, 2))).join(", ")}];`,
    run(frame) {
      const values = keys.map((key, index) => (open[index] ? null : key.run(frame)));
      const table = tableOf(name, frame.machine);
      table.elements = table.elements.filter((element) => !matches(element, values));
    },
  };
}

function deleteScalar({ random }: Block): Step {
  const name = random.pick(["g1", "t0", "n1", "s1", "st", "sl"] as const);
  return {
    text: `delete ${name};`,
    run(frame) {
      if (name === "st" || name === "sl") frame.machine.stats.set(name, []);
      else writeVariable(name, name === "t0" || name === "s1" ? "" : 0n, frame);
    },
  };
}

function makeJump(site: Block): Step {
  const { random, inLoop, result } = site;
  // A statement behind a jump would never be reached, so it stands in an `if`.
  const condition = makeLong({ ...site, depth: 1 });
  const kinds: Jump["kind"][] = inLoop ? ["break", "continue", "break", "continue"] : [];
  kinds.push(result === null ? "next" : "return");
  const kind = random.pick(kinds);
  const value = kind === "return" ? makeTerm(result ?? "long", { ...site, depth: 2 }) : null;
  return {
    text: `if (${condition.text}) ${kind}${value === null ? "" : ` ${operand(value, 1)}`};`,
    run(frame) {
      if (condition.run(frame) !== 0n) throw new Jump(kind, value?.run(frame) ?? 0n);
    },
  };
}

function makeIf(site: Block): Step {
  const condition = makeLong(site);
  const then = makeBlock(site, 3);
  const otherwise = site.random.oneIn(2) ? makeBlock(site, 2) : null;
  return {
    text: `if (${condition.text}) {\n${then.text}\n}${otherwise === null ? "" : ` else {\n${otherwise.text}\n}`}`,
    run(frame) {
      if (condition.run(frame) !== 0n) then.run(frame);
      else otherwise?.run(frame);
    },
  };
}

/** Runs `body`; false if it broke out. */
function runBody(body: Step, frame: Frame): boolean {
  try {
    body.run(frame);
  } catch (error) {
    if (!(error instanceof Jump) || (error.kind !== "break" && error.kind !== "continue")) {
      throw error;
    }
    return error.kind === "continue";
  }
  return true;
}

/** Body of a loop in `site`; never without effect, which would elide the loop. */
function makeLoopBody(site: Block): Step {
  const { text, run } = makeBlock({ ...site, inLoop: true, loops: site.loops + 1 }, 3);
  return { text: `${text}\ng1 += 0;`, run };
}

function makeFor(site: Block): Step {
  const counter = `i${site.loops}`;
  const count = BigInt(site.random.below(4));
  const body = makeLoopBody({ ...site, longs: [...site.longs, counter] });
  return {
    text: `for (${counter} = 0; ${counter} < ${count}; ${counter}++) {\n${body.text}\n}`,
    run(frame) {
      const at = (): bigint => readVariable(counter, frame) as bigint;
      for (
        writeVariable(counter, 0n, frame);
        at() < count;
        writeVariable(counter, at() + 1n, frame)
      ) {
        if (!runBody(body, frame)) return;
      }
    },
  };
}

function makeWhile(site: Block): Step {
  const counter = `i${site.loops}`;
  const count = BigInt(1 + site.random.below(3));
  const condition = makeLong({ ...site, depth: 2 });
  const body = makeLoopBody(site);
  return {
    text: `${counter} = ${count}; while (${counter}-- > 0 && ${operand(condition, 5)}) {\n${body.text}\n}`,
    run(frame) {
      writeVariable(counter, count, frame);
      const goesOn = (): boolean => {
        const left = readVariable(counter, frame) as bigint;
        writeVariable(counter, left - 1n, frame);
        return left > 0n && condition.run(frame) !== 0n;
      };
      while (goesOn() && runBody(body, frame));
    },
  };
}

/** A random `try`. */
export function makeTry(site: Block): Step {
  const body = makeBlock(site, 3);
  const handler = makeBlock(site, 2);
  const variable = site.random.oneIn(2) ? "s1" : null;
  return {
    text: `try {\n${body.text}\n} catch${variable === null ? "" : ` (${variable})`} {\n${handler.text}\n}`,
    run(frame) {
      try {
        body.run(frame);
      } catch (error) {
        if (!(error instanceof ScriptError)) throw error;
        if (variable !== null) writeVariable(variable, error.message, frame);
        handler.run(frame);
      }
    },
  };
}

const STATISTICS = ["", " @count", " @sum", " @min", " @max", " @avg"] as const;

/** Where the sort suffix stands, and what it sorts by. */
interface Sorting {
  readonly at: "array" | "value" | number;
  readonly suffix: string;
  readonly order: Order;
}

function makeSorting(name: string, hasValue: boolean, site: Block): Sorting | null {
  const { random, locked } = site;
  // Sorting changes the array, and functions leave arrays alone.
  if (locked.has(name) || !site.changesArrays || random.oneIn(3)) return null;
  const { keys, value } = ARRAYS[name] ?? { keys: [], value: "long" };
  const places: Sorting["at"][] = ["array", ...keys.keys()];
  if (hasValue) places.push("value");
  const at = random.pick(places);
  const statistic = value === "stats" && at === "array" ? random.pick(STATISTICS) : "";
  const descending = random.oneIn(2);
  const of = (element: Element): Value => {
    if (typeof at === "number") return element.keys[at] ?? 0n;
    if (value !== "stats") return element.value as Value;
    return extract(statistic.slice(2) || "count", element.value as Stat);
  };
  return { at, suffix: statistic + (descending ? "-" : "+"), order: { of, descending } };
}

function makeForeach(site: Block): Step {
  const { random } = site;
  const name = random.pick(Object.keys(ARRAYS));
  const { keys: types, value: type } = ARRAYS[name] ?? { keys: [], value: "long" };
  const keyNames = types.map((each) => (each === "long" ? "n1" : "s1"));
  const valueName = type !== "stats" && random.oneIn(3) ? (type === "long" ? "n2" : "s0") : null;
  const sorting = makeSorting(name, valueName !== null, site);
  const slice = random.oneIn(4) ? makeKeys(name, site) : null;
  const open = types.map(() => random.oneIn(2));
  const locked = new Set([...site.locked, name]);
  const limit = random.oneIn(3) ? makeLimit({ ...site, depth: 1, locked }) : null;
  const body = makeLoopBody({ ...site, locked });
  const suffix = (at: Sorting["at"]): string => (sorting?.at === at ? sorting.suffix : "");
  const key = keyNames.map((each, index) => each + suffix(index)).join(", ");
  const value = valueName === null ? "" : `${valueName}${suffix("value")} = `;
  const keyText = keyNames.length > 1 || valueName !== null ? `[${key}]` : key;
  const sliceText =
    slice === null
      ? ""
      : `[${slice.map((each, i) => (open[i] ? "*" : operand(each, 2))).join(", ")}]`;
  const limitText = limit === null ? "" : ` limit ${operand(limit, 2)}`;
  return {
    text: `foreach (${value}${keyText} in ${name}${sliceText}${suffix("array")}${limitText}) {\n${body.text}\n}`,
    run(frame) {
      const table = tableOf(name, frame.machine);
      const most = limit?.run(frame) ?? null;
      if (sorting !== null) sortTable(table, sorting.order, most ?? 0n);
      const wanted = slice?.map((each, i) => (open[i] ? null : each.run(frame))) ?? [];
      for (const [index, element] of table.elements.entries()) {
        if (most !== null && BigInt(index) >= most) return;
        for (const [i, each] of keyNames.entries())
          writeVariable(each, element.keys[i] ?? 0n, frame);
        if (!matches(element, wanted)) continue;
        if (valueName !== null) writeVariable(valueName, element.value as Value, frame);
        if (!runBody(body, frame)) return;
      }
    },
  };
}
