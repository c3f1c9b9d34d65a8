/** Files of the library are no scripts: each would define its names a second time. */
import { existsSync, realpathSync } from "node:fs";
import { CompileFailed, type Diagnostic } from "../../base/diagnostic.js";
import { message } from "../../base/messages.js";
import type { SourceFile } from "../../base/position.js";
import type { TapsetLibrary } from "./library.js";

/** Throws CompileFailed if one of `scripts` is a file of `library`. */
export function refuseLibraryFiles(scripts: readonly SourceFile[], library: TapsetLibrary): void {
  const errors = scripts
    .filter(({ name }) => existsSync(name) && library.paths.has(realpathSync(name)))
    .map(({ name }): Diagnostic => {
      const text = message("library-file-run", [name]);
      const about = { code: "library-file-run", message: text, span: null, token: "", notes: [] };
      return { ...about, severity: "parse error" };
    });
  if (errors.length > 0) throw new CompileFailed(errors);
}
