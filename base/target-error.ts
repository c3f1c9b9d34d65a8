/** Failures of the world outside: files, processes, the kernel. */

/** A file or process operation that failed; `message` is one line a user can act on. */
export class TargetError extends Error {
  override readonly name = "TargetError";
  /** What was tried, e.g. "attach", "read symbols". */
  readonly operation: string;
  /** Path or process it was tried on. */
  readonly subject: string | number;
  /** Error number, 0 if none applies. */
  readonly errno: number;

  constructor(
    message: string,
    about: {
      readonly operation: string;
      readonly subject: string | number;
      readonly errno?: number;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.operation = about.operation;
    this.subject = about.subject;
    this.errno = about.errno ?? 0;
  }
}
