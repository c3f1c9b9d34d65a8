/**
 * Items of a record: strict decoder of the msgpack that library/record.ts writes and nothing else
 * (github.com/msgpack/msgpack/blob/master/spec.md): arrays [code, argument …] of integers, `bin`
 * and one level of integer arrays. Takes bytes that a hostile process may have written; gives
 * null for anything else, and never allocates more than the bytes justify.
 */
import { ITEM } from "../layout.js";

/** Argument of a print: a long, the bytes of a string or memory, or the buckets of a histogram. */
export type Value = bigint | Uint8Array | readonly bigint[];

/** One thing that a handler said. */
export type Item =
  | { readonly kind: "print"; readonly format: number; readonly values: readonly Value[] }
  | { readonly kind: "error"; readonly text: Uint8Array; readonly location: number }
  | { readonly kind: "warning" | "system"; readonly text: Uint8Array };

/** Items of the record `bytes`, or null if they are not well-formed. Copies nothing. */
export function decodeItems(bytes: Uint8Array): Item[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: Item[] = [];
  let at = 0;
  try {
    while (at < bytes.length) {
      const [code, values, next] = decodeItem(view, at);
      const item = makeItem(code, values);
      if (item === null) return null;
      items.push(item);
      at = next;
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return items;
}

function makeItem(code: Value | undefined, values: readonly Value[]): Item | null {
  if (typeof code !== "bigint") return null;
  const [text, location] = values;
  if (code >= 0n) return { kind: "print", format: Number(code), values };
  if (!(text instanceof Uint8Array)) return null;
  if (code === BigInt(ITEM.warning)) return { kind: "warning", text };
  if (code === BigInt(ITEM.system)) return { kind: "system", text };
  if (code !== BigInt(ITEM.error) || typeof location !== "bigint") return null;
  return { kind: "error", text, location: Number(location) };
}

/** Code, arguments and end of the item at `at`; RangeError on garbage. */
function decodeItem(view: DataView, at: number): [Value | undefined, Value[], number] {
  const [count, first] = arrayHeader(view, at);
  const values: Value[] = [];
  let next = first;
  for (let i = 0; i < count; i++) {
    const [value, end] = decodeValue(view, next);
    values.push(value);
    next = end;
  }
  return [values[0], values.slice(1), next];
}

function arrayHeader(view: DataView, at: number): [number, number] {
  const byte = view.getUint8(at);
  if (byte >= 0x90 && byte < 0xa0) return [byte & 0xf, at + 1];
  if (byte === 0xdc) return [view.getUint16(at + 1), at + 3];
  throw new RangeError("no array");
}

function decodeValue(view: DataView, at: number): [Value, number] {
  const byte = view.getUint8(at);
  if (byte === 0xc4) return binary(view, at + 2, view.getUint8(at + 1));
  if (byte === 0xc5) return binary(view, at + 3, view.getUint16(at + 1));
  if (byte === 0xc6) return binary(view, at + 5, view.getUint32(at + 1));
  if (byte === 0xdc || (byte >= 0x90 && byte < 0xa0)) return integers(view, at);
  return integer(view, at);
}

function binary(view: DataView, start: number, length: number): [Uint8Array, number] {
  if (start + length > view.byteLength) throw new RangeError("bytes end early");
  return [new Uint8Array(view.buffer, view.byteOffset + start, length), start + length];
}

function integers(view: DataView, at: number): [bigint[], number] {
  const [count, first] = arrayHeader(view, at);
  const values: bigint[] = [];
  let next = first;
  for (let i = 0; i < count; i++) {
    const [value, end] = integer(view, next);
    values.push(value);
    next = end;
  }
  return [values, next];
}

function integer(view: DataView, at: number): [bigint, number] {
  const byte = view.getUint8(at);
  if (byte < 0x80 || byte >= 0xe0) return [BigInt(view.getInt8(at)), at + 1];
  if (byte === 0xd1) return [BigInt(view.getInt16(at + 1)), at + 3];
  if (byte === 0xd2) return [BigInt(view.getInt32(at + 1)), at + 5];
  if (byte === 0xd3) return [view.getBigInt64(at + 1), at + 9];
  throw new RangeError("no integer");
}
