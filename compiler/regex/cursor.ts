/**
 * Reads the text of a regular expression as it stands in the literal: byte escapes (`\n`, `\x41`,
 * `\101`, `\\`) are resolved here and mean what the byte itself means, so `"\\."` is the escaped
 * dot of a regular expression. Positions count the characters of the literal's text, because
 * messages do. A NUL ends the text, as it ends strings.
 */
import { RegexError } from "./syntax.js";

const CONTROL: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  t: 0x09,
  n: 0x0a,
  v: 0x0b,
  f: 0x0c,
  r: 0x0d,
};

/** A place in a text; it always looks at one character ahead. */
export class Cursor {
  readonly #text: string;
  #position = 0;
  #last = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Position of what is read next. */
  get position(): number {
    return this.#position;
  }

  /** Position of what was read last. */
  get last(): number {
    return this.#last;
  }

  /** Next character, as Latin-1; "" at the end. */
  peek(): string {
    return this.#decode()[0];
  }

  /** Reads a character; "" at the end. */
  next(): string {
    const [character, end] = this.#decode();
    if (character !== "") this.#last = this.#position;
    this.#position = end;
    return character;
  }

  /** Reads `character` if it is next. */
  accept(character: string): boolean {
    if (this.peek() !== character) return false;
    this.next();
    return true;
  }

  /** The text between two positions, as written. */
  slice(start: number, end: number): string {
    return this.#text.slice(start, end);
  }

  /** Next character and the position behind it. */
  #decode(): readonly [string, number] {
    const at = this.#position;
    const character = this.#text[at] ?? "";
    if (character !== "\\") return [character === "\0" ? "" : character, at + character.length];
    const code = this.#text[at + 1] ?? "";
    const control = CONTROL[code];
    if (control !== undefined) return [String.fromCharCode(control), at + 2];
    if (code === "x") return this.#hexadecimal(at);
    if (/[0-7]/.test(code)) return this.#octal(at);
    return ["\\", code === "\\" ? at + 2 : at + 1];
  }

  #hexadecimal(at: number): readonly [string, number] {
    const digits = this.#text.slice(at + 2, at + 4);
    if (digits.length < 2) fail("two hex digits required in escape sequence", at + 1);
    const wrong = digits.search(/[^0-9A-Fa-f]/);
    if (wrong >= 0) fail("two hex digits required in escape sequence", at + 3 - wrong);
    return this.#byte(Number.parseInt(digits, 16), at + 4);
  }

  #octal(at: number): readonly [string, number] {
    const digits = this.#text.slice(at + 1, at + 4);
    if (digits.length < 3) fail("three octal digits required in escape sequence", at + 1);
    const wrong = digits.search(/[^0-7]/);
    if (wrong >= 0) fail("three octal digits required in escape sequence", at + 4 - wrong);
    const value = Number.parseInt(digits, 8);
    if (value > 0xff) fail("octal escape sequence out of range", at + 1);
    return this.#byte(value, at + 4);
  }

  #byte(value: number, end: number): readonly [string, number] {
    return value === 0 ? ["", this.#position] : [String.fromCharCode(value), end];
  }
}

/** Positions of digits that are wrong are SystemTap's: what is behind, plus the digits missing. */
function fail(message: string, position: number): never {
  throw new RegexError(message, position);
}
