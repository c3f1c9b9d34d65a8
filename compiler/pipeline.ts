/**
 * The compiler from end to end: script files → bundle. Each stage hands on a new value that can be
 * shown as text; the first stage that finds errors throws CompileFailed with all of them.
 *
 *   parse ─ elaborate ─ ir ─ wasm
 */
import { CompileFailed } from "../base/diagnostic.js";
import type { SourceFile } from "../base/position.js";
import type { CompileContext, Stage } from "../base/stage.js";
import type { BundleMeta } from "../wasm-runtime/bundle.js";
import { emitStage } from "./emit/emit.js";
import { type LoweredProgram, lowerStage } from "./lower/lower.js";
import { parseStage } from "./parse/parse.js";
import { unusedArguments } from "./parse/unused-arguments.js";
import type { Script } from "./syntax/ast.js";
import { loadLibrary, type TapsetLibrary } from "./tapset/library.js";
import { refuseLibraryFiles } from "./tapset/refuse.js";
import { analyze } from "./types/analyze.js";
import type { Program } from "./types/program.js";
import { showProgram } from "./types/show.js";
import { checkTranslatable } from "./types/translatable.js";

/** What a compilation gives. */
export interface Compiled {
  readonly bundle: Uint8Array;
  readonly program: Program;
  readonly meta: BundleMeta;
}

/** Stages in their order. */
export const STAGES = ["parse", "elaborate", "ir", "wasm"] as const;
/** Name of a stage. */
export type StageName = (typeof STAGES)[number];

/** Told of each stage that is done, for --dump and --time. */
export interface StageReport {
  readonly name: StageName;
  readonly milliseconds: number;
  /** What was done, for -v: `analyzed script: 1 probe, 0 functions, …`. */
  readonly summary: string;
  /** Text of what the stage made; `inDetail` as with -v. */
  show(inDetail?: boolean): string;
}
/** Takes the reports in order of the stages. */
export type Observe = (report: StageReport) => void;

/** Compiles `scripts`; the first one is the main script, the others come from -E. */
export function compile(
  scripts: readonly SourceFile[],
  context: CompileContext,
  observe: Observe = ignore,
): Compiled {
  const { program, lowered } = lowerScripts(scripts, context, observe);
  const { bundle } = runStage(emitStage, lowered, context, observe);
  return { bundle, program, meta: lowered.meta };
}

/** Runs the stages up to and with `last`, for -p and --until; the program, null before there is one. */
export function compileUntil(
  last: StageName,
  scripts: readonly SourceFile[],
  context: CompileContext,
  observe: Observe = ignore,
): Program | null {
  if (last === "elaborate") return elaborateScripts(scripts, context, observe);
  if (last === "ir") return lowerScripts(scripts, context, observe).program;
  if (last === "wasm") return compile(scripts, context, observe).program;
  parseScripts(scripts, context, observe);
  return null;
}

interface Parsed {
  readonly scripts: readonly Script[];
  readonly library: TapsetLibrary;
}

function parseScripts(
  files: readonly SourceFile[],
  context: CompileContext,
  observe: Observe,
): Parsed {
  const { options } = context;
  const library = loadLibrary(options.tapsetPath, {
    compatible: options.compatible,
    args: options.args,
    defines: options.defines,
    warn: (diagnostic) => context.warn(diagnostic),
  });
  refuseLibraryFiles(files, library);
  const input = { files, libraryMacros: library.macros };
  const summary = `parsed user script and ${count(library.fileCount, "library script")}`;
  const scripts = runStage(parseStage, input, context, observe, () => summary);
  return { scripts, library };
}

function elaborateScripts(
  files: readonly SourceFile[],
  context: CompileContext,
  observe: Observe,
): Program {
  const parsed = parseScripts(files, context, observe);
  const embeds = parsed.scripts.reduce((sum, { embedded }) => sum + embedded.length, 0);
  const summarize = ({ probes, functions, globals }: Program): string => {
    const counts = [
      count(probes.length, "probe"),
      count(functions.length, "function"),
      count(embeds, "embed"),
      count(globals.length, "global"),
    ];
    return `analyzed script: ${counts.join(", ")}`;
  };
  return runStage(elaborateStage, parsed, context, observe, summarize);
}

function lowerScripts(
  files: readonly SourceFile[],
  context: CompileContext,
  observe: Observe,
): { readonly program: Program; readonly lowered: LoweredProgram } {
  const program = elaborateScripts(files, context, observe);
  checkTranslatable(program, context);
  return { program, lowered: runStage(lowerStage, program, context, observe) };
}

const elaborateStage: Stage<Parsed, Program> & { readonly name: StageName } = {
  name: "elaborate",
  run({ scripts, library }, context) {
    const unused = unusedArguments(scripts, context.options.args);
    try {
      const program = analyze(scripts, library, context);
      unused.forEach(context.warn);
      return program;
    } catch (error) {
      if (!(error instanceof CompileFailed)) throw error;
      throw new CompileFailed([...error.diagnostics, ...unused]);
    }
  },
  dump: (program, inDetail) => showProgram(program, inDetail),
};

function runStage<In, Out>(
  stage: Stage<In, Out>,
  input: In,
  context: CompileContext,
  observe: Observe,
  summarize: (output: Out) => string = () => "",
): Out {
  const start = performance.now();
  const output = stage.run(input, context);
  const milliseconds = performance.now() - start;
  const name = STAGES.find((each) => each === stage.name);
  if (name !== undefined) {
    const summary = summarize(output);
    observe({ name, milliseconds, summary, show: (inDetail) => stage.dump(output, inDetail) });
  }
  return output;
}

/** `1 probe`, `2 probes` */
function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function ignore(): void {}
