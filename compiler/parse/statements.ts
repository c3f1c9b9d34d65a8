/** Statements (language.md §5, §8). */
import {
  type BlockStatement,
  type Expression,
  type ForeachStatement,
  type Identifier,
  type JumpStatement,
  newNodeId,
  type ReturnStatement,
  type Statement,
  type TryStatement,
} from "../syntax/ast.js";
import { aggregateName } from "./operators.js";
import { identifierOf, parseIndexable, parseIndexes } from "./primary.js";
import type { TokenStream } from "./stream.js";
import type { Token } from "./token.js";

/** Parses `{ … }`. */
export function parseBlock(stream: TokenStream): BlockStatement {
  const open = stream.expect("{");
  const statements: Statement[] = [];
  while (stream.accept("}") === null) statements.push(parseStatement(stream));
  return { kind: "block", ...nodeAt(open), statements };
}

function nodeAt(token: Token): { readonly id: number; readonly span: Token["span"] } {
  return { id: newNodeId(), span: token.span };
}

/** Parses one statement. */
export function parseStatement(stream: TokenStream): Statement {
  return stream.nest(parseAnyStatement);
}

function parseAnyStatement(stream: TokenStream): Statement {
  const token = stream.peek();
  if (token === null || token.kind === "junk") return stream.fail("expected", "statement");
  if (token.kind === "operator" && token.text === ";")
    return { kind: "null", ...nodeAt(stream.next()) };
  if (token.kind === "operator" && token.text === "{") return parseBlock(stream);
  if (token.kind !== "keyword") return parseExpressionStatement(stream, token);
  return parseKeywordStatement(stream, token);
}

function parseKeywordStatement(stream: TokenStream, token: Token): Statement {
  switch (token.text) {
    case "if":
      return parseIf(stream);
    case "for":
      return parseFor(stream);
    case "while":
      return parseWhile(stream);
    case "foreach":
      return parseForeach(stream);
    case "try":
      return parseTry(stream);
    case "break":
    case "continue":
    case "next":
      return endStatement(stream, jump(token.text, stream.next()));
    case "return":
      return parseReturn(stream);
    case "delete": {
      const place = nodeAt(stream.next());
      const target = stream.parseExpression(stream);
      return endStatement(stream, { kind: "delete", ...place, target });
    }
    default:
      return stream.fail("expected", "statement");
  }
}

/** Takes the `;` that may end a simple statement. */
function endStatement<S extends Statement>(stream: TokenStream, statement: S): S {
  stream.accept(";");
  return statement;
}

function jump(kind: JumpStatement["kind"], token: Token): JumpStatement {
  return { kind, ...nodeAt(token) };
}

function parseExpressionStatement(stream: TokenStream, first: Token): Statement {
  const place = nodeAt(first);
  const expression = stream.parseExpression(stream);
  return endStatement(stream, { kind: "expression", ...place, expression });
}

function parseReturn(stream: TokenStream): ReturnStatement {
  if (!stream.inFunction) return stream.fail("return-outside-function");
  const place = nodeAt(stream.next());
  const isBare = stream.at(";") || stream.at("}");
  const value = isBare ? null : stream.parseExpression(stream);
  return endStatement(stream, { kind: "return", ...place, value });
}

/** Parses `( expression )`. */
function parseCondition(stream: TokenStream): Expression {
  stream.expect("(");
  const condition = stream.parseExpression(stream);
  stream.expect(")");
  return condition;
}

function parseIf(stream: TokenStream): Statement {
  const place = nodeAt(stream.next());
  const condition = parseCondition(stream);
  const consequent = parseStatement(stream);
  const alternate = stream.accept("else") === null ? null : parseElse(stream);
  return { kind: "if", ...place, condition, consequent, alternate };
}

/** `else if` is no deeper level: chains of them may be long. */
function parseElse(stream: TokenStream): Statement {
  return stream.at("if") ? parseIf(stream) : parseStatement(stream);
}

function parseWhile(stream: TokenStream): Statement {
  const place = nodeAt(stream.next());
  const condition = parseCondition(stream);
  return { kind: "while", ...place, condition, body: parseStatement(stream) };
}

function parseFor(stream: TokenStream): Statement {
  const place = nodeAt(stream.next());
  const optional = (end: string): Expression | null => {
    const expression = stream.at(end) ? null : stream.parseExpression(stream);
    stream.expect(end);
    return expression;
  };
  stream.expect("(");
  const initial = optional(";");
  const condition = optional(";");
  const update = optional(")");
  return { kind: "for", ...place, initial, condition, update, body: parseStatement(stream) };
}

function parseTry(stream: TokenStream): TryStatement {
  const place = nodeAt(stream.next());
  const body = parseBlock(stream);
  stream.expect("catch");
  let variable: Identifier | null = null;
  if (stream.accept("(") !== null) {
    variable = identifierOf(stream.expectKind("identifier", "identifier"));
    stream.expect(")");
  }
  return { kind: "try", ...place, body, variable, handler: parseBlock(stream) };
}

type Sort = NonNullable<ForeachStatement["sort"]>;

/** Head of a foreach as far as it is read; the one sort directive may be anywhere in it. */
interface ForeachHead {
  value: Identifier | null;
  readonly keys: Identifier[];
  sort: Sort | null;
}

function parseForeach(stream: TokenStream): ForeachStatement {
  const place = nodeAt(stream.next());
  const head: ForeachHead = { value: null, keys: [], sort: null };
  stream.expect("(");
  if (!stream.at("[")) parseLeadingName(stream, head);
  if (head.keys.length === 0) parseKeys(stream, head);
  stream.expect("in");
  const base = parseIndexable(stream);
  const slice = stream.at("[") ? parseIndexes(stream, stream.parseExpression) : null;
  parseArraySort(stream, head);
  const limit = stream.accept("limit") === null ? null : stream.parseExpression(stream);
  stream.expect(")");
  const { value, keys, sort } = head;
  const body = parseStatement(stream);
  return { kind: "foreach", ...place, value, keys, base, slice, sort, limit, body };
}

/** Reads `value [+|-] =`, or a single key with its sort directive. */
function parseLeadingName(stream: TokenStream, head: ForeachHead): void {
  const name = identifierOf(stream.expectKind("identifier", "identifier"));
  const direction = acceptDirection(stream);
  const isValue = stream.accept("=") !== null;
  if (isValue) head.value = name;
  else head.keys.push(name);
  if (direction !== null) head.sort = { direction, by: isValue ? "value" : 0, statistic: null };
}

function acceptDirection(stream: TokenStream): "+" | "-" | null {
  if (stream.accept("+") !== null) return "+";
  return stream.accept("-") === null ? null : "-";
}

/** Reads `key` or `[key, …]`, each with an optional sort directive. */
function parseKeys(stream: TokenStream, head: ForeachHead): void {
  const isList = stream.accept("[") !== null;
  for (;;) {
    head.keys.push(identifierOf(stream.expectKind("identifier", "identifier")));
    if (stream.at("+") || stream.at("-")) {
      if (head.sort !== null) stream.fail("multiple-sort");
      const direction = acceptDirection(stream);
      if (direction !== null) head.sort = { direction, by: head.keys.length - 1, statistic: null };
    }
    if (!isList || stream.accept("]") !== null) return;
    if (stream.accept(",") === null) stream.failExpected("',' or ']'");
  }
}

/** Reads `[@statistic] +|-` after the array. */
function parseArraySort(stream: TokenStream, head: ForeachHead): void {
  const token = stream.peek();
  let statistic = null;
  if (token?.kind === "operator" && token.text.startsWith("@")) {
    statistic = aggregateName(token);
    if (statistic === null) stream.fail("expected", "statistical operation");
    stream.next();
    if (!stream.at("+") && !stream.at("-")) stream.failExpected("sort directive");
  } else if (!stream.at("+") && !stream.at("-")) return;
  if (head.sort !== null) stream.fail("multiple-sort");
  const direction = acceptDirection(stream);
  if (direction !== null) head.sort = { direction, by: "value", statistic };
}
