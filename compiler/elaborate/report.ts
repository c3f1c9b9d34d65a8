/**
 * Collects what is wrong with a script. Stages go on after an error and report all they can;
 * `finish` throws one CompileFailed. Error wording follows SystemTap's where it has any.
 */
import { CompileFailed, type Diagnostic } from "../../base/diagnostic.js";
import { type Span, spanText } from "../../base/position.js";
import type { CompileContext } from "../../base/stage.js";
import type { Node } from "../syntax/ast.js";
import { isKeyword } from "../syntax/keywords.js";

/** A message about a place; `node` null for none. */
export interface Message {
  readonly code: string;
  readonly message: string;
  readonly node: Place | null;
  readonly notes?: readonly { readonly message: string; readonly node: Place | null }[];
}

/** What a message can point at. */
export interface Place {
  readonly span: Span;
  readonly kind: Node["kind"] | "member" | "element" | "pretty";
}

/** Sink for errors and warnings of one compilation. */
export interface Reporter {
  error(message: Message): void;
  warn(message: Message): void;
  /** Number of errors so far. */
  count(): number;
  /** Throws CompileFailed if there were errors. */
  finish(): void;
}

/** Thrown while one thing (a probe point, a variable) is resolved; caught and reported there. */
export class ResolutionError extends Error {
  override readonly name = "ResolutionError";
  readonly reason: Message;
  constructor(code: string, message: string, node: Place | null = null) {
    super(message);
    this.reason = { code, message, node };
  }
}

/** A reporter that counts repeated errors and hands warnings to `context`. */
export function createReporter(context: CompileContext): Reporter {
  const errors: Diagnostic[] = [];
  const seen = new Map<string, number>();
  return {
    error(message) {
      const diagnostic = toDiagnostic(message, "semantic error");
      const key = `${diagnostic.message} ${diagnostic.span?.file.name} ${diagnostic.span?.start}`;
      const index = seen.get(key) ?? errors.length;
      const before = errors[index];
      errors[index] = before ? { ...before, repeats: (before.repeats ?? 0) + 1 } : diagnostic;
      seen.set(key, index);
    },
    warn(message) {
      context.warn(toDiagnostic(message, "warning"));
    },
    count: () => errors.length,
    finish() {
      if (errors.length > 0) throw new CompileFailed(errors);
    },
  };
}

const TOKENS: { readonly [kind: string]: string } = {
  number: "number",
  string: "string",
  embedded: "embedded-code",
  probe: "keyword",
  alias: "keyword",
  in: "keyword",
  foreach: "keyword",
  for: "keyword",
  while: "keyword",
  if: "keyword",
  break: "keyword",
  continue: "keyword",
  next: "keyword",
  return: "keyword",
  delete: "keyword",
  try: "keyword",
};
const IDENTIFIERS: ReadonlySet<string> = new Set([
  "identifier",
  "index",
  "call",
  "print",
  "target",
  "global",
  "function",
  "parameter",
  "point",
  "component",
]);

const POINTS: ReadonlySet<string> = new Set(["point", "component"]);

/** Type of the token that a message about `place` shows. */
export function tokenOf(place: Place): string {
  if (IDENTIFIERS.has(place.kind) && textOf(place).startsWith("@")) return "operator";
  if (POINTS.has(place.kind) && isKeyword(textOf(place))) return "keyword";
  if (place.kind === "expression" || isFolded(place)) return tokenOfText(textOf(place));
  return TOKENS[place.kind] ?? (IDENTIFIERS.has(place.kind) ? "identifier" : "operator");
}

/** True for a literal in the place of an operator. */
function isFolded(place: Place): boolean {
  const isLiteral = place.kind === "number" || place.kind === "string";
  return isLiteral && /^(@|[-+~!.*/%&|^<>=]+$)/.test(textOf(place));
}

function tokenOfText(text: string): string {
  if (/^\d/.test(text)) return "number";
  if (text.startsWith('"')) return "string";
  return /^[A-Za-z_$]/.test(text) ? "identifier" : "operator";
}

function textOf(place: Place): string {
  return spanText(place.span);
}

function toDiagnostic(message: Message, severity: Diagnostic["severity"]): Diagnostic {
  return {
    code: message.code,
    severity,
    message: message.message,
    span: message.node?.span ?? null,
    token: message.node ? tokenOf(message.node) : "",
    notes: (message.notes ?? []).map((note) => ({
      message: note.message,
      span: note.node?.span ?? null,
      token: note.node ? tokenOf(note.node) : "",
    })),
  };
}
