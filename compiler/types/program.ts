/**
 * A resolved and typed script: what elaboration and type inference hand to lowering.
 *
 * Every derived probe (one resolved probe point with one set of variable locations) owns a body
 * whose nodes have ids of their own, so all side tables are keyed by NodeId alone. Conditional
 * constructs (@defined, @choose_defined, %( … %)) are folded; aliases, wildcards and macros are gone.
 */

import type { Span } from "../../base/position.js";
import type { BundleModule, BundlePoint } from "../../wasm-runtime/bundle.js";
import type {
  BlockStatement,
  EmbeddedCode,
  Expression,
  NodeId,
  NumberLiteral,
  StringLiteral,
} from "../syntax/ast.js";

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

/**
 * Value of a `$variable`, as an expression over the probe's registers and memory.
 * Arithmetic is 64-bit and wraps.
 */
export type Location =
  | { readonly kind: "constant"; readonly value: bigint }
  /** DWARF register number (FRAME), `bytes` low bytes from byte `shift`/8, then extended. */
  | {
      readonly kind: "register";
      readonly register: number;
      readonly bytes: 1 | 2 | 4 | 8;
      readonly shift: number;
      readonly signed: boolean;
    }
  /** Load from process memory; a fault is the soft error "read fault …". */
  | {
      readonly kind: "load";
      readonly address: Location;
      readonly bytes: 1 | 2 | 4 | 8;
      readonly signed: boolean;
    }
  | { readonly kind: "add" | "multiply"; readonly left: Location; readonly right: Location }
  /** Value of a script expression (index of an array access). */
  | { readonly kind: "expression"; readonly expression: Expression }
  /** A run-time address: ELF address plus the load bias of `module`, null = the probed one. */
  | {
      readonly kind: "module-address";
      readonly address: bigint;
      readonly module: BundleModule | null;
    }
  /** Text known when compiling ($$name, $$provider). */
  | { readonly kind: "text"; readonly text: string }
  /** Text made at run time: pieces in order ($$vars, $$parms, pretty printing). */
  | {
      readonly kind: "format";
      readonly pieces: readonly (
        | { readonly text: string }
        | { readonly value: Location; readonly conversion: "d" | "u" | "x" | "string" }
      )[];
    };

/** One handler. */
export interface Probe {
  /** Resolved point as pp() shows it, e.g. `process("/bin/x").function("f")`. */
  readonly name: string;
  /** As the user wrote it, for pn(). */
  readonly written: string;
  /** "begin", "end", "timer", "uprobe", … for probe_type(). */
  readonly type: string;
  readonly span: Span;
  readonly point: BundlePoint;
  /** Arming conditions, all must be non-zero. */
  readonly conditions: readonly Expression[];
  readonly body: BlockStatement;
  readonly locals: readonly Local[];
  /** True for .return probes. */
  readonly isReturn: boolean;
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
  /** Type of every expression. */
  readonly types: ReadonlyMap<NodeId, Type>;
  /** Variable of every Identifier that names one (also bases of index, in, foreach, catch). */
  readonly variables: ReadonlyMap<NodeId, Variable>;
  /**
   * Overloads of every CallExpression in the order they are tried; at least one. Of EmbeddedCode
   * the functions get_NAME, set_NAME and add_NAME for the globals that it may use.
   */
  readonly calls: ReadonlyMap<NodeId, readonly FunctionInstance[]>;
  /** Value of every TargetSymbol (and of cast, autocast, deref, register expressions). */
  readonly locations: ReadonlyMap<NodeId, Location>;
}
