/** Top-level declarations (language.md §3, §4). */
import {
  type DeclaredType,
  type EmbeddedCode,
  type FunctionDeclaration,
  type GlobalDeclaration,
  newNodeId,
  type Parameter,
  type ProbeAlias,
  type ProbeDeclaration,
  type ProbePoint,
} from "../syntax/ast.js";
import { parseLiteral, parseSigned } from "./literals.js";
import { parseEmbedded } from "./primary.js";
import { AFTER_POINT, parseProbePoints } from "./probe-points.js";
import { parseBlock } from "./statements.js";
import type { TokenStream } from "./stream.js";
import { failAt, type Token } from "./token.js";

/** Declarations of a file as they come in; the lists of a Script. */
export interface Declarations {
  readonly globals: GlobalDeclaration[];
  readonly functions: FunctionDeclaration[];
  readonly aliases: ProbeAlias[];
  readonly probes: ProbeDeclaration[];
  readonly embedded: EmbeddedCode[];
}

/** Largest `[N]` of a global array. */
const MAX_ARRAY_SIZE = 0x7fffffffn;

/** Parses the declaration that is next and adds it to `into`. */
export function parseDeclaration(stream: TokenStream, into: Declarations): void {
  const token = stream.peek();
  if (token?.kind === "embedded-code") {
    into.embedded.push(parseEmbedded(stream));
    return;
  }
  switch (token?.kind === "keyword" ? token.text : "") {
    case "probe":
      parseProbe(stream, into);
      return;
    case "global":
      stream.next();
      parseGlobals(stream, false, into);
      return;
    case "private":
      parsePrivate(stream, into);
      return;
    case "function":
      into.functions.push(parseFunction(stream, false));
      return;
    default:
      stream.fail("expected-declaration");
  }
}

/** `private function …`, `private global a, …`, `private a, …`. */
function parsePrivate(stream: TokenStream, into: Declarations): void {
  stream.next();
  const token = stream.next();
  if (token.kind === "keyword" && token.text === "function")
    into.functions.push(parseFunction(stream, true, token));
  else if (token.kind === "keyword" && token.text === "global") parseGlobals(stream, true, into);
  else if (token.kind === "identifier") parseGlobals(stream, true, into, token);
  else stream.fail("expected", "'function' or identifier");
}

function parseGlobals(
  stream: TokenStream,
  isPrivate: boolean,
  into: Declarations,
  first?: Token,
): void {
  let name = first ?? stream.next();
  for (;;) {
    if (name.kind !== "identifier") stream.fail("expected", "identifier");
    checkGlobalName(stream, name, isPrivate, into);
    into.globals.push(parseGlobal(stream, name, isPrivate));
    if (stream.accept(",") === null) break;
    name = stream.next();
  }
  stream.accept(";");
}

function checkGlobalName(
  stream: TokenStream,
  name: Token,
  isPrivate: boolean,
  into: Declarations,
): void {
  for (const other of into.globals) {
    if (other.name !== name.text) continue;
    stream.fail(other.isPrivate === isPrivate ? "duplicate-global" : "private-conflict");
  }
}

function parseGlobal(stream: TokenStream, name: Token, isPrivate: boolean): GlobalDeclaration {
  const wrap = stream.accept("%") !== null;
  let size: number | null = null;
  if (stream.accept("[") !== null) {
    const value = parseSigned(stream, "number").value;
    stream.expect("]");
    if (value <= 0n || value > MAX_ARRAY_SIZE) stream.failAtEnd("array-size");
    size = Number(value);
  }
  const equals = stream.at("=");
  if (equals && size !== null) stream.fail("initialized-array");
  if (equals) stream.next();
  return {
    kind: "global",
    id: newNodeId(),
    span: name.span,
    name: name.text,
    isPrivate,
    wrap,
    size,
    initial: equals ? parseLiteral(stream) : null,
  };
}

function parseFunction(
  stream: TokenStream,
  isPrivate: boolean,
  keyword?: Token,
): FunctionDeclaration {
  if (keyword === undefined) stream.expect("function");
  const name = stream.next();
  const isTypeName = name.kind === "keyword" && (name.text === "string" || name.text === "long");
  if (name.kind !== "identifier" && !isTypeName) stream.fail("expected", "identifier");
  const type = parseType(stream);
  const parameters = parseParameters(stream);
  const priority = parsePriority(stream);
  return {
    kind: "function",
    id: newNodeId(),
    span: name.span,
    name: name.text,
    isPrivate,
    type,
    parameters,
    priority,
    body: parseBody(stream),
  };
}

function parseBody(stream: TokenStream): FunctionDeclaration["body"] {
  if (stream.atKind("embedded-code")) return parseEmbedded(stream);
  stream.inFunction = true;
  try {
    return parseBlock(stream);
  } finally {
    stream.inFunction = false;
  }
}

/** `:string`, `:long` or nothing. */
function parseType(stream: TokenStream): DeclaredType {
  if (stream.accept(":") === null) return null;
  const token = stream.next();
  if (token.kind === "keyword" && token.text === "string") return "string";
  if (token.kind === "keyword" && token.text === "long") return "long";
  return stream.fail("expected", "'string' or 'long'");
}

function parseParameters(stream: TokenStream): Parameter[] {
  const parameters: Parameter[] = [];
  stream.expect("(");
  for (;;) {
    if (stream.accept(")") !== null) return parameters;
    const name = stream.expectKind("identifier", "identifier");
    if (parameters.some((other) => other.name === name.text)) stream.fail("duplicate-parameter");
    const place = { id: newNodeId(), span: name.span };
    parameters.push({ kind: "parameter", ...place, name: name.text, type: parseType(stream) });
    if (stream.accept(")") !== null) return parameters;
    if (stream.accept(",") === null) stream.failTaking("expected", "',' or ')'");
  }
}

function parsePriority(stream: TokenStream): number | null {
  if (stream.accept(":") === null) return null;
  const literal = parseLiteral(stream);
  if (literal.kind !== "number") return stream.fail("expected", "literal number");
  if (literal.value <= 0n) stream.fail("bad-priority");
  return Number(literal.value);
}

/** `probe points { … }`, `probe alias = points { … }[, { … }]`, `probe alias += points { … }`. */
function parseProbe(stream: TokenStream, into: Declarations): void {
  const keyword = stream.expect("probe");
  const names: ProbePoint[] = [];
  const points: ProbePoint[] = [];
  let appends = false;
  for (;;) {
    points.push(...parseProbePoints(stream));
    if (stream.accept(",") !== null) continue;
    if (stream.at("{")) break;
    if (stream.at("}")) stream.failExpected("probe point specifier");
    const equals = stream.accept("=") ?? stream.accept("+=");
    if (equals === null) stream.fail("expected-one-of", AFTER_POINT);
    const name = points.pop();
    if (name === undefined || points.length > 0) stream.fail("expected", "probe point specifier");
    checkAliasName(name);
    names.push(name);
    appends ||= equals.text === "+=";
  }
  const body = parseBlock(stream);
  const place = { id: newNodeId(), span: keyword.span };
  if (names.length === 0) {
    into.probes.push({ kind: "probe", ...place, isPrivate: false, points, body });
    return;
  }
  const second = stream.at(",");
  if (second && appends) stream.fail("combined-epilogue");
  if (second) stream.next();
  const epilogue = second ? parseBlock(stream) : appends ? body : null;
  const prologue = appends ? null : body;
  into.aliases.push({ kind: "alias", ...place, names, points, prologue, epilogue });
}

function checkAliasName(name: ProbePoint): void {
  if (name.optional || name.sufficient)
    failAt({ kind: "identifier", span: name.span }, "alias-optional");
}
