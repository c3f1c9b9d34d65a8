/** Places in source text: files, offsets and spans. */

/** A script or tapset file. */
export interface SourceFile {
  /** As shown in messages: a path, or `<input>` for -e and standard input. */
  readonly name: string;
  readonly text: string;
  /** True for tapset files: embedded code allowed, unused definitions are no error. */
  readonly library: boolean;
}

/** Half-open range of offsets in `file.text`. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
  /** The `@name` that invoked the macro which this text is from. */
  readonly macro?: Span;
  /** What stands there when it is (a part of) a script argument. */
  readonly pasted?: string;
}

/** What is written in `span`, script arguments put in. */
export function spanText(span: Span): string {
  return span.pasted ?? span.file.text.slice(span.start, span.end);
}

/** Line and column, both from 1, of `offset` in `file`. */
export function lineColumn(file: SourceFile, offset: number): { line: number; column: number } {
  const starts = lineStarts(file);
  let line = 0;
  let after = starts.length;
  while (after - line > 1) {
    const middle = (line + after) >> 1;
    if ((starts[middle] ?? 0) <= offset) line = middle;
    else after = middle;
  }
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
}

/** Offsets at which the lines of `file` start. */
function lineStarts(file: SourceFile): readonly number[] {
  const known = LINE_STARTS.get(file);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = file.text.indexOf("\n"); at >= 0; at = file.text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  LINE_STARTS.set(file, starts);
  return starts;
}

const LINE_STARTS = new WeakMap<SourceFile, readonly number[]>();

/** `NAME:LINE:COLUMN` of the start of `span`. */
export function showPosition(span: Span): string {
  const { line, column } = lineColumn(span.file, span.start);
  return `${span.file.name}:${line}:${column}`;
}
