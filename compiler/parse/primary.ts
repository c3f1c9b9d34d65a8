/**
 * Values (language.md §6, levels 16 and 17): literals, names, calls, target symbols with their
 * `->` and `[ ]`, printing. `@operators` are in operators.ts.
 */
import type { Span } from "../../base/position.js";
import {
  type AccessStep,
  type CallExpression,
  type EmbeddedCode,
  type Expression,
  type HistogramOperation,
  type Identifier,
  type IndexExpression,
  newNodeId,
  type PrintExpression,
  type PrintName,
  type PrintPiece,
  type TargetSymbol,
} from "../syntax/ast.js";
import { parseLiteral, parseRawString, parseString } from "./literals.js";
import { parseHistogram, parseOperator } from "./operators.js";
import { parseFormat } from "./print-format.js";
import type { TokenStream } from "./stream.js";
import { failAt, type Token } from "./token.js";

/** Parses a value with `->member`, `[index]`, `$` and a preceding `&`. */
export function parseValue(stream: TokenStream): Expression {
  const address = stream.accept("&");
  const value = parsePrimary(stream);
  const place = stream.peek()?.span ?? value.span;
  const accessed = withSteps(value, parseSteps(stream, value), place);
  if (address === null) return accessed;
  if (accessed.kind === "unary" && accessed.operator === "&")
    failAt({ kind: "operator", span: address.span }, "double-address");
  return { kind: "unary", id: newNodeId(), span: address.span, operator: "&", operand: accessed };
}

/** `value` with what follows it, from the operator at `place` on. */
function withSteps(value: Expression, steps: readonly AccessStep[], place: Span): Expression {
  if (steps.length === 0) return value;
  if (value.kind === "target" || value.kind === "cast")
    return { ...value, steps: [...value.steps, ...steps] };
  return { kind: "autocast", id: newNodeId(), span: place, operand: value, steps };
}

function parseSteps(stream: TokenStream, value: Expression): AccessStep[] {
  const steps: AccessStep[] = [];
  let pretty = value.kind === "target" && value.steps.at(-1)?.kind === "pretty";
  for (;;) {
    const operator = stream.accept("->") ?? stream.accept("[");
    if (operator !== null && pretty) return stream.fail("access-after-pretty");
    if (operator === null) {
      const suffix = prettySuffix(stream);
      if (suffix === null) return steps;
      steps.push(suffix);
      pretty = true;
    } else if (operator.text === "->") {
      steps.push(...parseMember(stream, operator));
      pretty = steps.at(-1)?.kind === "pretty";
    } else {
      const index = stream.parseExpression(stream);
      stream.expect("]");
      steps.push({ kind: "element", index, span: operator.span });
    }
  }
}

/** A lone `$` or `$$` after `]`. */
function prettySuffix(stream: TokenStream): AccessStep | null {
  const token = stream.peek();
  if (token?.kind !== "identifier" || (token.text !== "$" && token.text !== "$$")) return null;
  stream.next();
  return { kind: "pretty", depth: token.text === "$" ? 1 : 2, span: token.span };
}

/** Name of a member; a `$` at its end asks for pretty printing. */
function parseMember(stream: TokenStream, { span }: Token): AccessStep[] {
  const kind = stream.peek()?.kind;
  if (kind !== "identifier" && kind !== "keyword")
    return stream.failExpected("identifier or keyword");
  const token = stream.next();
  const [name, pretty] = splitPretty(token);
  const steps: AccessStep[] = name === "" ? [] : [{ kind: "member", name, span }];
  return pretty === null ? steps : [...steps, pretty];
}

function splitPretty(token: Token): [string, AccessStep | null] {
  const suffix = /[^$](\$\$?)$/.exec(token.text)?.[1] ?? (/^\$\$?$/.exec(token.text)?.[0] || "");
  if (suffix === "") return [token.text, null];
  const name = token.text.slice(0, token.text.length - suffix.length);
  return [name, { kind: "pretty", depth: suffix === "$" ? 1 : 2, span: token.span }];
}

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.peek();
  switch (token?.kind) {
    case undefined:
      return stream.failExpected("value");
    case "embedded-code":
      return parseEmbedded(stream);
    case "operator":
      if (token.text === "(") return parseParenthesized(stream);
      if (token.text.startsWith("@")) return parseAtWord(stream, token);
      return parseLiteral(stream);
    case "identifier":
      return parseName(stream);
    default:
      return parseLiteral(stream);
  }
}

/** Parses `%{ … %}`. */
export function parseEmbedded(stream: TokenStream): EmbeddedCode {
  const token = stream.expectKind("embedded-code", "'%{'");
  return { kind: "embedded", id: newNodeId(), span: token.span, code: token.text };
}

function parseParenthesized(stream: TokenStream): Expression {
  stream.next();
  const inner = stream.parseExpression(stream);
  stream.expect(")");
  return inner;
}

function parseAtWord(stream: TokenStream, token: Token): Expression {
  if (token.text !== "@hist_log" && token.text !== "@hist_linear") return parseOperator(stream);
  const histogram = parseHistogram(stream);
  return stream.at("[") ? parseIndex(stream, histogram) : failAt(token, "bare-histogram");
}

function parseName(stream: TokenStream): Expression {
  const token = stream.next();
  if (token.text.startsWith("$")) return targetSymbol(token);
  if (isPrintName(token.text)) return parsePrint(stream, token, token.text);
  if (stream.at("(")) return parseCall(stream, token);
  const name = identifierOf(token);
  return stream.at("[") ? parseIndex(stream, name) : name;
}

/** The variable that `token` names. */
export function identifierOf(token: Token): Identifier {
  return { kind: "identifier", id: newNodeId(), span: token.span, name: token.text };
}

/** The target symbol `$name`, `$$name`, with a pretty-print suffix as step. */
export function targetSymbol(token: Token): TargetSymbol {
  const [name, pretty] = splitPretty(token);
  return {
    kind: "target",
    id: newNodeId(),
    span: token.span,
    name: name === "" ? token.text : name,
    atVar: false,
    module: null,
    steps: pretty === null || name === "" ? [] : [pretty],
  };
}

function parseIndex(stream: TokenStream, base: Identifier | HistogramOperation): IndexExpression {
  const indexes = parseIndexes(stream, stream.parseExpression, "] ,");
  return { kind: "index", id: newNodeId(), span: base.span, base, indexes };
}

/** Parses `[e1, *, …]`; `expected` is what the error lists if not "',' or ']'". */
export function parseIndexes(
  stream: TokenStream,
  parseElement: (stream: TokenStream) => Expression,
  expected?: string,
): (Expression | null)[] {
  stream.expect("[");
  const indexes: (Expression | null)[] = [];
  for (;;) {
    indexes.push(stream.accept("*") === null ? parseElement(stream) : null);
    if (stream.accept("]") !== null) return indexes;
    if (stream.accept(",") !== null) continue;
    if (expected === undefined) return stream.failExpected("',' or ']'");
    return stream.failTaking("expected-one-of", expected);
  }
}

/** Parses what `in` and `foreach` go over: an array or a histogram. */
export function parseIndexable(stream: TokenStream): Identifier | HistogramOperation {
  if (stream.at("@hist_log") || stream.at("@hist_linear")) return parseHistogram(stream);
  const token = stream.next();
  // SystemTap takes any @word for a name here, which no array can have.
  const isName = token.kind === "identifier" || token.text.startsWith("@");
  return isName
    ? identifierOf(token)
    : stream.fail("expected", "identifier or statistical operation");
}

function parseCall(stream: TokenStream, name: Token): CallExpression {
  stream.expect("(");
  const args = parseArguments(stream, ") ,");
  return { kind: "call", id: newNodeId(), span: name.span, name: name.text, args };
}

/** Parses `a, b, …)` after the parenthesis. */
function parseArguments(stream: TokenStream, expected: string): Expression[] {
  const args: Expression[] = [];
  if (stream.accept(")") !== null) return args;
  for (;;) {
    args.push(stream.parseExpression(stream));
    if (stream.accept(")") !== null) return args;
    if (stream.accept(",") === null) return stream.failTaking("expected-one-of", expected);
  }
}

const PRINTS: Readonly<Record<PrintName, "plain" | "format" | "delimiter">> = {
  print: "plain",
  println: "plain",
  sprint: "plain",
  sprintln: "plain",
  print_char: "plain",
  printf: "format",
  sprintf: "format",
  printd: "delimiter",
  printdln: "delimiter",
  sprintd: "delimiter",
  sprintdln: "delimiter",
};

function isPrintName(name: string): name is PrintName {
  return Object.hasOwn(PRINTS, name);
}

function parsePrint(stream: TokenStream, token: Token, name: PrintName): PrintExpression {
  stream.expect("(");
  const kind = PRINTS[name];
  return {
    kind: "print",
    id: newNodeId(),
    span: token.span,
    name,
    format: kind === "format" ? parsePieces(stream) : null,
    delimiter: kind === "delimiter" ? parseString(stream, "literal string").value : null,
    args: kind === "plain" ? plainArguments(stream, name) : furtherArguments(stream, kind),
  };
}

function parsePieces(stream: TokenStream): readonly PrintPiece[] {
  const [, raw] = parseRawString(stream, "literal string");
  const format = parseFormat(raw);
  return typeof format === "string" ? stream.fail(format) : format;
}

/** Arguments of print: at least one, or one whole histogram; println may have none. */
function plainArguments(stream: TokenStream, name: PrintName): Expression[] {
  if (name.endsWith("ln") && stream.accept(")") !== null) return [];
  const isHistogram =
    name !== "print_char" && (stream.at("@hist_log") || stream.at("@hist_linear"));
  const first = isHistogram ? parseFirstHistogram(stream) : stream.parseExpression(stream);
  if (stream.accept(")") !== null) return [first];
  expectComma(stream);
  return [first, ...nonEmptyArguments(stream)];
}

/** A histogram that begins a print: the only argument, or one bucket with nothing behind it. */
function parseFirstHistogram(stream: TokenStream): HistogramOperation | IndexExpression {
  const base = parseHistogram(stream);
  if (stream.accept("[") === null) return stream.at(")") ? base : stream.failExpected("')'");
  const index = stream.parseExpression(stream);
  stream.expect("]");
  return { kind: "index", id: newNodeId(), span: base.span, base, indexes: [index] };
}

/** Arguments after the format, or the two or more after the delimiter. */
function furtherArguments(stream: TokenStream, kind: "format" | "delimiter"): Expression[] {
  if (kind === "delimiter") {
    expectFurther(stream);
    const first = stream.parseExpression(stream);
    expectFurther(stream);
    return [first, ...nonEmptyArguments(stream)];
  }
  if (stream.accept(")") !== null) return [];
  expectComma(stream);
  return nonEmptyArguments(stream);
}

/** As in SystemTap, a parenthesis that closes too early counts as comma. */
function expectFurther(stream: TokenStream): void {
  if (stream.accept(")") === null) expectComma(stream);
}

function expectComma(stream: TokenStream): void {
  if (stream.accept(",") === null) stream.failTaking("expected-one-of", ", )");
}

function nonEmptyArguments(stream: TokenStream): Expression[] {
  const args: Expression[] = [];
  for (;;) {
    args.push(stream.parseExpression(stream));
    if (stream.accept(")") !== null) return args;
    expectComma(stream);
  }
}
