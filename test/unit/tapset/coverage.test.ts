/**
 * The functions of SystemTap's library that need no kernel: each is here with the same parameters
 * and result, or is listed with the reason why it is not. user-functions.txt: NAME:TYPE (TYPES).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE_ROOT } from "../../../base/root.js";
import type { FunctionDeclaration } from "../../../compiler/syntax/ast.js";
import { loadLibrary } from "../../../compiler/tapset/library.js";

const s = suite("tapset/coverage");
const DEFINED = definedFunctions();
const WANTED = readFileSync(join(PACKAGE_ROOT, "test/unit/tapset/user-functions.txt"), "utf8")
  .trim()
  .split("\n");

/** Functions that are not here, by name, with the reason. */
const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ["set_returnval", "only --compatible below 4.1 has it"],
  ["cve_count_metric", "patches of a running kernel"],
  ["cve_record_metric", "patches of a running kernel"],
  ["cve_tmpdisable", "patches of a running kernel"],
]);

function definedFunctions(): ReadonlySet<string> {
  const warn = (): void => undefined;
  const options = { compatible: "5.6", args: [], defines: new Map(), warn };
  const library = loadLibrary([join(PACKAGE_ROOT, "tapsets")], options);
  return new Set(library.allScripts().flatMap((script) => script.functions.map(signatureOf)));
}

function signatureOf({ name, type, parameters }: FunctionDeclaration): string {
  const types = parameters.map((parameter) => parameter.type ?? "unknown");
  return `${name}:${type ?? "none"} (${types.join(", ")})`;
}

for (const wanted of WANTED) {
  const name = wanted.slice(0, wanted.indexOf(":"));
  if (NOT_HERE.has(name)) continue;
  s(wanted, () => {
    const found = [...DEFINED].filter((each) => each.startsWith(`${name}:`));
    assert.ok(DEFINED.has(wanted), `there is ${found.join(", ") || "none"}`);
  });
}

s("what is listed as missing is missing", () => {
  const names = new Set([...DEFINED].map((each) => each.slice(0, each.indexOf(":"))));
  assert.equal(
    [...NOT_HERE.keys()].filter((name) => names.has(name)),
    [],
  );
});

s.run();
