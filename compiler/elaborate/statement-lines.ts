/**
 * Which line records of a source file a `.statement("f@file:lines")` means, given the functions
 * that `f` chose there. A line that a function has several records of means the one with the
 * lowest address; a function that is inlined in two places has its own record in each
 * (stapprobes(3stap) "statement").
 */
import { unreachable } from "../../base/assert.js";
import { firstAbove } from "../../base/search.js";
import type { SourceLine } from "../dwarf/lines.js";
import type { AddressRange } from "../dwarf/ranges.js";
import type { LineChoice } from "./function-pattern.js";

/** A record of a line table; those of one unit come by address, then in the order of the table. */
export interface LineRecord {
  readonly address: number;
  readonly file: string;
  readonly line: number;
}

/** Code of a function, or of one place where it is inlined. */
export interface LinedFunction {
  /** Line of its declaration. */
  readonly line: number;
  readonly entry: number;
  readonly ranges: readonly AddressRange[];
}

/** The beginning of a line in some function. */
export interface Statement {
  readonly address: number;
  readonly line: number;
}

/** Found nothing: the line that was looked for, and the nearest ones that there are. */
export interface NoStatement {
  readonly line: number;
  readonly near: readonly number[];
}

/** Line records of one file, by line. */
export interface FileLines {
  /** All lines that have records, ascending. */
  readonly lines: readonly number[];
  /** Addresses of a line, ascending. */
  readonly addresses: ReadonlyMap<number, readonly number[]>;
}

/** How far away from a line without records another one is looked for. */
const NEAR_LINES = 5;

/** The records of `file` among those of a unit. */
export function linesOfFile(records: readonly LineRecord[], file: string): FileLines {
  const addresses = new Map<number, number[]>();
  for (const record of records) {
    if (record.file !== file) continue;
    const known = addresses.get(record.line);
    if (known === undefined) addresses.set(record.line, [record.address]);
    else known.push(record.address);
  }
  return { lines: [...addresses.keys()].sort((a, b) => a - b), addresses };
}

/** True if some of the ranges of `code` holds `address`. */
export function hasAddress({ ranges }: Pick<LinedFunction, "ranges">, address: number): boolean {
  return ranges.some(({ begin, end }) => address >= begin && address < end);
}

/**
 * Statements of `functions` on the lines that `choice` means, each address once. `records` are
 * those of the whole unit; with `nearest` a line without records stands for one near by.
 */
export function findStatements(
  records: readonly LineRecord[],
  file: FileLines,
  functions: readonly LinedFunction[],
  choice: LineChoice,
  nearest: boolean,
): readonly Statement[] | NoStatement {
  const found = statementsOf(records, file, functions, choice, nearest);
  if (found.length > 0) {
    const seen = new Set<number>();
    return found.filter(({ address }) => !seen.has(address) && seen.add(address));
  }
  const line = wantedLine(choice, functions);
  if (line === null) return [];
  const { below, above } = linesNear(file, functions, line);
  return { line, near: [below, above].filter((each) => each !== null) };
}

function statementsOf(
  records: readonly LineRecord[],
  file: FileLines,
  functions: readonly LinedFunction[],
  choice: LineChoice,
  nearest: boolean,
): Statement[] {
  switch (choice.kind) {
    case "all":
      return functions.flatMap((each) => allStatements(records, file, each));
    case "ranges":
      return rangedStatements(file, functions, choice.ranges, nearest);
    case "absolute":
    case "relative": {
      const found = functions.flatMap((each) =>
        statementOn(
          file,
          each,
          choice.kind === "absolute" ? choice.line : each.line + choice.offset,
        ),
      );
      if (found.length > 0 || !nearest) return found;
      const near = nearestLine(file, functions, wantedLine(choice, functions) ?? 0);
      return near === null ? [] : functions.flatMap((each) => statementOn(file, each, near));
    }
    default:
      return unreachable(choice);
  }
}

/** The one line that `choice` asks for: seen from the first function if it is relative. */
function wantedLine(choice: LineChoice, functions: readonly LinedFunction[]): number | null {
  if (choice.kind === "absolute") return choice.line;
  return choice.kind === "relative" ? (functions[0]?.line ?? 0) + choice.offset : null;
}

function statementOn(file: FileLines, code: LinedFunction, line: number): Statement[] {
  const address = file.addresses.get(line)?.find((each) => hasAddress(code, each));
  return address === undefined ? [] : [{ address, line }];
}

/** From the line of the entry on, up to the first one that has records only elsewhere. */
function allStatements(
  records: readonly LineRecord[],
  file: FileLines,
  code: LinedFunction,
): Statement[] {
  const start = entryLine(records, code);
  const first = start === null ? -1 : file.lines.indexOf(start);
  const found: Statement[] = [];
  for (const line of first < 0 ? [] : file.lines.slice(first)) {
    const [statement] = statementOn(file, code, line);
    if (statement === undefined) break;
    found.push(statement);
  }
  return found;
}

/** Line of the last record at the entry; of an inlined instance without one, its first record. */
function entryLine(records: readonly LineRecord[], code: LinedFunction): number | null {
  const record = records[indexAbove(records, code.entry) - 1];
  if (record?.address === code.entry) return record.line;
  return records.find(({ address }) => hasAddress(code, address))?.line ?? null;
}

/** Index of the first of a unit's `rows` of code at `address`, -1 if there is none. */
export function firstRowAt(
  rows: readonly Pick<SourceLine, "address" | "isEndSequence">[],
  address: number,
): number {
  let at = indexAbove(rows, address - 1);
  // Another function may end there.
  while (rows[at]?.isEndSequence && rows[at]?.address === address) at++;
  return rows[at]?.address === address ? at : -1;
}

/** Index of the first of `records` above `address`. */
export function indexAbove(
  records: readonly { readonly address: number }[],
  address: number,
): number {
  return firstAbove(records.length, (i) => records[i]?.address ?? 0, address);
}

function rangedStatements(
  file: FileLines,
  functions: readonly LinedFunction[],
  ranges: readonly (readonly [number, number])[],
  nearest: boolean,
): Statement[] {
  const first = (file.lines[0] ?? 0) - NEAR_LINES;
  const last = (file.lines.at(-1) ?? 0) + NEAR_LINES;
  const done = new Set<number>();
  const found: Statement[] = [];
  const collect = (line: number): boolean => {
    if (done.has(line)) return true;
    const here = functions.flatMap((each) => statementOn(file, each, line));
    found.push(...here);
    if (here.length > 0) done.add(line);
    return here.length > 0;
  };
  for (const [low, high] of ranges) {
    for (let line = Math.max(low, first); line <= Math.min(high, last); line++) {
      if (collect(line) || !nearest) continue;
      const near = nearestLine(file, functions, line);
      if (near !== null) collect(near);
    }
  }
  return found;
}

/** The nearest line with a record in one of `functions`; of two the one below. */
function nearestLine(
  file: FileLines,
  functions: readonly LinedFunction[],
  line: number,
): number | null {
  const { below, above } = linesNear(file, functions, line);
  if (below === null || above === null) return below ?? above;
  return line - below < above - line ? below : above;
}

interface NearLines {
  readonly below: number | null;
  readonly above: number | null;
}

function linesNear(file: FileLines, functions: readonly LinedFunction[], line: number): NearLines {
  const find = (step: 1 | -1): number | null => {
    for (let distance = 1; distance <= NEAR_LINES; distance++) {
      const other = line + step * distance;
      if (functions.some((code) => statementOn(file, code, other).length > 0)) return other;
    }
    return null;
  };
  return { below: find(-1), above: find(1) };
}
