/** Built-in operators `@name(…)` (language.md §1, §9, §15). */
import {
  type AggregateName,
  type ConstExpression,
  type DerefExpression,
  type EnumExpression,
  type Expression,
  type HistogramOperation,
  newNodeId,
  type ProbewriteExpression,
  type RegisterExpression,
  type TargetSymbol,
} from "../syntax/ast.js";
import { parseSigned, parseString } from "./literals.js";
import type { TokenStream } from "./stream.js";
import { failAt, ParseFailure, parseError, type Token } from "./token.js";

const AGGREGATES: ReadonlySet<string> = new Set<AggregateName>([
  "avg",
  "count",
  "sum",
  "min",
  "max",
  "variance",
]);

const MACHINE_OPERATORS: ReadonlySet<string> = new Set([
  "@uregister",
  "@kregister",
  "@uderef",
  "@kderef",
]);

/** The statistic that `token` names, null if none. */
export function aggregateName(token: Token | null): AggregateName | null {
  if (token?.kind !== "operator" || !token.text.startsWith("@")) return null;
  const name = token.text.slice(1);
  return AGGREGATES.has(name) ? (name as AggregateName) : null;
}

/** Parses the operator that is next, all but histograms. */
export function parseOperator(stream: TokenStream): Expression {
  const token = stream.next();
  const aggregate = aggregateName(token);
  if (aggregate !== null) return parseAggregate(stream, token, aggregate);
  if (MACHINE_OPERATORS.has(token.text) && !stream.hasMachineOperators) {
    return stream.fail("unknown-operator", token.text);
  }
  switch (token.text) {
    case "@var":
      return parseVar(stream, token);
    case "@cast":
      return parseCast(stream, token);
    case "@defined":
      return { kind: "defined", ...nodeAt(token), operand: parseOperand(stream) };
    case "@entry":
      return { kind: "entry", ...nodeAt(token), operand: parseOperand(stream) };
    case "@probewrite":
      return parseProbewrite(stream, token);
    case "@perf":
      return { kind: "perf", ...nodeAt(token), counter: parseText(stream, "literal string") };
    case "@const":
      return parseConst(stream, token);
    case "@uregister":
    case "@kregister":
      return parseRegister(stream, token);
    case "@uderef":
    case "@kderef":
      return parseDeref(stream, token);
    case "@enum":
    case "@enumname":
      return parseEnum(stream, token);
    default:
      return stream.fail("unknown-operator", token.text);
  }
}

function nodeAt(token: Token): { readonly id: number; readonly span: Token["span"] } {
  return { id: newNodeId(), span: token.span };
}

function needGuru(stream: TokenStream, token: Token): void {
  if (stream.privileged) return;
  throw new ParseFailure({ ...parseError(token, "needs-guru", token.text), saw: true }, false);
}

/** Parses `( expression )`. */
function parseOperand(stream: TokenStream): Expression {
  stream.expect("(");
  const operand = stream.parseExpression(stream);
  stream.expect(")");
  return operand;
}

/** Parses `( "text" )`. */
function parseText(stream: TokenStream, what: string): string {
  stream.expect("(");
  const { value } = parseString(stream, what);
  stream.expect(")");
  return value;
}

function parseAggregate(stream: TokenStream, token: Token, operator: AggregateName): Expression {
  stream.expect("(");
  const stat = stream.parseExpression(stream);
  const hasShift = operator === "variance" && stream.accept(",") !== null;
  const shift = hasShift ? Number(parseSigned(stream, "number").value) : null;
  // As in SystemTap, whatever else stands before the parenthesis says nothing.
  while (!stream.at(")") && !stream.at(",")) stream.next();
  const further = stream.accept(",");
  if (further !== null) failAt(further, "too-many-parameters", operator === "variance" ? 2 : 1);
  stream.expect(")");
  return { kind: "aggregate", ...nodeAt(token), operator, stat, shift };
}

/** Parses `@hist_log(stat)` or `@hist_linear(stat, low, high, width)`. */
export function parseHistogram(stream: TokenStream): HistogramOperation {
  const token = stream.next();
  const operator = token.text === "@hist_log" ? "hist_log" : "hist_linear";
  stream.expect("(");
  const stat = stream.parseExpression(stream);
  const parameters: bigint[] = [];
  for (let index = 0; operator === "hist_linear" && index < 3; index++) {
    stream.expect(",");
    parameters.push(parseSigned(stream, "number").value);
  }
  stream.expect(")");
  return { kind: "histogram", ...nodeAt(token), operator, stat, parameters };
}

function parseVar(stream: TokenStream, token: Token): TargetSymbol {
  stream.expect("(");
  const name = parseString(stream, "string").value;
  const module = stream.accept(",") === null ? null : parseString(stream, "string").value;
  stream.expect(")");
  return { kind: "target", ...nodeAt(token), name, atVar: true, module, steps: [] };
}

function parseCast(stream: TokenStream, token: Token): Expression {
  stream.expect("(");
  const operand = stream.parseExpression(stream);
  stream.expect(",");
  const type = parseString(stream, "string").value;
  const module = stream.accept(",") === null ? null : parseString(stream, "string").value;
  stream.expect(")");
  return { kind: "cast", ...nodeAt(token), operand, type, module, steps: [] };
}

function parseProbewrite(stream: TokenStream, token: Token): ProbewriteExpression {
  stream.expect("(");
  const name = stream.expectKind("identifier", "identifier");
  stream.expect(")");
  const place = nodeAt(name);
  const operand: Expression = name.text.startsWith("$")
    ? { kind: "target", ...place, name: name.text, atVar: false, module: null, steps: [] }
    : { kind: "identifier", ...place, name: name.text };
  return { kind: "probewrite", ...nodeAt(token), operand, isWritten: null };
}

function parseConst(stream: TokenStream, token: Token): ConstExpression {
  needGuru(stream, token);
  return { kind: "const", ...nodeAt(token), code: parseText(stream, "string") };
}

function parseRegister(stream: TokenStream, token: Token): RegisterExpression {
  const operator = token.text === "@kregister" ? "kregister" : "uregister";
  if (operator === "kregister") needGuru(stream, token);
  stream.expect("(");
  const index = parseSigned(stream, "number");
  stream.expect(")");
  return { kind: "register", ...nodeAt(token), operator, index };
}

function parseDeref(stream: TokenStream, token: Token): DerefExpression {
  const operator = token.text === "@kderef" ? "kderef" : "uderef";
  if (operator === "kderef") needGuru(stream, token);
  stream.expect("(");
  const size = parseSigned(stream, "number");
  stream.expect(",");
  const address = stream.parseExpression(stream);
  stream.expect(")");
  return { kind: "deref", ...nodeAt(token), operator, size, address };
}

/** `@enum("NAME")`, `@enumname(value[, "type"[, "module"]])`. */
function parseEnum(stream: TokenStream, token: Token): EnumExpression {
  const operator = token.text === "@enum" ? "enum" : "enumname";
  stream.expect("(");
  const args: Expression[] = [
    operator === "enum" ? parseString(stream, "string") : stream.parseExpression(stream),
  ];
  while (operator === "enumname" && args.length < 3 && stream.accept(",") !== null)
    args.push(parseString(stream, "string"));
  stream.expect(")");
  return { kind: "enum", ...nodeAt(token), operator, args };
}
