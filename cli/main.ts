/**
 * wastap's command line: script or bundle in, results out. Exit status 0 when done, 1 when something
 * of the user's or the world's was wrong, 70 for a defect of wastap (sysexits.h EX_SOFTWARE).
 * The compiler and what runs bundles are loaded only where they are needed: a bundle runs without
 * the one, passes 1 to 4 without the other.
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createDiagnostics, type Diagnostics, showCatalog } from "./diagnostics.js";
import { explain } from "./explain.js";
import { isRecorder, type Recording, record, startRecorder } from "./flight-recorder.js";
import { HELP, versionText } from "./help.js";
import { readInput } from "./input.js";
import type { Listing, Options } from "./options.js";
import { openOutput, say } from "./output.js";
import { parseOptions } from "./parse-options.js";
import { PassFailed } from "./pass-failed.js";
import { readOptionsFile } from "./rc-file.js";
import { limitResources } from "./resource-limits.js";
import { isShellRun, optionsOfShell } from "./shell-run.js";
import { showErrorCount } from "./show-diagnostic.js";

/** Does what the arguments `argv` say; gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    if (isRecorder()) return await record(runHere);
    const options = isShellRun() ? await optionsOfShell() : parseOptions(argv, readOptionsFile());
    const diagnostics = createDiagnostics(options);
    try {
      return await start(options, diagnostics);
    } catch (error) {
      if (!(error instanceof PassFailed)) throw error;
      explainPass(error, options, diagnostics);
      return 1;
    } finally {
      diagnostics.finish();
    }
  } catch (error) {
    return explain(error);
  }
}

async function start(options: Options, diagnostics: Diagnostics): Promise<number> {
  if (options.help) return print(HELP);
  if (options.version) return print(versionText());
  if (!options.noWarnings) for (const remark of options.remarks) say(`WARNING: ${remark}`);
  limitResources(options.limits);
  if (options.cache === "clean") return cleanCache();
  if (options.listing !== null) return list(options.listing, options, diagnostics);
  if (options.interactive) return openShell(options);
  if (options.languageServer) return serveEditor(options);
  if (options.attach !== null) return attach(options.attach);
  const file = readBundleFile(options);
  if (file !== null) return run({ ...file, options });
  const { buildBundle } = await import("./build.js");
  const { bundle, moduleName } = await buildBundle(options, { diagnostics, write: print });
  if (bundle === null) return 0;
  if (options.lastPass === 4) return writeBundle(bundle, moduleName);
  return run({ bytes: bundle, name: moduleName, options });
}

async function run(recording: Recording): Promise<number> {
  return recording.options.flightRecorder ? startRecorder(recording) : runHere(recording);
}

async function runHere(
  { bytes, name, options }: Recording,
  armed: () => void = () => undefined,
): Promise<number> {
  const { runBundle } = await import("./run-bundle.js");
  return runBundle(bytes, name, options, armed);
}

async function cleanCache(): Promise<number> {
  const { cacheDirectory, emptyCache } = await import("../base/cache.js");
  emptyCache(cacheDirectory());
  return 0;
}

async function openShell(options: Options): Promise<number> {
  const { runShell } = await import("./shell.js");
  await runShell(options);
  return 0;
}

async function serveEditor(options: Options): Promise<number> {
  const server = await import("./language-server.js");
  return server.serveEditor(options);
}

async function attach(name: string): Promise<number> {
  const { attachTo } = await import("./attach.js");
  return attachTo(name);
}

async function list(listing: Listing, options: Options, diagnostics: Diagnostics): Promise<number> {
  const { listLines } = await import("./list.js");
  const lines = listLines(listing, options, diagnostics);
  print(lines.map((line) => `${line}\n`).join(""));
  return lines.length === 0 ? 1 : 0;
}

/** The bundle that the script argument names, null if it is a script. */
function readBundleFile(options: Options): { bytes: Uint8Array; name: string } | null {
  const { script } = options;
  if (script?.kind !== "file" || script.path === "-" || options.example) return null;
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

function explainPass(error: PassFailed, options: Options, diagnostics: Diagnostics): void {
  for (const diagnostic of error.diagnostics) {
    if (diagnostic.severity === "warning") diagnostics.warning(diagnostic);
    else diagnostics.error(diagnostic);
  }
  const parseErrors = error.diagnostics.filter((d) => d.severity === "parse error").length;
  const isAboutFile = error.diagnostics.some(({ span }) => span === null);
  if (parseErrors > 0 && !isAboutFile) say(showErrorCount(parseErrors).trimEnd());
  if (options.errorCatalog) say(showCatalog(error.diagnostics));
  if (options.listing === null) say(error.message);
}
