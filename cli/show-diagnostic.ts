/**
 * Diagnostics → text in SystemTap's layout (cli.md §6): message, token and place, source line with a
 * caret, then the macros that the text came from and the notes.
 */
import type { Diagnostic, Severity } from "../base/diagnostic.js";
import { lineColumn, type SourceFile, type Span, spanText } from "../base/position.js";
import { type ColoredPart, readColors } from "./color.js";

/** How diagnostics are shown. */
export interface ShowOptions {
  readonly color: boolean;
  /** File of the place that was shown last: it is not named again. */
  readonly near?: SourceFile | null;
}

/** Paints a part of a message. */
export type Paint = (part: ColoredPart, text: string) => string;

/** What is printed before a source line, by severity. */
const SOURCE_LABEL: Readonly<Record<Severity, string>> = {
  "parse error": "     source: ",
  "semantic error": "        source: ",
  warning: " source: ",
};

/** Text of `diagnostic`, ending in a newline; errors end in an empty line. */
export function showDiagnostic(diagnostic: Diagnostic, options: ShowOptions): string {
  const paint = paintFor(options);
  let near = options.near ?? null;
  const blocks = [diagnostic, ...diagnostic.notes].map((block) => {
    const text = showBlock(diagnostic, block, near, paint);
    near = block.span?.file ?? near;
    return text;
  });
  const end = ending(diagnostic.severity);
  const isApart = (index: number): boolean => diagnostic.notes[index]?.message !== "";
  return blocks.map((block, index) => (isApart(index) ? block + end : block)).join("");
}

/** Paints as $SYSTEMTAP_COLORS says, or not at all. */
export function paintFor(options: ShowOptions): Paint {
  if (!options.color) return (_part, text) => text;
  const colors = readColors(process.env["SYSTEMTAP_COLORS"]);
  return (part, text) => {
    const color = colors.get(part) ?? "";
    return color === "" ? text : `\x1b[${color}m\x1b[K${text}\x1b[m\x1b[K`;
  };
}

function ending(severity: Severity): string {
  return severity === "warning" ? "" : "\n";
}

/** `1 parse error.`, `2 parse errors.` */
export function showErrorCount(count: number): string {
  return `${count} parse error${count === 1 ? "" : "s"}.\n`;
}

type Block = Pick<Diagnostic, "message" | "span" | "token" | "saw">;

/** One message with its place, whose file is named unless it is `near`. */
function showBlock(
  { severity }: Diagnostic,
  block: Block,
  near: SourceFile | null,
  paint: Paint,
): string {
  const { message, span } = block;
  const isWarning = severity === "warning";
  const isParseError = severity === "parse error";
  const label = paint(isWarning ? "warning" : "error", isWarning ? "WARNING:" : `${severity}:`);
  if (span === null) return isParseError ? `${message}\n` : `${label} ${message}\n`;
  const place = showPlace(block.token, span, isParseError ? null : near, paint);
  if (!isParseError) {
    const text = message === "" ? place : `${label} ${message}: ${place}`;
    return `${text}\n${showSource(severity, span, paint)}`;
  }
  const verb = block.saw === true ? "        saw:" : "         at:";
  if (block.token === "EOF") return `${label} ${message}\n${verb} ${span.file.name} EOF\n`;
  return `${label} ${message}\n${verb} ${place}\n${showSource(severity, span, paint)}`;
}

/** `TOKEN 'text' at FILE:LINE:COLUMN`; the file is left out if it is `near`. */
function showPlace(token: string, span: Span, near: SourceFile | null, paint: Paint): string {
  const { line, column } = lineColumn(span.file, span.start);
  const file = near === span.file ? "" : span.file.name;
  const text = tokenText(token, span);
  const place = paint("source", `${file}:${line}:${column}`);
  return `${token}${text === null ? "" : ` '${text}'`} at ${place}`;
}

function tokenText(token: string, span: Span): string | null {
  if (token === "keyword" || token === "embedded-code") return null;
  const raw = spanText(span);
  if (token === "string") return decode(raw.replace(/^"|"$/g, "").replace(/\\(.)/gs, unescaped));
  return raw.replace(
    /[^ -~]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** An escape as it stands, where it is one of C; else what follows the backslash. */
function unescaped(sequence: string, character: string): string {
  return /[abtnvfrx0-7\\]/.test(character) ? sequence : character;
}

/** The source line of `span` with a caret under it, then the same for the macros around it. */
function showSource(severity: Severity, span: Span, paint: Paint): string {
  const { text } = span.file;
  const lineStart = text.lastIndexOf("\n", span.start - 1) + 1;
  const lineEnd = text.indexOf("\n", span.start);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const before = decode(text.slice(lineStart, span.start));
  const token = decode(text.slice(span.start, Math.min(span.end, end)));
  const after = decode(text.slice(Math.min(span.end, end), end));
  const indent = before.replace(/[^\t]/g, " ");
  const label = SOURCE_LABEL[severity];
  const line = `${label}${before}${token === "" ? "" : paint("token", token)}${after}\n`;
  const own = `${line}${" ".repeat(label.length)}${indent}${paint("caret", "^")}\n`;
  if (span.macro === undefined) return own;
  const place = showPlace("operator", { ...span.macro }, null, paint);
  return `${own}\tin expansion of macro: ${place}\n${showSource(severity, span.macro, paint)}`;
}

/** Source text is bytes; people read UTF-8. */
function decode(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
