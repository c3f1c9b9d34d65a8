/**
 * A resolved and typed script: what elaboration and type inference hand to lowering.
 *
 * Every handler (a body with one set of variable locations, for one or more resolved probe points)
 * has nodes with ids of their own, so all side tables are keyed by NodeId alone. Conditional
 * constructs (@defined, @choose_defined, %( … %)) are folded; aliases, wildcards and macros are gone.
 */

import type { Span } from "../../base/position.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import type { PerfCounter } from "../elaborate/site.js";
import type {
  BlockStatement,
  EmbeddedCode,
  Expression,
  NodeId,
  NumberLiteral,
  StringLiteral,
} from "../syntax/ast.js";
import type { Location } from "./location.js";

/** Type of an expression or variable. */
export type Type = "long" | "string" | "stats" | "void";
/** Type of a value that can be stored or passed. */
export type ScalarType = "long" | "string";

/** What the statistics operators used on a variable require. */
export interface StatUse {
  readonly histogram:
    | { readonly kind: "none" }
    | { readonly kind: "log" }
    | {
        readonly kind: "linear";
        readonly low: bigint;
        readonly high: bigint;
        readonly width: bigint;
      };
  /** Bit shift of @variance, 0 if unused. */
  readonly varianceShift: number;
}

/** A global variable that is used. */
export interface Global {
  readonly kind: "global";
  readonly name: string;
  readonly span: Span;
  readonly type: "long" | "string" | "stats";
  /** Key types; empty for a scalar. */
  readonly keys: readonly ScalarType[];
  readonly wrap: boolean;
  /** Capacity written in the script, null = MAXMAPENTRIES. */
  readonly capacity: number | null;
  readonly initial: NumberLiteral | StringLiteral | null;
  readonly stat: StatUse | null;
  /** From a tapset, so not shown at the end. */
  readonly library: boolean;
}

/** A local variable of a probe or function, or a parameter. */
export interface Local {
  readonly kind: "local";
  readonly name: string;
  readonly type: ScalarType;
  /** Position in the parameter list, null for a plain local. */
  readonly parameter: number | null;
}

export type Variable = Global | Local;

/** A function that is reachable; with `$variables` one instance per calling probe. */
export interface FunctionInstance {
  readonly kind: "function";
  /** Name as written. */
  readonly name: string;
  /** Unique: name, plus a number for overloads and clones. */
  readonly uniqueName: string;
  /** What -p2 orders functions by. */
  readonly orderName: string;
  readonly span: Span;
  readonly result: ScalarType | "void";
  readonly parameters: readonly Local[];
  /** Plain locals, in order of first use. */
  readonly locals: readonly Local[];
  /**
   * Body; or embedded code. In a tapset `%{ NAME %}` (pragma comments allowed) is library function
   * NAME with Wasm signature (context, each argument, out if the result is a string).
   */
  readonly body: BlockStatement | EmbeddedCode;
  /** True if it may run `next` to pass on to the following overload. */
  readonly usesNext: boolean;
}

/** What runs at one or more probes, which differ in nothing that it could tell but their index. */
export interface Handler {
  readonly kind: "handler";
  readonly span: Span;
  /** Where it runs: all of one kind, at least one. */
  readonly points: readonly BundlePoint[];
  /** Arming conditions, all must be non-zero. */
  readonly conditions: readonly Expression[];
  readonly body: BlockStatement;
  readonly locals: readonly Local[];
  /** Scalar statistics of the nanoseconds that it takes, null if they are not wanted. */
  readonly timing: Global | null;
}

/** One resolved probe point. */
export interface Probe {
  /** Resolved point as pp() shows it before its mark, e.g. `process("/bin/x").function("f")`. */
  readonly name: string;
  /** "?" or "!" behind it, or nothing. */
  readonly mark: string;
  /** As the user wrote it, for pn(). */
  readonly written: string;
  /** What it is derived from, as declared: innermost alias first, the user's probe last. */
  readonly origins: readonly string[];
  /** "begin_end", "hrtimer", "uprobe", … for probe_type(). */
  readonly type: string;
  readonly span: Span;
  readonly point: BundlePoint;
  /** True for .return probes. */
  readonly isReturn: boolean;
  readonly handler: Handler;
}

/** The whole program with its side tables. */
export interface Program {
  /** In the order of their first mention, which is the order of the automatic display. */
  readonly globals: readonly Global[];
  readonly functions: readonly FunctionInstance[];
  /** Top-level embedded code of the scripts, and of tapsets whose embedded code is used. */
  readonly embedded: readonly EmbeddedCode[];
  /** In order of definition. */
  readonly probes: readonly Probe[];
  /** Those of `probes`, each once. */
  readonly handlers: readonly Handler[];
  /** Type of every expression. */
  readonly types: ReadonlyMap<NodeId, Type>;
  /** Variable of every Identifier that names one (also bases of index, in, foreach, catch). */
  readonly variables: ReadonlyMap<NodeId, Variable>;
  /**
   * Overloads of every CallExpression in the order they are tried; at least one. Of EmbeddedCode
   * the functions get_NAME, set_NAME and add_NAME for the globals that it may use.
   */
  readonly calls: ReadonlyMap<NodeId, readonly FunctionInstance[]>;
  /** What `@perf` can read, by name. */
  readonly counters: ReadonlyMap<string, PerfCounter>;
  /** Value of every TargetSymbol (and of cast, autocast, enum, deref, register expressions, and of `&`). */
  readonly locations: ReadonlyMap<NodeId, Location>;
}
