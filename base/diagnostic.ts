/** What is wrong with a script or an option, for people. */
import type { Span } from "./position.js";

/** Where a message belongs; also the word before "error:". */
export type Severity = "parse error" | "semantic error" | "warning";

/** A message with its place; `span` covers the token it is about. */
export interface Diagnostic {
  /** Stable name, e.g. "unresolved-function", "unsupported-procfs". */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** Null for messages about the command line. */
  readonly span: Span | null;
  /** Type of the token at `span`: identifier, operator, string, number, keyword, junk, embedded-code. */
  readonly token: string;
  /** True where the parser only stopped at `span` and does not blame it: "saw:", not "at:". */
  readonly saw?: boolean;
  /** How often the same was found again. */
  readonly repeats?: number;
  /** Further places ("other definition here") and causes. */
  readonly notes: readonly {
    readonly message: string;
    readonly span: Span | null;
    readonly token: string;
  }[];
}

/** Thrown at the end of a stage that found errors. */
export class CompileFailed extends Error {
  override readonly name = "CompileFailed";
  /** What was found, in source order. */
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.severity}: ${d.message}`).join("\n"));
    this.diagnostics = diagnostics;
  }
}
