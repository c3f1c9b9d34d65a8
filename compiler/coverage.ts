/**
 * What of the scripts and of the tapset library a program uses: each probe as declared, function,
 * local and global variable with its place (-q of stap(1)).
 */
import { lineColumn, type Span } from "../base/position.js";
import { nodesIn } from "./syntax/walk.js";
import type { Local, Program } from "./types/program.js";

/** Kinds of what is covered, numbered as in SystemTap's data base. */
export const COVERED = { probe: 1, function: 2, local: 3, global: 4 } as const;

/** A piece of a script, and how often the program has it. */
export interface Covered {
  readonly file: string;
  /** Of the name, from 1; so is the column. */
  readonly line: number;
  readonly column: number;
  readonly kind: keyof typeof COVERED;
  readonly name: string;
  readonly uses: number;
}

/** All that `program` has, each piece once. */
export function coverage(program: Program): readonly Covered[] {
  const pieces = new Map<string, Covered>();
  const add = (kind: Covered["kind"], name: string, { file, start }: Span): void => {
    const { line, column } = lineColumn(file, start);
    const key = [kind, file.name, line, column, name].join(" ");
    const uses = (pieces.get(key)?.uses ?? 0) + 1;
    pieces.set(key, { file: file.name, line, column, kind, name, uses });
  };
  for (const { written, span } of program.probes) add("probe", written, span);
  for (const { name, span } of program.functions) add("function", name, span);
  for (const { name, span } of program.globals) add("global", name, span);
  for (const { body } of [...program.handlers, ...program.functions]) {
    const seen = new Set<Local>();
    for (const node of nodesIn(body)) {
      const variable = program.variables.get(node.id);
      if (variable?.kind !== "local" || variable.parameter !== null || seen.has(variable)) continue;
      seen.add(variable);
      add("local", variable.name, node.span);
    }
  }
  return [...pieces.values()];
}
