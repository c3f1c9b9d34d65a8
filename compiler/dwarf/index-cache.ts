/**
 * Indexes of large files on disk, in wastap's cache: msgpack of the columns under a key made of the
 * build-id and of the state of the file that has the DWARF. A damaged entry counts as absent.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { pack, unpack } from "msgpackr";
import { cacheDirectory, readCached, writeCached } from "../../base/cache.js";
import { callNative, type FunctionIndex, type NativeFile } from "./native.js";

/** To be raised whenever an index of the same file would be another one. */
const VERSION = 1;
/** Smaller indexes are made again as fast as they are read. */
const MIN_ROWS = 2000;

type Columns = Readonly<Record<keyof Omit<FunctionIndex, "isSplit">, Uint8Array>>;

interface Stored {
  readonly key: string;
  readonly sha256: string;
  readonly columns: Columns;
}

/** The index of `file` if it was kept, else null. */
export function readIndex(file: NativeFile): FunctionIndex | null {
  const key = keyOf(file);
  const bytes = key === null ? null : readCached(cacheDirectory(), key);
  if (bytes === null) return null;
  try {
    const stored = unpack(bytes) as Stored;
    if (stored.key !== key || stored.sha256 !== checksum(stored.columns)) return null;
    return fromColumns(stored.columns);
  } catch {
    return null;
  }
}

/** Keeps the index of `file` if that is worth it. */
export function keepIndex(file: NativeFile, index: FunctionIndex): void {
  const key = index.isSplit || index.dies.length < MIN_ROWS ? null : keyOf(file);
  if (key === null) return;
  const columns = toColumns(index);
  const stored: Stored = { key, sha256: checksum(columns), columns };
  writeCached(cacheDirectory(), key, pack(stored));
}

/** Null without a build-id. */
function keyOf(file: NativeFile): string | null {
  const buildId = callNative("buildId", file);
  if (buildId === "") return null;
  const { size, mtimeMs } = statSync(file.debugPath ?? file.path);
  const parts = ["functions", VERSION, buildId, size, mtimeMs];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function toColumns({ dies, origins, entries, instances, ...rest }: FunctionIndex): Columns {
  return {
    dies: bytesOf(dies),
    origins: bytesOf(origins),
    entries: bytesOf(entries),
    instances: bytesOf(instances),
    names: bytesOf(rest.names),
    linkageNames: bytesOf(rest.linkageNames),
    strings: rest.strings,
  };
}

function fromColumns(columns: Columns): FunctionIndex {
  return {
    dies: new Float64Array(alignedCopy(columns.dies)),
    origins: new Float64Array(alignedCopy(columns.origins)),
    entries: new Float64Array(alignedCopy(columns.entries)),
    instances: new Float64Array(alignedCopy(columns.instances)),
    names: new Uint32Array(alignedCopy(columns.names)),
    linkageNames: new Uint32Array(alignedCopy(columns.linkageNames)),
    strings: columns.strings,
    isSplit: false,
  };
}

function bytesOf(array: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function alignedCopy(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function checksum(columns: Columns): string {
  const hash = createHash("sha256");
  for (const bytes of Object.values(columns)) hash.update(`${bytes.length} `).update(bytes);
  return hash.digest("hex");
}
