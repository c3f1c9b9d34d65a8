/**
 * The compile cache: bundles in wastap's cache, msgpack with what they depend on and a checksum. An
 * entry that is damaged or outdated counts as absent.
 */
import { createHash } from "node:crypto";
import { pack, unpack } from "msgpackr";
import { readCached, writeCached } from "../base/cache.js";
import { areCurrent, type Dependencies } from "./cache-key.js";

/** Version of the layout of entries. */
const ENTRY_VERSION = 1;

interface Entry {
  readonly version: number;
  readonly key: string;
  readonly dependencies: Dependencies;
  readonly sha256: string;
  readonly bundle: Uint8Array;
}

/** The bundle under `key`, null if there is none that may be used. */
export function readEntry(directory: string, key: string): Uint8Array | null {
  const bytes = readCached(directory, key);
  if (bytes === null) return null;
  try {
    const entry = decodeEntry(bytes, key);
    return entry !== null && areCurrent(entry.dependencies) ? entry.bundle : null;
  } catch {
    return null;
  }
}

/** Keeps `bundle` under `key`; false if that is not possible. */
export function writeEntry(
  directory: string,
  key: string,
  value: { readonly bundle: Uint8Array; readonly dependencies: Dependencies },
): boolean {
  const entry: Entry = { version: ENTRY_VERSION, key, sha256: checksum(value.bundle), ...value };
  return writeCached(directory, key, pack(entry));
}

function decodeEntry(bytes: Uint8Array, key: string): Entry | null {
  const entry = unpack(bytes) as Partial<Entry> | null;
  if (entry?.version !== ENTRY_VERSION || entry.key !== key) return null;
  const { bundle } = entry;
  const isWhole = bundle instanceof Uint8Array && checksum(bundle) === entry.sha256;
  return isWhole ? (entry as Entry) : null;
}

function checksum(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
