/** Passes 1 to 4: scripts → bundle, with progress lines, dumps and warnings as the options ask. */
import { CompileFailed, type Diagnostic } from "../base/diagnostic.js";
import type { CompileContext, FileSearch } from "../base/stage.js";
import { compile, compileUntil, type StageReport } from "../compiler/pipeline.js";
import type { Program } from "../compiler/types/program.js";
import type { CompileInput } from "./compile-input.js";
import type { Diagnostics } from "./diagnostics.js";
import type { Options } from "./options.js";
import { say } from "./output.js";
import { PassFailed } from "./pass-failed.js";
import { startUsageMeter } from "./usage-meter.js";

/** What the passes report while they run; see SystemTap's stap(1) -v. */
const PASSES: Readonly<
  Record<StageReport["name"], { pass: 1 | 2 | 3 | 4; done: string; failed: string }>
> = {
  parse: { pass: 1, done: "", failed: "parse failed" },
  elaborate: { pass: 2, done: "", failed: "analysis failed" },
  ir: { pass: 3, done: "translated to intermediate code", failed: "translation failed" },
  wasm: { pass: 4, done: "compiled to WebAssembly", failed: "compilation failed" },
};

/** Where the outcome of compiling goes, besides the bundle. */
export interface CompileSinks {
  readonly diagnostics: Diagnostics;
  /** Takes what --dump and -p print. */
  readonly write: (text: string) => void;
  readonly onSearch: (search: FileSearch) => void;
}

/** What compiling made; null what an earlier pass was the last one for. */
export interface CompileResult {
  readonly program: Program | null;
  readonly bundle: Uint8Array | null;
}

/** Compiles `input` as far as `options` ask. Throws PassFailed. */
export function compileScript(
  input: CompileInput,
  options: Options,
  { diagnostics, write, onSearch }: CompileSinks,
): CompileResult {
  const { files } = input;
  const context: CompileContext = {
    options: input.options,
    warn: diagnostics.warning,
    onSearch,
  };
  const meter = startUsageMeter();
  let current: StageReport["name"] = "parse";
  const observe = (report: StageReport): void => {
    current = nextStage(report.name);
    const { pass, done } = PASSES[report.name];
    const isVerbose = (options.verbosity[pass - 1] ?? 0) > 0;
    if (wantsText(options, report.name)) write(report.show(isVerbose));
    if (isVerbose) {
      say(`Pass ${pass}: ${report.summary === "" ? done : report.summary} ${meter.read()}`);
    }
    if (options.warningsAreErrors && diagnostics.warnings() > 0) {
      throw passFailed(report.name, []);
    }
  };
  try {
    const last = lastStage(options);
    if (last === null) return compile(files, context, observe);
    return { program: compileUntil(last, files, context, observe), bundle: null };
  } catch (error) {
    if (!(error instanceof CompileFailed)) throw error;
    throw passFailed(passOf(error, current), error.diagnostics);
  }
}

function passFailed(stage: StageReport["name"], diagnostics: readonly Diagnostic[]): PassFailed {
  const { pass, failed } = PASSES[stage];
  return new PassFailed(pass, failed, diagnostics);
}

/** Parse errors belong to pass 1, semantic errors to pass 2 or later, whatever stage found them. */
function passOf(error: CompileFailed, current: StageReport["name"]): StageReport["name"] {
  const [first] = error.diagnostics;
  if (first?.severity === "parse error") return "parse";
  return current === "parse" ? "elaborate" : current;
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
