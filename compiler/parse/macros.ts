/**
 * First token pass: records `@define`s and expands invocations (language.md §2.1).
 *
 * Arguments are lists of tokens that are expanded where the parameter stands, but with the macros
 * and parameters of the invocation in sight (closures). A macro of the script hides one of the
 * library; the body of a library macro sees library macros only.
 */
import type { Diagnostic } from "../../base/diagnostic.js";
import { message } from "../../base/messages.js";
import type { SourceFile, Span } from "../../base/position.js";
import type { Lexer } from "./lexer.js";
import { failAt, OPERATOR_WORDS, ParseFailure, parseError, type Token } from "./token.js";

/** A macro as defined; `body` holds unexpanded tokens. */
export interface MacroDefinition {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly body: readonly Token[];
  readonly span: Span;
  /** From a macro file (.stpm): its body sees no macros of scripts. */
  readonly library: boolean;
}

/** Where names in a list of tokens are looked up. */
interface Scope {
  readonly library: boolean;
  readonly parameters: ReadonlyMap<string, Argument>;
}

interface Argument {
  readonly tokens: readonly Token[];
  readonly scope: Scope;
}

/** A list of tokens being read in place of the invocation `origin`. */
interface Frame {
  readonly tokens: readonly Token[];
  position: number;
  readonly scope: Scope;
  readonly origin: Token;
}

const FILE_SCOPE: Scope = { library: false, parameters: new Map() };

/** Deepest nesting of expansions; only a macro that expands to itself reaches it. */
const MAX_DEPTH = 256;

/** Most expansions in one file; macros that invoke others twice grow without bound. */
const MAX_EXPANSIONS = 1_000_000;

/** Reads tokens of a file with macros expanded. */
export class MacroExpander {
  /** False while a branch is skipped: definitions there are tokens like others. */
  recording = true;
  /** Macros defined by the file so far. */
  readonly defined: Map<string, MacroDefinition> = new Map();
  readonly #lexer: Lexer;
  readonly #file: SourceFile;
  readonly #library: ReadonlyMap<string, MacroDefinition>;
  readonly #report: (diagnostic: Diagnostic) => void;
  readonly #frames: Frame[] = [];
  #expansions = 0;

  constructor(
    lexer: Lexer,
    file: SourceFile,
    library: ReadonlyMap<string, MacroDefinition>,
    report: (diagnostic: Diagnostic) => void,
  ) {
    this.#lexer = lexer;
    this.#file = file;
    this.#library = library;
    this.#report = report;
  }

  /** The next token after expansion, null at the end. */
  next(): Token | null {
    for (;;) {
      const frame = this.#frames.at(-1);
      const token = this.#raw();
      if (token === null) {
        if (frame === undefined) return null;
        this.#frames.pop();
        continue;
      }
      if (token.kind !== "operator" || !token.text.startsWith("@")) return token;
      if (token.text === "@define") {
        if (!this.recording) return token;
        if (frame !== undefined) failAt(token, "nested-define");
        this.#define();
      } else if (!this.#expand(token, frame?.scope ?? FILE_SCOPE)) return token;
    }
  }

  /** The next unexpanded token of the innermost list; null at its end. */
  #raw(): Token | null {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return this.#lexer.next();
    const { origin } = frame;
    const token = frame.tokens[frame.position++];
    if (token === undefined) return null;
    const spaced = frame.position === 1 ? origin.spaced : token.spaced;
    const macro = withOrigin(token.span.macro, origin.span);
    return { ...token, spaced, span: { ...token.span, macro } };
  }

  #expand(token: Token, scope: Scope): boolean {
    const name = token.text.slice(1);
    const argument = scope.parameters.get(name);
    if (argument !== undefined) {
      this.#push({ ...argument, position: 0, origin: token }, name);
      return true;
    }
    const macro = (scope.library ? undefined : this.defined.get(name)) ?? this.#library.get(name);
    if (macro === undefined) return false;
    const parameters = new Map<string, Argument>();
    if (macro.parameters.length > 0) {
      const given = this.#arguments(macro, token);
      macro.parameters.forEach((parameter, index) => {
        parameters.set(parameter, { tokens: given[index] ?? [], scope });
      });
    }
    const scopeOfBody = { library: macro.library, parameters };
    this.#push({ tokens: macro.body, position: 0, scope: scopeOfBody, origin: token }, name);
    return true;
  }

  #push(frame: Frame, name: string): void {
    if (this.#frames.length >= MAX_DEPTH) {
      this.#frames.length = 0;
      failAt(frame.origin, "macro-recursion", name);
    }
    if (this.#expansions++ === MAX_EXPANSIONS) {
      this.#frames.length = 0;
      this.#lexer.skipAll();
      failAt(frame.origin, "too-many-expansions", MAX_EXPANSIONS);
    }
    this.#frames.push(frame);
  }

  /** Reads `(a, b, …)`, balanced over parentheses and brackets. */
  #arguments(macro: MacroDefinition, invocation: Token): Token[][] {
    const count = macro.parameters.length;
    const open = this.#raw();
    if (open === null || !isOperator(open, "("))
      failAt(open ?? invocation, "macro-without-arguments", macro.name, count);
    const lists: Token[][] = [[]];
    for (let depth = 0; ; ) {
      const token = this.#raw();
      if (token === null) failAt(invocation, "unterminated-invocation");
      if (depth === 0 && isOperator(token, ",")) {
        if (lists.length === count) failAt(token, "too-many-macro-arguments", macro.name, count);
        lists.push([]);
        continue;
      }
      if (depth === 0 && isOperator(token, ")")) {
        if (lists.length < count) failAt(token, "too-few-macro-arguments", macro.name, count);
        return lists;
      }
      if (isOperator(token, "(") || isOperator(token, "[")) depth++;
      else if (depth > 0 && (isOperator(token, ")") || isOperator(token, "]"))) depth--;
      lists.at(-1)?.push(token);
    }
  }

  #define(): void {
    const name = this.#lexer.next();
    if (name?.kind !== "identifier") this.#failExpected(name, "identifier");
    if (name.text === "define") failAt(name, "redefined-define");
    const parameters: string[] = [];
    const body: Token[] = [];
    this.#record(name, parameters, body);
    let token = this.#lexer.next();
    const takesParameters = token !== null && isOperator(token, "(");
    if (takesParameters) {
      this.#parameters(parameters);
      token = this.#lexer.next();
    }
    if (token === null || !isOperator(token, "%("))
      this.#failExpected(token, takesParameters ? "'%('" : "'%(' or '('");
    this.#body(name, body);
  }

  /** Makes the macro known before it is read: one that is wrong is no unknown operator. */
  #record(name: Token, parameters: readonly string[], body: readonly Token[]): void {
    const { text, span } = name;
    const earlier = this.defined.get(text);
    if (earlier !== undefined) failTwice(name, earlier);
    if (OPERATOR_WORDS.has(text)) this.#warnHidden(name);
    this.defined.set(text, { name: text, parameters, body, span, library: false });
  }

  #warnHidden(name: Token): void {
    const code = "macro-hides-operator";
    const severity = "warning";
    this.#report({ ...parseError(name, code, name.text), severity });
  }

  #parameters(parameters: string[]): void {
    for (;;) {
      const name = this.#lexer.next();
      if (name?.kind !== "identifier") this.#failExpected(name, "identifier");
      parameters.push(name.text);
      const after = this.#lexer.next();
      if (after !== null && isOperator(after, ")")) return;
      if (after === null || !isOperator(after, ",")) this.#failExpected(after, "',' or ')'");
    }
  }

  /** Reads tokens up to the `%)` that closes the definition. */
  #body(name: Token, body: Token[]): void {
    for (let depth = 0; ; ) {
      const token = this.#lexer.next();
      if (token === null) failAt(name, "unterminated-macro");
      if (isOperator(token, "%)") && depth-- === 0) return;
      if (isOperator(token, "%(")) depth++;
      body.push(token);
    }
  }

  #failExpected(token: Token | null, what: string): never {
    if (token !== null) failAt(token, "expected", what);
    const end = this.#file.text.length;
    const span = { file: this.#file, start: end, end };
    const error = parseError({ kind: "junk", span }, "expected", what);
    throw new ParseFailure({ ...error, token: "EOF", saw: true });
  }
}

function failTwice(name: Token, earlier: MacroDefinition): never {
  const text = message("macro-defined-here", [name.text]);
  const note = { message: text, span: earlier.span, token: "identifier" };
  const error = parseError(name, "redefined-macro", name.text);
  throw new ParseFailure({ ...error, notes: [note] });
}

/**
 * Invocations from the inside out: those that a token carries, then `origin` and those around it.
 * A token of an argument may carry some of the latter already.
 */
function withOrigin(inner: Span | undefined, origin: Span): Span {
  if (inner === undefined || isWithin(inner, origin)) return origin;
  return { ...inner, macro: withOrigin(inner.macro, origin) };
}

/** True if `invocation` is one of those around `origin`. */
function isWithin(invocation: Span, origin: Span): boolean {
  for (let outer = origin.macro; outer !== undefined; outer = outer.macro)
    if (outer.file === invocation.file && outer.start === invocation.start) return true;
  return false;
}

function isOperator(token: Token, text: string): boolean {
  return token.kind === "operator" && token.text === text;
}
