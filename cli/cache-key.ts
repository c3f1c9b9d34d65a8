/**
 * What a compiled bundle depends on. Known beforehand, it makes the key: scripts, options, the
 * tapset files, the environment that names are resolved in, this very build of wastap. Known
 * afterwards, it is checked when an entry is used: searches for programs must find the same files,
 * and these (and their debug files) must not have changed.
 */
import { createHash } from "node:crypto";
import { type BigIntStats, readdirSync, readFileSync, statSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { parseElf } from "../base/elf/image.js";
import { PACKAGE_ROOT, PREBUILDS } from "../base/root.js";
import type { FileSearch } from "../base/stage.js";
import { debugFilesOf } from "../compiler/dwarf/open.js";
import {
  buildIdPath,
  currentSearchContext,
  findExecutables,
  findLibraries,
} from "../compiler/elf/find.js";
import { ABI_VERSION } from "../wasm-runtime/layout/shared.js";
import type { CompileInput } from "./compile-input.js";

/** Folders of the package whose code decides what a bundle is. */
const CODE_FOLDERS = ["base", "compiler", "wasm-runtime"];

/** Variables that decide which files a name means. */
const VARIABLES = ["PATH", "LD_LIBRARY_PATH", "SYSTEMTAP_DEBUGINFO_PATH", "DEBUGINFOD_URLS"];

/** A file with what tells its versions apart; `identity` null if there is none. */
export interface FileState {
  readonly path: string;
  readonly identity: string | null;
  /** GNU build-id of an ELF file that was probed. */
  readonly buildId?: string | null;
}

/** What a finished compilation depended on. */
export interface Dependencies {
  readonly searches: readonly FileSearch[];
  readonly files: readonly FileState[];
}

/** Key of the bundle that `input` compiles to, in hex. */
export function cacheKey({ files, options }: CompileInput): string {
  const code = join(PACKAGE_ROOT, "dist");
  const parts = {
    abi: ABI_VERSION,
    code: CODE_FOLDERS.flatMap((folder) => treeState(join(code, folder), [".js"])),
    prebuilds: treeState(PREBUILDS, ["manifest.json"]),
    package: fileIdentity(join(PACKAGE_ROOT, "package.json")),
    scripts: files.map(({ name, text }) => [name, text]),
    options: { ...options, defines: [...options.defines], globals: [...options.globals] },
    tapsets: options.tapsetPath.flatMap((path) => treeState(path, [".stp", ".stpm"])),
    embedded: treeState(join(PACKAGE_ROOT, "tapsets", "embedded"), [".ts"]),
    directory: process.cwd(),
    environment: VARIABLES.map((name) => process.env[name] ?? null),
    kernel: release(),
  };
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/**
 * What a compilation that made `searches` depends on; `targetPath` is the program of -c or -x.
 * Null if it cannot be known: it looked at running processes, or a C compiler at headers.
 */
export function findDependencies(
  searches: readonly FileSearch[],
  targetPath: string | null,
): Dependencies | null {
  if (searches.some(({ kind }) => kind === "process" || kind === "header")) return null;
  const distinct = new Map(searches.map((search) => [JSON.stringify(search), search]));
  const paths = new Set(searches.flatMap(({ found }) => found));
  if (targetPath !== null) paths.add(targetPath);
  const files = [...paths].sort().flatMap(moduleState);
  return { searches: [...distinct.values()], files };
}

/** True if nothing of `dependencies` has changed. */
export function areCurrent({ searches, files }: Dependencies): boolean {
  const context = currentSearchContext();
  const again = ({ kind, name, searchPath }: FileSearch): readonly string[] =>
    kind === "executable"
      ? findExecutables(name, context)
      : findLibraries(name, searchPath, context);
  return (
    files.every(({ path, identity }) => fileIdentity(path) === identity) &&
    searches.every((search) => again(search).join("\0") === search.found.join("\0"))
  );
}

/** States of a probed file and of the debug files that it could have. */
function moduleState(path: string): FileState[] {
  const buildId = readBuildId(path);
  const named = buildId === null ? [] : [buildIdPath(buildId, ".debug")];
  const others = new Set([...named, ...debugFilesOf(path)]);
  return [
    { path, identity: fileIdentity(path), buildId },
    ...[...others].map((other) => ({ path: other, identity: fileIdentity(other) })),
  ];
}

function readBuildId(path: string): string | null {
  try {
    return parseElf(readFileSync(path), path).buildId;
  } catch {
    return null;
  }
}

/** Device, inode, size and times of the file; null if there is none. */
function fileIdentity(path: string): string | null {
  const state = tryStat(path);
  if (state === null) return null;
  return [state.dev, state.ino, state.size, state.mtimeNs, state.ctimeNs].join(" ");
}

function tryStat(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}

/** All files below `directory` with one of `endings`, with their identities. */
function treeState(directory: string, endings: readonly string[]): string[] {
  return filesBelow(directory)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => `${join(directory, name)} ${fileIdentity(join(directory, name))}`);
}

function filesBelow(directory: string): string[] {
  try {
    return readdirSync(directory, { encoding: "utf8", recursive: true });
  } catch {
    return [];
  }
}
