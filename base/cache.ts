/**
 * wastap's cache of files that can be made again (cli.md §9): CACHE/XX/wastap_KEY.entry. An entry
 * appears under its name only when it is complete; one that is not the user's own counts as absent.
 * Trouble with the cache never stops a run.
 *
 *   CACHE = $WASTAP_DIR/cache, else $SYSTEMTAP_DIR/cache, else ~/.wastap/cache
 *   CACHE/cache_mb_limit             megabytes that entries may take (256)
 *   CACHE/cache_clean_interval_s     seconds between two cleanings (300); its time is the last one's
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const ENTRY_SUFFIX = ".entry";
const DEFAULT_MEGABYTES = 256;
const DEFAULT_INTERVAL_SECONDS = 300;
/** Age of unfinished files whose writer is taken for dead. */
const STALE_SECONDS = 3600;

/** Directory of the cache. */
export function cacheDirectory(): string {
  const { WASTAP_DIR, SYSTEMTAP_DIR } = process.env;
  return join(WASTAP_DIR ?? SYSTEMTAP_DIR ?? join(homedir(), ".wastap"), "cache");
}

/** Path of the entry with `key`, which is in hex. */
export function entryPath(directory: string, key: string): string {
  return join(directory, key.slice(0, 2), `wastap_${key}${ENTRY_SUFFIX}`);
}

/** Bytes of the entry with `key`, null if there is none that may be used. */
export function readCached(directory: string, key: string): Uint8Array | null {
  const path = entryPath(directory, key);
  try {
    if (!isOwn(lstatSync(directory)) || !isOwn(lstatSync(dirname(path)))) return null;
    return readOwnFile(path);
  } catch {
    return null;
  }
}

/** Keeps `bytes` under `key`; false if that is not possible. */
export function writeCached(directory: string, key: string, bytes: Uint8Array): boolean {
  const path = entryPath(directory, key);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (!isOwn(lstatSync(directory)) || !isOwn(lstatSync(dirname(path)))) return false;
    writeAtomically(path, bytes);
    cleanIfDue(directory);
    return true;
  } catch {
    return false;
  }
}

/** Removes all entries. */
export function emptyCache(directory: string): void {
  for (const { path } of listEntries(directory)) rmSync(path, { force: true });
}

/** Ours, and nobody else can write to it. */
function isOwn(state: Stats): boolean {
  return state.uid === process.geteuid?.() && (state.mode & 0o022) === 0 && !state.isSymbolicLink();
}

/** Bytes of a regular file that only this user can have written; throws if it is anything else. */
function readOwnFile(path: string): Uint8Array {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const state = fstatSync(descriptor);
    if (!state.isFile() || !isOwn(state)) throw new Error(`not to be trusted: ${path}`);
    const bytes = readFileSync(descriptor);
    const now = new Date();
    futimesSync(descriptor, now, now);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

function writeAtomically(path: string, bytes: Uint8Array): void {
  const unfinished = `${path}.${process.pid}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(unfinished, bytes, { flag: "wx", mode: 0o600 });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

interface Listed {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/** Files that the cache made, unfinished ones included. */
function listEntries(directory: string): Listed[] {
  return namesIn(directory)
    .filter((name) => /^[0-9a-f]{2}$/.test(name))
    .flatMap((folder) => namesIn(join(directory, folder)).map((name) => join(folder, name)))
    .filter((name) => name.includes(ENTRY_SUFFIX))
    .flatMap((name) => {
      const path = join(directory, name);
      const state = lstatSync(path, { throwIfNoEntry: false });
      return state === undefined ? [] : [{ path, bytes: state.size, usedMs: state.mtimeMs }];
    });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Removes what was not used for longest until the limit holds, once in an interval. */
function cleanIfDue(directory: string): void {
  const limit = readSetting(join(directory, "cache_mb_limit"), DEFAULT_MEGABYTES);
  const stamp = join(directory, "cache_clean_interval_s");
  const known = lstatSync(stamp, { throwIfNoEntry: false });
  const interval = readSetting(stamp, DEFAULT_INTERVAL_SECONDS);
  if (known !== undefined && Date.now() - known.mtimeMs < interval * 1000) return;
  const now = new Date();
  utimesSync(stamp, now, now);
  const staleMs = now.getTime() - STALE_SECONDS * 1000;
  let bytes = 0;
  for (const entry of listEntries(directory).sort((a, b) => b.usedMs - a.usedMs)) {
    const isUnfinished = !entry.path.endsWith(ENTRY_SUFFIX);
    bytes += entry.bytes;
    const isOver = isUnfinished ? entry.usedMs < staleMs : bytes > limit * 2 ** 20;
    if (isOver) rmSync(entry.path, { force: true });
  }
}

/** The number in the file `path`, which is written with `otherwise` if it does not exist. */
function readSetting(path: string, otherwise: number): number {
  try {
    const value = Number(readFileSync(path, "utf8").trim());
    return value >= 0 ? value : otherwise;
  } catch {
    writeFileSync(path, `${otherwise}\n`, { mode: 0o600 });
    return otherwise;
  }
}
