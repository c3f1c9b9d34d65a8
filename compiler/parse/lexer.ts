/**
 * Text of one file → tokens, with script arguments pasted in (language.md §1).
 *
 * The text holds one byte per code unit (Latin-1). `$1` pastes an argument as text that is read
 * anew, `@1` as a string literal, `$#` and `@#` their number; tokens made of pasted text have the
 * place of the `$1`.
 */
import type { SourceFile, Span } from "../../base/position.js";
import { decodeEscapes, keepEscapes } from "./escapes.js";
import { failAt, isKeyword, type Token, type TokenKind } from "./token.js";

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
  /** `}%` stands in embedded code, perhaps in place of `%}`. */
  reversedEnd(span: Span): void;
  /** Script argument `number`, from 1, was pasted. */
  argumentUsed(number: number): void;
}

/** Reads the tokens of a file one after the other. */
export class Lexer {
  readonly #file: SourceFile;
  readonly #args: readonly string[];
  /** Text with arguments pasted in; what lies before `#position` is no longer needed. */
  #text: string;
  #position = 0;
  /** Offset in the file = offset in the text + this, outside pasted text. */
  #shift = 0;
  #pasteEnd = 0;
  #pasteSpan: Span | null = null;
  readonly #events: LexerEvents;

  constructor(file: SourceFile, args: readonly string[], events: LexerEvents) {
    this.#file = file;
    this.#args = args;
    this.#text = file.text;
    this.#events = events;
  }

  /** The next token, null at the end of the file. */
  next(): Token | null {
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
    if (word !== null) return this.#token(isKeyword(word) ? "keyword" : "identifier", word, start);
    const number = this.#match(NUMBER);
    if (number !== null) return this.#token("number", number, start);
    if (character === '"') return this.#string(start);
    if (this.#text.startsWith("%{", start)) return this.#embedded(start);
    const operator = this.#match(OPERATOR);
    if (operator !== null) return this.#token("operator", operator, start);
    this.#position = start + 1;
    return this.#token("junk", character, start);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#position = pattern.lastIndex;
    return found[0];
  }

  #skipBlank(): void {
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
    return { kind, text, span: this.#span(start, this.#position) };
  }

  #span(start: number, end: number): Span {
    if (start < this.#pasteEnd && this.#pasteSpan !== null) return this.#pasteSpan;
    return { file: this.#file, start: start + this.#shift, end: end + this.#shift };
  }

  #string(start: number): Token {
    const literal = this.#match(STRING);
    if (literal === null) {
      this.#position = this.#text.length;
      failAt({ kind: "junk", span: this.#span(start, start) }, "unterminated-string");
    }
    const inside = literal.slice(1, -1);
    const token = this.#token("string", decodeEscapes(inside), start);
    return { ...token, written: keepEscapes(inside) };
  }

  #embedded(start: number): Token {
    const end = this.#text.indexOf("%}", start + 2);
    if (end < 0) {
      this.#position = this.#text.length;
      failAt({ kind: "junk", span: this.#span(start, start) }, "unterminated-embedded");
    }
    this.#position = end + 2;
    const code = this.#text.slice(start + 2, end);
    const reversed = code.indexOf("}%");
    if (reversed >= 0)
      this.#events.reversedEnd(this.#span(start + 2 + reversed, start + 4 + reversed));
    return this.#token("embedded-code", code, start);
  }

  #argument(start: number, marker: string): Token | null {
    const span = this.#span(start, this.#position);
    const junk = { kind: "junk", span: { ...span, end: span.start } } as const;
    if (start < this.#pasteEnd) failAt(junk, "nested-argument");
    const count = this.#args.length;
    const number = Number(marker.slice(1));
    if (marker.endsWith("#")) {
      const kind = marker.startsWith("@") ? "string" : "number";
      return { kind, text: String(count), span };
    }
    const argument = this.#args[number - 1];
    if (argument === undefined) failAt(junk, "argument-out-of-range", count);
    this.#events.argumentUsed(number);
    if (marker.startsWith("@")) return { kind: "string", text: argument, span };
    this.#shift += this.#position - argument.length;
    this.#text = argument + this.#text.slice(this.#position);
    this.#position = 0;
    this.#pasteEnd = argument.length;
    this.#pasteSpan = span;
    return this.next();
  }
}
