/**
 * The .dwo files of a program (DWARF 5 §7.3.2), which libdw opens itself: beside the program, or
 * where the compiler wrote them. If it cannot read them there, they are put into a directory in a
 * form that it can read, and the program is linked to it.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { isFile } from "../elf/find.js";
import { callNative, type NativeFile, openNative } from "./native.js";
import { withoutZstd } from "./zstd.js";

/** What a program has of a unit whose rest is in a .dwo file. */
export interface Skeleton {
  /** Of the .dwo file, as the compiler was told. */
  readonly name: string;
  /** Where the compiler ran, or "". */
  readonly directory: string;
  /** The same in the .dwo file. */
  readonly id: bigint;
}

/** The skeletons of `file`, whose DWARF has been read. */
export function skeletonsOf(file: NativeFile): readonly Skeleton[] {
  const flat = callNative("skeletons", file);
  return Array.from({ length: Math.floor(flat.length / 3) }, (_, i) => ({
    name: flat[3 * i] as string,
    directory: flat[3 * i + 1] as string,
    id: flat[3 * i + 2] as bigint,
  }));
}

/** Where libdw looks for the .dwo file of a skeleton of `file`, in this order. */
export function splitPaths({ path, debugPath }: NativeFile, skeleton: Skeleton): readonly string[] {
  const own = dirname(debugPath ?? path);
  const { name, directory } = skeleton;
  return [resolve(own, name), resolve(own, directory, name)];
}

/** `file`, whose DWARF has been read, with .dwo files that are not compressed with zstd. */
export function withPlainSplitFiles(file: NativeFile): NativeFile {
  const plain = new Map<bigint, string>();
  let isNeeded = false;
  for (const skeleton of skeletonsOf(file)) {
    const path = splitPaths(file, skeleton).find(isFile);
    if (path === undefined) continue;
    const readable = withoutZstd(path);
    plain.set(skeleton.id, readable);
    isNeeded ||= readable !== path;
  }
  if (!isNeeded) return file;
  const { path, debugPath } = file;
  const gathered = gatherSplitFiles(file, withoutZstd(debugPath ?? path), ({ id }) => {
    const found = plain.get(id);
    return found === undefined ? null : (target) => symlinkSync(found, target);
  });
  const opened =
    debugPath === null ? openNative(gathered, null) : openNative(withoutZstd(path), gathered);
  return { ...opened, path, debugPath };
}

/** Makes the .dwo file of a skeleton at `target`. */
export type MakeSplitFile = (target: string) => void;

/**
 * Makes a directory with the .dwo files of `file` for which there is a way to make them. Returns the
 * path to open there instead of `holder`, the file with its DWARF; it exists as long as this process.
 */
export function gatherSplitFiles(
  file: NativeFile,
  holder: string,
  maker: (skeleton: Skeleton) => MakeSplitFile | null,
): string {
  const directory = mkdtempSync(join(tmpdir(), "wastap-dwo-"));
  removeAtExit(directory);
  const renamed = new Map<string, string>();
  for (const [index, skeleton] of skeletonsOf(file).entries()) {
    const make = maker(skeleton);
    if (make === null) continue;
    const { name } = skeleton;
    const target = isBelow(directory, name) ? name : `${index}.dwo`;
    if (target !== name) renamed.set(name, target);
    mkdirSync(dirname(join(directory, target)), { recursive: true });
    if (!existsSync(join(directory, target))) make(join(directory, target));
  }
  const linked = join(directory, basename(holder));
  if (renamed.size === 0) linkOrCopy(holder, linked);
  else writeFileSync(linked, renameIn(readFileSync(holder), renamed));
  return linked;
}

const temporary: string[] = [];

function removeAtExit(directory: string): void {
  const isFirst = temporary.length === 0;
  temporary.push(directory);
  if (!isFirst) return;
  process.once("exit", () => {
    for (const each of temporary) rmSync(each, { recursive: true, force: true });
  });
}

function isBelow(directory: string, name: string): boolean {
  return !isAbsolute(name) && !relative(directory, resolve(directory, name)).startsWith("..");
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** `bytes` with other names of .dwo files, where there is room for them. */
function renameIn(bytes: Buffer, renamed: ReadonlyMap<string, string>): Buffer {
  for (const [from, to] of renamed) {
    const at = bytes.indexOf(`${from}\0`);
    if (at >= 0 && to.length <= from.length) bytes.write(`${to}\0`, at);
  }
  return bytes;
}
