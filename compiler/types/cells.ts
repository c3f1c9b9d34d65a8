/**
 * What type inference knows so far. Every variable, array key and function result is a cell that
 * gets its type from its declaration or the first use that tells, and keeps that place for messages.
 */
import type { Reporter } from "../elaborate/report.js";
import type { TargetTable } from "../elaborate/resolve-target.js";
import type { PointerType } from "../elaborate/site.js";
import type { FunctionSymbol, SymbolTable, VariableSymbol } from "../elaborate/symbol.js";
import type { Node, NodeId } from "../syntax/ast.js";
import type { Type } from "./program.js";

/** A type that may still be unknown. */
export interface Cell {
  type: Type | null;
  /** Where it was inferred; null if it is unknown or declared. */
  place: Node | null;
  /** Inferred as this key or argument of what is at the place; null for values. */
  position: number | null;
}

/** Cells of a variable: its value, or the values and keys of an array. */
export interface VariableCells {
  readonly value: Cell;
  readonly keys: readonly Cell[];
}

/** State of an inference. */
export interface Inference {
  readonly symbols: SymbolTable;
  readonly targets: TargetTable;
  readonly report: Reporter;
  /** Variables of the program may be written (-g). */
  readonly guru: boolean;
  /** `$variables` that cannot be found are 0 (--skip-badvars). */
  readonly skipsBadVariables: boolean;
  /** Type of each expression visited. */
  readonly types: Map<NodeId, Type>;
  readonly variables: Map<VariableSymbol, VariableCells>;
  readonly results: Map<FunctionSymbol, Cell>;
  /** Pointers of the program that variables and functions give; null where they differ. */
  readonly pointers: Map<VariableSymbol | FunctionSymbol, PointerType | null>;
  /** Set when something was learnt in a round. */
  changed: boolean;
  /** The highest rank of faults found in a round. */
  worst: number;
  /** What a visit reports: all that counts once optimization is over, or only what never agrees. */
  reports: "nothing" | "disagreement" | "all";
  /** The function that is visited; null in handlers. */
  owner: FunctionSymbol | null;
}

/** What an inference is given. */
export type Given = Pick<
  Inference,
  "symbols" | "targets" | "report" | "guru" | "skipsBadVariables"
>;

/** An inference that knows only what is declared. */
export function createInference(given: Given): Inference {
  return {
    ...given,
    types: new Map(),
    variables: new Map(),
    results: new Map(),
    pointers: new Map(),
    changed: false,
    worst: 0,
    reports: "nothing",
    owner: null,
  };
}

/** Cells of `variable`; declared types are known from the start. */
export function cellsOf(variable: VariableSymbol, state: Inference): VariableCells {
  const known = state.variables.get(variable);
  if (known && known.keys.length === (variable.arity ?? 0)) return known;
  const cells: VariableCells = known
    ? { value: known.value, keys: newKeys(variable) }
    : { value: declaredCell(variable), keys: newKeys(variable) };
  state.variables.set(variable, cells);
  return cells;
}

/** Cell of the result of `symbol`. */
export function resultOf(symbol: FunctionSymbol, state: Inference): Cell {
  const known = state.results.get(symbol);
  if (known) return known;
  const cell: Cell = { type: symbol.declaration.type, place: null, position: null };
  state.results.set(symbol, cell);
  return cell;
}

/** Learns that `cell` has `type` at `place`, as key or argument `position` of it. */
export function learn(
  cell: Cell,
  type: Type,
  place: Node,
  position: number | null,
  state: Inference,
): void {
  cell.type = type;
  cell.place = place;
  cell.position = position;
  state.changed = true;
}

function newKeys(variable: VariableSymbol): Cell[] {
  return Array.from({ length: variable.arity ?? 0 }, unknownCell);
}

function unknownCell(): Cell {
  return { type: null, place: null, position: null };
}

function declaredCell(variable: VariableSymbol): Cell {
  const { place } = variable;
  if (place.kind === "parameter") return { ...unknownCell(), type: place.type };
  const initial = variable.declaration?.initial ?? null;
  if (initial === null) return unknownCell();
  return { ...unknownCell(), type: initial.kind === "string" ? "string" : "long" };
}
