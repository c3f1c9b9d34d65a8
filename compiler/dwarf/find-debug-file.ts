/**
 * Where the debugging information of a stripped file is: by build-id, by the name in .gnu_debuglink,
 * from debuginfod servers. Only a file that belongs to it is taken: the build-ids are the same, or,
 * without one, the CRC-32 is the one in .gnu_debuglink. Sources: stap(1) SYSTEMTAP_DEBUGINFO_PATH,
 * gdb manual "Debugging Information in Separate Files", debuginfod-find(1).
 */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { TargetError } from "../../base/target-error.js";
import { isFile } from "../elf/find.js";
import { withoutSysroot } from "../elf/sysroot.js";
import { crc32 } from "./crc32.js";
import { fetchDebugFile } from "./debuginfod.js";
import { callNative, type NativeFile, openNative } from "./native.js";

/**
 * Directories apart by colons. A relative one is below that of the file; an absolute one has the
 * directories of build-ids, and a tree like that of the files. A sign before the first (whether to
 * compare checksums) has no effect: they are always compared.
 */
const DEFAULT_PATH = "+:.debug:/usr/lib/debug:/var/cache/abrt-di/usr/lib/debug:build";

/** Path of the debug file of `file`, which may be below `sysroot`; null if there is none. */
export function findDebugFile(file: NativeFile, sysroot: string): string | null {
  const buildId = callNative("buildId", file);
  const crc = callNative("debugLink", file)?.[1] ?? null;
  const belongs = (path: string): boolean =>
    path !== file.path && isFile(path) && isDebugFileOf(path, buildId, crc);
  return debugFileCandidates(file, sysroot).find(belongs) ?? fetchDebugFile(buildId);
}

/** Paths where the debug file of `file` is looked for on this machine. */
export function debugFileCandidates(file: NativeFile, sysroot = ""): readonly string[] {
  const link = callNative("debugLink", file);
  const linked = link === null ? [] : linkedPaths(file.path, link[0], sysroot);
  const named = buildIdPaths(callNative("buildId", file));
  const ofSystem = sysroot === "" ? [] : named.map((path) => join(sysroot, path));
  return [...ofSystem, ...named, ...linked];
}

/** What a file says of its supplementary (dwz) file. */
export interface SupplementLink {
  readonly name: string;
  readonly buildId: string;
}

/** Path of the supplementary (dwz) file that the debugging information of `file` refers to. */
export function findSupplement(file: NativeFile, link: SupplementLink): string | null {
  const { buildId } = link;
  return (
    supplementCandidates(file, link).find(
      (path) => isFile(path) && isDebugFileOf(path, buildId, null),
    ) ?? fetchDebugFile(buildId)
  );
}

/** Paths where the supplementary file of `file` is looked for on this machine. */
export function supplementCandidates(
  file: NativeFile,
  { name, buildId }: SupplementLink,
): readonly string[] {
  return [resolve(dirname(file.debugPath ?? file.path), name), ...buildIdPaths(buildId)];
}

function searchDirectories(): string[] {
  const path = process.env["SYSTEMTAP_DEBUGINFO_PATH"] ?? DEFAULT_PATH;
  return path.split(":").map((part) => part.replace(/^[+-]/, ""));
}

/** DIRECTORY/.build-id/xx/yyyy.debug */
function buildIdPaths(buildId: string): string[] {
  if (buildId.length < 3) return [];
  const name = join(".build-id", buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
  return searchDirectories()
    .filter(isAbsolute)
    .map((directory) => join(directory, name));
}

function linkedPaths(path: string, name: string, sysroot: string): string[] {
  const own = dirname(path);
  const shown = dirname(withoutSysroot(path, sysroot));
  return searchDirectories().map((directory) =>
    isAbsolute(directory) ? join(sysroot, directory, shown, name) : join(own, directory, name),
  );
}

function isDebugFileOf(path: string, buildId: string, crc: number | null): boolean {
  try {
    const found = callNative("buildId", openNative(path, null));
    if (buildId !== "") return found === buildId;
    return crc !== null && crc32(readFileSync(path)) === crc;
  } catch (error) {
    if (error instanceof TargetError) return false;
    throw error;
  }
}
