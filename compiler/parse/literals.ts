/** Literals: numbers with sign, adjacent strings joined (language.md §1). */
import { type NumberLiteral, newNodeId, type StringLiteral } from "../syntax/ast.js";
import { parseNumber } from "./conditions.js";
import type { TokenStream } from "./stream.js";

/** Parses adjacent string literals; `what` names them in the error. */
export function parseString(stream: TokenStream, what: string): StringLiteral {
  const first = stream.expectKind("string", what);
  let value = first.text;
  while (stream.atKind("string")) value += stream.next().text;
  return { kind: "string", id: newNodeId(), span: first.span, value };
}

/** Parses adjacent string literals as a regular expression, which reads its escapes itself. */
export function parsePattern(stream: TokenStream): StringLiteral {
  const first = stream.expectKind("string", "literal string");
  const parts = [first];
  while (stream.atKind("string")) parts.push(stream.next());
  const value = parts.map(({ written, text }) => written ?? text).join("");
  return { kind: "string", id: newNodeId(), span: first.span, value };
}

/** Parses a number without sign. */
export function parseUnsigned(stream: TokenStream, what: string): NumberLiteral {
  const token = stream.expectKind("number", what);
  const value = parseNumber(token.text);
  if (value === null) return stream.fail("bad-number");
  return { kind: "number", id: newNodeId(), span: token.span, value };
}

/** Parses a number with an optional minus sign. */
export function parseSigned(stream: TokenStream, what: string): NumberLiteral {
  const negative = stream.accept("-") !== null;
  const literal = parseUnsigned(stream, what);
  return negative ? { ...literal, value: BigInt.asIntN(64, -literal.value) } : literal;
}

/** Parses a string or a number with an optional minus sign. */
export function parseLiteral(stream: TokenStream): NumberLiteral | StringLiteral {
  if (stream.atKind("string")) return parseString(stream, "literal string or number");
  return parseSigned(stream, "literal string or number");
}
