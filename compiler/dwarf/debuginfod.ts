/**
 * Debug files from the debuginfod servers in $DEBUGINFOD_URLS, into the cache that all clients of
 * debuginfod on this machine share (debuginfod_find_debuginfo(3)):
 *   CACHE/BUILDID/debuginfo    the file; an empty one says for ten minutes that no server has it
 *   CACHE = $DEBUGINFOD_CACHE_PATH, else $XDG_CACHE_HOME/debuginfod_client, else
 *           ~/.cache/debuginfod_client
 * The compiler waits for the answer, so another process downloads; it says on standard error how
 * far it is and why a server fails.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Seconds for which a miss is believed. */
const MISS_SECONDS = 600;

/** Exit statuses of fetch-worker.ts. */
const FETCHED = 0;
const NOT_THERE = 3;

/** Path of the debug file with `buildId` (hex), null if no server has it or none is to be asked. */
export function fetchDebugFile(buildId: string): string | null {
  const servers = (process.env["DEBUGINFOD_URLS"] ?? "").split(/\s+/).filter((url) => url !== "");
  if (buildId === "" || servers.length === 0) return null;
  const path = join(cacheDirectory(), buildId, "debuginfo");
  const known = statSync(path, { throwIfNoEntry: false });
  if (known !== undefined && known.size > 0) return path;
  if (known !== undefined && Date.now() - known.mtimeMs < MISS_SECONDS * 1000) return null;
  return download(servers, buildId, path);
}

function download(servers: readonly string[], buildId: string, path: string): string | null {
  const worker = fileURLToPath(new URL("./fetch-worker.js", import.meta.url));
  let misses = 0;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    for (const server of servers) {
      const url = `${server.replace(/\/+$/, "")}/buildid/${buildId}/debuginfo`;
      const { status } = spawnSync(process.execPath, [worker, url, path], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      if (status === FETCHED) return path;
      if (status === NOT_THERE) misses++;
    }
    if (misses === servers.length) writeFileSync(path, "", { mode: 0o600 });
  } catch {
    // A cache that cannot be written is a cache without the file.
  }
  return null;
}

function cacheDirectory(): string {
  const { DEBUGINFOD_CACHE_PATH, XDG_CACHE_HOME } = process.env;
  return (
    DEBUGINFOD_CACHE_PATH ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "debuginfod_client")
  );
}
