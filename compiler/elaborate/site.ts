/**
 * What a probe family makes of a point: places with their variables. Families are functions from a
 * point without wildcards in its component names to sites; no site means "no match".
 */
import type { CompileContext } from "../../base/stage.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import type { SearchContext } from "../elf/find.js";
import type { Module } from "../elf/read.js";
import type { AccessStep, ProbePoint, TargetSymbol } from "../syntax/ast.js";
import type { EnumeratorNames, Location } from "../types/location.js";
import type { Reporter } from "./report.js";

/** Value of a `$variable` with its type. */
export interface TargetValue {
  readonly type: "long" | "string";
  readonly location: Location;
  /** True if a script may assign to it. */
  readonly isWritable?: boolean;
  /** True if writing it needs -g. */
  readonly needsGuru?: boolean;
  /** Its type in the program if that is a pointer, so that `->` and `[]` work on it. */
  readonly pointer?: PointerType | null;
  /** Of an enumeration: the names of its values. */
  readonly enumerators?: (() => EnumeratorNames) | null;
}

/** The type of a pointer of the program. */
export interface PointerType {
  /** Equal for equal types. */
  readonly key: string;
  /** What `steps` lead to from a pointer that is operand 0, the indexes being the next ones. */
  access(steps: readonly AccessStep[], use: TargetUse): TargetValue;
}

/** What is done with a `$variable`: read, `&` taken, or written with `=`, `++` and the like. */
export type TargetUse = "value" | "address" | "write";

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
  resolve(symbol: TargetSymbol, use?: TargetUse): TargetValue;
  /** Module for types and variables that name none; null or absent where there is none. */
  readonly module?: Module | null;
  /** True for what a return probe sees as it was at the function's entry. */
  readonly isFromEntry?: (symbol: TargetSymbol) => boolean;
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
  /** Of a return probe: where the values of @entry are taken, if not at its own address. */
  readonly entry?: Pick<Site, "place" | "targets">;
  /** Source text of a further condition, which may name variables of `targets`, or null. */
  readonly condition: string | null;
}

/** What families may use. */
export interface FamilyContext {
  readonly context: CompileContext;
  readonly report: Reporter;
  readonly search: SearchContext;
  /** Counters of the perf points so far, by name. */
  readonly counters: Map<string, PerfCounter>;
}

/** What a perf point counts under a name, for `@perf`. */
export interface PerfCounter {
  /** As perf_event_open(2) has them. */
  readonly type: bigint;
  readonly config: bigint;
  /** Program in whose threads it counts, null = all. */
  readonly path: string | null;
}

/** Resolves a point of one family; throws ResolutionError if it cannot be probed at all. */
export type Family = (point: ProbePoint, context: FamilyContext) => readonly Site[];

/** Table of point patterns, e.g. `timer.s(number).randomize(number)`. */
export type FamilyTable = readonly (readonly [pattern: string, family: Family])[];
