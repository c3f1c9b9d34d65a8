/** What must hold for any text: parsing gives a tree or diagnostics, and both can be shown. */
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../base/diagnostic.js";
import type { Span } from "../../base/position.js";
import { showDiagnostic } from "../../cli/show-diagnostic.js";
import type { MacroDefinition } from "../../compiler/parse/macros.js";
import { parseMacroFile, parseScript } from "../../compiler/parse/parse.js";
import { showScript } from "../../compiler/syntax/print.js";
import type { FuzzInput } from "./inputs.js";

/** Parses `input` as script and as macro file; throws if the parser fails in any other way. */
export function checkInput(
  input: FuzzInput,
  libraryMacros: ReadonlyMap<string, MacroDefinition>,
): void {
  const { text, args, guru, library } = input;
  const file = { name: "fuzz.stp", text, library };
  const found: Diagnostic[] = [];
  const context = {
    options: { args, guru, compatible: "5.6" },
    libraryMacros,
    report: (diagnostic: Diagnostic) => found.push(diagnostic),
  };
  const script = parseScript(file, context);
  if (library) parseMacroFile(file, context);
  const [first] = found;
  if (first === undefined) assert.ok(showScript(script).startsWith("# file"));
  else assert.ok(showDiagnostic(first, { color: false }).length > first.message.length);
  for (const { message, span } of found) {
    assert.ok(message !== "");
    for (let place: Span | undefined = span ?? undefined; place; place = place.macro) {
      const { length } = place.file.text;
      assert.ok(place.start >= 0 && place.start <= place.end && place.end <= length, message);
    }
  }
}
