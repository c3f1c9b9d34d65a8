/**
 * Items of a record: strict decoder of the msgpack that library/record.ts writes and nothing else
 * (github.com/msgpack/msgpack/blob/master/spec.md): arrays [code, argument …] of integers, `bin`
 * and one level of integer arrays. Takes bytes that a hostile process may have written; gives
 * null for anything else, and never allocates more than the bytes justify.
 */
import { ITEM } from "../layout/memory.js";

/** Argument of a print: a long, the bytes of a string or memory, or the buckets of a histogram. */
export type Value = bigint | Uint8Array | readonly bigint[];

/** One thing that a handler said. */
export type Item =
  | { readonly kind: "print"; readonly format: number; readonly values: readonly Value[] }
  | {
      readonly kind: "error";
      readonly text: Uint8Array;
      /** Where it was raised, then the calls that led there; indexes into BundleMeta.locations. */
      readonly trail: readonly number[];
    }
  | { readonly kind: "warning" | "system"; readonly text: Uint8Array };

/** Items of the record `bytes`, or null if they are not well-formed. Copies nothing. */
export function decodeItems(bytes: Uint8Array): Item[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cursor: Cursor = { view, at: 0 };
  const items: Item[] = [];
  try {
    while (cursor.at < bytes.length) {
      const item = decodeItem(cursor);
      if (item === null) return null;
      items.push(item);
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return items;
}

/** What is decoded, and the next byte; reading past the end is a RangeError of the view. */
interface Cursor {
  readonly view: DataView;
  at: number;
}

/** The next item, null if it is none that the library writes; RangeError on garbage. */
function decodeItem(cursor: Cursor): Item | null {
  const count = arrayHeader(cursor, byteOf(cursor));
  if (count === 0) return null;
  const code = Number(integer(cursor, byteOf(cursor)));
  const values: Value[] = [];
  for (let i = 1; i < count; i++) values.push(decodeValue(cursor));
  if (code >= 0) return { kind: "print", format: code, values };
  const [text, ...trail] = values;
  if (!(text instanceof Uint8Array)) return null;
  if (code === ITEM.warning) return { kind: "warning", text };
  if (code === ITEM.system) return { kind: "system", text };
  if (code !== ITEM.error || !trail.every((place) => typeof place === "bigint")) return null;
  return { kind: "error", text, trail: trail.map(Number) };
}

function byteOf(cursor: Cursor): number {
  return cursor.view.getUint8(cursor.at++);
}

function isArray(byte: number): boolean {
  return byte === 0xdc || (byte >= 0x90 && byte < 0xa0);
}

/** Number of elements of the array that starts with `byte`. */
function arrayHeader(cursor: Cursor, byte: number): number {
  if (!isArray(byte)) throw new RangeError("no array");
  if (byte !== 0xdc) return byte & 0xf;
  cursor.at += 2;
  return cursor.view.getUint16(cursor.at - 2);
}

function decodeValue(cursor: Cursor): Value {
  const byte = byteOf(cursor);
  if (byte >= 0xc4 && byte <= 0xc6) return binary(cursor, byte);
  return isArray(byte) ? integers(cursor, byte) : integer(cursor, byte);
}

function binary(cursor: Cursor, byte: number): Uint8Array {
  const { view, at } = cursor;
  const header = 1 << (byte - 0xc4);
  const length =
    header === 1 ? view.getUint8(at) : header === 2 ? view.getUint16(at) : view.getUint32(at);
  const start = at + header;
  cursor.at = start + length;
  if (cursor.at > view.byteLength) throw new RangeError("bytes end early");
  return new Uint8Array(view.buffer, view.byteOffset + start, length);
}

function integers(cursor: Cursor, byte: number): bigint[] {
  const values: bigint[] = [];
  for (let left = arrayHeader(cursor, byte); left > 0; left--) {
    values.push(integer(cursor, byteOf(cursor)));
  }
  return values;
}

function integer(cursor: Cursor, byte: number): bigint {
  if (byte < 0x80) return BigInt(byte);
  if (byte >= 0xe0) return BigInt(byte - 0x100);
  const bytes = byte === 0xd1 ? 2 : byte === 0xd2 ? 4 : byte === 0xd3 ? 8 : 0;
  const { view, at } = cursor;
  cursor.at += bytes;
  if (bytes === 2) return BigInt(view.getInt16(at));
  if (bytes === 4) return BigInt(view.getInt32(at));
  if (bytes === 8) return view.getBigInt64(at);
  throw new RangeError("no integer");
}
