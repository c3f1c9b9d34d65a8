#!/usr/bin/env node
/**
 * wastap's command line: script or bundle in, results out. Exit status 0 when done, 1 when something
 * of the user's or the world's was wrong, 70 for a defect of wastap (sysexits.h EX_SOFTWARE).
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { InternalError } from "../base/assert.js";
import { TargetError } from "../base/target-error.js";
import { useColor } from "./color.js";
import { HELP, versionText } from "./help.js";
import { readInput } from "./input.js";
import { type Options, parseOptions, UsageError } from "./options.js";
import { openOutput, say } from "./output.js";
import { PassFailed, showPassFailed } from "./pass-failed.js";
import { runBundle } from "./run-bundle.js";

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  let color: Options["color"] = "auto";
  try {
    const options = parseOptions(argv);
    color = options.color;
    return await start(options);
  } catch (error) {
    return explain(error, useColor(color));
  }
}

async function start(options: Options): Promise<number> {
  if (options.help) return print(HELP);
  if (options.version) return print(versionText());
  if (options.script === null && options.extraScripts.length === 0) {
    throw new UsageError("A script must be specified.");
  }
  const bundle = readBundleFile(options);
  if (bundle !== null) return runBundle(bundle.bytes, bundle.name, options);
  const { compileScript } = await import("./compile.js");
  const { compiled, moduleName } = compileScript(options, print);
  if (compiled === null) return 0;
  if (options.lastPass === 4) return writeBundle(compiled.bundle, moduleName);
  return runBundle(compiled.bundle, moduleName, options);
}

/** The bundle that the script argument names, null if it is a script. */
function readBundleFile(options: Options): { bytes: Uint8Array; name: string } | null {
  const { script } = options;
  if (script?.kind !== "file" || script.path === "-") return null;
  if (!script.path.endsWith(".wasm")) return null;
  return { bytes: readInput(script.path), name: script.path };
}

function writeBundle(bytes: Uint8Array, moduleName: string): number {
  const path = join(process.cwd(), `${moduleName}.wasm`);
  writeFileSync(path, bytes);
  return print(`${resolve(path)}\n`);
}

function print(text: string): number {
  openOutput(null).write(Buffer.from(text, "latin1"));
  return 0;
}

/** Says what went wrong; gives the exit status. */
function explain(error: unknown, color: boolean): number {
  if (error instanceof UsageError) {
    say(`${error.message}\nTry 'wastap --help' for more information.`);
    return 1;
  }
  if (error instanceof TargetError) {
    say(`ERROR: ${error.message}`);
    return 1;
  }
  if (error instanceof PassFailed) {
    say(showPassFailed(error, color));
    return 1;
  }
  const kind = error instanceof InternalError ? "internal error" : "internal error (unexpected)";
  say(
    `wastap: ${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  say("This is a defect of wastap; please report it with the script and this text.");
  return 70;
}
