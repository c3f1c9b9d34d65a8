/** Passes 1 to 4: scripts → bundle, with progress lines, dumps and warnings as the options ask. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { CompileFailed, type Diagnostic } from "../base/diagnostic.js";
import type { SourceFile } from "../base/position.js";
import { PACKAGE_ROOT } from "../base/root.js";
import type { CompileContext, CompileOptions } from "../base/stage.js";
import { type Compiled, compile, compileUntil, type StageReport } from "../compiler/pipeline.js";
import { readScript, scriptOfText } from "../compiler/tapset/source.js";
import { useColor } from "./color.js";
import { commandWords, processExecutable, programPath } from "./command.js";
import type { Options } from "./options.js";
import { say } from "./output.js";
import { PassFailed } from "./pass-failed.js";
import { showDiagnostic } from "./show-diagnostic.js";

/** What the passes report while they run; see SystemTap's stap(1) -v. */
const PASSES: Readonly<
  Record<StageReport["name"], { pass: number; done: string; failed: string }>
> = {
  parse: { pass: 1, done: "parsed user script", failed: "parse failed" },
  elaborate: { pass: 2, done: "analyzed script", failed: "analysis failed" },
  ir: { pass: 3, done: "translated to WebAssembly", failed: "translation failed" },
  wasm: { pass: 4, done: "wrote the bundle", failed: "compilation failed" },
};

/** Result of compiling as far as the options ask. */
export interface CompileResult {
  /** Null when an earlier pass was the last one wanted. */
  readonly compiled: Compiled | null;
  readonly moduleName: string;
}

/** Compiles the script of `options`; prints what --dump and -p want. Throws CompileFailed. */
export function compileScript(options: Options, write: (text: string) => void): CompileResult {
  const files = readFiles(options);
  const moduleName = options.moduleName ?? defaultModuleName(files);
  const warnings = createWarnings(options);
  const context: CompileContext = {
    options: compileOptions(options, moduleName),
    warn: warnings.add,
  };
  let current: StageReport["name"] = "parse";
  const observe = (report: StageReport): void => {
    current = nextStage(report.name);
    if (options.verbosity > 0) sayPass(report);
    if (wantsText(options, report.name)) write(report.show());
    if (options.warningsAreErrors && warnings.count() > 0) throw passFailed(report.name, []);
  };
  try {
    const last = lastStage(options);
    if (last === null) return { compiled: compile(files, context, observe), moduleName };
    compileUntil(last, files, context, observe);
    return { compiled: null, moduleName };
  } catch (error) {
    if (!(error instanceof CompileFailed)) throw error;
    throw passFailed(passOf(error, current), error.diagnostics);
  }
}

function readFiles(options: Options): SourceFile[] {
  try {
    return scriptFiles(options);
  } catch (error) {
    if (!(error instanceof CompileFailed)) throw error;
    throw passFailed("parse", error.diagnostics);
  }
}

function passFailed(stage: StageReport["name"], diagnostics: readonly Diagnostic[]): PassFailed {
  const { pass, failed } = PASSES[stage];
  return new PassFailed(pass, failed, diagnostics);
}

/** Parse errors belong to pass 1, semantic errors to pass 2, whatever stage found them. */
function passOf(error: CompileFailed, current: StageReport["name"]): StageReport["name"] {
  const [first] = error.diagnostics;
  if (first?.severity === "parse error") return "parse";
  return first?.severity === "semantic error" ? "elaborate" : current;
}

function nextStage(name: StageReport["name"]): StageReport["name"] {
  const names = Object.keys(PASSES) as StageReport["name"][];
  return names[names.indexOf(name) + 1] ?? name;
}

function lastStage(options: Options): StageReport["name"] | null {
  const names: Record<number, StageReport["name"]> = { 1: "parse", 2: "elaborate", 3: "ir" };
  return names[options.lastPass] ?? null;
}

function wantsText(options: Options, name: StageReport["name"]): boolean {
  return options.dump.has(name) || lastStage(options) === name;
}

function sayPass({ name, milliseconds }: StageReport): void {
  const { pass, done } = PASSES[name];
  say(`Pass ${pass}: ${done} in ${milliseconds.toFixed(0)}ms.`);
}

function scriptFiles({ script, extraScripts }: Options): SourceFile[] {
  const extra = extraScripts.map(scriptOfText);
  if (script === null) return extra;
  return [script.kind === "text" ? scriptOfText(script.text) : readScript(script.path), ...extra];
}

function defaultModuleName(files: readonly SourceFile[]): string {
  const hash = createHash("sha256");
  for (const { text } of files) hash.update(text, "latin1");
  return `wastap_${hash.digest("hex").slice(0, 16)}`;
}

function compileOptions(options: Options, moduleName: string): CompileOptions {
  return {
    guru: options.guru,
    unoptimized: options.unoptimized,
    args: options.args,
    defines: options.defines,
    globals: options.globals,
    targetPath: targetPath(options),
    tapsetPath: [join(PACKAGE_ROOT, "tapsets"), ...options.tapsets],
    compatible: options.compatible,
    skipBadVariables: options.skipBadVariables,
    suppressHandlerErrors: options.suppressHandlerErrors,
    suppressTimeLimits: options.suppressTimeLimits,
    globalVariableDisplay: options.globalVariableDisplay,
    moduleName,
    bufferMegabytes: options.bufferMegabytes,
  };
}

function targetPath(options: Options): string | null {
  if (options.pid !== null) return processExecutable(options.pid);
  if (options.command === null) return null;
  const [program] = commandWords(options.command);
  return program === undefined ? null : programPath(program);
}

function createWarnings(options: Options): { add(diagnostic: Diagnostic): void; count(): number } {
  const said = new Set<string>();
  return {
    add: (diagnostic) => {
      const text = showDiagnostic(diagnostic, { color: useColor(options.color) });
      if (options.noWarnings || said.has(text)) return;
      said.add(text);
      say(text.trimEnd());
    },
    count: () => said.size,
  };
}
