/**
 * What there is to use: probe points, aliases and functions of the tapsets, as the options
 * --dump-probe-types, --dump-probe-aliases and --dump-functions show them (cli.md §5). Names that
 * begin with `_` and private ones are shown only when asked for.
 */
import { CompileFailed } from "../base/diagnostic.js";
import type { CompileContext } from "../base/stage.js";
import { FAMILIES } from "./elaborate/families.js";
import { showComponents, showMark } from "./elaborate/point.js";
import { parseStage } from "./parse/parse.js";
import type { FunctionDeclaration, ProbePoint } from "./syntax/ast.js";
import { hasPragma } from "./syntax/pragmas.js";
import { loadLibrary, type TapsetLibrary } from "./tapset/library.js";
import { scriptOfText } from "./tapset/source.js";
import { analyze } from "./types/analyze.js";
import type { FunctionInstance } from "./types/program.js";

/** Patterns of all probe points that can be probed, sorted. */
export function listProbeTypes(): readonly string[] {
  return FAMILIES.map(([pattern]) => pattern).sort();
}

/** `name = points` of every alias. */
export function listProbeAliases(context: CompileContext, all: boolean): readonly string[] {
  const aliases = libraryOf(context)
    .allScripts()
    .flatMap((script) => script.aliases);
  const lines = aliases.flatMap(({ names, points }) =>
    names.map((name) => `${showComponents(name)} = ${points.map(showPoint).join(", ")}`),
  );
  return lines.filter((line) => all || !line.startsWith("_")).sort();
}

/** What scripts can use without declaring it. */
export interface LibraryNames {
  readonly functions: readonly string[];
  /** Probe points without arguments, words joined by dots. */
  readonly points: readonly string[];
  readonly macros: readonly string[];
}

/** Names of all functions, aliases, kinds of probe points and macros. */
export function libraryNames(context: CompileContext): LibraryNames {
  const library = libraryOf(context);
  const scripts = library.allScripts();
  const functions = scripts.flatMap((script) => script.functions);
  const aliases = scripts.flatMap((script) => script.aliases).flatMap(({ names }) => names);
  return {
    functions: functions.filter((each) => !each.isPrivate).map(({ name }) => name),
    points: [
      ...aliases.map(({ components }) => components.map(({ name }) => name).join(".")),
      ...FAMILIES.map(([pattern]) => pattern.replaceAll(/\([^)]*\)/g, "")),
    ],
    macros: [...library.macros.keys()],
  };
}

function showPoint(point: ProbePoint): string {
  return showComponents(point) + showMark(point);
}

/** `name:type (parameter:type, …)` of every function, with the pragmas of embedded code. */
export function listFunctions(context: CompileContext, all: boolean): readonly string[] {
  const library = libraryOf(context);
  const declarations = library.allScripts().flatMap((script) => script.functions);
  return declarations
    .filter(({ name, isPrivate }) => all || (!isPrivate && !name.startsWith("_")))
    .map((each) => showSignature(each, library, context) + showPragmas(each, all))
    .sort((one, other) => (nameIn(one) < nameIn(other) ? -1 : nameIn(one) > nameIn(other) ? 1 : 0));
}

/** What orders functions: overloads stay as they are declared. */
function nameIn(signature: string): string {
  return signature.slice(0, signature.indexOf(" "));
}

function libraryOf(context: CompileContext): TapsetLibrary {
  return loadLibrary(context.options.tapsetPath, {
    ...context.options,
    warn: (diagnostic) => context.warn(diagnostic),
  });
}

function showSignature(
  declaration: FunctionDeclaration,
  library: TapsetLibrary,
  context: CompileContext,
): string {
  const { name, parameters, type } = declaration;
  const isTyped = [...parameters, declaration].every((each) => each.type !== null);
  const inferred = isTyped ? undefined : infer(declaration, library, context);
  const result = inferred === undefined ? type : inferred.result;
  const shown = parameters.map((parameter, index) => {
    const known = inferred?.parameters[index]?.type ?? parameter.type ?? "unknown";
    return `${parameter.name}:${known}`;
  });
  const resultText = result === null || result === "void" ? "unknown" : result;
  return `${name}:${resultText} (${shown.join(", ")})`;
}

/** The function with the types that its body gives it; nothing if it cannot be used by itself. */
function infer(
  { name, parameters, span, isPrivate }: FunctionDeclaration,
  library: TapsetLibrary,
  context: CompileContext,
): FunctionInstance | undefined {
  if (isPrivate) return undefined;
  const names = parameters.map((parameter) => `__${parameter.name}`).join(", ");
  const text = `probe never { ${name}(${names}) }`;
  const silent = {
    options: { ...context.options, guru: true, globalVariableDisplay: false },
    warn: () => undefined,
  };
  try {
    const files = [scriptOfText(text)];
    const scripts = parseStage.run({ files, libraryMacros: library.macros }, silent);
    const program = analyze(scripts, library, silent);
    return program.functions.find(
      (each) => each.span.file === span.file && each.span.start === span.start,
    );
  } catch (error) {
    if (error instanceof CompileFailed) return undefined;
    throw error;
  }
}

/** Pragmas that concern who may call a function, and those that concern the optimizer. */
const ACCESS_PRAGMAS = ["guru", "myproc-unprivileged", "unprivileged"];
const OTHER_PRAGMAS = ["pure", "stable", "unmangled", "unmodified-fnargs"];

function showPragmas({ body }: FunctionDeclaration, all: boolean): string {
  if (body.kind !== "embedded") return "";
  const shown = all ? [...ACCESS_PRAGMAS, ...OTHER_PRAGMAS] : ACCESS_PRAGMAS;
  return shown
    .filter((pragma) => hasPragma(body, pragma))
    .map((pragma) => `/* ${pragma} */`)
    .sort()
    .map((comment) => ` ${comment}`)
    .join("");
}
