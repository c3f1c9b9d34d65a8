/**
 * Second token pass: resolves `%( condition %? … %: … %)` (language.md §2.2) over expanded tokens.
 * Gives the tokens that the grammar sees.
 */
import type { Diagnostic } from "../../base/diagnostic.js";
import { evaluateComparison, type Surroundings } from "./conditions.js";
import type { MacroExpander } from "./macros.js";
import { failAt, ParseFailure, parseError, type Token } from "./token.js";

/** A conditional whose taken branch is being read. */
interface OpenConditional {
  readonly open: Token;
  readonly branch: "then" | "else";
}

/** How a branch that is not taken ended, and what was wrong with its own `%?` and `%:`. */
interface Skipped {
  readonly end: "%:" | "%)";
  readonly wrong: Diagnostic | null;
}

/** Reads tokens with macros expanded and conditionals decided. */
export class Preprocessor {
  readonly #source: MacroExpander;
  readonly #surroundings: Surroundings;
  readonly #open: OpenConditional[] = [];

  constructor(source: MacroExpander, surroundings: Surroundings) {
    this.#source = source;
    this.#surroundings = surroundings;
  }

  /** The next token, null at the end of the file. */
  next(): Token | null {
    for (;;) {
      const token = this.#source.next();
      if (token === null) {
        const unclosed = this.#open.pop();
        if (unclosed === undefined) return null;
        this.#open.length = 0;
        failAt(unclosed.open, "unterminated-conditional");
      }
      if (token.fault !== undefined) failAt(token, "expected", "token");
      if (token.kind !== "operator" || !token.text.startsWith("%")) return token;
      switch (token.text) {
        case "%(":
          this.#enter(token);
          break;
        case "%:":
          this.#leaveThen(token);
          break;
        case "%)":
          if (this.#open.pop() === undefined) failAt(token, "stray-end");
          break;
        case "%?":
          failAt(token, "stray-then");
          break;
        default:
          return token;
      }
    }
  }

  #enter(open: Token): void {
    if (this.#condition(open)) {
      this.#open.push({ open, branch: "then" });
      return;
    }
    const { end, wrong } = this.#skip(open, true);
    if (end === "%:") this.#open.push({ open, branch: "else" });
    if (wrong !== null) throw new ParseFailure(wrong);
  }

  #leaveThen(token: Token): void {
    const conditional = this.#open.at(-1);
    if (conditional === undefined) failAt(token, "stray-else");
    if (conditional.branch === "else") failAt(token, "duplicate-else");
    this.#open.pop();
    const { wrong } = this.#skip(conditional.open, false);
    if (wrong !== null) throw new ParseFailure(wrong);
  }

  /** Skips to the `%)`, or to the `%:` if `stopAtElse`, of the conditional. */
  #skip(open: Token, stopAtElse: boolean): Skipped {
    let wrong: Diagnostic | null = null;
    this.#source.recording = false;
    try {
      for (let depth = 0; ; ) {
        const token = this.#nextSkipped();
        if (token === null) failAt(open, "unterminated-conditional");
        if (token.kind !== "operator") continue;
        if (token.text === "%(") depth++;
        else if (token.text === "%)" && depth-- === 0) return { end: "%)", wrong };
        else if (token.text === "%?" && depth === 0) wrong ??= parseError(token, "stray-then");
        else if (token.text === "%:" && depth === 0) {
          if (stopAtElse) return { end: "%:", wrong };
          wrong ??= parseError(token, "duplicate-else");
        }
      }
    } finally {
      this.#source.recording = true;
    }
  }

  /** The next token of a branch that is not taken; what is wrong with it does not matter. */
  #nextSkipped(): Token | null {
    for (;;) {
      try {
        return this.#source.next();
      } catch (failure) {
        if (!(failure instanceof ParseFailure)) throw failure;
      }
    }
  }

  /** Reads `comparison { && | || comparison } %?`; `&&` binds tighter. */
  #condition(open: Token): boolean {
    let anyTrue = false;
    let allTrue = true;
    for (;;) {
      const left = this.#operand(open);
      const operator = this.#operand(open);
      const right = this.#operand(open);
      allTrue = evaluateComparison(left, operator, right, this.#surroundings) && allTrue;
      const after = this.#source.next();
      if (after?.kind !== "operator") failAt(open, "missing-conditional-marker");
      if (after.text === "%?") return anyTrue || allTrue;
      if (after.text === "||") {
        anyTrue ||= allTrue;
        allTrue = true;
      } else if (after.text !== "&&") failAt(open, "missing-conditional-marker");
    }
  }

  #operand(open: Token): Token {
    return this.#source.next() ?? failAt(open, "unterminated-condition");
  }
}
