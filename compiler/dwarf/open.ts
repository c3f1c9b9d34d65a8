/**
 * Opening an ELF file together with the files that its debugging information is in. Each file is
 * opened once and stays open; what was read for it is what the result of a compilation depends on.
 */
import { findPackage, unpackPackage } from "./dwp.js";
import {
  debugFileCandidates,
  findDebugFile,
  findSupplement,
  supplementCandidates,
} from "./find-debug-file.js";
import { callNative, type NativeFile, openNative } from "./native.js";
import { skeletonsOf, splitPaths, withPlainSplitFiles } from "./split-files.js";
import { withoutZstd } from "./zstd.js";

const open = new Map<string, NativeFile>();

/**
 * Opens the ELF file at the absolute `path`, which may be below `sysroot`, and finds its debug file,
 * once. Throws TargetError.
 */
export function openDebugFile(path: string, sysroot = ""): NativeFile {
  const known = open.get(path);
  if (known) return known;
  const file = openWithDebugFile(path, sysroot);
  open.set(path, file);
  return file;
}

/** Other files that decide what is known of the file at `path`, if it was opened here. */
export function debugFilesOf(path: string): readonly string[] {
  const file = open.get(path);
  if (file === undefined) return [];
  const { debugPath } = file;
  const own = [...debugFileCandidates(file), `${path}.dwp`, ...(debugPath ? [debugPath] : [])];
  if (!callNative("hasDwarf", file)) return own;
  const supplement = callNative("supplement", file);
  const shared =
    supplement === null
      ? []
      : supplementCandidates(file, { name: supplement[0], buildId: supplement[1] });
  return [...own, ...shared, ...(packaged.has(path) ? [] : splitFiles(file))];
}

/** Files whose parts are in a package. */
const packaged = new Set<string>();

/** Where libdw looks for the .dwo files of `file`. */
function splitFiles(file: NativeFile): string[] {
  return skeletonsOf(file).flatMap((skeleton) => splitPaths(file, skeleton));
}

function openWithDebugFile(path: string, sysroot: string): NativeFile {
  const plain = withoutZstd(path);
  const alone = { ...openNative(plain, null), path };
  const debugPath = callNative("hasDwarf", alone) ? null : findDebugFile(alone, sysroot);
  if (debugPath === null) return withPackage(alone, plain);
  const plainDebug = withoutZstd(debugPath);
  return withPackage({ ...openNative(plain, plainDebug), path, debugPath }, plainDebug);
}

/** `file`, whose DWARF is in the file at `holder`, with what is in its package (.dwp). */
function withPackage(file: NativeFile, holder: string): NativeFile {
  const packagePath = findPackage(file);
  if (packagePath === null || !callNative("hasDwarf", file)) return file;
  const unpacked = unpackPackage(file, holder, packagePath);
  packaged.add(file.path);
  const { path, debugPath } = file;
  const opened = debugPath === null ? openNative(unpacked, null) : openNative(path, unpacked);
  return { ...opened, path, debugPath };
}

/** The ELF file at the absolute `path` with all its DWARF; null if it has none. Throws TargetError. */
export function openDwarf(path: string, sysroot = ""): NativeFile | null {
  const file = openDebugFile(path, sysroot);
  if (!loadDwarf(file)) return null;
  const readable = packaged.has(path) ? file : withPlainSplitFiles(file);
  return readable === file || loadDwarf(readable) ? readable : null;
}

/** Reads the DWARF of `file` and of its supplementary (dwz) file; false if there is none. */
function loadDwarf(file: NativeFile): boolean {
  if (!callNative("hasDwarf", file)) return false;
  const [name, buildId, isFound] = callNative("supplement", file) ?? ["", "", true];
  if (isFound) return true;
  const path = findSupplement(file, { name, buildId });
  if (path !== null) callNative("setSupplement", file, withoutZstd(path));
  return true;
}
