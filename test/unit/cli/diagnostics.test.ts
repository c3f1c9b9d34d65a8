/** Colours of messages, and the list of errors for programs. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import { readColors } from "../../../cli/color.js";
import { showCatalog } from "../../../cli/diagnostics.js";

const s = suite("cli/diagnostics");

s("SYSTEMTAP_COLORS replaces single colours; what is malformed changes nothing", () => {
  assert.is(readColors(undefined).get("error"), "01;31");
  const colors = readColors("error=35:caret=");
  assert.equal([colors.get("error"), colors.get("caret")], ["35", ""]);
  assert.is(colors.get("source"), "00;34");
  assert.is(readColors("error=x").get("error"), "01;31");
  assert.is(readColors("nothing=1").get("error"), "01;31");
});

s("lists semantic errors, one a line", () => {
  const file = { name: "a.stp", text: "probe begin {\n\tf(1) }", library: false };
  const error: Diagnostic = {
    code: "unresolved-function",
    severity: "semantic error",
    message: "unresolved\tfunction f",
    span: { file, start: 15, end: 16 },
    token: "identifier",
    notes: [],
  };
  const nowhere = { ...error, message: "no probes found", span: null };
  const warning: Diagnostic = { ...error, severity: "warning" };
  assert.is(
    showCatalog([error, nowhere, warning]),
    "SEMANTIC_ERRORS: 2\n" +
      "SEMANTIC_ERROR\ta.stp\t2\t2\tf\tunresolved function f\n" +
      "SEMANTIC_ERROR\t\t0\t0\t\tno probes found\n" +
      "SEMANTIC_ERRORS_END",
  );
});

s.run();
