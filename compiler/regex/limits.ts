/** Bounds on automata: a pattern that would need more is refused, and in a bounded time. */
import { RegexError } from "./syntax.js";

/** Most states of one automaton. */
const MOST_STATES = 4096;
/** Most registers of one automaton. */
const MOST_REGISTERS = 1024;
/** Most instructions looked at, and positions copied, to make one automaton: about a second. */
const MOST_STEPS = 10_000_000;

/** Account of the work on one automaton. */
export interface Budget {
  /** Charges `count` looks at an instruction. */
  step(count: number): void;
  /** Checks that there may be `count` states. */
  checkStates(count: number): void;
  /** Checks that there may be `count` registers. */
  checkRegisters(count: number): void;
}

/** A new account. */
export function createBudget(): Budget {
  let left = MOST_STEPS;
  return {
    step(count) {
      left -= count;
      if (left < 0) tooLarge(`${MOST_STEPS} steps to compile`);
    },
    checkStates(count) {
      if (count > MOST_STATES) tooLarge(`${MOST_STATES} states`);
    },
    checkRegisters(count) {
      if (count > MOST_REGISTERS) tooLarge(`${MOST_REGISTERS} registers`);
    },
  };
}

/** Refuses a pattern that needs more than `what`. */
export function tooLarge(what: string): never {
  throw new RegexError(`too large, it needs more than ${what}`, null);
}
