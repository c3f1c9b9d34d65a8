/** Analyzes scripts given as text, with the package's own tapsets. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { CompileFailed, type Diagnostic } from "../../../base/diagnostic.js";
import { lineColumn } from "../../../base/position.js";
import { PACKAGE_ROOT } from "../../../base/root.js";
import type { CompileContext, CompileOptions } from "../../../base/stage.js";
import { parseStage } from "../../../compiler/parse/parse.js";
import { toBytes } from "../../../compiler/syntax/strings.js";
import { loadLibrary, type TapsetLibrary } from "../../../compiler/tapset/library.js";
import { analyze } from "../../../compiler/types/analyze.js";
import type { Program } from "../../../compiler/types/program.js";
import { checkTranslatable } from "../../../compiler/types/translatable.js";

/** What analysis of a script gave. */
export interface Analyzed {
  /** Null if there were errors. */
  readonly program: Program | null;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

const OPTIONS: CompileOptions = {
  guru: false,
  ordinaryUser: false,
  unoptimized: false,
  timing: false,
  monitor: false,
  args: [],
  defines: new Map(),
  globals: new Map(),
  targetPath: null,
  tapsetPath: [join(PACKAGE_ROOT, "tapsets")],
  compatible: "5.6",
  checkVersion: false,
  skipBadVariables: false,
  prologueSearching: "auto",
  suppressHandlerErrors: false,
  suppressTimeLimits: false,
  globalVariableDisplay: true,
  moduleName: "test",
  bufferMegabytes: 1,
};

const library: TapsetLibrary = loadLibrary(OPTIONS.tapsetPath, {
  compatible: OPTIONS.compatible,
  args: [],
  defines: new Map(),
  warn: (diagnostic) => assert.unreachable(diagnostic.message),
});

/** Analyzes `text`; parse errors count as errors. */
export function analyzeText(text: string, options: Partial<CompileOptions> = {}): Analyzed {
  return run(text, options, () => {});
}

/** Analyzes `text` and checks what SystemTap checks when it translates. */
export function analyzeToTranslate(text: string, options: Partial<CompileOptions> = {}): Analyzed {
  return run(text, options, checkTranslatable);
}

function run(
  text: string,
  options: Partial<CompileOptions>,
  check: (program: Program, context: CompileContext) => void,
): Analyzed {
  const warnings: Diagnostic[] = [];
  const context: CompileContext = {
    options: { ...OPTIONS, ...options },
    warn: (diagnostic) => warnings.push(diagnostic),
  };
  const file = { name: "case.stp", text: toBytes(text), library: false };
  try {
    const input = { files: [file], libraryMacros: library.macros };
    const scripts = parseStage.run(input, context);
    const program = analyze(scripts, library, context);
    check(program, context);
    return { program, errors: [], warnings };
  } catch (error) {
    if (!(error instanceof CompileFailed)) throw error;
    return { program: null, errors: error.diagnostics, warnings };
  }
}

/** The program of `text`, which must be right. */
export function analyzeGood(text: string, options: Partial<CompileOptions> = {}): Program {
  const { program, errors } = analyzeText(text, options);
  assert.equal(errors.map(showFound), []);
  assert.ok(program);
  return program;
}

/** `LINE:COLUMN message`, then the notes that have a text of their own, after ` | `. */
export function showFound(diagnostic: Diagnostic): string {
  const notes = diagnostic.notes.map((note) => note.message);
  return [`${showPlace(diagnostic.span)} ${diagnostic.message}`, ...notes].join(" | ");
}

function showPlace(span: Diagnostic["span"]): string {
  if (span === null) return "-";
  const { line, column } = lineColumn(span.file, span.start);
  return `${line}:${column}`;
}

/** A script of test/cases/`folder` with the path of its expected output. */
export interface Case {
  readonly name: string;
  readonly text: string;
  readonly goldenPath: string;
}

/** All cases of test/cases/`folder`. */
export function readCases(folder: string): Case[] {
  const directory = join(PACKAGE_ROOT, "test", "cases", folder);
  return readdirSync(directory)
    .filter((name) => name.endsWith(".stp"))
    .sort()
    .map((file) => ({
      name: file.slice(0, -4),
      text: readFileSync(join(directory, file), "utf8"),
      goldenPath: join(directory, file.replace(/stp$/, "txt")),
    }));
}

/** Compares `actual` with the file `path`; WASTAP_GOLDEN=write writes it. */
export function golden(path: string, actual: string): void {
  if (process.env["WASTAP_GOLDEN"] === "write") writeFileSync(path, actual);
  else if (!existsSync(path)) assert.unreachable(`${path} is missing`);
  assert.fixture(actual, readFileSync(path, "utf8"));
}
