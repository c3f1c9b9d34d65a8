/**
 * Deterministic automaton with tags: given where a match starts, it finds the longest match and
 * what each group of it captured. It follows Laurikari, "NFAs with tagged transitions" (2000).
 *
 * A state is a list of threads, best first: of two threads at one instruction the better survives,
 * so of several longest matches the best is taken. Each thread has, for each tag, a register with
 * the position that it noted, or nothing. The registers of a state are numbered in the order in
 * which its threads name them; so equal states look equal, and a transition is a list of moves
 * from the registers of one state to those of the next. Where a thread matches, its tags are copied
 * to the results as well: registers 0 to 2 * groups - 1, overwritten by every longer match.
 */
import { type ByteClasses, findClasses } from "./byte-classes.js";
import { type Budget, createBudget } from "./limits.js";
import { HERE, type Move, NOWHERE, orderMoves } from "./moves.js";
import { instructionAt, type RegexProgram } from "./program.js";

/** Goes on in `state`; 0 = no longer match is possible. */
export interface Transition {
  readonly state: number;
  readonly moves: readonly Move[];
}

/** A finished automaton. Register 0 is set by who runs it; row 0 is empty. */
export interface TaggedAutomaton {
  readonly classes: ByteClasses;
  /** `[state][class]`; class 0 is the end of the string. */
  readonly rows: readonly (readonly Transition[])[];
  /** For a match that starts at the begin of the string, and elsewhere. */
  readonly startAtBegin: Transition;
  readonly startInside: Transition;
  readonly groups: number;
  readonly registers: number;
}

interface Thread {
  readonly index: number;
  /** `[tag]` = register, HERE, or NOWHERE. */
  readonly tags: readonly number[];
}

interface State {
  readonly threads: readonly Thread[];
  readonly atBegin: boolean;
}

/** A transition whose moves are not in order yet: all `kept` at once, then `noted`. */
interface Draft {
  readonly state: number;
  readonly kept: readonly Move[];
  readonly noted: readonly Move[];
}

interface Builder {
  readonly program: RegexProgram;
  readonly budget: Budget;
  /** State number n is at n - 1. */
  readonly states: readonly State[];
  /** Number of registers so far. */
  registers(): number;
  /** Transition to the state of `threads`, whose tags still name registers of the last state. */
  enter(threads: readonly Thread[], atBegin: boolean): Draft;
}

/** The automaton of the forwards program `program`. */
export function buildTagged(program: RegexProgram): TaggedAutomaton {
  const classes = findClasses(program);
  const builder = createBuilder(program);
  const first: Thread = { index: program.start, tags: Array(2 * program.groups).fill(NOWHERE) };
  const startAtBegin = builder.enter(follow([first], ["begin"], builder), true);
  const startInside = builder.enter(follow([first], [], builder), false);
  const rows: Draft[][] = [[]];
  // Rows add states, which this loop then visits.
  for (const state of builder.states) {
    rows.push(
      classes.samples.map((byte) =>
        byte === 0 ? finish(state, builder) : advance(state, byte, builder),
      ),
    );
  }
  // A register behind all others breaks cycles of moves.
  const spare = builder.registers();
  const order = ({ state, kept, noted }: Draft): Transition => ({
    state,
    moves: [...orderMoves(kept, spare), ...noted],
  });
  return {
    classes,
    rows: rows.map((row) => row.map(order)),
    startAtBegin: order(startAtBegin),
    startInside: order(startInside),
    groups: program.groups,
    registers: spare + 1,
  };
}

function createBuilder(program: RegexProgram): Builder {
  const states: State[] = [];
  const numbers = new Map<string, number>();
  const budget = createBudget();
  const results = 2 * program.groups;
  let registers = results;
  const numberOf = (state: State): number => {
    if (state.threads.every((thread) => isMatch(thread, program))) return 0;
    const parts = state.threads.map(({ index, tags }) => `${index}:${tags.join()}`);
    const key = `${state.atBegin} ${parts.join(";")}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    budget.checkStates(states.push(state));
    numbers.set(key, states.length);
    return states.length;
  };
  return {
    program,
    budget,
    states,
    registers: () => registers,
    enter(threads, atBegin) {
      const { named, sources } = nameRegisters(threads, results);
      registers = Math.max(registers, results + sources.length);
      budget.checkRegisters(registers);
      const match = named.find((thread) => isMatch(thread, program));
      return {
        state: numberOf({ threads: named, atBegin }),
        kept: sources.map((from, i) => ({ to: results + i, from })),
        noted: match === undefined ? [] : resultMoves(match),
      };
    },
  };
}

function advance(state: State, byte: number, builder: Builder): Draft {
  const { program, budget } = builder;
  const moved: Thread[] = [];
  for (const { index, tags } of state.threads) {
    budget.step(1);
    const each = instructionAt(program, index);
    if (each.kind === "set" && each.set[byte] === 1) moved.push({ index: each.next, tags });
  }
  return builder.enter(follow(moved, [], builder), false);
}

/** The string ends: the best thread that matches now, if one waited for `$`, gives the results. */
function finish(state: State, builder: Builder): Draft {
  const { program } = builder;
  const waiting = state.threads.filter(
    (thread) => instructionAt(program, thread.index).kind !== "set",
  );
  const passed = state.atBegin ? ["begin", "end"] : ["end"];
  const match = follow(waiting, passed, builder).find((thread) => isMatch(thread, program));
  return { state: 0, kept: [], noted: match === undefined ? [] : resultMoves(match) };
}

function isMatch(thread: Thread, program: RegexProgram): boolean {
  return instructionAt(program, thread.index).kind === "match";
}

/** What `threads` reach without a byte, best first, past the anchors `passed`. */
function follow(
  threads: readonly Thread[],
  passed: readonly string[],
  { program, budget }: Builder,
): Thread[] {
  const seen = new Set<number>();
  const reached: Thread[] = [];
  const open = [...threads].reverse();
  for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
    const { index, tags } = thread;
    if (seen.has(index)) continue;
    seen.add(index);
    budget.step(tags.length);
    const each = instructionAt(program, index);
    switch (each.kind) {
      case "split":
        open.push({ index: each.second, tags }, { index: each.first, tags });
        break;
      case "tag":
        open.push({ index: each.next, tags: tags.with(each.tag, HERE) });
        break;
      case "begin":
      case "end":
        if (passed.includes(each.kind)) open.push({ index: each.next, tags });
        else if (each.kind === "end") reached.push(thread);
        break;
      default:
        reached.push(thread);
    }
  }
  return reached;
}

/** `threads` with their registers renamed to `first` and up; where each register comes from. */
function nameRegisters(
  threads: readonly Thread[],
  first: number,
): { readonly named: readonly Thread[]; readonly sources: readonly number[] } {
  const sources: number[] = [];
  const names = new Map<number, number>([[NOWHERE, NOWHERE]]);
  const nameOf = (tag: number): number => {
    const name = names.get(tag) ?? first + sources.length;
    if (!names.has(tag)) sources.push(tag);
    names.set(tag, name);
    return name;
  };
  return { named: threads.map(({ index, tags }) => ({ index, tags: tags.map(nameOf) })), sources };
}

/** Copies the tags of the matching `thread`; tags 0 and 1 are the match itself. */
function resultMoves({ tags }: Thread): readonly Move[] {
  return tags.flatMap((from, tag): readonly Move[] => {
    if (tag === 0) return [];
    return [{ to: tag, from: tag === 1 ? HERE : from }];
  });
}
