/**
 * Files whose sections were compressed with Zstandard (gABI "Compression", ELFCOMPRESS_ZSTD), which
 * elfutils 0.188 cannot read: a copy with these sections as they were before, in wastap's cache.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { cacheDirectory, entryPath, readCached, writeCached } from "../../base/cache.js";
import { isElf, viewOf, word } from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import { zstdDecompress } from "./native.js";

/** Elf64_Ehdr, Elf64_Shdr, Elf64_Chdr (elf(5), gABI "Compression"). */
const HEADER = { bytes: 64, sections: 40, sectionBytes: 58, sectionCount: 60 };
const SECTION = { bytes: 64, flags: 8, offset: 24, size: 32, alignment: 48 };
const COMPRESSED = { bytes: 24, type: 0, size: 8, alignment: 16 };
const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS_ZSTD = 2;
/** A section that claims to be larger is damaged. */
const MAX_SECTION_BYTES = 2 ** 32;

/** Path of a readable copy of the ELF file at `path`; `path` itself if it needs none. */
export function withoutZstd(path: string): string {
  const { key, places } = inspect(path);
  if (places.length === 0) return path;
  const directory = cacheDirectory();
  const isThere =
    readCached(directory, key) !== null ||
    writeCached(directory, key, decompressSections(path, places));
  if (isThere) return entryPath(directory, key);
  throw new TargetError(
    `cannot read the debugging information of '${path}': it is compressed with zstd, and there is no cache to decompress it to`,
    { operation: "read debugging information", subject: path },
  );
}

interface Inspected {
  /** Tells versions of the file apart. */
  readonly key: string;
  /** Where in the file the headers of compressed sections are. */
  readonly places: readonly number[];
}

/** Nothing is compressed in a file that cannot be read: who opens it then says why. */
function inspect(path: string): Inspected {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return { key: "", places: [] };
  }
  try {
    const { size, mtimeMs } = fstatSync(descriptor);
    const version = JSON.stringify(["zstd", path, size, mtimeMs]);
    const key = createHash("sha256").update(version).digest("hex");
    return { key, places: compressedSections(descriptor) };
  } finally {
    closeSync(descriptor);
  }
}

function compressedSections(descriptor: number): readonly number[] {
  const header = readAt(descriptor, 0, HEADER.bytes);
  if (!isElf(header) || header.length < HEADER.bytes) return [];
  const view = viewOf(header);
  const start = word(view, HEADER.sections);
  const count = view.getUint16(HEADER.sectionCount, true);
  if (view.getUint16(HEADER.sectionBytes, true) !== SECTION.bytes) return [];
  const table = viewOf(readAt(descriptor, start, count * SECTION.bytes));
  const found: number[] = [];
  for (let at = 0; at + SECTION.bytes <= table.byteLength; at += SECTION.bytes) {
    if ((word(table, at + SECTION.flags) & SHF_COMPRESSED) === 0) continue;
    const own = readAt(descriptor, word(table, at + SECTION.offset), COMPRESSED.bytes);
    const isZstd =
      own.length === COMPRESSED.bytes &&
      viewOf(own).getUint32(COMPRESSED.type, true) === ELFCOMPRESS_ZSTD;
    if (isZstd) found.push(start + at);
  }
  return found;
}

function readAt(descriptor: number, position: number, size: number): Uint8Array {
  if (!Number.isSafeInteger(position)) return new Uint8Array();
  const bytes = new Uint8Array(size);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, size, position));
}

/** The file with the sections whose headers are at `places` decompressed behind its end. */
function decompressSections(path: string, places: readonly number[]): Uint8Array {
  const bytes = readFileSync(path);
  const view = viewOf(bytes);
  const parts: Uint8Array[] = [bytes];
  let end = bytes.length;
  for (const place of places) {
    const offset = word(view, place + SECTION.offset);
    const size = word(view, offset + COMPRESSED.size);
    if (size > MAX_SECTION_BYTES) throw damaged(path);
    const packed = bytes.subarray(
      offset + COMPRESSED.bytes,
      offset + word(view, place + SECTION.size),
    );
    const padding = new Uint8Array(-end & 15);
    const plain = zstdDecompress(path, packed, size);
    const flags = view.getBigUint64(place + SECTION.flags, true);
    view.setBigUint64(place + SECTION.flags, flags & ~BigInt(SHF_COMPRESSED), true);
    view.setBigUint64(place + SECTION.offset, BigInt(end + padding.length), true);
    view.setBigUint64(place + SECTION.size, BigInt(size), true);
    const alignment = view.getBigUint64(offset + COMPRESSED.alignment, true);
    view.setBigUint64(place + SECTION.alignment, alignment, true);
    parts.push(padding, plain);
    end += padding.length + size;
  }
  return Buffer.concat(parts);
}

function damaged(path: string): TargetError {
  return new TargetError(
    `cannot read the debugging information of '${path}': a compressed section is damaged`,
    { operation: "read debugging information", subject: path },
  );
}
