/** Bracket expressions: `[abc]`, `[^a-z]`, `[[:alpha:]_]`; a backslash takes the next byte as it is. */
import type { Cursor } from "./cursor.js";
import { type ByteSet, fromTest, RegexError } from "./syntax.js";

/** Ranges of the named classes in the C locale (POSIX.1-2017 §7.3.1), first and last byte. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  alpha: ["AZ", "az"],
  digit: ["09"],
  alnum: ["AZ", "az", "09"],
  upper: ["AZ"],
  lower: ["az"],
  xdigit: ["09", "AF", "af"],
  space: ["\t\r", "  "],
  blank: ["\t\t", "  "],
  punct: ["!/", ":@", "[`", "{~"],
  graph: ["!~"],
  print: [" ~"],
  cntrl: ["\x01\x1f", "\x7f\x7f"],
};

/** Reads a bracket expression behind its `[`. */
export function parseBracket(cursor: Cursor): ByteSet {
  const members = new Uint8Array(256);
  const isNegated = cursor.accept("^");
  let isFirst = true;
  while (isFirst || cursor.peek() !== "]") {
    isFirst = false;
    parseMember(members, cursor);
  }
  cursor.next();
  return fromTest((byte) => (members[byte] === 1) !== isNegated);
}

function parseMember(members: Uint8Array, cursor: Cursor): void {
  const start = cursor.position;
  const character = next(cursor);
  if (character === "[" && cursor.accept(":")) {
    for (const range of parseClass(start, cursor)) fill(members, range[0], range[1]);
    return;
  }
  const first = character === "\\" ? next(cursor) : character;
  if (!cursor.accept("-")) {
    fill(members, first, first);
    return;
  }
  if (cursor.peek() === "]") {
    fill(members, first, first);
    fill(members, "-", "-");
    return;
  }
  const last = next(cursor);
  if (last < first) {
    const range = `${first}-${last}`;
    throw new RegexError(`Inverted character range ${range}`, cursor.position);
  }
  fill(members, first, last);
}

/** Reads the rest of `[:name:]`; `start` is the position of its bracket. */
function parseClass(start: number, cursor: Cursor): readonly string[] {
  let name = "";
  while (!name.endsWith(":") || cursor.peek() !== "]") {
    if (cursor.peek() === "") unclosedClass(start, cursor);
    name += cursor.next();
  }
  cursor.next();
  if (cursor.peek() === "") unclosedClass(start, cursor);
  const ranges = CLASSES[name.slice(0, -1)];
  if (ranges !== undefined) return ranges;
  throw new RegexError(`unknown character class '${name.slice(0, -1)}'`, null);
}

function unclosedClass(start: number, cursor: Cursor): never {
  const end = Math.max(cursor.last, start + 2);
  const text = cursor.slice(start, end);
  throw new RegexError(`unclosed character class '${text}'`, cursor.position);
}

function next(cursor: Cursor): string {
  if (cursor.peek() === "") throw new RegexError("unclosed character class", cursor.last);
  return cursor.next();
}

function fill(members: Uint8Array, first = "", last = ""): void {
  members.fill(1, first.charCodeAt(0), last.charCodeAt(0) + 1);
}
