/** Tables that lowering fills while it goes through a program: formats, locations, functions. */
import { bug } from "../../base/assert.js";
import type { Diagnostic } from "../../base/diagnostic.js";
import { type Span, showPosition, spanText } from "../../base/position.js";
import type { BundleModule, Format } from "../../wasm-runtime/bundle.js";
import type { EmbeddedBlock } from "../embedded/block.js";
import type { FunctionReference } from "../ir/ir.js";
import type { Expression, Identifier, Node } from "../syntax/ast.js";
import type { FunctionInstance, Global, Program, Type, Variable } from "../types/program.js";
import type { Limits } from "./limits.js";
import type { RegexPlan } from "./regex.js";
import type { SharedLocations } from "./shared-location.js";
import type { StaticData } from "./static-data.js";
import type { Storage, StoragePlan } from "./storage.js";
import { showToken, tokenType } from "./token.js";
import type { UsageTable } from "./usage.js";

/** (offset) > sum over all contexts of the i64 there. */
export const SUM_SHARDS: FunctionReference = {
  kind: "function",
  name: "sum_shards",
  parameters: ["i32"],
  result: "i64",
};
/** (descriptor, out, offset): merges the statistics there of all contexts. */
export const MERGE_SHARDS: FunctionReference = {
  kind: "function",
  name: "merge_shards",
  parameters: ["i32", "i32", "i32"],
  result: null,
};
/** (descriptor, offset): empties the statistics there of all contexts. */
export const CLEAR_SHARDS: FunctionReference = {
  kind: "function",
  name: "clear_shards",
  parameters: ["i32", "i32"],
  result: null,
};

/** State of lowering one program. */
export interface Unit {
  readonly program: Program;
  readonly limits: Limits;
  readonly usages: UsageTable;
  readonly plan: StoragePlan;
  readonly data: StaticData;
  readonly regexes: RegexPlan;
  readonly formats: Table<Format>;
  readonly locations: Table<string>;
  /** Modules whose load bias is asked for. */
  readonly modules: Table<BundleModule>;
  /** Functions whose bodies are still to be lowered, in order of their first call. */
  readonly functions: Map<FunctionInstance, FunctionReference>;
  /** Values of the program that are functions of their own. */
  readonly shared: SharedLocations;
  /** Embedded code that is called, by what makes it the same (lower/embedded.ts). */
  readonly blocks: Map<string, EmbeddedBlock>;
  /** Set when pp(), pn(), probe_type() or is_return() may be asked for. */
  usesProbeTexts: boolean;
  report(diagnostic: Diagnostic): void;
}

/** Values numbered in order of their first appearance. */
export interface Table<T> {
  readonly values: readonly T[];
  indexOf(value: T): number;
}

/** A table with `first` already in. */
export function createTable<T>(...first: readonly T[]): Table<T> {
  const values: T[] = [];
  const known = new Map<string, number>();
  const table: Table<T> = {
    values,
    indexOf(value) {
      const key = typeof value === "string" ? value : JSON.stringify(value);
      const found = known.get(key) ?? values.length;
      if (found === values.length) values.push(value);
      known.set(key, found);
      return found;
    },
  };
  for (const value of first) table.indexOf(value);
  return table;
}

/** Storage of `global`. */
export function storageOf(unit: Unit, global: Global): Storage {
  return unit.plan.storage.get(global) ?? bug(`no storage for '${global.name}'`);
}

/** Type of `expression`. */
export function typeOfExpression(unit: Unit, expression: Expression): Type {
  return unit.program.types.get(expression.id) ?? bug(`no type for ${describe(expression)}`);
}

/** Variable that `identifier` names. */
export function variableOf(unit: Unit, identifier: Identifier): Variable {
  return (
    unit.program.variables.get(identifier.id) ?? bug(`no variable for ${describe(identifier)}`)
  );
}

/** Global that `identifier` names. */
export function globalOf(unit: Unit, identifier: Identifier): Global {
  const variable = variableOf(unit, identifier);
  return variable.kind === "global" ? variable : bug(`'${variable.name}' is not a global`);
}

/** Index in BundleMeta.locations of the token at `span`. */
export function locationIndex(unit: Unit, span: Span): number {
  return unit.locations.indexOf(`${showToken(spanText(span))} at ${showPosition(span)}`);
}

/** Reports that `what` (a feature, named `code`) is not supported yet. */
export function unsupported(
  unit: Unit,
  node: Pick<Node, "span">,
  code: string,
  what: string,
): void {
  const token = spanText(node.span);
  unit.report({
    code: `unsupported-${code}`,
    severity: "semantic error",
    message: `not supported yet: ${what}`,
    span: node.span,
    token: tokenType(token),
    notes: [],
  });
}

function describe(node: Expression): string {
  return `${node.kind} at ${showPosition(node.span)}`;
}
