/**
 * What the grammar functions read from: tokens with one token of look-ahead, and errors that say
 * where the parser stopped. Also the state that the grammar depends on (options, function or probe).
 */
import type { Diagnostic } from "../../base/diagnostic.js";
import { type MessageArgs, type MessageCode, message } from "../../base/messages.js";
import type { SourceFile } from "../../base/position.js";
import type { Expression } from "../syntax/ast.js";
import { ParseFailure, type Token, type TokenKind } from "./token.js";

/** Deepest nesting of expressions and statements; keeps later stages within the stack. */
const MAX_DEPTH = 256;

/** Reads tokens for one file. */
export class TokenStream {
  readonly file: SourceFile;
  /** -g, or a file of the library. */
  readonly privileged: boolean;
  /** True in the body of a function, where `return` is allowed. */
  inFunction = false;
  /** Before 4.0 what follows the colon of `?:` may be an assignment. */
  assignsInElse = false;
  /** Since 4.0 there are `@uregister`, `@uderef` and their kin of the kernel. */
  hasMachineOperators = true;
  /** Parser of expressions; given to break the circle of imports. */
  readonly parseExpression: (stream: TokenStream) => Expression;
  readonly #source: () => Token | null;
  #depth = 0;
  #ahead: Token | null = null;
  /** What "saw:" shows: the token looked at last, null for the end of the file. */
  #last: Token | null = null;

  constructor(
    file: SourceFile,
    source: () => Token | null,
    privileged: boolean,
    parseExpression: (stream: TokenStream) => Expression,
  ) {
    this.file = file;
    this.#source = source;
    this.privileged = privileged;
    this.parseExpression = parseExpression;
  }

  /** Runs `parse` one level deeper. */
  nest<T>(parse: (stream: TokenStream) => T): T {
    if (this.#depth === MAX_DEPTH) this.fail("too-deep", MAX_DEPTH);
    this.#depth++;
    try {
      return parse(this);
    } finally {
      this.#depth--;
    }
  }

  /** The next token without taking it, null at the end of the file. */
  peek(): Token | null {
    this.#ahead ??= this.#source();
    this.#last = this.#ahead;
    return this.#ahead;
  }

  /** Takes the next token; an error at the end of the file. */
  next(): Token {
    const token = this.peek();
    if (token === null) return this.fail("end-of-file");
    this.#ahead = null;
    return token;
  }

  /** True if the next token is operator or keyword `text`. */
  at(text: string): boolean {
    const token = this.peek();
    return token !== null && isWord(token, text);
  }

  /** True if the next token is of class `kind`. */
  atKind(kind: TokenKind): boolean {
    return this.peek()?.kind === kind;
  }

  /** Takes the operator or keyword `text` if it is next, else null. */
  accept(text: string): Token | null {
    return this.at(text) ? this.next() : null;
  }

  /** Takes the next token, which must be the operator or keyword `text`. */
  expect(text: string): Token {
    const token = this.next();
    return isWord(token, text) ? token : this.fail("expected", `'${text}'`);
  }

  /** Takes the next token, which must be of class `kind`; `what` is its name in the error. */
  expectKind(kind: TokenKind, what: string): Token {
    const token = this.next();
    return token.kind === kind ? token : this.fail("expected", what);
  }

  /** Error "expected …" at the next token. */
  failExpected(what: string): never {
    this.peek();
    return this.fail("expected", what);
  }

  /** Error `code` at the next token, which is taken: it begins no declaration after the error. */
  failTaking<Code extends MessageCode>(code: Code, ...args: MessageArgs<Code>): never {
    this.next();
    return this.fail(code, ...args);
  }

  /** Error `code` at the token looked at last. */
  fail<Code extends MessageCode>(code: Code, ...args: MessageArgs<Code>): never {
    return this.#failAt(this.#last, code, args);
  }

  /** Error `code` that shows no token; SystemTap says that it saw the end of the file. */
  failAtEnd<Code extends MessageCode>(code: Code, ...args: MessageArgs<Code>): never {
    return this.#failAt(null, code, args);
  }

  #failAt<Code extends MessageCode>(
    token: Token | null,
    code: Code,
    args: MessageArgs<Code>,
  ): never {
    const end = this.file.text.length;
    const diagnostic: Diagnostic = {
      code,
      severity: "parse error",
      message: message(code, args),
      span: token?.span ?? { file: this.file, start: end, end },
      token: token?.kind ?? "EOF",
      saw: true,
      notes: [],
    };
    throw new ParseFailure(diagnostic);
  }
}

/** True if `token` is the operator or keyword `text`. */
export function isWord(token: Token, text: string): boolean {
  return token.text === text && (token.kind === "operator" || token.kind === "keyword");
}
