/**
 * Random programs: begin probes over globals, arrays and statistics, with functions, loops that
 * end, errors that are caught or not. Each is script text and a run on the model (model.ts).
 */
import { Random } from "../unit/aot/random-module.js";
import {
  ARRAYS,
  type Callable,
  type Frame,
  listText,
  makeArguments,
  makeFormat,
  makeKeys,
  makeLimit,
  makeLong,
  makeLongAssignment,
  makeTerm,
  makeText,
  makeTextAssignment,
  makeUpdate,
  operand,
  readVariable,
  runAll,
  type Site,
  type Term,
  tableOf,
  writeVariable,
} from "./expressions.js";
import {
  cut,
  type Element,
  extract,
  insertElement,
  Jump,
  type Machine,
  matches,
  type Order,
  ScriptError,
  type Stat,
  sortTable,
  type Table,
  type Value,
} from "./model.js";

/** A program with what it prints and the errors it ends handlers with. */
export interface RandomProgram {
  readonly text: string;
  /** -D options. */
  readonly defines: ReadonlyMap<string, string>;
  readonly printed: string;
  readonly errors: readonly string[];
  /** Some error occurred, caught or not. */
  readonly hasErrors: boolean;
}

/** A statement; `run` throws Jump and ScriptError. */
interface Step {
  readonly text: string;
  run(frame: Frame): void;
}

const LONGS = ["n0", "n1", "n2", "g0", "g1"] as const;
const TEXTS = ["s0", "s1", "t0"] as const;
/** In functions: parameters are n0 and s0. */
const FUNCTION_LONGS = ["n0", "n1", "g0", "g1"] as const;
const FUNCTION_TEXTS = ["s0", "s1", "t0"] as const;
const PROBES = 3;
const WRAP_CAPACITY = 3;
const SIZED_CAPACITY = 4;

/** What may be written where a statement stands. */
interface Block extends Site {
  readonly inLoop: boolean;
  /** Result of the function that it is in, null in a probe. */
  readonly result: "long" | "string" | null;
  /** Number of loops around it. */
  readonly loops: number;
}

/** The program that `seed` gives. */
export function makeProgram(seed: number): RandomProgram {
  const random = new Random(seed);
  const maxString = random.pick([16, 24, 40, 512]);
  const maxMapEntries = random.pick([3, 8, 2048]);
  const functions = makeFunctions(random);
  const probes = Array.from({ length: PROBES }, () => makeHandler(random, functions));
  const machine = newMachine(maxString, maxMapEntries);
  const errorsBefore = ScriptError.count;
  for (const probe of [FILL, ...probes, SHOW_ALL]) runHandler(probe, machine);
  const header = `global g0 = 7, g1 = 0, t0 = "start", al, as, am, aw%[${WRAP_CAPACITY}], ax[${SIZED_CAPACITY}], sa, st, sl`;
  const bodies = [FILL, ...probes].map(
    (probe, index) => `probe begin(${index}) {\n${probe.text}\n}`,
  );
  return {
    text: [
      header,
      ...functions.map((fn) => fn.text),
      ...bodies,
      `probe begin(${PROBES + 1}) { ${SHOW_ALL.text} exit() }`,
    ].join("\n"),
    defines: new Map([
      ["MAXSTRINGLEN", String(maxString)],
      ["MAXMAPENTRIES", String(maxMapEntries)],
      ["MAXERRORS", "1000"],
      ["MAXTHREADS", "3"],
    ]),
    printed: machine.printed,
    errors: machine.errors,
    hasErrors: ScriptError.count > errorsBefore,
  };
}

function newMachine(maxString: number, maxMapEntries: number): Machine {
  const capacity = (name: string): number =>
    name === "aw" ? WRAP_CAPACITY : name === "ax" ? SIZED_CAPACITY : maxMapEntries;
  const tables = new Map<string, Table>();
  for (const name of Object.keys(ARRAYS)) {
    const sized = name === "aw" || name === "ax";
    tables.set(name, { capacity: capacity(name), sized, wraps: name === "aw", elements: [] });
  }
  const globals = new Map<string, Value>([["g0", 7n]]);
  const machine: Machine = {
    maxString,
    globals,
    stats: new Map([
      ["st", []],
      ["sl", []],
    ]),
    tables,
    printed: "",
    errors: [],
  };
  globals.set("t0", cut(machine, "start"));
  return machine;
}

function runHandler(step: Step, machine: Machine): void {
  try {
    step.run({ machine, locals: new Map() });
  } catch (error) {
    if (error instanceof ScriptError) machine.errors.push(error.message);
    else if (!(error instanceof Jump)) throw error;
  }
}

/** Puts something into every array and statistic. */
const FILL: Step = {
  text: `st <<< 3; st <<< -70; sl <<< 4; sl <<< 11; sl <<< 99; sa[1] <<< 5; sa[1] <<< 2; sa[3] <<< 3;
  al[2] = 9; al[0] = 4; al[1] = 4; as["b"] = 2; as["a"] = 3; am[1, "b"] = "B"; am[0, "a"] = "A";
  aw[4] = 1; aw[3] = 2; ax["key"] = "K"; ax["a"] = "V"`,
  run({ machine }) {
    machine.stats.set("st", [3n, -70n]).set("sl", [4n, 11n, 99n]);
    const fill = (name: string, ...elements: readonly [readonly Value[], Value | Stat][]): void => {
      tableOf(name, machine).elements = elements.map(([keys, value]) => ({ keys, value }));
    };
    fill("sa", [[1n], [5n, 2n]], [[3n], [3n]]);
    fill("al", [[2n], 9n], [[0n], 4n], [[1n], 4n]);
    fill("as", [["b"], 2n], [["a"], 3n]);
    fill("am", [[1n, "b"], "B"], [[0n, "a"], "A"]);
    fill("aw", [[4n], 1n], [[3n], 2n]);
    fill("ax", [["key"], "K"], [["a"], "V"]);
  },
};

/** Shows every global at the end, then uses each in a way that states its type. */
const SHOW_ALL: Step = {
  text: `println(g0, " ", g1, " ", t0)
  foreach (k in al) printf("al %d %d\\n", k, al[k])
  foreach (s in as) printf("as %s %d\\n", s, as[s])
  foreach ([k, s] in am) printf("am %d %s %s\\n", k, s, am[k, s])
  foreach (k in aw) printf("aw %d %d\\n", k, aw[k])
  foreach (s in ax) printf("ax %s %s\\n", s, ax[s])
  foreach (k in sa) printf("sa %d %d %d\\n", k, @count(sa[k]), @sum(sa[k]))
  println(@count(st), " ", @sum(sl))
  try { al[0] = as["a"] = aw[0] = 0; am[0, "a"] = ax["a"] = ""; st <<< 0; sl <<< 0; sa[0] <<< 0 } catch {}`,
  run({ machine }) {
    const line = (...values: readonly Value[]): void => {
      machine.printed += `${values.join(" ")}\n`;
    };
    const global = (name: string): Value => machine.globals.get(name) ?? 0n;
    line(global("g0"), global("g1"), global("t0"));
    for (const [name, { elements }] of machine.tables) {
      for (const { keys, value } of elements) {
        if (!Array.isArray(value)) line(name, ...keys, value as Value);
        else line(name, ...keys, extract("count", value), extract("sum", value));
      }
    }
    const stat = (name: string): Stat => machine.stats.get(name) ?? [];
    line(extract("count", stat("st")), extract("sum", stat("sl")));
  },
};

/**
 * `body` between statements that state the types of `locals` and read them all, so that nothing
 * is elided.
 */
function showLocals(body: Step, locals: readonly string[]): Step {
  const uses = locals.map((name) => (name.startsWith("n") ? `${name} += 0;` : `${name} .= "";`));
  return {
    text: `${uses.join(" ")}\n${body.text}\nprintdln("|", ${locals.join(", ")});`,
    run(frame) {
      body.run(frame);
      const values = locals.map((name) => readVariable(name, frame));
      frame.machine.printed += `${values.join("|")}\n`;
    },
  };
}

function makeHandler(random: Random, functions: readonly Callable[]): Step {
  const site: Block = {
    random,
    depth: 4,
    longs: LONGS,
    texts: TEXTS,
    functions,
    locked: new Set(),
    changesArrays: true,
    inLoop: false,
    result: null,
    loops: 0,
  };
  // Most errors are caught, so that most of a handler runs.
  const steps = Array.from({ length: 2 + random.below(8) }, () =>
    random.oneIn(3) ? makeStep(site) : makeTry(site),
  );
  return showLocals(sequence(steps), ["n0", "n1", "n2", "s0", "s1"]);
}

interface ScriptFunction extends Callable {
  readonly text: string;
}

/** A few functions, which call only those before them; one has overloads, one calls itself. */
function makeFunctions(random: Random): ScriptFunction[] {
  const made: ScriptFunction[] = [RECURSIVE];
  for (let i = 0; i < 4; i++) {
    const result = i % 2 === 0 ? "long" : "string";
    made.push(makeFunction(`f${i}`, result, random, made, i === 2));
  }
  return made;
}

const RECURSIVE: ScriptFunction = {
  name: "rec",
  parameters: ["long", "string"],
  result: "string",
  text: `function rec:string(n0:long, s0:string) {
  if (n0 % 5 <= 0) { s0 .= "."; return s0 }
  return rec(n0 % 5 - 1, s0 . sprint(n0 % 5)) . "-"
}`,
  call([start = 0n, text = ""], machine) {
    const walk = (n: bigint, s: string): string => {
      if (n % 5n <= 0n) return cut(machine, `${s}.`);
      return cut(machine, `${walk((n % 5n) - 1n, cut(machine, s + String(n % 5n)))}-`);
    };
    return walk(start as bigint, text as string);
  },
};

function makeFunction(
  name: string,
  result: "long" | "string",
  random: Random,
  functions: readonly Callable[],
  isOverloaded: boolean,
): ScriptFunction {
  const site: Block = {
    random,
    depth: 3,
    longs: FUNCTION_LONGS,
    texts: FUNCTION_TEXTS,
    functions,
    locked: new Set(),
    changesArrays: false,
    inLoop: false,
    result,
    loops: 0,
  };
  const bodies = Array.from({ length: isOverloaded ? 2 : 1 }, (_, index) => {
    const guard = isOverloaded ? `if (n0 & ${index + 1}) next;\n` : "";
    const block = showLocals(makeBlock(site, 3), ["n0", "n1", "s0", "s1"]);
    const value = makeTerm(result, site);
    return { guard, mask: isOverloaded ? BigInt(index + 1) : 0n, block, value };
  });
  const text = bodies.map(
    ({ guard, block, value }) =>
      `function ${name}:${result}(n0:long, s0:string) {\n${guard}${block.text}\nreturn ${operand(value, 1)} }`,
  );
  return {
    name,
    parameters: ["long", "string"],
    result,
    text: text.join("\n"),
    call([number = 0n, string = ""], machine) {
      for (const { mask, block, value } of bodies) {
        if (((number as bigint) & mask) !== 0n) continue;
        const locals = new Map<string, Value>([
          ["n0", number],
          ["s0", string],
        ]);
        return runFunction({ machine, locals }, block, value, result);
      }
      throw new ScriptError("all functions exhausted");
    },
  };
}

function runFunction(
  frame: Frame,
  block: Step,
  value: Term<Value>,
  result: "long" | "string",
): Value {
  const give = (given: Value): Value =>
    result === "string" ? cut(frame.machine, given as string) : given;
  try {
    block.run(frame);
    return give(value.run(frame));
  } catch (error) {
    if (error instanceof Jump && error.kind === "return") return give(error.value);
    throw error;
  }
}

function makeBlock(site: Block, most: number): Step {
  return sequence(Array.from({ length: 1 + site.random.below(most) }, () => makeStep(site)));
}

function sequence(steps: readonly Step[]): Step {
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

function makeStep(site: Block): Step {
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
    text: `${name}${listText(args)});`,
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

function makeTry(site: Block): Step {
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
  const limit = random.oneIn(3) ? makeLimit({ ...site, depth: 1 }) : null;
  const body = makeLoopBody({ ...site, locked: new Set([...site.locked, name]) });
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
