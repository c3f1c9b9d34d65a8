/**
 * Compiles scripts and runs them in V8. Tapset functions come from the package's tapsets; probes
 * `process.begin` stand for any handler in the traced process, the target being Node itself.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { CompileFailed } from "../../../base/diagnostic.js";
import { PACKAGE_ROOT, PREBUILDS } from "../../../base/root.js";
import type { CompileContext, CompileOptions } from "../../../base/stage.js";
import { type Compiled, compile } from "../../../compiler/pipeline.js";
import type { BundleMeta, BundleProbe } from "../../../wasm-runtime/bundle.js";
import { EMPTY_HIT, type Hit } from "../../../wasm-runtime/engine/hit.js";
import { createV8Engine, type V8Engine } from "../../../wasm-runtime/engine/v8.js";
import { showError } from "../../../wasm-runtime/records/error.js";
import { formatItem } from "../../../wasm-runtime/records/format.js";
import type { LogRecord } from "../../../wasm-runtime/records/read.js";

/** Path of the library, or null where it is not built. */
export const LIBRARY_PATH: string | null = existsSync(join(PREBUILDS, "library.wasm"))
  ? join(PREBUILDS, "library.wasm")
  : null;

/** Options of a plain compilation with small buffers, and `changes`. */
export function contextWith(changes: Partial<CompileOptions> = {}): CompileContext {
  return {
    options: {
      guru: true,
      ordinaryUser: false,
      unoptimized: false,
      timing: false,
      monitor: false,
      args: [],
      defines: new Map([["MAXTHREADS", "3"]]),
      globals: new Map(),
      targetPath: process.execPath,
      tapsetPath: [join(PACKAGE_ROOT, "tapsets")],
      compatible: "5.6",
      checkVersion: false,
      skipBadVariables: false,
      prologueSearching: "auto",
      suppressHandlerErrors: false,
      suppressTimeLimits: false,
      globalVariableDisplay: false,
      moduleName: "wastap_test",
      bufferMegabytes: 1,
      ...changes,
    },
    warn() {},
  };
}

/** Compiles `text`. */
export function compileText(text: string, changes: Partial<CompileOptions> = {}): Compiled {
  return compile([{ name: "<input>", text, library: false }], contextWith(changes));
}

/** Messages of a compilation that must fail, one a line. */
export function compileErrors(text: string, changes: Partial<CompileOptions> = {}): string {
  try {
    compileText(text, changes);
  } catch (error) {
    if (error instanceof CompileFailed) {
      return error.diagnostics.map((d) => `${d.message} [${d.code}]`).join("\n");
    }
    throw error;
  }
  return assert.unreachable("compiled") ?? "";
}

/** A linked and initialised program. */
export function start(compiled: Compiled): V8Engine {
  const engine = createV8Engine(compiled.bundle, readFileSync(LIBRARY_PATH ?? ""));
  engine.init();
  return engine;
}

/** One step of a run: a probe index, optionally `slot` and `hit`. */
export interface Step {
  readonly probe: number;
  readonly slot?: number;
  readonly hit?: Hit;
}

/** Runs `steps` (by default every probe once, begin probes first) and gives all output as text. */
export function run(engine: V8Engine, steps?: readonly Step[]): string {
  const { meta } = engine;
  const all: readonly Step[] = steps ?? meta.probes.map((_, probe) => ({ probe }));
  for (const step of all) {
    const probe = meta.probes[step.probe];
    if (probe === undefined) continue;
    if (!runsAlways(probe) && engine.state() === "starting") engine.start("running");
    const slot = step.slot ?? (isTraced(probe) ? 0 : meta.memory.slotCount);
    const trap = engine.run(step.probe, step.hit ?? EMPTY_HIT, slot);
    assert.is(trap, null, `trap in ${probe.name}`);
  }
  const lost = engine.lost();
  assert.equal([lost.records, lost.missing, lost.garbage], [0, 0, 0]);
  return engine
    .output()
    .map((record) => showRecord(record, meta))
    .join("");
}

/** Output of `text`, compiled and run. */
export function outputOf(text: string, changes: Partial<CompileOptions> = {}): string {
  return run(start(compileText(text, changes)));
}

/** A record as the command line shows it, errors and warnings included. */
export function showRecord(record: LogRecord, meta: BundleMeta): string {
  return record.items
    .map((item) => {
      if (item.kind === "print") return Buffer.from(formatItem(item, meta)).toString("latin1");
      if (item.kind === "error") return `ERROR: ${showError(item, record.probe, meta)}\n`;
      const text = Buffer.from(item.text).toString("latin1");
      return `${item.kind.toUpperCase()}: ${text}\n`;
    })
    .join("");
}

/** Scripts of test/cases/lower: a name, the text, and the path of the expected text. */
export function readCases(): readonly { name: string; text: string; goldenPath: string }[] {
  const directory = join(PACKAGE_ROOT, "test", "cases", "lower");
  return readdirSync(directory)
    .filter((file) => file.endsWith(".stp"))
    .sort()
    .map((file) => ({
      name: file.slice(0, -4),
      text: readFileSync(join(directory, file), "utf8"),
      goldenPath: join(directory, file.replace(/stp$/, "txt")),
    }));
}

/** Compares `actual` with the file `path`; WASTAP_GOLDEN=write writes it. */
export function golden(path: string, actual: string): void {
  if (process.env["WASTAP_GOLDEN"] === "write") writeFileSync(path, actual);
  assert.fixture(actual, existsSync(path) ? readFileSync(path, "utf8") : "");
}

function runsAlways(probe: BundleProbe): boolean {
  return ["begin", "end", "error"].includes(probe.point.kind);
}

function isTraced(probe: BundleProbe): boolean {
  return probe.point.kind === "process" || probe.point.kind === "site";
}
