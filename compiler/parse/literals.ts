/** Literals: numbers with sign, adjacent strings joined (language.md §1). */
import { type NumberLiteral, newNodeId, type StringLiteral } from "../syntax/ast.js";
import { parseNumber } from "./conditions.js";
import { decodeEscapes } from "./escapes.js";
import type { TokenStream } from "./stream.js";
import type { Token } from "./token.js";

/** Largest amount after a minus sign. */
const MAX_NEGATIVE = 1n << 63n;

/** Parses adjacent string literals; `what` names them in the error. */
export function parseString(stream: TokenStream, what: string): StringLiteral {
  return stringLiteral(...parseRawString(stream, what));
}

/** Parses adjacent string literals as a regular expression, which reads its escapes itself. */
export function parsePattern(stream: TokenStream): StringLiteral {
  const [{ span }, value] = parseRawString(stream, "literal string");
  return { kind: "string", id: newNodeId(), span, value };
}

/** The first of adjacent string literals and the text of all, escapes as they are written. */
export function parseRawString(stream: TokenStream, what: string): [Token, string] {
  const first = stream.expectKind("string", what);
  let raw = first.text;
  while (stream.atKind("string")) raw += stream.next().text;
  return [first, raw];
}

function stringLiteral({ span }: Token, raw: string): StringLiteral {
  return { kind: "string", id: newNodeId(), span, value: decodeEscapes(raw) };
}

/** Parses a number with an optional minus sign. */
export function parseSigned(stream: TokenStream, what: string): NumberLiteral {
  const isNegative = stream.accept("-") !== null;
  const { text, span } = stream.expectKind("number", what);
  const amount = parseNumber(text);
  if (amount === null || (isNegative && amount > MAX_NEGATIVE)) return stream.fail("bad-number");
  const value = BigInt.asIntN(64, isNegative ? -amount : amount);
  return { kind: "number", id: newNodeId(), span, value };
}

/** Parses a string or a number with an optional minus sign. */
export function parseLiteral(stream: TokenStream): NumberLiteral | StringLiteral {
  if (stream.atKind("string")) return parseString(stream, "literal string or number");
  return parseSigned(stream, "literal string or number");
}
