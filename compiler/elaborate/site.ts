/**
 * What a probe family makes of a point: places with their variables. Families are functions from a
 * point without wildcards in its component names to sites; no site means "no match".
 */
import type { CompileContext } from "../../base/stage.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import type { SearchContext } from "../elf/find.js";
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import type { Location } from "../types/location.js";
import type { Reporter } from "./report.js";

/** Value of a `$variable` with its type. */
export interface TargetValue {
  readonly type: "long" | "string";
  readonly location: Location;
  /** True if a script may assign to it. */
  readonly isWritable?: boolean;
}

/** A `$variable` with its type in the source language. */
export interface TargetVariable {
  readonly name: string;
  readonly type: string;
}

/** The `$variables` of a site. */
export interface TargetScope {
  /** Those that can be named beforehand, in their order, for -L. */
  readonly variables?: () => readonly TargetVariable[];
  /** Value of `symbol`; throws ResolutionError. */
  resolve(symbol: TargetSymbol): TargetValue;
}

/** One place to probe. */
export interface Site {
  /** The point resolved, for pp(). */
  readonly point: ProbePoint;
  /** The point resolved as listings show it, which names labels and callees too. */
  readonly listed?: ProbePoint;
  /** For probe_type(). */
  readonly type: string;
  readonly place: BundlePoint;
  readonly isReturn: boolean;
  readonly targets: TargetScope;
  /** Source text of a further condition, which may name variables of `targets`, or null. */
  readonly condition: string | null;
}

/** What families may use. */
export interface FamilyContext {
  readonly context: CompileContext;
  readonly report: Reporter;
  readonly search: SearchContext;
}

/** Resolves a point of one family; throws ResolutionError if it cannot be probed at all. */
export type Family = (point: ProbePoint, context: FamilyContext) => readonly Site[];

/** Table of point patterns, e.g. `timer.s(number).randomize(number)`. */
export type FamilyTable = readonly (readonly [pattern: string, family: Family])[];
