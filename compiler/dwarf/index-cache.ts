/**
 * Indexes of large files on disk, in wastap's cache: msgpack of the columns under a key made of the
 * build-id and of the state of the file that has the DWARF. A damaged entry counts as absent.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { pack, unpack } from "msgpackr";
import { cacheDirectory, readCached, writeCached } from "../../base/cache.js";
import {
  type CallSiteIndex,
  callNative,
  type FunctionIndex,
  type NameIndex,
  type NativeFile,
} from "./native.js";

/** The indexes by the native functions that make them. */
interface Indexes {
  readonly functionIndex: FunctionIndex;
  readonly nameIndex: NameIndex;
  readonly callSiteIndex: CallSiteIndex;
}

/** To be raised whenever an index of the same file would be another one. */
const VERSION = 2;
/** Smaller indexes are made again as fast as they are read. */
const MIN_BYTES = 100_000;

type Column = Float64Array | Uint32Array | Uint8Array;
const COLUMN_TYPES = { float64: Float64Array, uint32: Uint32Array, uint8: Uint8Array } as const;

interface StoredColumn {
  readonly name: string;
  readonly type: keyof typeof COLUMN_TYPES;
  readonly bytes: Uint8Array;
}

interface Stored {
  readonly key: string;
  readonly sha256: string;
  readonly columns: readonly StoredColumn[];
}

/** An index of `file`: the one that was kept, else a new one, which is kept if that is worth it. */
export function loadIndex<Kind extends keyof Indexes>(file: NativeFile, kind: Kind): Indexes[Kind] {
  const key = keyOf(file, kind);
  const kept = key === null ? null : readColumns(key);
  // The key says which index it is, the checksum that it is whole.
  if (kept !== null) return { ...kept, isSplit: false } as unknown as Indexes[Kind];
  const index = callNative<keyof Indexes>(kind, file) as Indexes[Kind];
  if (key !== null && !index.isSplit) keepColumns(key, toColumns(index));
  return index;
}

function readColumns(key: string): Readonly<Record<string, Column>> | null {
  const bytes = readCached(cacheDirectory(), key);
  if (bytes === null) return null;
  try {
    const stored = unpack(bytes) as Stored;
    if (stored.key !== key || stored.sha256 !== checksum(stored.columns)) return null;
    return Object.fromEntries(stored.columns.map((column) => [column.name, fromColumn(column)]));
  } catch {
    return null;
  }
}

function keepColumns(key: string, columns: readonly StoredColumn[]): void {
  if (columns.reduce((sum, { bytes }) => sum + bytes.length, 0) < MIN_BYTES) return;
  const stored: Stored = { key, sha256: checksum(columns), columns };
  writeCached(cacheDirectory(), key, pack(stored));
}

/** Null without a build-id, or if the file is gone meanwhile. */
function keyOf(file: NativeFile, kind: keyof Indexes): string | null {
  const buildId = callNative("buildId", file);
  if (buildId === "") return null;
  const state = statSync(file.debugPath ?? file.path, { throwIfNoEntry: false });
  if (state === undefined) return null;
  const parts = [kind, VERSION, buildId, state.size, state.mtimeMs];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function toColumns(index: Indexes[keyof Indexes]): StoredColumn[] {
  return Object.entries(index).flatMap(([name, column]: [string, unknown]): StoredColumn[] => {
    if (!isColumn(column)) return [];
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
    return [{ name, type: typeOf(column), bytes }];
  });
}

function isColumn(value: unknown): value is Column {
  return ArrayBuffer.isView(value);
}

function typeOf(column: Column): StoredColumn["type"] {
  if (column instanceof Float64Array) return "float64";
  return column instanceof Uint32Array ? "uint32" : "uint8";
}

function fromColumn({ type, bytes }: StoredColumn): Column {
  const aligned = new ArrayBuffer(bytes.length);
  new Uint8Array(aligned).set(bytes);
  return new COLUMN_TYPES[type](aligned);
}

function checksum(columns: readonly StoredColumn[]): string {
  const hash = createHash("sha256");
  for (const { name, type, bytes } of columns) {
    hash.update(`${name} ${type} ${bytes.length} `).update(bytes);
  }
  return hash.digest("hex");
}
