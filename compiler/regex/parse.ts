/**
 * Parses a regular expression: text of a string literal, its escapes not yet resolved, to a tree.
 * Throws RegexError with SystemTap's texts and positions (reference: `stap -p2`). Like there, a
 * closing parenthesis too many is an error only if something follows it.
 */
import { parseBracket } from "./bracket.js";
import { Cursor } from "./cursor.js";
import { fromTest, type ParsedRegex, type Regex, RegexError, singleton } from "./syntax.js";

/** Most repetitions that `{n}` may ask for, RE_DUP_MAX of POSIX systems. */
const MOST_REPETITIONS = 32767;
/** Most parentheses within each other. */
const DEEPEST_NESTING = 250;
/** The empty string. */
const EMPTY: Regex = { kind: "sequence", items: [] };

interface Parser {
  readonly cursor: Cursor;
  groups: number;
  nesting: number;
}

/** Parses `text`. */
export function parseRegex(text: string): ParsedRegex {
  const parser: Parser = { cursor: new Cursor(text), groups: 1, nesting: 0 };
  const root = parseChoice(parser);
  const { cursor } = parser;
  if (cursor.accept(")") && cursor.peek() !== "") {
    throw new RegexError("unbalanced ')'", cursor.last + 1);
  }
  return { root, groups: parser.groups };
}

function parseChoice(parser: Parser): Regex {
  const items = [parseSequence(parser)];
  while (parser.cursor.accept("|")) items.push(parseSequence(parser));
  const [first = EMPTY] = items;
  return items.length === 1 ? first : { kind: "choice", items };
}

function parseSequence(parser: Parser): Regex {
  const items: Regex[] = [];
  while (!["", "|", ")"].includes(parser.cursor.peek())) items.push(parseRepeated(parser));
  return { kind: "sequence", items };
}

function parseRepeated(parser: Parser): Regex {
  const { cursor } = parser;
  let item = parseAtom(parser);
  for (let sign = cursor.peek(); /^[*+?{]$/.test(sign); sign = cursor.peek()) {
    if (item.kind === "begin" || item.kind === "end") {
      const message = `postfix closure '${sign}' applied to anchoring operator`;
      throw new RegexError(message, cursor.position);
    }
    cursor.next();
    item = { kind: "repeat", item, ...parseBounds(sign, cursor) };
  }
  return item;
}

interface Bounds {
  readonly least: number;
  readonly most: number;
}

function parseBounds(sign: string, cursor: Cursor): Bounds {
  switch (sign) {
    case "*":
      return { least: 0, most: Number.POSITIVE_INFINITY };
    case "+":
      return { least: 1, most: Number.POSITIVE_INFINITY };
    case "?":
      return { least: 0, most: 1 };
    default:
      return parseBraces(cursor);
  }
}

/** What follows `{`: `n}`, `n,}` or `n,m}`. */
function parseBraces(cursor: Cursor): Bounds {
  const start = cursor.last;
  const first = parseNumber(cursor, "expected number");
  if (cursor.accept("}")) return checkBounds(first, first, start, cursor);
  if (cursor.peek() === "") throw new RegexError("unexpected end of regex", cursor.position);
  if (!cursor.accept(",")) throw new RegexError("expected ',' or '}'", cursor.position);
  if (cursor.accept("}")) return checkBounds(first, "", start, cursor);
  const second = parseNumber(cursor, "expected '}' or number");
  expect("}", cursor);
  return checkBounds(first, second, start, cursor);
}

function parseNumber(cursor: Cursor, expected: string): string {
  let digits = "";
  while (/^[0-9]$/.test(cursor.peek())) digits += cursor.next();
  if (digits !== "") return digits;
  cursor.next();
  throw new RegexError(expected, cursor.position);
}

function checkBounds(first: string, second: string, start: number, cursor: Cursor): Bounds {
  const least = checkCount(first, cursor);
  const most = second === "" ? Number.POSITIVE_INFINITY : checkCount(second, cursor);
  if (least > most) {
    const text = cursor.slice(start, cursor.position);
    throw new RegexError(`inverted repetition range ${text}`, cursor.position);
  }
  return { least, most };
}

function checkCount(digits: string, cursor: Cursor): number {
  const count = Number(digits);
  if (count > MOST_REPETITIONS) throw new RegexError(`${digits} is too large`, cursor.position);
  return count;
}

function parseAtom(parser: Parser): Regex {
  const { cursor } = parser;
  const position = cursor.position;
  const character = cursor.next();
  switch (character) {
    case "(":
      return parseGroup(parser);
    case "*":
    case "+":
    case "?":
    case "{":
      throw new RegexError(`unexpected '${character}'`, position);
    case "^":
      return { kind: "begin" };
    case "$":
      return { kind: "end" };
    case ".":
      return { kind: "set", set: fromTest(() => true) };
    case "[":
      return { kind: "set", set: parseBracket(cursor) };
    case "\\":
      if (cursor.peek() === "") throw new RegexError("unexpected end of regex", cursor.position);
      return { kind: "set", set: singleton(cursor.next().charCodeAt(0)) };
    default:
      return { kind: "set", set: singleton(character.charCodeAt(0)) };
  }
}

/** What follows `(`; `(?:` captures nothing. */
function parseGroup(parser: Parser): Regex {
  const { cursor } = parser;
  if (++parser.nesting > DEEPEST_NESTING) {
    throw new RegexError("parentheses nested too deep", cursor.last);
  }
  const isCaptured = !acceptExtension(cursor);
  const index = isCaptured ? parser.groups++ : 0;
  const item = parseChoice(parser);
  expect(")", cursor);
  parser.nesting--;
  return isCaptured ? { kind: "group", index, item } : item;
}

function acceptExtension(cursor: Cursor): boolean {
  if (!cursor.accept("?")) return false;
  if (cursor.accept(":")) return true;
  const kind = cursor.next();
  throw new RegexError(kind === "" ? "unexpected '(?" : `unexpected '(?${kind}'`, cursor.last);
}

function expect(character: string, cursor: Cursor): void {
  if (cursor.accept(character)) return;
  const found = cursor.peek();
  if (found !== "") cursor.next();
  const what = found === "" ? "end of regex" : found;
  throw new RegexError(`expected ${character}, found ${what}`, cursor.last);
}
