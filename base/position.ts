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
}

/** Line and column, both from 1, of `offset` in `file`. */
export function lineColumn(file: SourceFile, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (
    let at = file.text.indexOf("\n");
    at >= 0 && at < offset;
    at = file.text.indexOf("\n", at + 1)
  ) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** `NAME:LINE:COLUMN` of the start of `span`. */
export function showPosition(span: Span): string {
  const { line, column } = lineColumn(span.file, span.start);
  return `${span.file.name}:${line}:${column}`;
}
