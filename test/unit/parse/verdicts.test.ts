/**
 * A thousand small scripts with what SystemTap's own parser says of them (Debian's 4.8):
 * test/cases/verdicts. A case is a script, after `#! [-g] [argument …]` if it has options, and then
 * `=> ok` or one `=> LINE:COLUMN message` for each error; what is said twice stands once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import { lineColumn } from "../../../base/position.js";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { parseText } from "./support.js";

const s = suite("parse/verdicts");
const FOLDER = join(PACKAGE_ROOT, "test", "cases", "verdicts");
const CASE = /(?:#!(?<options>.*)\n)?(?<text>(?:(?!=> ).*\n)*)(?<expected>(?:=> .*\n)+)/g;

for (const file of readdirSync(FOLDER).sort())
  s(file.replace(".txt", ""), () => {
    const cases = [...readFileSync(join(FOLDER, file), "latin1").matchAll(CASE)];
    assert.ok(cases.length > 40);
    for (const { groups } of cases) {
      const { options = "", text = "", expected = "" } = groups ?? {};
      const words = options.split(" ").filter((word) => word !== "");
      const guru = words[0] === "-g";
      const { errors } = parseText(text, { guru, args: words.slice(guru ? 1 : 0) });
      assert.is(text + showAll(errors), text + expected);
    }
  });

function showAll(errors: readonly Diagnostic[]): string {
  if (errors.length === 0) return "=> ok\n";
  const said = new Set<string>();
  return errors
    .filter(({ code, message }) => {
      const isNew = !said.has(code + message);
      said.add(code + message);
      return isNew;
    })
    .flatMap((error) => [error, ...error.notes.map((note) => ({ ...error, ...note }))])
    .map((error) => `=> ${placeOf(error)} ${error.message.split("\n")[0]}\n`)
    .join("");
}

function placeOf({ span, token }: Diagnostic): string {
  if (span === null) return "-";
  if (token === "EOF") return "EOF";
  const { line, column } = lineColumn(span.file, span.start);
  return `${line}:${column}`;
}

s.run();
