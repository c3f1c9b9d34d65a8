/**
 * Syntax trees of regular expressions: the POSIX ERE subset of SystemTap (language.md §16), over
 * bytes. A NUL byte is in no set, because it ends every string.
 */

/** Members of a set of bytes: `[byte]` = 1 if it is in. */
export type ByteSet = Uint8Array;

/** A regular expression or a part of one. */
export type Regex =
  | { readonly kind: "set"; readonly set: ByteSet }
  /** `^` and `$`: the ends of the string; line feeds are ordinary bytes. */
  | { readonly kind: "begin" }
  | { readonly kind: "end" }
  /** One after the other; none = the empty string. */
  | { readonly kind: "sequence"; readonly items: readonly Regex[] }
  /** Of matches equally long, the first alternative wins. */
  | { readonly kind: "choice"; readonly items: readonly Regex[] }
  | {
      readonly kind: "repeat";
      readonly item: Regex;
      readonly least: number;
      /** Infinity = without limit. */
      readonly most: number;
    }
  /** `(…)`, numbered from 1 by their opening parentheses. */
  | { readonly kind: "group"; readonly index: number; readonly item: Regex };

/** A parsed regular expression; `groups` includes group 0, the whole match. */
export interface ParsedRegex {
  readonly root: Regex;
  readonly groups: number;
}

/** What is wrong with a regular expression: the text after "regex compilation error". */
export class RegexError extends Error {
  override readonly name = "RegexError";
  /** `position` is an offset in the literal's text, null where none belongs to the message. */
  constructor(message: string, position: number | null) {
    super(position === null ? `: ${message}` : ` (at position ${position}): ${message}`);
  }
}

/** The set of `byte` alone. */
export function singleton(byte: number): ByteSet {
  return fromTest((each) => each === byte);
}

/** The set of the bytes but NUL for which `test` holds. */
export function fromTest(test: (byte: number) => boolean): ByteSet {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte !== 0 && test(byte) ? 1 : 0));
}
