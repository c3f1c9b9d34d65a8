/** The listing modes of the command line: -l, -L, --dump-probe-types and the like (cli.md §5). */
import { CompileFailed } from "../base/diagnostic.js";
import type { CompileContext } from "../base/stage.js";
import { listFunctions, listProbeAliases, listProbeTypes } from "../compiler/list-library.js";
import { listProbes } from "../compiler/list-probes.js";
import { compileOptions } from "./compile-input.js";
import type { Diagnostics } from "./diagnostics.js";
import type { Listing, Options } from "./options.js";
import { PassFailed } from "./pass-failed.js";

/** Lines of `listing`, none if nothing matched. Throws PassFailed. */
export function listLines(
  listing: Listing,
  options: Options,
  diagnostics: Diagnostics,
): readonly string[] {
  const context: CompileContext = {
    options: { ...compileOptions(options, "wastap"), unoptimized: true },
    warn: diagnostics.warning,
  };
  const verbose = (options.verbosity[1] ?? 0) > 0;
  try {
    switch (listing.kind) {
      case "probes":
        return listProbes(listing.pattern, context, { variables: listing.variables, verbose });
      case "probe types":
        return listProbeTypes();
      case "probe aliases":
        return listProbeAliases(context, verbose);
      case "functions":
        return listFunctions(context, verbose);
    }
  } catch (error) {
    if (!(error instanceof CompileFailed)) throw error;
    const isParse = error.diagnostics.some(({ severity }) => severity === "parse error");
    const [pass, what] = isParse ? [1, "parse failed"] : [2, "analysis failed"];
    throw new PassFailed(pass as 1 | 2, `${what}`, error.diagnostics);
  }
}
