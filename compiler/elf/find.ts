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
  statSync,
} from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { FileSearch, TargetSystem } from "../../base/stage.js";
import { expandPath, isPattern } from "./glob.js";
import { below, realPath } from "./sysroot.js";

/** Where programs are looked for. */
export interface SearchContext {
  /** --sysroot: the directory that absolute paths are below; "" for this machine's own. */
  readonly sysroot: string;
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
  { sysroot, environment }: TargetSystem = THIS_MACHINE,
): SearchContext {
  const variable = (name: string): string | undefined => environment.get(name) ?? process.env[name];
  return {
    onSearch,
    sysroot,
    directory: process.cwd(),
    path: variable("PATH") ?? "/usr/bin:/bin",
    libraryPath: variable("LD_LIBRARY_PATH") ?? "",
  };
}

const THIS_MACHINE: TargetSystem = { sysroot: "", environment: new Map() };

const MAX_SCRIPT_LINE = 256;

/** True if `text` is what process("…") takes for a build-id: 20 bytes in hexadecimal. */
export function isBuildId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/**
 * Absolute paths on this machine, links resolved, of the executables that `spec` names; empty if
 * there is none.
 * A `#!` script stands for its interpreter.
 */
export function findExecutables(spec: string, context: SearchContext): string[] {
  const found = searchExecutables(spec, context);
  context.onSearch?.({ kind: "executable", name: spec, searchPath: [], found });
  return found;
}

function searchExecutables(spec: string, context: SearchContext): string[] {
  if (isBuildId(spec)) return existing(buildIdPath(spec, ""), context);
  if (isPattern(spec)) {
    const found = expandPath(below(spec, context) ?? "").filter(
      (path) => isExecutable(path) || /\.so(\.|$)/.test(path),
    );
    return [...new Set(found.map((path) => realPath(path, context.sysroot)))].sort();
  }
  const path = findProgram(spec, context) ?? fileHere(spec, context);
  return path === null ? [] : interpreterOf(path, context, MOST_INTERPRETERS);
}

/** How many scripts may interpret each other (execve(2) "Interpreter scripts"). */
const MOST_INTERPRETERS = 4;

/** The program at `path`, or that which interprets it. */
function interpreterOf(path: string, context: SearchContext, most: number): string[] {
  const interpreter = readInterpreter(path);
  if (interpreter === null) return [realPath(path, context.sysroot)];
  const program = findProgram(interpreter, context);
  return program === null || most === 0 ? [] : interpreterOf(program, context, most - 1);
}

/** A name that is not on $PATH may be that of a file in the current directory. */
function fileHere(name: string, context: SearchContext): string | null {
  const path = below(name, context);
  return name !== "" && path !== null && isFile(path) ? path : null;
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
    if (!isPattern(name)) return existing(name, context);
    const found = expandPath(below(name, context) ?? "");
    return [...new Set(found.map((path) => realPath(path, context.sysroot)))].sort();
  }
  for (const directory of [
    ...searchPath,
    ...context.libraryPath.split(":").filter((d) => d !== ""),
    ...systemLibraryDirectories(context.sysroot),
  ]) {
    const found = existing(join(directory, name), context);
    if (found.length > 0) return found;
  }
  return [];
}

/** Path of the file with build-id `id` below /usr/lib/debug, e.g. suffix ".debug". */
export function buildIdPath(id: string, suffix: string): string {
  return `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}${suffix}`;
}

/** True if `path` is a regular file. */
export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function existing(name: string, context: SearchContext): string[] {
  const path = below(name, context);
  if (path === null) return [];
  const real = realPath(path, context.sysroot);
  return isFile(real) ? [real] : [];
}

function findProgram(name: string, context: SearchContext): string | null {
  if (name === "") return null;
  if (name.includes("/")) return existing(name, context)[0] ?? null;
  for (const directory of context.path.split(":")) {
    const [path] = existing(resolve(context.directory, directory, name), context);
    if (path !== undefined && isExecutable(path)) return path;
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

const systemDirectories = new Map<string, readonly string[]>();

function systemLibraryDirectories(sysroot: string): readonly string[] {
  const known = systemDirectories.get(sysroot);
  if (known !== undefined) return known;
  const configured = readLoaderConfiguration(`${sysroot}/etc/ld.so.conf`, sysroot, 0);
  const directories = [...configured, "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
  systemDirectories.set(sysroot, directories);
  return directories;
}

function readLoaderConfiguration(file: string, sysroot: string, depth: number): string[] {
  if (depth > 4 || !isFile(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .flatMap((line) => {
      const include = /^include\s+(.*)$/.exec(line)?.[1];
      if (include === undefined) return [line];
      const pattern = isAbsolute(include) ? sysroot + include : resolve(dirname(file), include);
      return expandPath(pattern).flatMap((path) =>
        readLoaderConfiguration(path, sysroot, depth + 1),
      );
    });
}
