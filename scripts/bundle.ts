/**
 * Bundles what runs at a user's: from the modules in dist/ to dist/bundle/, which needs no packages.
 *
 *   cli/main.ts                      → program.js, loaded by cli/program.ts
 *   cli/launch.ts                    → wastap.cjs, the command
 *   compiler/embedded/asc-worker.ts  → asc-worker.js
 *   compiler/dwarf/fetch-worker.ts   → fetch-worker.js
 *   licences of bundled packages     → LICENSES
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { type OutputChunk, rolldown } from "rolldown";
import { assert } from "../base/assert.js";
import { PACKAGE_ROOT } from "../base/root.js";
import { BUILD_MARK, BUNDLE_DIRECTORY, PROGRAM_FILE } from "../cli/program.js";

const DIST = join(PACKAGE_ROOT, "dist");
const PACKAGES = realpathSync(join(PACKAGE_ROOT, "node_modules"));

/** One file of everything that `entry` reaches, dynamic imports included. */
async function bundle(entry: string, format: "cjs" | "es"): Promise<OutputChunk> {
  const build = await rolldown({
    input: join(DIST, entry),
    platform: "node",
    // msgpackr's native half is not shipped; looking for it would take a few milliseconds.
    external: ["msgpackr-extract"],
    transform: { define: { "process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED": '"true"' } },
  });
  const { output } = await build.generate({ format, codeSplitting: false, comments: false });
  const [chunk] = output;
  assert(output.length === 1, `${entry} became ${output.length} files`);
  return chunk;
}

/** V8 keeps text that is ASCII in half the memory, and reads it without decoding. */
function toAscii(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function writeProgram(code: string): void {
  const head = '(function (exports, require, module, __filename, __dirname) { "use strict";';
  const text = `${head}\n${toAscii(code)}\n})`;
  const build = createHash("sha256").update(text).digest("hex").slice(0, 16);
  writeFileSync(PROGRAM_FILE, `${BUILD_MARK}${build}\n${text}\n`);
}

/** Names of the packages that have modules in `chunk`. */
function packagesOf(chunk: OutputChunk): string[] {
  const names = chunk.moduleIds
    .filter((id) => id.startsWith(PACKAGES))
    .map((id) => id.slice(PACKAGES.length + 1).split("/")[0] ?? "");
  return [...new Set(names)].sort();
}

function licences(packages: readonly string[]): string {
  const texts = packages.map((name) => {
    const file = readdirSync(join(PACKAGES, name)).find((entry) => /^licen[cs]e/i.test(entry));
    assert(file !== undefined, `package ${name} has no licence file`);
    return `${name}\n\n${readFileSync(join(PACKAGES, name, file), "utf8").trim()}\n`;
  });
  return texts.join("\n----\n\n");
}

rmSync(BUNDLE_DIRECTORY, { recursive: true, force: true });
mkdirSync(BUNDLE_DIRECTORY, { recursive: true });
const program = await bundle("cli/main.js", "cjs");
writeProgram(program.code);
writeFileSync(join(BUNDLE_DIRECTORY, "LICENSES"), licences(packagesOf(program)));
// The packages read them beside the file that they are in.
for (const [name, wasm] of [
  ["iced-x86", "iced_x86_bg.wasm"],
  ["sql.js", "dist/sql-wasm.wasm"],
] as const) {
  copyFileSync(join(PACKAGES, name, wasm), join(BUNDLE_DIRECTORY, basename(wasm)));
}
const command = join(BUNDLE_DIRECTORY, "wastap.cjs");
writeFileSync(command, (await bundle("cli/launch.js", "cjs")).code);
chmodSync(command, 0o755);
for (const worker of ["compiler/embedded/asc-worker.js", "compiler/dwarf/fetch-worker.js"]) {
  const { code } = await bundle(worker, "es");
  writeFileSync(join(BUNDLE_DIRECTORY, worker.split("/").at(-1) ?? ""), code);
}
