/** Layout of messages: as Debian's stap 4.8 printed them for the same scripts. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import type { SourceFile } from "../../../base/position.js";
import { showDiagnostic, showErrorCount } from "../../../cli/show-diagnostic.js";
import { toBytes } from "../../../compiler/syntax/strings.js";
import { parseText } from "./support.js";

const s = suite("parse/show-diagnostic");

function shown(text: string): string {
  const { errors, warnings } = parseText(toBytes(text));
  return [...warnings, ...errors]
    .map((diagnostic) => showDiagnostic(diagnostic, { color: false }))
    .join("");
}

s("a parse error says where the parser stopped", () => {
  assert.is(
    shown("probe begin { x = (1 }\n"),
    `parse error: expected ')'
        saw: operator '}' at case.stp:1:22
     source: probe begin { x = (1 }
                                  ^

`,
  );
});

s("a keyword is shown without text, the end of the file without line", () => {
  assert.is(
    shown("probe begin {\n\telse }"),
    `parse error: expected statement
        saw: keyword at case.stp:2:2
     source: \telse }
             \t^

`,
  );
  assert.is(
    shown("probe begin {\n"),
    "parse error: expected statement\n        saw: case.stp EOF\n\n",
  );
});

s("a string is shown with its escapes of C only", () => {
  assert.match(
    shown('probe a "\\"a\\t\\q\\\\" { }'),
    /^ +saw: string '"a\\tq\\\\' at case\.stp:1:9$/m,
  );
});

s("an error that blames a token says at; macros around it follow", () => {
  assert.is(
    shown("@define x %( @define y 1 %) probe begin { @x }\n"),
    `parse error: '@define' forbidden inside macro body
         at: operator '@define' at case.stp:1:14
     source: @define x %( @define y 1 %) probe begin { @x }
                          ^
	in expansion of macro: operator '@x' at case.stp:1:43
     source: @define x %( @define y 1 %) probe begin { @x }
                                                       ^

`,
  );
});

s("a note is a message of its own", () => {
  const text = "@define x %( a %) @define x %( 1 == 1 %? %) probe begin { }";
  assert.is(
    shown(text),
    `parse error: attempt to redefine macro '@x' in the same file
         at: identifier 'x' at case.stp:1:27
     source: ${text}
                                       ^

parse error: macro '@x' first defined here
         at: identifier 'x' at case.stp:1:9
     source: ${text}
                     ^

`,
  );
});

s("a warning is indented by one", () => {
  assert.is(
    shown("@define cast %( 5 %) probe begin {}"),
    `WARNING: macro redefines built-in operator '@cast': identifier 'cast' at case.stp:1:9
 source: @define cast %( 5 %) probe begin {}
                 ^
`,
  );
});

s("bytes that are no ASCII are shown, the caret stays under its token", () => {
  assert.is(
    shown('probe begin { x = "grün" = }'),
    `parse error: expected literal string or number
        saw: operator '}' at case.stp:1:29
     source: probe begin { x = "grün" = }
                                        ^

`,
  );
  assert.match(shown("probe begin { § }"), /saw: junk '\\xc2' at case\.stp:1:15\n/);
});

const file: SourceFile = { name: "a.stp", text: "probe begin { foo() }\n", library: false };
const span = { file, start: 14, end: 17 };

s("a semantic error has all in one line; notes leave out the same file", () => {
  const diagnostic: Diagnostic = {
    code: "test",
    severity: "semantic error",
    message: "unresolved function foo",
    span,
    token: "identifier",
    notes: [
      { message: "near here", span: { file, start: 6, end: 11 }, token: "identifier" },
      { message: "no match", span: null, token: "" },
    ],
  };
  assert.is(
    showDiagnostic(diagnostic, { color: false }),
    `semantic error: unresolved function foo: identifier 'foo' at a.stp:1:15
        source: probe begin { foo() }
                              ^

semantic error: near here: identifier 'begin' at :1:7
        source: probe begin { foo() }
                      ^

semantic error: no match

`,
  );
});

s("colours are those of SYSTEMTAP_COLORS", () => {
  const base = { code: "test", message: "m", span, token: "identifier", notes: [] };
  const text = showDiagnostic({ ...base, severity: "semantic error" }, { color: true });
  const painted = (color: string, part: string): string =>
    `\x1b[${color}m\x1b[K${part}\x1b[m\x1b[K`;
  assert.is(
    text,
    `${painted("01;31", "semantic error:")} m: identifier 'foo' at ${painted("00;34", "a.stp:1:15")}
        source: probe begin { ${painted("01", "foo")}() }
                              ${painted("01", "^")}

`,
  );
});

s("script arguments are shown as what they are", () => {
  const { errors } = parseText("probe begin { println(1 $1 @2) }", { args: ["x = 2", "b"] });
  const lines = errors.map((error) => showDiagnostic(error, { color: false }).split("\n")[1]);
  assert.equal(lines, ["        saw: identifier 'x' at case.stp:1:25"]);
});

s("counts errors", () => {
  assert.is(showErrorCount(1), "1 parse error.\n");
  assert.is(showErrorCount(2), "2 parse errors.\n");
});

s.run();
