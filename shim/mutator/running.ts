/**
 * Processes that the points of a bundle name, for sessions that start no program and are given no
 * process: by their ids, or by the programs that they run.
 */
import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { BundlePoint } from "../../wasm-runtime/bundle.js";
import { commandLine, livingThread } from "./process.js";
import type { RunnableBundle } from "./runnable.js";

/** Ids of processes that points name. */
export function namedProcesses({ meta }: RunnableBundle): number[] {
  const named = meta.probes.flatMap(({ point }) => ("pid" in point ? [point.pid] : []));
  return [...new Set(named.filter((pid) => pid !== 0))];
}

/** Paths of the files that points name, not of one process only. */
export function namedPrograms({ meta }: RunnableBundle): string[] {
  return [...new Set(meta.probes.flatMap(({ point }) => programOf(point)))];
}

function programOf(point: BundlePoint): string[] {
  if ("pid" in point && point.pid !== 0) return [];
  if (point.kind === "site") return [point.module];
  return point.kind !== "procfs" && "path" in point && point.path !== null ? [point.path] : [];
}

/**
 * Gives, each time that it is asked, the processes that run one of `programs` only since then. Not
 * other wastaps, which are programs of Node: two that stop each other would both stand still.
 */
export function watchPrograms(programs: readonly string[]): () => readonly number[] {
  let before = new Set<number>();
  return () => {
    const now = processesRunning(programs);
    const fresh = now.filter((pid) => !before.has(pid) && !isWastap(pid));
    before = new Set(now);
    return fresh;
  };
}

/** Ids of the other processes that run one of the programs at `paths`, as far as we may know. */
function processesRunning(paths: readonly string[]): number[] {
  const programs = paths.flatMap((path) => statOf(path) ?? []);
  if (programs.length === 0) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const program = pid === process.pid ? null : statOf(`/proc/${livingThread(pid)}/exe`);
    return program !== null && programs.some((each) => isSame(each, program));
  });
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
