/** A pass of the compiler that ended with errors, or with warnings under -W. */
import type { Diagnostic } from "../base/diagnostic.js";

/** Thrown by the compiling part of the command line; `message` is the closing line. */
export class PassFailed extends Error {
  override readonly name = "PassFailed";
  readonly diagnostics: readonly Diagnostic[];
  constructor(pass: number, what: string, diagnostics: readonly Diagnostic[]) {
    super(`Pass ${pass}: ${what}.  [man error::pass${pass}]`);
    this.diagnostics = diagnostics;
  }
}
