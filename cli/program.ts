/**
 * The program in one file, which Node loads much sooner than its 400 modules, with what V8 had
 * compiled of it when the package was built: the code cache (https://v8.dev/blog/code-caching).
 * A cache belongs to one build and one version of V8; its name says which, and without the one
 * that fits everything works, only later. scripts/bundle.ts and write-code-cache.ts make the files.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cachedDataVersionTag } from "node:v8";
import { Script } from "node:vm";
import { PACKAGE_ROOT } from "../base/root.js";
import { optimizeLate } from "./tiering.js";

/** Directory of the program, its launcher, its workers and its code caches. */
export const BUNDLE_DIRECTORY: string = join(PACKAGE_ROOT, "dist", "bundle");

/** The program's file: a function expression with the parameters of a CommonJS module, in ASCII. */
export const PROGRAM_FILE: string = join(BUNDLE_DIRECTORY, "program.js");

/** What the program's first line begins with; the build's name follows, 16 hexadecimal digits. */
export const BUILD_MARK = "// build ";

/** What the program exports (cli/main.ts). */
interface Exports {
  main(argv: readonly string[]): Promise<number>;
}

type ModuleFunction = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void;

/** The program as V8 took it. */
export interface Program {
  readonly main: Exports["main"];
  /** Where its code cache is looked for. */
  readonly codeCachePath: string;
  /** True if V8 took it. */
  readonly hasCodeCache: boolean;
  /** What is compiled so far, in V8's format. */
  readonly compiled: () => Buffer;
}

/** Loads the program, with the code cache of this build and this V8 if it is there. */
export function loadProgram(): Program {
  // First: a code cache belongs to the flags that V8 had, too.
  optimizeLate();
  const source = readFileSync(PROGRAM_FILE, "latin1");
  const codeCachePath = pathOfCodeCache(source);
  const cachedData = readCodeCache(codeCachePath);
  const script = new Script(source, {
    filename: PROGRAM_FILE,
    ...(cachedData === null ? {} : { cachedData }),
  });
  const run: ModuleFunction = script.runInThisContext();
  const module = { exports: {} };
  run(module.exports, createRequire(PROGRAM_FILE), module, PROGRAM_FILE, BUNDLE_DIRECTORY);
  const { main } = module.exports as Exports;
  return {
    main,
    codeCachePath,
    hasCodeCache: script.cachedDataRejected === false,
    compiled: () => script.createCachedData(),
  };
}

function pathOfCodeCache(source: string): string {
  const build = source.slice(BUILD_MARK.length, BUILD_MARK.length + 16);
  return join(BUNDLE_DIRECTORY, `${build}-${cachedDataVersionTag().toString(16)}.cache`);
}

function readCodeCache(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
