/** What the command line hands to the compiler: script files and options, without the compiler. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "../base/position.js";
import { PACKAGE_ROOT } from "../base/root.js";
import type { CompileOptions } from "../base/stage.js";
import { tapsetPath } from "../compiler/tapset/search-path.js";
import { readScript, scriptOfText } from "../compiler/tapset/source.js";
import { commandWords, processExecutable, programPath } from "./command.js";
import { UsageError } from "./getopt.js";
import type { Options } from "./options.js";

/** Input of a compilation. */
export interface CompileInput {
  /** The main script, then those of -E. */
  readonly files: readonly SourceFile[];
  readonly options: CompileOptions;
}

/** Reads the scripts that `options` name. Throws CompileFailed, UsageError, TargetError. */
export function readCompileInput(options: Options): CompileInput {
  const files = scriptFiles(options);
  return { files, options: compileOptions(options, options.moduleName ?? defaultName(files)) };
}

function scriptFiles(options: Options): SourceFile[] {
  const { script, extraScripts } = options;
  const extra = extraScripts.map((text, i) => scriptOfText(text, i + 1));
  if (script === null) return extra;
  if (script.kind === "text") return [scriptOfText(script.text), ...extra];
  return [readScript(options.example ? examplePath(script.path) : script.path), ...extra];
}

const EXAMPLES = join(PACKAGE_ROOT, "docs", "examples");

/** Scripts among the package's examples, sorted; paths below their directory. */
export function exampleFiles(): readonly string[] {
  if (!existsSync(EXAMPLES)) return [];
  const files = readdirSync(EXAMPLES, { encoding: "utf8", recursive: true });
  return files.filter((file) => file.endsWith(".stp")).sort();
}

/** Path of the package's example `name`, with or without `.stp`. Throws UsageError. */
export function examplePath(name: string): string {
  const wanted = name.endsWith(".stp") ? name : `${name}.stp`;
  const found = exampleFiles().filter((file) => file === wanted || file.endsWith(`/${wanted}`));
  const [first] = found;
  if (first === undefined) {
    throw new UsageError(`Example '${name}' was not found under '${EXAMPLES}'`);
  }
  if (found.length > 1) {
    throw new UsageError(["Multiple examples found: ", ...found].join("\n  "));
  }
  return join(EXAMPLES, first);
}

function defaultName(files: readonly SourceFile[]): string {
  const hash = createHash("sha256");
  for (const { text } of files) hash.update(text, "latin1");
  return `wastap_${hash.digest("hex").slice(0, 16)}`;
}

/** Options of the compiler for `options`; `moduleName` is what module_name() gives. */
export function compileOptions(options: Options, moduleName: string): CompileOptions {
  const runs = options.lastPass > 2;
  return {
    guru: options.guru,
    ordinaryUser: options.privilege === "stapusr",
    unoptimized: options.unoptimized,
    args: options.args,
    defines: options.defines,
    globals: options.globals,
    system:
      options.sysroot === null
        ? null
        : { sysroot: options.sysroot, environment: options.systemVariables },
    targetPath: targetPath(options),
    tapsetPath: tapsetPath(options.tapsets, process.env),
    compatible: options.compatible,
    checkVersion: options.checkVersion,
    skipBadVariables: options.skipBadVariables,
    prologueSearching: options.prologueSearching,
    suppressHandlerErrors: options.suppressHandlerErrors,
    suppressTimeLimits: options.suppressTimeLimits,
    globalVariableDisplay: options.globalVariableDisplay,
    // What only a run uses is not shown by -p2; the monitor shows what -t does.
    timing: runs && options.timing && options.monitorMs === null,
    monitor: runs && options.monitorMs !== null,
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
