/** Variables, functions and handlers after names are resolved, before types are known. */
import type {
  BlockStatement,
  EmbeddedCode,
  Expression,
  FunctionDeclaration,
  GlobalDeclaration,
  Node,
  NodeId,
} from "../syntax/ast.js";
import type { DerivedProbe } from "./derive.js";

/** A global, a plain local or a parameter; the same object for every mention. */
export interface VariableSymbol {
  readonly kind: "global" | "local" | "parameter";
  readonly name: string;
  /** Declaration, or the first mention of a local. */
  readonly place: Node;
  readonly declaration: GlobalDeclaration | null;
  readonly library: boolean;
  /** Number of keys; null until something tells. */
  arity: number | null;
  arityPlace: Node | null;
}

/** A function, or its instance for one probe if it uses `$variables`. */
export interface FunctionSymbol {
  readonly declaration: FunctionDeclaration;
  readonly uniqueName: string;
  /** What SystemTap orders functions by. */
  readonly orderName: string;
  readonly library: boolean;
  readonly parameters: readonly VariableSymbol[];
  readonly locals: VariableSymbol[];
  /** Changes when dead code is taken out. */
  body: BlockStatement | EmbeddedCode;
  readonly usesNext: boolean;
}

/** A body with the derived probes that it runs at. */
export interface HandlerSymbol {
  readonly kind: "handler";
  /** In order of definition; at least one. */
  readonly probes: DerivedProbe[];
  /** A monitor adds one. */
  conditions: readonly Expression[];
  /** Changes when dead code is taken out. */
  body: BlockStatement;
  readonly locals: VariableSymbol[];
  /** Statistics of the time it takes, if that is wanted (-t). */
  timing: VariableSymbol | null;
}

/** All names of a program. */
export interface SymbolTable {
  readonly globals: VariableSymbol[];
  readonly functions: FunctionSymbol[];
  /** In order of definition. */
  readonly probes: DerivedProbe[];
  /** In order of their first probes. */
  readonly handlers: HandlerSymbol[];
  /** Variable of each identifier that names one. */
  readonly variables: Map<NodeId, VariableSymbol>;
  /** Overloads of each call, in the order they are tried. */
  readonly calls: Map<NodeId, readonly FunctionSymbol[]>;
}

/** -1, 0 or 1 as SystemTap orders functions: public ones first, overloads as they are declared. */
export function compareFunctions(
  a: Pick<FunctionSymbol, "orderName" | "uniqueName">,
  b: Pick<FunctionSymbol, "orderName" | "uniqueName">,
): number {
  if (a.orderName !== b.orderName) return a.orderName < b.orderName ? -1 : 1;
  return a.uniqueName < b.uniqueName ? -1 : a.uniqueName > b.uniqueName ? 1 : 0;
}
