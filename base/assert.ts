/** Broken invariants: the only exceptions that are bugs of wastap itself. */

/** Thrown by assert, bug and unreachable; the command line shows it as "internal error". */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** Throws InternalError with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) bug(message);
}

/** Throws InternalError with `message`. */
export function bug(message: string): never {
  throw new InternalError(message);
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  return bug(`unexpected value ${JSON.stringify(value)}`);
}
