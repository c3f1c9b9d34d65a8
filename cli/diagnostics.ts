/**
 * The one place where what the compiler found is printed: standard error, colours, each kind of
 * error and each text of a warning once unless asked for more, and at the end how many were left
 * out (cli.md §6).
 */
import type { Diagnostic } from "../base/diagnostic.js";
import { lineColumn, type SourceFile, spanText } from "../base/position.js";
import { useColor } from "./color.js";
import type { Options } from "./options.js";
import { say } from "./output.js";
import { paintFor, type ShowOptions, showDiagnostic } from "./show-diagnostic.js";

/** Sink for diagnostics of one compilation. */
export interface Diagnostics {
  error(diagnostic: Diagnostic): void;
  warning(diagnostic: Diagnostic): void;
  /** Warnings so far, those that were not printed again included; none with -w. */
  warnings(): number;
  /** Says how many were left out. */
  finish(): void;
}

/** What of the options concerns diagnostics. */
export type DiagnosticOptions = Pick<Options, "color" | "noWarnings" | "verbosity" | "listing">;

/** A sink that prints as `options` say. Listings show no errors unless very verbose. */
export function createDiagnostics(options: DiagnosticOptions): Diagnostics {
  const show: ShowOptions = { color: useColor(options.color) };
  const verbosity = Math.max(...options.verbosity);
  const silent = options.listing !== null && verbosity < 2;
  const seen = { error: new Set<string>(), warning: new Set<string>() };
  const suppressed = { error: 0, warning: 0 };
  let warnings = 0;
  let near: SourceFile | null = null;
  const print = (kind: "error" | "warning", key: string, diagnostic: Diagnostic): void => {
    if (seen[kind].has(key) && verbosity === 0) suppressed[kind]++;
    else {
      say(showDiagnostic(diagnostic, { ...show, near }).replace(/\n$/, ""));
      const shown = [diagnostic, ...diagnostic.notes].findLast(({ span }) => span !== null);
      near = shown?.span?.file ?? near;
    }
    if (verbosity === 0) suppressed[kind] += diagnostic.repeats ?? 0;
    seen[kind].add(key);
  };
  return {
    error: (diagnostic) => {
      const isSyntax = diagnostic.severity === "parse error";
      const key = isSyntax ? `${diagnostic.code} ${diagnostic.message}` : diagnostic.code;
      if (isSyntax || !silent) print("error", key, diagnostic);
    },
    warning: (diagnostic) => {
      if (options.noWarnings) return;
      warnings++;
      if (!silent) print("warning", diagnostic.message, diagnostic);
    },
    warnings: () => warnings,
    finish: () => {
      for (const kind of ["error", "warning"] as const) {
        if (suppressed[kind] === 0) continue;
        const text = `Number of similar ${kind} messages suppressed: ${suppressed[kind]}.`;
        say(`${paintFor(show)(kind, text)}\nRerun with -v to see them.`);
      }
    },
  };
}

/** --semantic-keep-going: every error of pass 2 on a line of its own, fields apart by tabs. */
export function showCatalog(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === "semantic error");
  const lines = errors.map((error) => ["SEMANTIC_ERROR", ...catalogFields(error)].join("\t"));
  return [`SEMANTIC_ERRORS: ${errors.length}`, ...lines, "SEMANTIC_ERRORS_END"].join("\n");
}

function catalogFields({ message, span }: Diagnostic): readonly string[] {
  if (span === null) return ["", "0", "0", "", message];
  const { line, column } = lineColumn(span.file, span.start);
  const token = spanText(span);
  return [span.file.name, `${line}`, `${column}`, token, message].map((field) =>
    field.replace(/[\t\n]/g, " "),
  );
}
