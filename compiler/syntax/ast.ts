/**
 * Syntax tree of a script after macro expansion and conditionals, all of the SystemTap grammar.
 * Nodes are immutable and carry a unique id; later stages keep facts about them in side tables.
 */
import type { SourceFile, Span } from "../../base/position.js";

/** Identity of a node, unique in one compilation. */
export type NodeId = number;

interface NodeBase {
  readonly id: NodeId;
  /** The token that names the node in messages: operator, identifier, literal. */
  readonly span: Span;
}

/** One parsed file. */
export interface Script {
  readonly file: SourceFile;
  readonly globals: readonly GlobalDeclaration[];
  readonly functions: readonly FunctionDeclaration[];
  readonly aliases: readonly ProbeAlias[];
  readonly probes: readonly ProbeDeclaration[];
  /** Top-level `%{ … %}`. */
  readonly embedded: readonly EmbeddedCode[];
  /** Numbers N of the arguments that `$N` or `@N` take. */
  readonly argumentsUsed: ReadonlySet<number>;
}

/** `global name[%][[size]][= literal]` */
export interface GlobalDeclaration extends NodeBase {
  readonly kind: "global";
  readonly name: string;
  readonly isPrivate: boolean;
  readonly wrap: boolean;
  readonly size: number | null;
  readonly initial: NumberLiteral | StringLiteral | null;
}

/** Declared type of a parameter or result. */
export type DeclaredType = "long" | "string" | null;

/** `function name[:type](…) [:priority] { … }` */
export interface FunctionDeclaration extends NodeBase {
  readonly kind: "function";
  readonly name: string;
  readonly isPrivate: boolean;
  readonly type: DeclaredType;
  readonly parameters: readonly Parameter[];
  readonly priority: number | null;
  readonly body: BlockStatement | EmbeddedCode;
}

/** Parameter of a function. */
export interface Parameter extends NodeBase {
  readonly kind: "parameter";
  readonly name: string;
  readonly type: DeclaredType;
}

/** `%{ … %}`: text without the brackets. */
export interface EmbeddedCode extends NodeBase {
  readonly kind: "embedded";
  readonly code: string;
}

/** `probe a = b = point, … { prologue }[, { epilogue }]` or `+=` (then only `epilogue` is set). */
export interface ProbeAlias extends NodeBase {
  readonly kind: "alias";
  /** The names defined; more than one when chained. */
  readonly names: readonly ProbePoint[];
  readonly points: readonly ProbePoint[];
  readonly prologue: BlockStatement | null;
  readonly epilogue: BlockStatement | null;
}

/** `probe point, … { … }` */
export interface ProbeDeclaration extends NodeBase {
  readonly kind: "probe";
  readonly isPrivate: boolean;
  readonly points: readonly ProbePoint[];
  readonly body: BlockStatement;
}

/** `component.component("x") [?|!] [if (condition)]`, braces already expanded. */
export interface ProbePoint extends NodeBase {
  readonly kind: "point";
  readonly components: readonly ProbeComponent[];
  readonly optional: boolean;
  readonly sufficient: boolean;
  readonly condition: Expression | null;
}

/** `function("f")`; `name` may hold wildcards. */
export interface ProbeComponent extends NodeBase {
  readonly kind: "component";
  readonly name: string;
  readonly argument: NumberLiteral | StringLiteral | null;
}

/** Any statement. */
export type Statement =
  | BlockStatement
  | NullStatement
  | ExpressionStatement
  | IfStatement
  | ForStatement
  | WhileStatement
  | ForeachStatement
  | JumpStatement
  | ReturnStatement
  | DeleteStatement
  | TryStatement
  | EmbeddedCode;

export interface BlockStatement extends NodeBase {
  readonly kind: "block";
  readonly statements: readonly Statement[];
}
export interface NullStatement extends NodeBase {
  readonly kind: "null";
}
export interface ExpressionStatement extends NodeBase {
  readonly kind: "expression";
  readonly expression: Expression;
}
export interface IfStatement extends NodeBase {
  readonly kind: "if";
  readonly condition: Expression;
  readonly consequent: Statement;
  readonly alternate: Statement | null;
}
export interface ForStatement extends NodeBase {
  readonly kind: "for";
  readonly initial: Expression | null;
  readonly condition: Expression | null;
  readonly update: Expression | null;
  readonly body: Statement;
}
export interface WhileStatement extends NodeBase {
  readonly kind: "while";
  readonly condition: Expression;
  readonly body: Statement;
}

/** `foreach ([value =] [keys] in base[slice] limit n)` */
export interface ForeachStatement extends NodeBase {
  readonly kind: "foreach";
  readonly value: Identifier | null;
  readonly keys: readonly Identifier[];
  /** Array (an Identifier) or histogram (a HistogramOperation). */
  readonly base: Identifier | HistogramOperation;
  /** Elements after the array, null for `*`; null without slice. Histograms have none to select. */
  readonly slice: readonly (Expression | null)[] | null;
  readonly sort: {
    readonly direction: "+" | "-";
    /** "value", or the index of the key. */
    readonly by: "value" | number;
    /** Aggregate operator of `a @sum-`, null if none was written. */
    readonly statistic: AggregateName | null;
  } | null;
  readonly limit: Expression | null;
  readonly body: Statement;
}
export interface JumpStatement extends NodeBase {
  readonly kind: "break" | "continue" | "next";
}
export interface ReturnStatement extends NodeBase {
  readonly kind: "return";
  readonly value: Expression | null;
}
export interface DeleteStatement extends NodeBase {
  readonly kind: "delete";
  readonly target: Expression;
}
export interface TryStatement extends NodeBase {
  readonly kind: "try";
  readonly body: BlockStatement;
  readonly variable: Identifier | null;
  readonly handler: BlockStatement;
}

/** Any expression. */
export type Expression =
  | NumberLiteral
  | StringLiteral
  | Identifier
  | IndexExpression
  | UnaryExpression
  | UpdateExpression
  | BinaryExpression
  | LogicalExpression
  | TernaryExpression
  | AssignmentExpression
  | InExpression
  | MatchExpression
  | ConcatenationExpression
  | CallExpression
  | PrintExpression
  | AggregateOperation
  | HistogramOperation
  | TargetSymbol
  | CastExpression
  | AutocastExpression
  | EntryExpression
  | DefinedExpression
  | ProbewriteExpression
  | PerfExpression
  | RegisterExpression
  | DerefExpression
  | EnumExpression
  | ConstExpression
  | EmbeddedCode;

/** Signed 64-bit value. */
export interface NumberLiteral extends NodeBase {
  readonly kind: "number";
  readonly value: bigint;
}
/** Bytes as Latin-1 code units (0-255), without NUL. */
export interface StringLiteral extends NodeBase {
  readonly kind: "string";
  readonly value: string;
}
export interface Identifier extends NodeBase {
  readonly kind: "identifier";
  readonly name: string;
}
/** `array[e, *, …]`; `*` (null) only in slices of `delete` and `in`. */
export interface IndexExpression extends NodeBase {
  readonly kind: "index";
  /** Array, or histogram for bucket access. */
  readonly base: Identifier | HistogramOperation;
  readonly indexes: readonly (Expression | null)[];
}
export interface UnaryExpression extends NodeBase {
  readonly kind: "unary";
  /** "&" takes the address of a target symbol or autocast. */
  readonly operator: "+" | "-" | "!" | "~" | "&";
  readonly operand: Expression;
}
export interface UpdateExpression extends NodeBase {
  readonly kind: "update";
  readonly operator: "++" | "--";
  readonly prefix: boolean;
  readonly operand: Expression;
}
export type BinaryOperator =
  | "|"
  | "^"
  | "&"
  | "<"
  | ">"
  | "<="
  | ">="
  | "=="
  | "!="
  | "<<"
  | ">>"
  | ">>>"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%";
/** Binary operators that compare numbers or texts. */
export const COMPARISONS: ReadonlySet<string> = new Set(["<", ">", "<=", ">=", "==", "!="]);
export interface BinaryExpression extends NodeBase {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}
export interface LogicalExpression extends NodeBase {
  readonly kind: "logical";
  readonly operator: "&&" | "||";
  readonly left: Expression;
  readonly right: Expression;
}
export interface TernaryExpression extends NodeBase {
  readonly kind: "ternary";
  readonly condition: Expression;
  readonly consequent: Expression;
  readonly alternate: Expression;
}
export type AssignmentOperator =
  | "="
  | "<<<"
  | "+="
  | "-="
  | "*="
  | "/="
  | "%="
  | "<<="
  | ">>="
  | "&="
  | "^="
  | "|="
  | ".=";
export interface AssignmentExpression extends NodeBase {
  readonly kind: "assignment";
  readonly operator: AssignmentOperator;
  readonly target: Expression;
  readonly value: Expression;
}
/** `[indexes] in array` */
export interface InExpression extends NodeBase {
  readonly kind: "in";
  readonly indexes: readonly (Expression | null)[];
  readonly base: Identifier | HistogramOperation;
}
/** `left =~ "regex"`; the value of `regex` is the text of the literal, escapes not decoded. */
export interface MatchExpression extends NodeBase {
  readonly kind: "match";
  readonly operator: "=~" | "!~";
  /** Where the operator is; the node itself is shown at its left side. */
  readonly operatorSpan: Span;
  readonly left: Expression;
  readonly regex: StringLiteral;
}
export interface ConcatenationExpression extends NodeBase {
  readonly kind: "concatenation";
  readonly left: Expression;
  readonly right: Expression;
}
export interface CallExpression extends NodeBase {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expression[];
}

export type PrintName =
  | "print"
  | "println"
  | "printf"
  | "printd"
  | "printdln"
  | "sprint"
  | "sprintln"
  | "sprintf"
  | "sprintd"
  | "sprintdln"
  | "print_char";
/** One conversion or text of a format, as written (langref §9.1). */
export type PrintPiece =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "conversion";
      readonly conversion: "d" | "i" | "u" | "o" | "x" | "X" | "p" | "c" | "s" | "b" | "m" | "M";
      readonly flag: "-" | "0" | "+" | " " | "#" | null;
      readonly width: number | "*" | null;
      readonly precision: number | "*" | null;
    };
export interface PrintExpression extends NodeBase {
  readonly kind: "print";
  readonly name: PrintName;
  /** printf and sprintf: the parsed format; else null. */
  readonly format: readonly PrintPiece[] | null;
  /** printd, printdln, sprintd, sprintdln: the delimiter; else null. */
  readonly delimiter: string | null;
  readonly args: readonly Expression[];
}

export type AggregateName = "avg" | "count" | "sum" | "min" | "max" | "variance";
/** `@count(x)`; `shift` is the second argument of @variance, null if there is none. */
export interface AggregateOperation extends NodeBase {
  readonly kind: "aggregate";
  readonly operator: AggregateName;
  readonly stat: Expression;
  readonly shift: number | null;
}
export interface HistogramOperation extends NodeBase {
  readonly kind: "histogram";
  readonly operator: "hist_linear" | "hist_log";
  readonly stat: Expression;
  /** low, high, width of @hist_linear; empty for @hist_log. */
  readonly parameters: readonly bigint[];
}

/** `->name`, `[expr]`, or the pretty-print suffix `$` / `$$`. */
export type AccessStep =
  | { readonly kind: "member"; readonly name: string; readonly span: Span }
  | { readonly kind: "element"; readonly index: Expression; readonly span: Span }
  | { readonly kind: "pretty"; readonly depth: 1 | 2; readonly span: Span };
/** `$name…`, `$$vars`, `$arg1`, or `@var("name@cu", "module")…`. */
export interface TargetSymbol extends NodeBase {
  readonly kind: "target";
  /** With its `$` or `$$`; for @var the text of the first argument. */
  readonly name: string;
  readonly atVar: boolean;
  readonly module: string | null;
  readonly steps: readonly AccessStep[];
}
/** `@cast(expr, "type", "module")…` */
export interface CastExpression extends NodeBase {
  readonly kind: "cast";
  readonly operand: Expression;
  readonly type: string;
  readonly module: string | null;
  readonly steps: readonly AccessStep[];
}
/** `expr->member`, `(expr)[i]` on a value whose DWARF type is known. */
export interface AutocastExpression extends NodeBase {
  readonly kind: "autocast";
  readonly operand: Expression;
  readonly steps: readonly AccessStep[];
}
export interface EntryExpression extends NodeBase {
  readonly kind: "entry";
  readonly operand: Expression;
}
export interface DefinedExpression extends NodeBase {
  readonly kind: "defined";
  readonly operand: Expression;
}
export interface ProbewriteExpression extends NodeBase {
  readonly kind: "probewrite";
  /** An identifier, or a target symbol without steps. */
  readonly operand: Expression;
  /** Whether the probes of the alias around it write it; null outside of aliases. */
  readonly isWritten: boolean | null;
}
export interface PerfExpression extends NodeBase {
  readonly kind: "perf";
  readonly counter: string;
}
/** `@uregister(n)`, `@kregister(n)` */
export interface RegisterExpression extends NodeBase {
  readonly kind: "register";
  readonly operator: "uregister" | "kregister";
  readonly index: Expression;
}
/** `@uderef(size, address)`, `@kderef(…)` */
export interface DerefExpression extends NodeBase {
  readonly kind: "deref";
  readonly operator: "uderef" | "kderef";
  readonly size: Expression;
  readonly address: Expression;
}
export interface EnumExpression extends NodeBase {
  readonly kind: "enum";
  readonly operator: "enum" | "enumname";
  readonly args: readonly Expression[];
}
/** `@const("C expression")` */
export interface ConstExpression extends NodeBase {
  readonly kind: "const";
  readonly code: string;
}

/** Any node with an id. */
export type Node =
  | Statement
  | Expression
  | GlobalDeclaration
  | FunctionDeclaration
  | Parameter
  | ProbeAlias
  | ProbeDeclaration
  | ProbePoint
  | ProbeComponent;

let lastId: NodeId = 0;

/** A fresh node id. Only parser and cloners call it. */
export function newNodeId(): NodeId {
  return ++lastId;
}
