/** Which line records a statement point means, on a line table made by hand. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LineChoice } from "../../../compiler/elaborate/function-pattern.js";
import {
  findStatements,
  type LinedFunction,
  linesOfFile,
} from "../../../compiler/elaborate/statement-lines.js";

const test = suite("elaborate/statement-lines");

const RECORDS = [
  { address: 0x10, file: "a.c", line: 3 },
  { address: 0x14, file: "a.c", line: 4 },
  { address: 0x18, file: "a.h", line: 1 },
  { address: 0x1a, file: "a.c", line: 6 },
  { address: 0x1e, file: "a.c", line: 4 },
  { address: 0x20, file: "a.c", line: 10 },
  { address: 0x20, file: "a.c", line: 11 },
  { address: 0x24, file: "a.c", line: 13 },
  { address: 0x28, file: "a.c", line: 20 },
];
const FIRST: LinedFunction = { line: 3, entry: 0x10, ranges: [{ begin: 0x10, end: 0x20 }] };
const SECOND: LinedFunction = { line: 10, entry: 0x20, ranges: [{ begin: 0x20, end: 0x28 }] };
const FILE = linesOfFile(RECORDS, "a.c");

function find(functions: readonly LinedFunction[], choice: LineChoice, nearest = false): string {
  const found = findStatements(RECORDS, FILE, functions, choice, nearest);
  return "near" in found
    ? `none at ${found.line}, near ${found.near.join(" ")}`
    : found.map(({ address, line }) => `${line}=${address.toString(16)}`).join(" ");
}

test("a line is its record with the lowest address", () => {
  assert.is(find([FIRST], { kind: "absolute", line: 4 }), "4=14");
  assert.is(find([FIRST], { kind: "relative", offset: 3 }), "6=1a");
});

test("each function has its own record of a line", () => {
  const tail: LinedFunction = { ...FIRST, entry: 0x1e, ranges: [{ begin: 0x1e, end: 0x20 }] };
  const head: LinedFunction = { ...FIRST, ranges: [{ begin: 0x10, end: 0x1e }] };
  assert.is(find([head, tail], { kind: "absolute", line: 4 }), "4=14 4=1e");
  assert.is(find([FIRST, tail], { kind: "relative", offset: 1 }), "4=14 4=1e");
});

test("all lines go on until one is of another function", () => {
  assert.is(find([FIRST], { kind: "all" }), "3=10 4=14 6=1a");
  // The last record of an address says in which line the function begins.
  assert.is(find([SECOND], { kind: "all" }), "11=20 13=24");
});

test("ranges take each line once", () => {
  const ranges = (...list: [number, number][]): LineChoice => ({ kind: "ranges", ranges: list });
  assert.is(find([FIRST, SECOND], ranges([1, 5], [4, 12])), "3=10 4=14 6=1a 10=20");
  assert.is(find([FIRST], ranges([10, 1_000_000_000])), "");
  assert.is(find([FIRST], ranges([5, 5], [8, 8]), true), "6=1a");
});

test("without records it says which lines there are", () => {
  assert.is(find([FIRST], { kind: "absolute", line: 5 }), "none at 5, near 4 6");
  assert.is(find([FIRST], { kind: "absolute", line: 99 }), "none at 99, near ");
  assert.is(find([SECOND], { kind: "relative", offset: 2 }), "none at 12, near 11 13");
});

test("the nearest line is taken, of two the one behind", () => {
  assert.is(find([FIRST], { kind: "absolute", line: 5 }, true), "6=1a");
  assert.is(find([FIRST], { kind: "absolute", line: 8 }, true), "6=1a");
  assert.is(find([FIRST], { kind: "absolute", line: 12 }, true), "none at 12, near ");
});

test.run();
