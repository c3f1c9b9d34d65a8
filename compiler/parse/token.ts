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

/** One token; `text` is the value of a string (escapes decoded) and the inside of `%{ … %}`. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly span: Span;
  /** Of a string from a script: its inside as written, but for backslashes that mean nothing. */
  readonly written?: string;
}

const KEYWORDS: ReadonlySet<string> = new Set([
  "probe",
  "global",
  "private",
  "function",
  "if",
  "else",
  "for",
  "foreach",
  "in",
  "limit",
  "return",
  "delete",
  "while",
  "break",
  "continue",
  "next",
  "string",
  "long",
  "try",
  "catch",
]);

/** True for reserved words. */
export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}

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

/** Carries one diagnostic from where it was found to the next top-level declaration. */
export class ParseFailure extends Error {
  override readonly name = "ParseFailure";
  readonly diagnostic: Diagnostic;
  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

/** The parse error `code` about `token`, with the macros that it came from as notes. */
export function parseError<Code extends MessageCode>(
  token: Pick<Token, "kind" | "span">,
  code: Code,
  ...args: MessageArgs<Code>
): Diagnostic {
  return {
    code,
    severity: "parse error",
    message: message(code, args),
    span: token.span,
    token: token.kind,
    notes: [],
  };
}

/** Throws the parse error `code` that blames `token`. */
export function failAt<Code extends MessageCode>(
  token: Pick<Token, "kind" | "span">,
  code: Code,
  ...args: MessageArgs<Code>
): never {
  throw new ParseFailure(parseError(token, code, ...args));
}
