/**
 * A regular expression as a program: a nondeterministic automaton whose instructions name their
 * successors. Of two ways to one place the one that a split names first wins, which decides what
 * groups capture. `x*` is `(x+)?`: an empty `x` still runs once, and repeats nothing.
 */
import { bug } from "../../base/assert.js";
import { tooLarge } from "./limits.js";
import type { ByteSet, ParsedRegex, Regex } from "./syntax.js";

/** One step; successors are indexes of instructions. */
export type Instruction =
  /** Takes one byte of `set`. */
  | { readonly kind: "set"; readonly set: ByteSet; readonly next: number }
  | { readonly kind: "split"; readonly first: number; readonly second: number }
  /** Notes the position as `tag`: 2n where group n begins, 2n + 1 where it ends. */
  | { readonly kind: "tag"; readonly tag: number; readonly next: number }
  /** Goes on only at that end of the string. */
  | { readonly kind: "begin" | "end"; readonly next: number }
  | { readonly kind: "match" };

/** An automaton; `start` is its first instruction. */
export interface RegexProgram {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  readonly groups: number;
}

/** Which way the string is read; backwards there are no tags. */
export type Direction = "forwards" | "backwards";

/** Most instructions of a program. */
const MOST_INSTRUCTIONS = 20000;

/** Compiles `regex` to a program that reads its string in `direction`. */
export function compileProgram(regex: ParsedRegex, direction: Direction): RegexProgram {
  const instructions: Instruction[] = [];
  const writer: Writer = {
    isForwards: direction === "forwards",
    add(instruction) {
      if (instructions.length === MOST_INSTRUCTIONS) {
        tooLarge(`${MOST_INSTRUCTIONS} instructions`);
      }
      return instructions.push(instruction) - 1;
    },
    replace(index, instruction) {
      instructions[index] = instruction;
    },
  };
  const start = write(regex.root, writer.add({ kind: "match" }), writer);
  return { instructions, start, groups: regex.groups };
}

/** Instruction `index` of `program`. */
export function instructionAt(program: RegexProgram, index: number): Instruction {
  return program.instructions[index] ?? bug(`no instruction ${index}`);
}

/** Written from the end to the start: each part is told what follows it. */
interface Writer {
  readonly isForwards: boolean;
  add(instruction: Instruction): number;
  replace(index: number, instruction: Instruction): void;
}

/** Writes `node`, which goes on at `next`; its first instruction. */
function write(node: Regex, next: number, writer: Writer): number {
  switch (node.kind) {
    case "set":
      return writer.add({ kind: "set", set: node.set, next });
    case "begin":
    case "end":
      return writer.add({ kind: node.kind, next });
    case "sequence":
      return writer.isForwards
        ? node.items.reduceRight((then, item) => write(item, then, writer), next)
        : node.items.reduce((then, item) => write(item, then, writer), next);
    case "choice":
      return node.items
        .map((item) => write(item, next, writer))
        .reduceRight((second, first) => writer.add({ kind: "split", first, second }));
    case "repeat":
      return writeRepeat(node, next, writer);
    case "group":
      return writeGroup(node, next, writer);
  }
}

function writeGroup(node: Regex & { kind: "group" }, next: number, writer: Writer): number {
  if (!writer.isForwards) return write(node.item, next, writer);
  const tag = 2 * node.index;
  const end = writer.add({ kind: "tag", tag: tag + 1, next });
  return writer.add({ kind: "tag", tag, next: write(node.item, end, writer) });
}

/** The copies that must be there, then those that may: `x{2,4}` is `xx(x(x)?)?`. */
function writeRepeat(node: Regex & { kind: "repeat" }, next: number, writer: Writer): number {
  const { item, least, most } = node;
  let entry = next;
  let written = least;
  if (most === Number.POSITIVE_INFINITY) {
    const loop = writeLoop(item, next, writer);
    entry = least === 0 ? writer.add({ kind: "split", first: loop, second: next }) : loop;
    written = Math.max(0, least - 1);
  } else {
    for (let count = least; count < most; count++) {
      const first = write(item, entry, writer);
      entry = writer.add({ kind: "split", first, second: next });
    }
  }
  for (let count = 0; count < written; count++) entry = write(item, entry, writer);
  return entry;
}

function writeLoop(item: Regex, next: number, writer: Writer): number {
  const again = writer.add({ kind: "match" });
  const first = write(item, again, writer);
  writer.replace(again, { kind: "split", first, second: next });
  return first;
}
