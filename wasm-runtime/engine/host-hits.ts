/**
 * Module "host" (host.wit) over recorded hits, in JavaScript: one host function each, reading the
 * hit that `current` gives and linear memory `memory`. An address outside of linear memory is a
 * trap, as in every engine.
 */
import type { HostFunction } from "../host.js";
import { FRAME_EXACT_SHIFT, LOCATE, NO_THREAD_STORAGE_SHIFT } from "../layout/host.js";
import { NOT_LOADED } from "../layout/modules.js";
import type { Hit, NamedPlace } from "./hit.js";

const FAULT = -14;
const DENIED = -1;
/** General purpose registers without the stack pointer, by DWARF number. */
const WRITABLE_REGISTERS: ReadonlySet<number> = new Set(
  Array.from({ length: 16 }, (_, register) => register).filter((register) => register !== 7),
);
/** -ENOENT: recorded hits hold no files. */
const NO_ENTRY = -2;

/** How the host behaves beyond the hit itself. */
export interface HostHits {
  /** True if handlers may write process memory (guru mode). */
  readonly canWrite?: boolean;
  /** Called by host.relax. */
  readonly relax?: (round: number) => void;
}

/** Functions to import as module "host". */
export function createHost(
  memory: Uint8Array,
  current: () => Hit,
  options: HostHits = {},
): Record<HostFunction, (...parameters: never[]) => unknown> {
  const range = (start: number, length: number): Uint8Array => {
    const from = start >>> 0;
    const bytes = length >>> 0;
    if (from + bytes > memory.length) {
      throw new WebAssembly.RuntimeError("memory access out of bounds");
    }
    return memory.subarray(from, from + bytes);
  };
  return {
    register: (index: number) => BigInt.asIntN(64, current().registers[index] ?? 0n),
    read: (address: bigint, to: number, length: number) => {
      const target = range(to, length);
      return copyFrom(current(), address, target) ? 0 : FAULT;
    },
    read_string: (address: bigint, to: number, capacity: number) =>
      copyString(current(), address, range(to, capacity)),
    write: (address: bigint, start: number, length: number) => {
      const source = range(start, length);
      if (options.canWrite !== true) return DENIED;
      return copyTo(current(), address, source) ? 0 : FAULT;
    },
    clock: (id: number) => current().clocks[id] ?? 0n,
    identity: (what: number) => current().identity[what] ?? 0n,
    thread_name: (to: number, capacity: number) => {
      const target = range(to, capacity);
      const name = Buffer.from(current().threadName).subarray(0, Math.max(capacity - 1, 0));
      target.set(name);
      if (capacity > 0) target[name.length] = 0;
      return name.length;
    },
    unwind: (start: number, to: number, capacity: number) => {
      const found = current().returnAddresses.slice(0, capacity);
      const target = range(to, capacity * 8);
      if (start !== 0 && found.length > 0) found[0] = wordAt(range(start, 8));
      const words = new DataView(target.buffer, target.byteOffset, target.length);
      for (const [index, address] of found.entries()) {
        const exact = index === 0 ? 1n << BigInt(FRAME_EXACT_SHIFT) : 0n;
        words.setBigUint64(index * 8, address | exact, true);
      }
      return found.length;
    },
    ticks: () => BigInt.asIntN(64, current().ticks),
    inspect: (_what: number, _id: number, to: number, capacity: number) => {
      range(to, capacity).fill(0, 0, 1);
      return NO_ENTRY;
    },
    load_bias: (module: number) => current().loadBiases[module] ?? BigInt(NOT_LOADED),
    thread_storage: () => BigInt.asIntN(64, 1n << BigInt(NO_THREAD_STORAGE_SHIFT)),
    locate: (what: number, address: bigint, to: number, capacity: number, numbers: number) =>
      writePlace(placeAt(current(), what, address), range(to, capacity), range(numbers, 16)),
    // Recorded hits do not tell.
    usage: () => -1n,
    send_signal: () => (options.canWrite === true ? FAULT : DENIED),
    relax: (round: number) => options.relax?.(round),
    vector: () => 0n,
    set_register: (index: number, value: bigint) => {
      if (options.canWrite !== true) return DENIED;
      if (!WRITABLE_REGISTERS.has(index)) return FAULT;
      (current().registers as bigint[])[index] = BigInt.asUintN(64, value);
      return 0;
    },
  };
}

function wordAt(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0, true);
}

/** A place with how far into it an address lies. */
interface FoundPlace extends NamedPlace {
  readonly offset: bigint;
}

function placeAt(hit: Hit, what: number, address: bigint): FoundPlace | null {
  for (const place of hit.places) {
    const offset = BigInt.asUintN(64, address) - place.start;
    if (LOCATE[place.what] === what && offset >= 0n && offset < place.size) {
      return { ...place, offset };
    }
  }
  return null;
}

function writePlace(place: FoundPlace | null, target: Uint8Array, numbers: Uint8Array): number {
  const name = Buffer.from(place?.name ?? "").subarray(0, Math.max(target.length - 1, 0));
  target.set(name);
  if (target.length > 0) target[name.length] = 0;
  const view = new DataView(numbers.buffer, numbers.byteOffset, numbers.length);
  const isLine = place?.what === "line";
  view.setBigUint64(0, isLine ? BigInt(place.line ?? 0) : (place?.offset ?? 0n), true);
  view.setBigUint64(8, isLine ? 0n : (place?.size ?? 0n), true);
  return place === null ? NO_ENTRY : name.length;
}

/** The byte of the process at `address` as a one-byte view, undefined on a fault. */
function byteAt(hit: Hit, address: bigint): Uint8Array | undefined {
  const at = BigInt.asUintN(64, address);
  for (const region of hit.memory) {
    const offset = at - region.address;
    if (offset >= 0n && offset < BigInt(region.bytes.length)) {
      return region.bytes.subarray(Number(offset), Number(offset) + 1);
    }
  }
  return undefined;
}

function copyFrom(hit: Hit, address: bigint, target: Uint8Array): boolean {
  const copy = new Uint8Array(target.length);
  for (let i = 0; i < copy.length; i++) {
    const byte = byteAt(hit, address + BigInt(i))?.[0];
    if (byte === undefined) return false;
    copy[i] = byte;
  }
  target.set(copy);
  return true;
}

function copyTo(hit: Hit, address: bigint, source: Uint8Array): boolean {
  const targets = Array.from(source, (_, i) => byteAt(hit, address + BigInt(i)));
  if (targets.includes(undefined)) return false;
  for (const [i, target] of targets.entries()) target?.fill(source[i] ?? 0);
  return true;
}

function copyString(hit: Hit, address: bigint, target: Uint8Array): number {
  const bytes: number[] = [];
  while (bytes.length < target.length - 1) {
    const byte = byteAt(hit, address + BigInt(bytes.length))?.[0];
    if (byte === undefined) {
      target.fill(0, 0, 1);
      return FAULT;
    }
    if (byte === 0) break;
    bytes.push(byte);
  }
  target.set(bytes);
  target.fill(0, bytes.length, bytes.length + 1);
  return bytes.length;
}
