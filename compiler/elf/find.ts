/**
 * From what a script writes in process("…") and library("…") to files: $PATH, relative paths,
 * globs, `#!` scripts, build-ids, the dynamic loader's search (SystemTap stapprobes(3stap)
 * "USER-SPACE", ld.so(8)).
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { FileSearch } from "../../base/stage.js";
import { expandPath, isPattern } from "./glob.js";

/** Where programs are looked for. */
export interface SearchContext {
  readonly directory: string;
  /** $PATH */
  readonly path: string;
  /** $LD_LIBRARY_PATH */
  readonly libraryPath: string;
  /** Told of each search with what it found. */
  readonly onSearch?: (search: FileSearch) => void;
}

/** The search context of this process. */
export function currentSearchContext(
  onSearch: (search: FileSearch) => void = () => undefined,
): SearchContext {
  return {
    onSearch,
    directory: process.cwd(),
    path: process.env["PATH"] ?? "/usr/bin:/bin",
    libraryPath: process.env["LD_LIBRARY_PATH"] ?? "",
  };
}

const MAX_SCRIPT_LINE = 256;

/** True if `text` is what process("…") takes for a build-id: 20 bytes in hexadecimal. */
export function isBuildId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/**
 * Absolute paths, links resolved, of the executables that `spec` names; empty if there is none.
 * A `#!` script stands for its interpreter.
 */
export function findExecutables(spec: string, context: SearchContext): string[] {
  const found = searchExecutables(spec, context);
  context.onSearch?.({ kind: "executable", name: spec, searchPath: [], found });
  return found;
}

function searchExecutables(spec: string, context: SearchContext): string[] {
  if (isBuildId(spec)) return existing(buildIdPath(spec, ""));
  if (isPattern(spec)) {
    const found = expandPath(resolve(context.directory, spec)).filter(
      (path) => isExecutable(path) || /\.so(\.|$)/.test(path),
    );
    return [...new Set(found.map((path) => realpathSync(path)))].sort();
  }
  const path = findProgram(spec, context) ?? fileHere(spec, context);
  return path === null ? [] : interpreterOf(path, context, MOST_INTERPRETERS);
}

/** How many scripts may interpret each other (execve(2) "Interpreter scripts"). */
const MOST_INTERPRETERS = 4;

/** The program at `path`, or that which interprets it. */
function interpreterOf(path: string, context: SearchContext, most: number): string[] {
  const interpreter = readInterpreter(path);
  if (interpreter === null) return [realpathSync(path)];
  const program = findProgram(interpreter, context);
  return program === null || most === 0 ? [] : interpreterOf(program, context, most - 1);
}

/** A name that is not on $PATH may be that of a file in the current directory. */
function fileHere(name: string, { directory }: SearchContext): string | null {
  const path = resolve(directory, name);
  return name !== "" && isFile(path) ? path : null;
}

/** Absolute path of library `name` (a path, a soname or a glob of one) for a program, or none. */
export function findLibraries(
  name: string,
  searchPath: readonly string[],
  context: SearchContext,
): string[] {
  const found = searchLibraries(name, searchPath, context);
  context.onSearch?.({ kind: "library", name, searchPath, found });
  return found;
}

function searchLibraries(
  name: string,
  searchPath: readonly string[],
  context: SearchContext,
): string[] {
  if (name.includes("/")) {
    const path = resolve(context.directory, name);
    return isPattern(name)
      ? [...new Set(expandPath(path).map((p) => realpathSync(p)))].sort()
      : existing(path);
  }
  for (const directory of [
    ...searchPath,
    ...context.libraryPath.split(":").filter((d) => d !== ""),
    ...systemLibraryDirectories(),
  ]) {
    const path = join(directory, name);
    if (isFile(path)) return [realpathSync(path)];
  }
  return [];
}

/** Path of the file with build-id `id` below /usr/lib/debug, e.g. suffix ".debug". */
export function buildIdPath(id: string, suffix: string): string {
  return `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}${suffix}`;
}

/** True if `path` is a regular file. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function existing(path: string): string[] {
  return isFile(path) ? [realpathSync(path)] : [];
}

function findProgram(name: string, context: SearchContext): string | null {
  if (name === "") return null;
  if (name.includes("/")) {
    const path = resolve(context.directory, name);
    return isFile(path) ? path : null;
  }
  for (const directory of context.path.split(":")) {
    const path = resolve(context.directory, directory, name);
    if (isFile(path) && isExecutable(path)) return path;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Interpreter of a `#!` script (execve(2)); `env NAME` and `env -S VARIABLE=VALUE NAME` give NAME.
 * Null for anything else.
 */
function readInterpreter(path: string): string | null {
  const line = firstLine(path);
  if (!line.startsWith("#!")) return null;
  const words = line
    .slice(2)
    .trim()
    .split(/[ \t]+/);
  const [program, ...rest] = words;
  if (program === undefined || program === "") return null;
  if (program !== "/usr/bin/env" && program !== "/bin/env") return program;
  const operands = rest.map((word) => word.replace(/^-S/, ""));
  return operands.find((word) => /^[^-=][^=]*$/.test(word)) ?? program;
}

function firstLine(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(MAX_SCRIPT_LINE);
      const length = readSync(file, bytes, 0, MAX_SCRIPT_LINE, 0);
      return bytes.toString("latin1", 0, length).split("\n", 1)[0] ?? "";
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

let systemDirectories: readonly string[] | null = null;

function systemLibraryDirectories(): readonly string[] {
  systemDirectories ??= [
    ...readLoaderConfiguration("/etc/ld.so.conf", 0),
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
  ];
  return systemDirectories;
}

function readLoaderConfiguration(file: string, depth: number): string[] {
  if (depth > 4 || !isFile(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .flatMap((line) => {
      const include = /^include\s+(.*)$/.exec(line)?.[1];
      if (include === undefined) return [line];
      return expandPath(resolve(dirname(file), include)).flatMap((path) =>
        readLoaderConfiguration(path, depth + 1),
      );
    });
}
