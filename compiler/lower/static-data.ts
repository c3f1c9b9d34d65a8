/** Constant bytes of a bundle: literals, lock lists, descriptors, tables; equal ones are shared. */
import { LOG_BUCKETS, STAT_DESCRIPTOR, statBytes } from "../../wasm-runtime/layout/values.js";
import type { IrData } from "../ir/ir.js";
import { alignUp, type StatShape } from "./storage.js";

/** Size of the largest statistics value, which the zeros stand for when it is empty. */
const ZERO_BYTES = statBytes(LOG_BUCKETS);

/** Growing area of constants that starts at a fixed address. */
export interface StaticData {
  /** Address of `text` (Latin-1 code units), NUL-terminated. */
  text(text: string): number;
  /** Address of `words`, each an i32. */
  words(words: readonly number[]): number;
  /** Address of `bytes`, a multiple of 8. */
  bytes(bytes: Uint8Array): number;
  /** Address of the STAT_DESCRIPTOR of `shape`. */
  descriptor(shape: StatShape): number;
  /** Address of ZERO_BYTES zeros, aligned to 8, which nobody may write. */
  readonly zeros: number;
  /** Takes over segments that were placed from `end()` on. */
  append(segments: readonly IrData[]): void;
  /** First address behind the area, zeros included. */
  end(): number;
  /** The segments so far. */
  segments(): readonly IrData[];
}

/** A new area at `start`. */
export function createStaticData(start: number): StaticData {
  const known = new Map<string, number>();
  const texts = new Map<string, number>();
  const chunks: { readonly address: number; readonly bytes: Uint8Array }[] = [];
  const zeros = alignUp(start, 8);
  let top = zeros + ZERO_BYTES;
  const put = (bytes: Uint8Array, alignment: number): number => {
    const key = `${alignment}:${Buffer.from(bytes).toString("latin1")}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const address = alignUp(top, alignment);
    known.set(key, address);
    chunks.push({ address, bytes });
    top = address + bytes.length;
    return address;
  };
  return {
    text(text) {
      const address = texts.get(text) ?? put(Buffer.from(`${text}\0`, "latin1"), 1);
      texts.set(text, address);
      return address;
    },
    words: (words) => put(new Uint8Array(Int32Array.from(words).buffer), 4),
    bytes: (bytes) => put(bytes, 8),
    descriptor: (shape) => put(encodeDescriptor(shape), 8),
    append(segments) {
      chunks.push(...segments);
      top = Math.max(top, ...segments.map(({ address, bytes }) => address + bytes.length));
    },
    zeros,
    end: () => alignUp(top, 64),
    segments: () => (chunks.length === 0 ? [] : [joinChunks(chunks)]),
  };
}

function joinChunks(
  chunks: readonly { readonly address: number; readonly bytes: Uint8Array }[],
): IrData {
  const address = Math.min(...chunks.map((chunk) => chunk.address));
  const end = Math.max(...chunks.map((chunk) => chunk.address + chunk.bytes.length));
  const bytes = new Uint8Array(end - address);
  for (const chunk of chunks) bytes.set(chunk.bytes, chunk.address - address);
  return { address, bytes };
}

function encodeDescriptor(shape: StatShape): Uint8Array {
  const bytes = new Uint8Array(STAT_DESCRIPTOR.bytes);
  const view = new DataView(bytes.buffer);
  view.setInt32(STAT_DESCRIPTOR.histogram, shape.histogram, true);
  view.setInt32(STAT_DESCRIPTOR.shift, shape.shift, true);
  view.setBigInt64(STAT_DESCRIPTOR.low, shape.low, true);
  view.setBigInt64(STAT_DESCRIPTOR.high, shape.high, true);
  view.setBigInt64(STAT_DESCRIPTOR.width, shape.width, true);
  view.setInt32(STAT_DESCRIPTOR.buckets, shape.buckets, true);
  view.setInt32(STAT_DESCRIPTOR.statBytes, shape.bytes, true);
  view.setInt32(STAT_DESCRIPTOR.barWidth, shape.barWidth, true);
  view.setInt32(STAT_DESCRIPTOR.elision, shape.elision, true);
  return bytes;
}
