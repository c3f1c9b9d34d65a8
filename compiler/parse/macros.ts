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

/** A list of tokens being read in place of the invocation at `origin`. */
interface Frame {
  readonly tokens: readonly Token[];
  position: number;
  readonly scope: Scope;
  readonly origin: Span;
}

const FILE_SCOPE: Scope = { library: false, parameters: new Map() };

/** Deepest nesting of expansions; only a macro that expands to itself reaches it. */
const MAX_DEPTH = 256;

/** Reads tokens of a file with macros expanded. */
export class MacroExpander {
  /** False while a branch is skipped: definitions there do not count. */
  recording = true;
  /** Macros defined by the file so far. */
  readonly defined: Map<string, MacroDefinition> = new Map();
  readonly #lexer: Lexer;
  readonly #file: SourceFile;
  readonly #library: ReadonlyMap<string, MacroDefinition>;
  readonly #report: (diagnostic: Diagnostic) => void;
  readonly #frames: Frame[] = [];

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
      if (token.kind !== "operator" || token.text.length < 2 || !token.text.startsWith("@"))
        return token;
      if (token.text === "@define") {
        if (frame !== undefined) failAt(token, "nested-define");
        this.#define();
      } else if (!this.#expand(token, frame?.scope ?? FILE_SCOPE)) return token;
    }
  }

  /** The next unexpanded token of the innermost list; null at its end. */
  #raw(): Token | null {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return this.#lexer.next();
    const token = frame.tokens[frame.position++];
    if (token === undefined) return null;
    return { ...token, span: { ...token.span, macro: withOrigin(token.span.macro, frame.origin) } };
  }

  #expand(token: Token, scope: Scope): boolean {
    const name = token.text.slice(1);
    const argument = scope.parameters.get(name);
    if (argument !== undefined) {
      this.#push({ ...argument, position: 0, origin: token.span }, name, token);
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
    const frame: Frame = {
      tokens: macro.body,
      position: 0,
      scope: { library: macro.library, parameters },
      origin: token.span,
    };
    this.#push(frame, name, token);
    return true;
  }

  #push(frame: Frame, name: string, token: Token): void {
    if (this.#frames.length >= MAX_DEPTH) {
      this.#frames.length = 0;
      failAt(token, "macro-recursion", name);
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
      if (isOperator(token, ")") || isOperator(token, "]")) depth--;
      lists.at(-1)?.push(token);
    }
  }

  #define(): void {
    const name = this.#lexer.next();
    if (name?.kind !== "identifier") this.#failExpected(name, "identifier");
    if (name.text === "define") failAt(name, "redefined-define");
    const earlier = this.defined.get(name.text);
    if (earlier !== undefined && this.recording) this.#reportTwice(name, earlier);
    let token = this.#lexer.next();
    const parameters: string[] = [];
    if (token !== null && isOperator(token, "(")) {
      this.#parameters(parameters);
      token = this.#lexer.next();
      if (token === null || !isOperator(token, "%(")) this.#failExpected(token, "'%('");
    } else if (token === null || !isOperator(token, "%(")) this.#failExpected(token, "'%(' or '('");
    const body = this.#body(name);
    if (!this.recording || earlier !== undefined) return;
    if (OPERATOR_WORDS.has(name.text)) this.#warnHidden(name);
    const { text, span } = name;
    this.defined.set(text, { name: text, parameters, body, span, library: false });
  }

  #reportTwice(name: Token, earlier: MacroDefinition): void {
    const note = {
      message: message("macro-defined-here", [name.text]),
      span: earlier.span,
      token: "identifier",
    };
    this.#report({ ...parseError(name, "redefined-macro", name.text), notes: [note] });
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

  /** Tokens up to the `%)` that closes the definition. */
  #body(name: Token): Token[] {
    const body: Token[] = [];
    for (let depth = 0; ; ) {
      const token = this.#lexer.next();
      if (token === null) failAt(name, "unterminated-macro");
      if (isOperator(token, "%)") && depth-- === 0) return body;
      if (isOperator(token, "%(")) depth++;
      body.push(token);
    }
  }

  #failExpected(token: Token | null, what: string): never {
    if (token !== null) failAt(token, "expected", what);
    throw new ParseFailure(endOfFileError(this.#file, "expected", what));
  }
}

/** The error `code` at the end of `file`. */
export function endOfFileError(
  file: SourceFile,
  code: "expected" | "end-of-file",
  what?: string,
): Diagnostic {
  const end = file.text.length;
  return {
    code,
    severity: "parse error",
    message: code === "expected" ? message(code, [what ?? ""]) : message(code, []),
    span: { file, start: end, end },
    token: "EOF",
    saw: true,
    notes: [],
  };
}

/** Invocations from the inside out: those that a token carries, then `origin`. */
function withOrigin(inner: Span | undefined, origin: Span): Span {
  if (inner === undefined) return origin;
  return { ...inner, macro: withOrigin(inner.macro, origin) };
}

function isOperator(token: Token, text: string): boolean {
  return token.kind === "operator" && token.text === text;
}
