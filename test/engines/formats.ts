/** Random arguments and formats of the printing functions, and the strings they make. */
import { convert, cut, type Value } from "./model.js";
import { type Frame, listText, makeTerm, operand, runAll, type Site, type Term } from "./term.js";

/** Arguments of a print, of both types. */
export function makeArguments(count: number, site: Site): readonly Term<Value>[] {
  return Array.from({ length: count }, () =>
    makeTerm(site.random.oneIn(2) ? "long" : "string", site),
  );
}

/**
 * Text of `terms` as the arguments of a print. Behind a bucket at their head the parser takes a comma
 * or the end only, as SystemTap does; such an expression is put in parentheses.
 */
export function printedText(terms: readonly Term<Value>[]): string {
  const text = listText(terms);
  const [head] = terms;
  if (head === undefined || head.level === 17 || !head.text.startsWith("@hist_")) return text;
  return `(${head.text})${text.slice(operand(head, 2).length)}`;
}

/** `sprint` or `sprintln`. */
export function makeSprint(site: Site): Term<string> {
  const args = makeArguments(1 + site.random.below(3), site);
  const isLine = site.random.oneIn(4);
  return {
    text: `${isLine ? "sprintln" : "sprint"}(${printedText(args)})`,
    level: 17,
    run: (frame) => cut(frame.machine, runAll(args, frame).join("") + (isLine ? "\n" : "")),
  };
}

/** A format with its arguments: text as written, and what it makes, in `room` bytes with the NUL. */
export function makeFormat(site: Site): {
  readonly text: string;
  run(frame: Frame, room?: number): string;
} {
  const { random } = site;
  const args: Term<Value>[] = [];
  const pieces: MakePiece[] = [];
  let format = "";
  for (let i = random.below(4); i >= 0; i--) {
    const literal = random.pick(["", " ", "=", "%%", "x"]);
    const [text, make] = makeConversion(site, args);
    format += literal + text;
    pieces.push(() => literal.replace("%%", "%"), make);
  }
  return {
    text: `"${format}", ${listText(args)}`,
    run(frame, room = Number.MAX_SAFE_INTEGER) {
      const values = runAll(args, frame);
      let taken = 0;
      let made = "";
      for (const piece of pieces) {
        made += piece(() => values[taken++] ?? 0n, Math.max(room - made.length, 1));
      }
      return made;
    },
  };
}

/** Takes arguments and the bytes left, which limit how wide a field is. */
type MakePiece = (next: () => Value, room: number) => string;

function makeConversion(site: Site, args: Term<Value>[]): [string, MakePiece] {
  const { random } = site;
  const letter = random.pick(["d", "i", "u", "o", "x", "X", "p", "c", "s", "s"] as const);
  const isNumber = letter !== "s" && letter !== "c";
  const flag = random.pick(isNumber ? ["", "-", "0", "+", " ", "#"] : ["", "-"]);
  const width = makeSize(site, args);
  const precision = letter === "c" ? NO_SIZE : makeSize(site, args);
  args.push(letter === "s" ? site.make.text(site) : site.make.long(site));
  const point = precision.text === "" ? "" : `.${precision.text}`;
  return [
    `%${flag}${width.text}${point}${letter}`,
    (next, room) => {
      const most = (size: bigint): bigint => (size < BigInt(room) ? size : BigInt(room));
      const sizes = { width: most(width.take(next)), precision: most(precision.take(next)) };
      return convert({ flag, letter, ...sizes }, next());
    },
  ];
}

interface Size {
  readonly text: string;
  take(next: () => Value): bigint;
}

const NO_SIZE: Size = { text: "", take: () => -1n };

/** Nothing, a number up to 12, or `*` with an argument; a negative one counts as 0. */
function makeSize({ random }: Site, args: Term<Value>[]): Size {
  if (random.oneIn(2)) return NO_SIZE;
  if (random.oneIn(2)) {
    const value = BigInt(1 + random.below(12));
    return { text: String(value), take: () => value };
  }
  const value = BigInt(random.below(24) - 12);
  args.push({ text: value < 0n ? `(${value})` : String(value), level: 17, run: () => value });
  const take: Size["take"] = (next) => {
    const given = next() as bigint;
    return given < 0n ? 0n : given;
  };
  return { text: "*", take };
}

/** `sprintf`. */
export function makeSprintf(site: Site): Term<string> {
  const { text, run } = makeFormat(site);
  return {
    text: `sprintf(${text})`,
    level: 17,
    run: (frame) => cut(frame.machine, run(frame, frame.machine.maxString)),
  };
}
