/**
 * Random programs: begin probes over globals, arrays and statistics, with functions, loops that
 * end, errors that are caught or not. Each is script text and a run on the model (model.ts).
 */
import { Random } from "../support/random.js";
import { MAKERS } from "./expressions.js";
import {
  cut,
  extract,
  Jump,
  type Machine,
  ScriptError,
  type Stat,
  type Table,
  type Value,
} from "./model.js";
import { type Block, makeBlock, makeStep, makeTry, type Step, sequence } from "./statements.js";
import {
  ARRAYS,
  type Callable,
  type Frame,
  makeTerm,
  operand,
  readVariable,
  type Term,
  tableOf,
} from "./term.js";

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

const LONGS = ["n0", "n1", "n2", "g0", "g1"] as const;
const TEXTS = ["s0", "s1", "t0"] as const;
/** In functions: parameters are n0 and s0. */
const FUNCTION_LONGS = ["n0", "n1", "g0", "g1"] as const;
const FUNCTION_TEXTS = ["s0", "s1", "t0"] as const;
const PROBES = 3;
const WRAP_CAPACITY = 3;
const SIZED_CAPACITY = 4;

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
    make: MAKERS,
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
    make: MAKERS,
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
