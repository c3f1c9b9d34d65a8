/**
 * The tapset library: definitions of all `*.stp` and macros of all `*.stpm` of the tapset
 * directories, by name (language.md §13).
 *
 * Files are read and looked through at once, but parsed only when one of the names they may define
 * is asked for: an ordinary script uses a handful. Private definitions are in the index, too; who
 * may use them is decided by elaboration.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { CompileFailed, type Diagnostic } from "../../base/diagnostic.js";
import { message } from "../../base/messages.js";
import type { SourceFile } from "../../base/position.js";
import type { MacroDefinition } from "../parse/macros.js";
import { type ParseContext, parseMacroFile, parseScript } from "../parse/parse.js";
import type { FunctionDeclaration, GlobalDeclaration, ProbeAlias, Script } from "../syntax/ast.js";
import { LazyMap } from "./lazy-map.js";
import { withProcessPath } from "./process-path.js";
import { type PossibleNames, scanNames } from "./scan.js";

/** A definition with the file that holds it. */
export interface LibraryEntry<T> {
  readonly declaration: T;
  readonly script: Script;
}

/** Definitions by name, aliases by dotted name. */
export interface TapsetLibrary {
  readonly macros: ReadonlyMap<string, MacroDefinition>;
  readonly functions: ReadonlyMap<string, readonly LibraryEntry<FunctionDeclaration>[]>;
  readonly globals: ReadonlyMap<string, readonly LibraryEntry<GlobalDeclaration>[]>;
  readonly aliases: ReadonlyMap<string, readonly LibraryEntry<ProbeAlias>[]>;
  /** Names of functions that may exist, for suggestions; parses nothing. */
  readonly functionNames: ReadonlySet<string>;
  /** Number of files with definitions; macro files are not counted. */
  readonly fileCount: number;
  /** Parses all files: for --dump-functions and tests. */
  allScripts(): readonly Script[];
  /** Real paths of its files. */
  readonly paths: ReadonlySet<string>;
}

/** How a library is read. */
export interface LibraryOptions {
  /** --compatible */
  readonly compatible: string;
  /** Script arguments, for argc and argv. */
  readonly args: readonly string[];
  /** -D NAME=VALUE; MAXSTRINGLEN is a macro of the library. */
  readonly defines: ReadonlyMap<string, string>;
  /** Takes what is wrong with a library file, which then counts as empty. */
  warn(diagnostic: Diagnostic): void;
}

/** Capacity of strings, with the NUL (language.md §17). */
const DEFAULT_MAXSTRINGLEN = "512";

/** Directories below a tapset directory, first match first (tapsets.md §0). */
const LEVELS = ["dyninst/x86_64", "dyninst", "x86_64", ""];

/** Reads the library of `directories`, in their order. Directories that do not exist are empty. */
export function loadLibrary(
  directories: readonly string[],
  options: LibraryOptions,
): TapsetLibrary {
  const seen: SeenFiles = { paths: new Set(), names: new Set() };
  const macroFiles = listFiles(directories, ".stpm", seen).map(readLibraryFile);
  const scriptFiles = listFiles(directories, ".stp", seen).map(readLibraryFile);
  const macros = readMacros(macroFiles, options);
  const parsed = new Map<ScannedFile, Script>();
  const parse = (scanned: ScannedFile): Script => {
    const script = parsed.get(scanned) ?? parseLibraryScript(scanned, macros, options);
    parsed.set(scanned, script);
    return script;
  };
  const functions = indexBy(scriptFiles, "functions", (file, name) =>
    entriesOf(parse(file), "functions", (d) => d.name === name),
  );
  return {
    macros,
    functions,
    functionNames: functions.possibleKeys(),
    globals: indexBy(scriptFiles, "globals", (file, name) =>
      entriesOf(parse(file), "globals", (d) => d.name === name),
    ),
    aliases: indexBy(scriptFiles, "aliases", (file, name) =>
      entriesOf(parse(file), "aliases", (d) => d.names.some((point) => dottedName(point) === name)),
    ),
    fileCount: scriptFiles.length,
    allScripts: () => scriptFiles.map(parse),
    paths: seen.paths,
  };
}

/** A library file and the names it may define. */
interface ScannedFile {
  readonly file: SourceFile;
  /** Program whose tapset it is (PATH/usr/bin/x.stp), null for all others. */
  readonly processPath: string | null;
  readonly names: PossibleNames;
}

interface FoundFile {
  readonly path: string;
  /** Within its tapset directory. */
  readonly name: string;
  readonly processPath: string | null;
}

/** Files already taken, by real path and by name within their tapset directory. */
interface SeenFiles {
  readonly paths: Set<string>;
  readonly names: Set<string>;
}

/**
 * Files of `directories` that end in `extension`; one that hides another by its name or is the same
 * under another path counts, the other does not.
 */
function listFiles(
  directories: readonly string[],
  extension: string,
  { paths, names }: SeenFiles,
): FoundFile[] {
  return directories
    .flatMap((directory) => filesIn(directory, extension))
    .filter(({ path, name }) => {
      const real = realpathSync.native(path);
      if (paths.has(real) || names.has(name) || !statSync(real).isFile()) return false;
      paths.add(real);
      names.add(name);
      return true;
    });
}

function filesIn(directory: string, extension: string): FoundFile[] {
  const found = LEVELS.flatMap((level) =>
    namesIn(join(directory, level)).map((name) => ({
      path: join(directory, level, name),
      name: join(level, name),
      processPath: null,
    })),
  );
  const ofPrograms = namesIn(join(directory, "PATH"), true).map((name) => ({
    path: join(directory, "PATH", name),
    name: join("PATH", name),
    processPath: `/${name.slice(0, -extension.length)}`,
  }));
  return [...found, ...ofPrograms].filter(({ name }) => name.endsWith(extension));
}

function namesIn(directory: string, recursive = false): string[] {
  try {
    return readdirSync(directory, { encoding: "utf8", recursive }).sort();
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return [];
    throw failure;
  }
}

function readLibraryFile({ path, processPath }: FoundFile): ScannedFile {
  const text = readFileSync(path, "latin1");
  return { file: { name: path, text, library: true }, processPath, names: scanNames(text) };
}

/** Macros that stand for options of the session, whatever files say of their names. */
function builtInMacros(options: LibraryOptions): ReadonlyMap<string, MacroDefinition> {
  const length = options.defines.get("MAXSTRINGLEN") ?? DEFAULT_MAXSTRINGLEN;
  const text = `@define MAXSTRINGLEN %( ${length} %)\n`;
  const report = (diagnostic: Diagnostic): void => options.warn(diagnostic);
  const file = { name: "<options>", text, library: true };
  return parseMacroFile(file, { ...contextOf(options, new Map()), report });
}

/** A map from every name that some file may define to what `find` finds in these files. */
function indexBy<T>(
  files: readonly ScannedFile[],
  kind: keyof PossibleNames,
  find: (file: ScannedFile, name: string) => readonly T[],
): LazyMap<readonly T[]> {
  const candidates = new Map<string, ScannedFile[]>();
  for (const file of files)
    for (const name of file.names[kind]) {
      const list = candidates.get(name);
      if (list === undefined) candidates.set(name, [file]);
      else list.push(file);
    }
  return new LazyMap(new Set(candidates.keys()), (name) => {
    const entries = (candidates.get(name) ?? []).flatMap((file) => find(file, name));
    return entries.length === 0 ? undefined : entries;
  });
}

interface DeclarationLists {
  readonly functions: FunctionDeclaration;
  readonly globals: GlobalDeclaration;
  readonly aliases: ProbeAlias;
}

function entriesOf<Kind extends keyof DeclarationLists>(
  script: Script,
  kind: Kind,
  accept: (declaration: DeclarationLists[Kind]) => boolean,
): LibraryEntry<DeclarationLists[Kind]>[] {
  const declarations = script[kind] as readonly DeclarationLists[Kind][];
  return declarations.filter(accept).map((declaration) => ({ declaration, script }));
}

function dottedName(point: ProbeAlias["names"][number]): string {
  return point.components.map((component) => component.name).join(".");
}

function contextOf(
  { args, compatible }: LibraryOptions,
  libraryMacros: ReadonlyMap<string, MacroDefinition>,
): Omit<ParseContext, "report"> {
  return { options: { args, guru: true, compatible }, libraryMacros };
}

/** The script of `file`; null if it has errors, which then are warnings and cost the whole file. */
function parseWhole(
  file: SourceFile,
  libraryMacros: ReadonlyMap<string, MacroDefinition>,
  options: LibraryOptions,
): Script | null {
  let isRight = true;
  const script = parseScript(file, {
    ...contextOf(options, libraryMacros),
    report(diagnostic) {
      if (diagnostic.severity !== "warning") isRight = false;
      options.warn({ ...diagnostic, severity: "warning" });
    },
  });
  if (isRight) return script;
  const text = message("library-file-skipped", [file.name]);
  const about = { code: "library-file-skipped", message: text, span: null, token: "", notes: [] };
  options.warn({ ...about, severity: "warning" });
  return null;
}

function parseLibraryScript(
  { file, processPath }: ScannedFile,
  macros: ReadonlyMap<string, MacroDefinition>,
  options: LibraryOptions,
): Script {
  const script = parseWhole(file, macros, options) ?? emptyScript(file);
  return processPath === null ? script : withProcessPath(script, processPath);
}

function emptyScript(file: SourceFile): Script {
  return {
    file,
    globals: [],
    functions: [],
    aliases: [],
    probes: [],
    embedded: [],
    argumentsUsed: new Set(),
  };
}

/**
 * Macros of all `files` by name. What is wrong with a macro file is an error, and so is a name that
 * two of them define: throws CompileFailed.
 */
function readMacros(
  files: readonly ScannedFile[],
  options: LibraryOptions,
): ReadonlyMap<string, MacroDefinition> {
  const builtIn = builtInMacros(options);
  const macros = new Map<string, MacroDefinition>();
  const errors: Diagnostic[] = [];
  for (const { file } of files) {
    const found = parseMacroFile(file, {
      ...contextOf(options, new Map()),
      report: (diagnostic) => {
        if (diagnostic.severity === "warning") options.warn(diagnostic);
        else errors.push(diagnostic);
      },
    });
    for (const [name, macro] of found) {
      const earlier = macros.get(name);
      if (earlier !== undefined) errors.push(duplicateMacro(macro, earlier));
      macros.set(name, earlier ?? macro);
    }
  }
  if (errors.length > 0) throw new CompileFailed(errors);
  for (const [name, macro] of builtIn) macros.set(name, macro);
  return macros;
}

function duplicateMacro({ name, span }: MacroDefinition, earlier: MacroDefinition): Diagnostic {
  const code = "duplicate-library-macro";
  const token = "identifier";
  const first = message("macro-defined-here", [name]);
  return {
    code,
    severity: "parse error",
    message: message(code, [name]),
    span,
    token,
    notes: [{ message: first, span: earlier.span, token }],
  };
}
