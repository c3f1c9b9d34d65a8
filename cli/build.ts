/**
 * From a command line to a bundle: out of the cache, or compiled and put there. The compiler is
 * loaded only if it is needed.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDirectory, entryPath } from "../base/cache.js";
import { CompileFailed } from "../base/diagnostic.js";
import type { FileSearch } from "../base/stage.js";
import type { Program } from "../compiler/types/program.js";
import { readEntry, writeEntry } from "./cache.js";
import { cacheKey, findDependencies } from "./cache-key.js";
import { type CompileInput, readCompileInput } from "./compile-input.js";
import type { Diagnostics } from "./diagnostics.js";
import type { Options } from "./options.js";
import { say } from "./output.js";
import { PassFailed } from "./pass-failed.js";

/** A script made ready to run. */
export interface Built {
  /** Null if an earlier pass than the fourth was the last one wanted. */
  readonly bundle: Uint8Array | null;
  readonly moduleName: string;
}

/** Where a build says things. */
export interface BuildSinks {
  readonly diagnostics: Diagnostics;
  /** Takes what --dump and -p print. */
  readonly write: (text: string) => void;
}

/** Builds the script of `options`. Throws PassFailed. */
export async function buildBundle(options: Options, sinks: BuildSinks): Promise<Built> {
  const input = readInput(options);
  const { moduleName } = input.options;
  const key = usesCache(options) ? cacheKey(input) : null;
  const cached =
    key !== null && options.cache === "read and write" ? fromCache(key, options) : null;
  const bundle = cached ?? (await compileAndKeep(input, options, { ...sinks, key }));
  if (bundle !== null) keepBundle(bundle, moduleName, options);
  return { bundle, moduleName };
}

function readInput(options: Options): CompileInput {
  try {
    return readCompileInput(options);
  } catch (error) {
    if (!(error instanceof CompileFailed)) throw error;
    throw new PassFailed(1, "parse failed", error.diagnostics);
  }
}

/** What prints or counts the work of a pass must do it; files of other systems are not watched. */
function usesCache(options: Options): boolean {
  const { cache, lastPass, dump, keepDirectory, moduleName, sysroot, coverage } = options;
  if (cache === "off" || sysroot !== null || coverage) return false;
  return lastPass >= 4 && dump.size === 0 && !keepDirectory && !moduleName;
}

function fromCache(key: string, { verbosity }: Options): Uint8Array | null {
  const directory = cacheDirectory();
  const bundle = readEntry(directory, key);
  if (bundle === null) return null;
  for (const pass of [3, 4]) {
    if ((verbosity[pass - 1] ?? 0) === 0) continue;
    say(`Pass ${pass}: using cached ${entryPath(directory, key)}`);
  }
  return bundle;
}

/** Compiles; what was compiled without a warning is kept: a warning must be said each time. */
async function compileAndKeep(
  input: CompileInput,
  options: Options,
  { diagnostics, write, key }: BuildSinks & { readonly key: string | null },
): Promise<Uint8Array | null> {
  const { compileScript } = await import("./compile.js");
  const searches: FileSearch[] = [];
  let warned = false;
  const watched: Diagnostics = {
    ...diagnostics,
    warning: (diagnostic) => {
      warned = true;
      diagnostics.warning(diagnostic);
    },
  };
  const onSearch = (search: FileSearch): void => {
    searches.push(search);
  };
  const sinks = { diagnostics: watched, write, onSearch };
  const { program, bundle } = compileScript(input, options, sinks);
  if (options.coverage && program !== null) await keepCoverage(program);
  if (bundle === null || key === null || warned) return bundle;
  const dependencies = findDependencies(searches, input.options.targetPath);
  if (dependencies !== null) writeEntry(cacheDirectory(), key, { bundle, dependencies });
  return bundle;
}

/** -q: a data base that cannot be written is no reason not to run. */
async function keepCoverage(program: Program): Promise<void> {
  const { coverage } = await import("../compiler/coverage.js");
  const { coverageFile, recordCoverage } = await import("./coverage.js");
  try {
    await recordCoverage(coverage(program));
  } catch (error) {
    say(`WARNING: coverage is not kept in "${coverageFile()}": ${(error as Error).message}`);
  }
}

/** -k and --tmpdir: the bundle stays in a directory. */
function keepBundle(bundle: Uint8Array, moduleName: string, options: Options): void {
  if (!options.keepDirectory && options.directory === null) return;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "wastap"));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${moduleName}.wasm`), bundle);
  say(`Keeping temporary directory "${directory}"`);
}
