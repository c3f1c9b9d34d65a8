/** Warnings of a run: each line once, unless asked otherwise. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createMessages } from "../../../cli/messages.js";

const s = suite("cli/messages");

/** Lines said of `warnings`. */
function warn(warnings: readonly string[], repeat: boolean): string[] {
  const lines: string[] = [];
  const messages = createMessages({ repeat, noWarnings: false, say: (line) => lines.push(line) });
  for (const text of warnings) messages.warning(text);
  return lines;
}

/** Verdict of SystemTap 4.8, which ends each warning with a newline if it has none. */
s("a warning that ends in a newline equals the one without", () => {
  const warnings = ["a", "a\n", "b", "a", "", "\n"];
  assert.equal(warn(warnings, false), ["WARNING: a", "WARNING: b", "WARNING: "]);
  assert.is(warn(warnings, true).length, warnings.length);
});

s.run();
