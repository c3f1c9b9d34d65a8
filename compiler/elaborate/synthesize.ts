/** Parses source text that elaboration makes: display probes, entry probes, conditions. */
import { bug } from "../../base/assert.js";
import type { CompileContext } from "../../base/stage.js";
import { parseScript } from "../parse/parse.js";
import type { Expression, Script } from "../syntax/ast.js";
import type { DefinitionSource } from "./library.js";

/** Name of the file that synthesized text is in. */
export const SYNTHESIZED = "<synthesized>";

/** The script `text`; names in it may be anything that `text` defines or the library has. */
export function parseSynthesized(
  text: string,
  library: DefinitionSource,
  context: CompileContext,
): Script {
  return parseScript(
    { name: SYNTHESIZED, text, library: true },
    {
      options: { ...context.options, args: [] },
      libraryMacros: library.macros,
      report: (diagnostic) => bug(`synthesized text: ${diagnostic.message} in ${text}`),
    },
  );
}

/** The expression `text`. */
export function parseSynthesizedExpression(
  text: string,
  library: DefinitionSource,
  context: CompileContext,
): Expression {
  const script = parseSynthesized(`probe never { ${text} }`, library, context);
  const [statement] = script.probes[0]?.body.statements ?? [];
  return statement?.kind === "expression" ? statement.expression : bug(`no expression: ${text}`);
}
