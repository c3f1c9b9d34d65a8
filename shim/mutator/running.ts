/**
 * Processes that the points of a bundle name, for sessions that start no program and are given no
 * process: by their ids, by the programs that they run, or by the libraries that they have.
 */
import { type BigIntStats, readdirSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { readDynamic } from "../../base/elf/dynamic.js";
import { FILE_TYPE, parseElf } from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import { livePath, type Mapping } from "./maps.js";
import { commandLine, livingThread, readMappings } from "./process.js";
import type { RunnableBundle } from "./runnable.js";

/** Ids of processes that points name. */
export function namedProcesses({ meta }: RunnableBundle): number[] {
  const named = meta.probes.flatMap(({ point }) => ("pid" in point ? [point.pid] : []));
  return [...new Set(named.filter((pid) => pid !== 0))];
}

/** Paths of the files that points name, not of one process only. */
export function namedFiles({ meta }: RunnableBundle): string[] {
  return [...new Set(meta.probes.flatMap(({ point }) => fileOf(point)))];
}

function fileOf(point: BundlePoint): string[] {
  if ("pid" in point && point.pid !== 0) return [];
  if (point.kind === "site") return [point.module];
  return point.kind !== "procfs" && "path" in point && point.path !== null ? [point.path] : [];
}

/**
 * Gives, each time that it is asked, the processes that since then run one of the programs, or have
 * mapped one of the libraries, at `paths`. Not other wastaps, which are programs of Node: two that
 * stop each other would both stand still.
 */
export function watchFiles(paths: readonly string[]): () => readonly number[] {
  if (paths.length === 0) return () => [];
  const findUsers = watchLibraries(paths.filter(isLibrary));
  let before = new Set<number>();
  return () => {
    const pids = otherProcesses();
    const now = new Set([...running(pids, paths), ...findUsers(pids)]);
    const fresh = [...now].filter((pid) => !before.has(pid) && !isWastap(pid));
    before = now;
    return fresh;
  };
}

function otherProcesses(): number[] {
  const names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return names.map(Number).filter((pid) => pid !== process.pid);
}

/** Those of `pids` that run one of the programs at `paths`, as far as we may know. */
function running(pids: readonly number[], paths: readonly string[]): readonly number[] {
  const programs = paths.flatMap((path) => statOf(path) ?? []);
  if (programs.length === 0) return [];
  return pids.filter((pid) => {
    const program = statOf(`/proc/${livingThread(pid)}/exe`);
    return program !== null && programs.some((each) => isSame(each, program));
  });
}

/** A young process may map its libraries at any moment: it is looked at each time, this often. */
const YOUNG_LOOKS = 10;
/** Others in turn, every so many times: their lists of mappings are long. */
const TURNS = 10;

/** Gives, each time, those of the processes that are known to have mapped one of `libraries`. */
function watchLibraries(
  libraries: readonly string[],
): (pids: readonly number[]) => readonly number[] {
  if (libraries.length === 0) return () => [];
  const looks = new Map<number, number>();
  const users = new Set<number>();
  let turn = 0;
  return (pids) => {
    const living = new Set(pids);
    for (const pid of looks.keys()) {
      if (living.has(pid)) continue;
      looks.delete(pid);
      users.delete(pid);
    }
    turn++;
    const inodes = new Set(libraries.flatMap((path) => statOf(path)?.ino ?? []));
    const isOneOf = ({ executable, inode, path }: Mapping): boolean =>
      executable && (inodes.has(BigInt(inode)) || libraries.includes(livePath(path)));
    for (const pid of pids) {
      const known = looks.get(pid) ?? 0;
      looks.set(pid, known + 1);
      const isDue = known < YOUNG_LOOKS || (pid + turn) % TURNS === 0;
      if (isDue && !users.has(pid) && readMappings(pid).some(isOneOf)) users.add(pid);
    }
    return [...users];
  };
}

/** Whether the file at `path` is loaded by programs. */
export function isLibrary(path: string): boolean {
  try {
    const image = parseElf(readFileSync(path), path);
    return image.type === FILE_TYPE.shared && !readDynamic(image).isProgram;
  } catch (error) {
    if (error instanceof TargetError || (error as NodeJS.ErrnoException).code) return false;
    throw error;
  }
}

/** Told by its command, which is there before the rest of it is loaded. */
function isWastap(pid: number): boolean {
  const [, command = ""] = commandLine(pid);
  return /^wastap(\.cjs)?$/.test(basename(command));
}

/** In full: some file systems have inode numbers beyond 2^53. */
function statOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}
