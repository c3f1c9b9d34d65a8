/** Tokens of the script language (language.md §1) and the failure that a parser function throws. */
import type { Diagnostic } from "../../base/diagnostic.js";
import { type MessageArgs, type MessageCode, message } from "../../base/messages.js";
import type { Span } from "../../base/position.js";

/** Classes of tokens, named as in messages. */
export type TokenKind =
  | "junk"
  | "identifier"
  | "operator"
  | "string"
  | "number"
  | "embedded-code"
  | "keyword";

/**
 * One token; `text` is the inside of a string, with C's escapes as they are written, or of `%{ … %}`.
 */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly span: Span;
  /** Something blank stands before it. */
  readonly spaced: boolean;
  /** What is wrong with a junk token; an error only where the token is used. */
  readonly fault?: Fault;
}

/** A message of the lexer that waits for its token to be used. */
export interface Fault {
  readonly code: MessageCode;
  readonly message: string;
}

/** What messages say of a token. */
export type Blamed = Pick<Token, "kind" | "span" | "fault">;

/** Names of built-in operators `@name`; macros may hide them, with a warning. */
export const OPERATOR_WORDS: ReadonlySet<string> = new Set([
  "cast",
  "defined",
  "probewrite",
  "entry",
  "perf",
  "var",
  "avg",
  "count",
  "sum",
  "min",
  "max",
  "variance",
  "hist_linear",
  "hist_log",
  "const",
  "kregister",
  "uregister",
  "kderef",
  "uderef",
  "enum",
  "enumname",
]);

/** Carries one diagnostic from where it was found to the loop over top-level declarations. */
export class ParseFailure extends Error {
  override readonly name = "ParseFailure";
  readonly diagnostic: Diagnostic;
  /** False where parsing goes on at once; else at the next keyword of a declaration. */
  readonly skips: boolean;
  constructor(diagnostic: Diagnostic, skips = true) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
    this.skips = skips;
  }
}

/** The parse error `code` about `token`; a junk token has a fault of its own, which comes first. */
export function parseError<Code extends MessageCode>(
  token: Blamed,
  code: Code,
  ...args: MessageArgs<Code>
): Diagnostic {
  const fault: Fault = token.fault ?? { code, message: message(code, args) };
  return {
    ...fault,
    severity: "parse error",
    span: token.span,
    token: token.kind,
    notes: [],
  };
}

/** Throws the parse error `code` of a parser that only stopped at `token`. */
export function failSaw<Code extends MessageCode>(
  token: Blamed,
  code: Code,
  ...args: MessageArgs<Code>
): never {
  throw new ParseFailure({ ...parseError(token, code, ...args), saw: true });
}

/** Throws the parse error `code` that blames `token`. */
export function failAt<Code extends MessageCode>(
  token: Blamed,
  code: Code,
  ...args: MessageArgs<Code>
): never {
  throw new ParseFailure(parseError(token, code, ...args));
}
