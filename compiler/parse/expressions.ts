/**
 * Expressions by precedence, lowest first (language.md §6). Each level is one function; operands
 * of the highest level are in primary.ts.
 */
import {
  type AssignmentOperator,
  type BinaryOperator,
  COMPARISONS,
  type Expression,
  type LogicalExpression,
  newNodeId,
} from "../syntax/ast.js";
import { parsePattern } from "./literals.js";
import { parseIndexable, parseIndexes, parseValue } from "./primary.js";
import type { TokenStream } from "./stream.js";
import type { Token } from "./token.js";

type Level = (stream: TokenStream) => Expression;

const ASSIGNMENTS: ReadonlySet<string> = new Set<AssignmentOperator>([
  "=",
  "<<<",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "<<=",
  ">>=",
  "&=",
  "^=",
  "|=",
  ".=",
]);

/** Parses an expression (assignment, the lowest precedence). */
export function parseExpression(stream: TokenStream): Expression {
  return stream.nest(parseAssignment);
}

function parseAssignment(stream: TokenStream): Expression {
  const target = parseTernary(stream);
  const operator = acceptOperator(stream, ASSIGNMENTS);
  if (operator === null) return target;
  return {
    kind: "assignment",
    id: newNodeId(),
    span: operator.span,
    operator: operator.text as AssignmentOperator,
    target,
    value: parseExpression(stream),
  };
}

function acceptOperator(stream: TokenStream, operators: ReadonlySet<string>): Token | null {
  const token = stream.peek();
  return token?.kind === "operator" && operators.has(token.text) ? stream.next() : null;
}

function parseTernary(stream: TokenStream): Expression {
  const condition = parseOr(stream);
  const question = stream.accept("?");
  if (question === null) return condition;
  const consequent = parseExpression(stream);
  stream.expect(":");
  const alternate = stream.nest(stream.assignsInElse ? parseExpression : parseTernary);
  return {
    kind: "ternary",
    id: newNodeId(),
    span: question.span,
    condition,
    consequent,
    alternate,
  };
}

function logicalLevel(operator: LogicalExpression["operator"], next: Level): Level {
  return (stream) => {
    let left = next(stream);
    for (let token = stream.accept(operator); token !== null; token = stream.accept(operator))
      left = {
        kind: "logical",
        id: newNodeId(),
        span: token.span,
        operator,
        left,
        right: next(stream),
      };
    return left;
  };
}

function binaryLevel(operators: readonly BinaryOperator[], next: Level): Level {
  const accepted = new Set<string>(operators);
  return (stream) => continueBinary(stream, accepted, next, next(stream));
}

function continueBinary(
  stream: TokenStream,
  operators: ReadonlySet<string>,
  next: Level,
  first: Expression,
): Expression {
  let left = first;
  for (
    let token = acceptOperator(stream, operators);
    token !== null;
    token = acceptOperator(stream, operators)
  )
    left = {
      kind: "binary",
      id: newNodeId(),
      span: token.span,
      operator: token.text as BinaryOperator,
      left,
      right: next(stream),
    };
  return left;
}

const parseMultiplicative = binaryLevel(["*", "/", "%"], parseUnary);
const parseAdditive = binaryLevel(["+", "-"], parseMultiplicative);
const parseShift = binaryLevel(["<<", ">>", ">>>"], parseConcatenation);
const parseBitAnd = binaryLevel(["&"], parseArrayIn);
const parseBitXor = binaryLevel(["^"], parseBitAnd);
const parseBitOr = binaryLevel(["|"], parseBitXor);
const parseAnd = logicalLevel("&&", parseBitOr);
const parseOr = logicalLevel("||", parseAnd);

/** `expr in array`, `[e1, *, …] in array`; elements that bind less than comparisons need parentheses. */
function parseArrayIn(stream: TokenStream): Expression {
  const isList = stream.at("[");
  const indexes = isList ? parseIndexes(stream, parseComparison) : [parseComparison(stream)];
  const operator = stream.accept("in");
  if (operator === null) {
    const [only, second] = indexes;
    if (only === undefined || only === null || second !== undefined)
      return stream.fail("unexpected-list");
    return only;
  }
  return {
    kind: "in",
    id: newNodeId(),
    span: operator.span,
    indexes,
    base: parseIndexable(stream),
  };
}

/** Comparisons, or one match against a regular expression. */
function parseComparison(stream: TokenStream): Expression {
  const left = parseShift(stream);
  const match = stream.accept("=~") ?? stream.accept("!~");
  if (match === null) return continueBinary(stream, COMPARISONS, parseShift, left);
  return {
    kind: "match",
    id: newNodeId(),
    span: left.span,
    operator: match.text as "=~" | "!~",
    operatorSpan: match.span,
    left,
    regex: parsePattern(stream),
  };
}

function parseConcatenation(stream: TokenStream): Expression {
  let left = parseAdditive(stream);
  for (let dot = stream.accept("."); dot !== null; dot = stream.accept("."))
    left = {
      kind: "concatenation",
      id: newNodeId(),
      span: dot.span,
      left,
      right: parseAdditive(stream),
    };
  return left;
}

const UNARIES: ReadonlySet<string> = new Set(["+", "-", "!", "~"]);

function parseUnary(stream: TokenStream): Expression {
  const operator = acceptOperator(stream, UNARIES);
  if (operator === null) return parseUpdate(stream);
  return {
    kind: "unary",
    id: newNodeId(),
    span: operator.span,
    operator: operator.text as "+" | "-" | "!" | "~",
    operand: stream.nest(parseUnary),
  };
}

function parseUpdate(stream: TokenStream): Expression {
  const before = stream.accept("++") ?? stream.accept("--");
  const operand = parseValue(stream);
  const token = before ?? stream.accept("++") ?? stream.accept("--");
  if (token === null) return operand;
  return {
    kind: "update",
    id: newNodeId(),
    span: token.span,
    operator: token.text as "++" | "--",
    prefix: before !== null,
    operand,
  };
}
