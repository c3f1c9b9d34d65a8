/** A pass of the compiler that ended with errors, or with warnings under -W. */
import type { Diagnostic } from "../base/diagnostic.js";
import { showDiagnostic, showErrorCount } from "./show-diagnostic.js";

/** Thrown by the compiling part of the command line; `message` is the closing line. */
export class PassFailed extends Error {
  override readonly name = "PassFailed";
  readonly diagnostics: readonly Diagnostic[];
  constructor(pass: number, what: string, diagnostics: readonly Diagnostic[]) {
    super(`Pass ${pass}: ${what}.  [man error::pass${pass}]`);
    this.diagnostics = diagnostics;
  }
}

/** Text for the user: every diagnostic, the number of parse errors, the closing line. */
export function showPassFailed(error: PassFailed, color: boolean): string {
  const shown = error.diagnostics.map((diagnostic) => showDiagnostic(diagnostic, { color }));
  const parseErrors = error.diagnostics.filter((d) => d.severity === "parse error").length;
  const count = parseErrors > 0 ? showErrorCount(parseErrors) : "";
  return `${[...new Set(shown)].join("")}${count}${error.message}`;
}
