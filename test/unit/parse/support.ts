/** Reads the cases of test/cases/parse and test/cases/diagnostics for the tests of this folder. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../base/diagnostic.js";
import { PACKAGE_ROOT } from "../../../base/root.js";
import { parseScript } from "../../../compiler/parse/parse.js";
import type { Script } from "../../../compiler/syntax/ast.js";
import { toBytes } from "../../../compiler/syntax/strings.js";

/** A script of test/cases. A line `# guru` asks for -g, `# args: a b` gives arguments. */
export interface Case {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly guru: boolean;
  readonly args: readonly string[];
}

/** Cases of test/cases/`folder` whose names begin with `prefix`. */
export function readCases(folder: string, prefix = ""): Case[] {
  const directory = join(PACKAGE_ROOT, "test", "cases", folder);
  return readdirSync(directory)
    .filter((name) => name.endsWith(".stp") && name.startsWith(prefix))
    .sort()
    .map((file) => {
      const path = join(directory, file);
      const text = readFileSync(path, "latin1");
      const args = /^# args: (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
      return { name: file.slice(0, -4), path, text, guru: /^# guru$/m.test(text), args };
    });
}

/** What parsing gave. */
export interface Parsed {
  readonly script: Script;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/** Parses `text`, given as bytes. */
export function parseText(
  text: string,
  options: { readonly guru?: boolean; readonly args?: readonly string[] } = {},
): Parsed {
  const found: Diagnostic[] = [];
  const file = { name: "case.stp", text, library: false };
  const script = parseScript(file, {
    options: { guru: options.guru ?? false, args: options.args ?? [], compatible: "5.6" },
    libraryMacros: new Map(),
    report: (diagnostic) => found.push(diagnostic),
  });
  return {
    script,
    errors: found.filter(({ severity }) => severity !== "warning"),
    warnings: found.filter(({ severity }) => severity === "warning"),
  };
}

/** Parses `text`, which must be right. */
export function parseGood(text: string): Script {
  const { script, errors } = parseText(toBytes(text));
  assert.equal(
    errors.map(({ message }) => message),
    [],
  );
  return script;
}

/** Compares `actual` with the file `path`; UPDATE_GOLDEN=1 writes it. */
export function golden(path: string, actual: string): void {
  if (process.env["UPDATE_GOLDEN"] === "1" || !existsSync(path)) {
    if (process.env["UPDATE_GOLDEN"] !== "1") assert.unreachable(`${path} is missing`);
    writeFileSync(path, actual, "latin1");
  }
  assert.fixture(actual, readFileSync(path, "latin1"));
}
