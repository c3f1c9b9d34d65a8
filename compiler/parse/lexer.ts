/**
 * Text of one file → tokens, with script arguments pasted in (language.md §1).
 *
 * The text holds one byte per code unit (Latin-1). `$1` pastes an argument as text that is read
 * anew, `@1` as a string literal, `$#` and `@#` their number; tokens made of pasted text have the
 * place of the `$1`. What is no token becomes junk with a fault; the lexer itself never fails.
 */

import { type MessageArgs, type MessageCode, message } from "../../base/messages.js";
import type { SourceFile, Span } from "../../base/position.js";
import { dropEscapes, escapeBackslashes } from "./escapes.js";
import type { Token, TokenKind } from "./token.js";

const SPACE = /[ \t\n\v\f\r]*/y;
const LINE_COMMENT = /[^\n]*/y;
const IDENTIFIER = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const AT_WORD = /@[A-Za-z0-9_$]*/y;
const NUMBER = /[0-9][A-Za-z0-9]*/y;
const ARGUMENT = /[$@](?:[1-9][0-9]*|0[0-9]*|#)/y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"/y;
const OPERATOR =
  /<<<|>>>|<<=|>>=|==|!=|<=|>=|=~|!~|\+=|-=|\*=|\/=|%=|&=|\^=|\|=|\.=|&&|\|\||\+\+|--|->|<<|>>|%\(|%\?|%:|%\)|[!-/:-@[-`{-~]/y;

/** What a lexer tells besides tokens. */
export interface LexerEvents {
  /** `}%` stands in embedded code at `span`, perhaps in place of `%}`. */
  reversedEnd(span: Span): void;
  /** Script argument `number`, from 1, was pasted. */
  argumentUsed(number: number): void;
}

/** Reads the tokens of a file one after the other. */
export class Lexer {
  /** True once there was a token. */
  hasTokens = false;
  readonly #file: SourceFile;
  readonly #args: readonly string[];
  /** Text with arguments pasted in; what lies before `#position` is no longer needed. */
  #text: string;
  #position = 0;
  /** Offset in the file = offset in the text + this, outside pasted text. */
  #shift = 0;
  #pasteEnd = 0;
  #pasteSpan: Span | null = null;
  /** Something blank was skipped before the token that is being read. */
  #spaced = false;
  readonly #events: LexerEvents;
  readonly #isKeyword: (word: string) => boolean;

  constructor(
    file: SourceFile,
    args: readonly string[],
    isKeyword: (word: string) => boolean,
    events: LexerEvents,
  ) {
    this.#file = file;
    this.#args = args;
    this.#isKeyword = isKeyword;
    this.#text = file.text;
    this.#events = events;
  }

  /** The next token, null at the end of the file. */
  next(): Token | null {
    this.#spaced = false;
    const token = this.#next();
    if (token !== null) this.hasTokens = true;
    return token;
  }

  #next(): Token | null {
    this.#skipBlank();
    const start = this.#position;
    if (start >= this.#text.length) return null;
    const character = this.#text.charAt(start);
    if (character === "$" || character === "@") {
      const argument = this.#match(ARGUMENT);
      if (argument !== null) return this.#argument(start, argument);
      const word = this.#match(character === "$" ? IDENTIFIER : AT_WORD) ?? character;
      return this.#token(character === "$" ? "identifier" : "operator", word, start);
    }
    const word = this.#match(IDENTIFIER);
    if (word !== null) {
      return this.#token(this.#isKeyword(word) ? "keyword" : "identifier", word, start);
    }
    const number = this.#match(NUMBER);
    if (number !== null) return this.#token("number", number, start);
    if (character === '"') return this.#string(start);
    if (this.#text.startsWith("%{", start)) return this.#embedded(start);
    const operator = this.#match(OPERATOR);
    if (operator !== null) return this.#token("operator", operator, start);
    this.#position = start + 1;
    return this.#token("junk", character, start);
  }

  /** Leaves out the rest of the file. */
  skipAll(): void {
    this.#position = this.#text.length;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#position = pattern.lastIndex;
    return found[0];
  }

  #skipBlank(): void {
    const start = this.#position;
    this.#skipSpaceAndComments();
    if (this.#position > start) this.#spaced = true;
  }

  #skipSpaceAndComments(): void {
    for (;;) {
      this.#match(SPACE);
      const at = this.#position;
      if (this.#text.startsWith("#", at) || this.#text.startsWith("//", at)) {
        this.#match(LINE_COMMENT);
      } else if (this.#text.startsWith("/*", at)) {
        const end = this.#text.indexOf("*/", at + 2);
        this.#position = end < 0 ? this.#text.length : end + 2;
      } else return;
    }
  }

  #token(kind: TokenKind, text: string, start: number): Token {
    return { kind, text, span: this.#span(start, this.#position), spaced: this.#spaced };
  }

  #span(start: number, end: number): Span {
    if (start < this.#pasteEnd && this.#pasteSpan !== null) {
      return { ...this.#pasteSpan, pasted: this.#text.slice(start, end) };
    }
    return { file: this.#file, start: start + this.#shift, end: end + this.#shift };
  }

  /** Junk of no width at `start`. */
  #junk<Code extends MessageCode>(start: number, code: Code, ...args: MessageArgs<Code>): Token {
    const span = this.#span(start, start);
    const fault = { code, message: message(code, args) };
    return {
      kind: "junk",
      text: "",
      span: { ...span, end: span.start },
      spaced: this.#spaced,
      fault,
    };
  }

  #string(start: number): Token {
    const literal = this.#match(STRING);
    if (literal !== null) return this.#token("string", dropEscapes(literal.slice(1, -1)), start);
    this.#position = this.#text.length;
    return this.#junk(start, "unterminated-string");
  }

  #embedded(start: number): Token {
    const end = this.#text.indexOf("%}", start + 2);
    if (end < 0) {
      this.#position = this.#text.length;
      return this.#junk(start, "unterminated-embedded");
    }
    this.#position = end + 2;
    const token = this.#token("embedded-code", this.#text.slice(start + 2, end), start);
    if (token.text.includes("}%")) this.#events.reversedEnd(token.span);
    return token;
  }

  #argument(start: number, marker: string): Token | null {
    if (start < this.#pasteEnd) return this.#junk(start, "nested-argument");
    const count = this.#args.length;
    const number = Number(marker.slice(1));
    const argument = marker.endsWith("#") ? String(count) : this.#args[number - 1];
    if (argument === undefined) return this.#junk(start, "argument-out-of-range", count);
    if (!marker.endsWith("#")) this.#events.argumentUsed(number);
    if (marker.startsWith("@")) {
      const token = this.#token("string", escapeBackslashes(argument), start);
      return { ...token, span: { ...token.span, pasted: `"${argument}"` } };
    }
    this.#pasteSpan = this.#span(start, this.#position);
    this.#shift += this.#position - argument.length;
    this.#text = argument + this.#text.slice(this.#position);
    this.#position = 0;
    this.#pasteEnd = argument.length;
    return this.#next();
  }
}
