/**
 * Deterministic automaton that finds where in a string a program matches, without captures: states
 * are sets of instructions, and the program may start anew before each byte.
 */
import { REGEX_MATCHES } from "../../wasm-runtime/layout/values.js";
import { type ByteClasses, findClasses } from "./byte-classes.js";
import { type Budget, createBudget } from "./limits.js";
import { type Direction, instructionAt, type RegexProgram } from "./program.js";

/**
 * A finished automaton. Its entries are numbers of states, with REGEX_MATCHES added where a match
 * ends right there; state 0 has no row: nothing more can match.
 */
export interface SearchAutomaton {
  readonly classes: ByteClasses;
  /** `[state][class]` = entry; class 0, the end of the string, gives REGEX_MATCHES or 0. */
  readonly rows: readonly (readonly number[])[];
  /** Entry before the first byte. */
  readonly start: number;
}

interface State {
  /** Instructions that take bytes or wait for the far end, sorted. */
  readonly waiting: readonly number[];
  readonly matches: boolean;
  /** True before the first byte. */
  readonly atOrigin: boolean;
}

interface Builder {
  readonly program: RegexProgram;
  /** Anchor that holds where reading starts, and the one where it ends. */
  readonly origin: "begin" | "end";
  readonly far: "begin" | "end";
  readonly budget: Budget;
}

/**
 * The automaton of `program`, which reads strings in `direction`. With `stopsAtMatch` no state
 * follows the first match; else the search goes on to the end of the string.
 */
export function buildSearch(
  program: RegexProgram,
  direction: Direction,
  stopsAtMatch: boolean,
): SearchAutomaton {
  const [origin, far] =
    direction === "forwards" ? (["begin", "end"] as const) : (["end", "begin"] as const);
  const builder: Builder = { program, origin, far, budget: createBudget() };
  const matchesNothing = follow([program.start], [], builder).matches;
  const classes = findClasses(program);
  const states: State[] = [];
  const numbers = new Map<string, number>();
  const entryOf = (state: State): number => {
    if (stopsAtMatch && state.matches) return REGEX_MATCHES;
    const flag = state.matches ? REGEX_MATCHES : 0;
    if (state.waiting.length === 0 && !matchesNothing) return flag;
    const key = `${state.atOrigin} ${state.waiting.join()}`;
    const known = numbers.get(key);
    if (known !== undefined) return known | flag;
    builder.budget.checkStates(states.push(state));
    numbers.set(key, states.length);
    return states.length | flag;
  };
  const start = entryOf(closure([program.start], true, builder));
  const rows: number[][] = [[]];
  // Rows add states, which this loop then visits.
  for (const state of states) {
    rows.push(
      classes.samples.map((byte) =>
        byte === 0 ? endEntry(state, builder) : entryOf(successor(state, byte, builder)),
      ),
    );
  }
  return { classes, rows, start };
}

function successor(state: State, byte: number, builder: Builder): State {
  const { program, budget } = builder;
  const targets = [program.start];
  for (const index of state.waiting) {
    budget.step(1);
    const each = instructionAt(program, index);
    if (each.kind === "set" && each.set[byte] === 1) targets.push(each.next);
  }
  return closure(targets, false, builder);
}

/** The far end is next: matches that wait for it are there, others have been noted before. */
function endEntry(state: State, builder: Builder): number {
  const { program, origin, far } = builder;
  const targets = state.waiting.filter((index) => instructionAt(program, index).kind === far);
  const passed = state.atOrigin ? [origin, far] : [far];
  return follow(targets, passed, builder).matches ? REGEX_MATCHES : 0;
}

function closure(targets: readonly number[], atOrigin: boolean, builder: Builder): State {
  return { ...follow(targets, atOrigin ? [builder.origin] : [], builder), atOrigin };
}

/** What is reached from `targets` without a byte, past the anchors `passed`. */
function follow(
  targets: readonly number[],
  passed: readonly string[],
  { program, far, budget }: Builder,
): Omit<State, "atOrigin"> {
  const seen = new Set<number>();
  const waiting: number[] = [];
  let matches = false;
  const open = [...targets];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (seen.has(index)) continue;
    seen.add(index);
    budget.step(1);
    const each = instructionAt(program, index);
    switch (each.kind) {
      case "split":
        open.push(each.first, each.second);
        break;
      case "tag":
        open.push(each.next);
        break;
      case "begin":
      case "end":
        if (passed.includes(each.kind)) open.push(each.next);
        else if (each.kind === far) waiting.push(index);
        break;
      case "set":
        waiting.push(index);
        break;
      case "match":
        matches = true;
    }
  }
  return { waiting: waiting.sort((a, b) => a - b), matches };
}
