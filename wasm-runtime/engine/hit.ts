/**
 * Recorded probe hits: all that a handler can ask its host about one hit, so that V8 and machine
 * code can be given the same. JSON form: 64-bit numbers are strings "0x…", bytes are hexadecimal.
 */
import type { LOCATE } from "../layout/host.js";
import { FRAME } from "../layout/private.js";

/** What the host knew when a probe fired. */
export interface Hit {
  /** By DWARF number, see FRAME. */
  readonly registers: readonly bigint[];
  /** Readable memory; regions may adjoin. */
  readonly memory: readonly MemoryRegion[];
  /** In the order of host.wit `identity`. */
  readonly identity: readonly bigint[];
  /** Nanoseconds by clock id of clock_gettime(2). */
  readonly clocks: Readonly<Record<number, bigint>>;
  readonly ticks: bigint;
  readonly threadName: string;
  /** Innermost first. */
  readonly returnAddresses: readonly bigint[];
  /** What lies where; of places that overlap the first one counts. */
  readonly places: readonly NamedPlace[];
  /** In the order of BundleMeta.modules; what is missing is not loaded. */
  readonly loadBiases: readonly bigint[];
}

/** A name for a range of addresses. */
export interface NamedPlace {
  readonly what: keyof typeof LOCATE;
  readonly start: bigint;
  readonly size: bigint;
  readonly name: string;
  /** Of "line". */
  readonly line?: number;
}

/** Bytes of the traced process. */
export interface MemoryRegion {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** A hit of nothing in particular, to spread into others. */
export const EMPTY_HIT: Hit = {
  registers: FRAME.registers.map(() => 0n),
  memory: [],
  identity: [100n, 101n, 1n, 100n, 100n, 1000n, 1000n, 1000n, 1000n, 0n, 99n],
  clocks: { 0: 1_700_000_000_123_456_789n, 1: 5_000_000_000n, 7: 6_000_000_000n },
  ticks: 1000n,
  threadName: "program",
  returnAddresses: [],
  places: [],
  loadBiases: [],
};

/** JSON text of `hit`. */
export function showHit(hit: Hit): string {
  return JSON.stringify({
    registers: hit.registers.map(showNumber),
    memory: hit.memory.map(({ address, bytes }) => ({
      address: showNumber(address),
      bytes: Buffer.from(bytes).toString("hex"),
    })),
    identity: hit.identity.map(showNumber),
    clocks: Object.fromEntries(Object.entries(hit.clocks).map(([id, ns]) => [id, showNumber(ns)])),
    ticks: showNumber(hit.ticks),
    threadName: hit.threadName,
    returnAddresses: hit.returnAddresses.map(showNumber),
    places: hit.places.map((place) => ({
      ...place,
      start: showNumber(place.start),
      size: showNumber(place.size),
    })),
    loadBiases: hit.loadBiases.map(showNumber),
  });
}

/** The hit that `text` shows; what is missing is as in EMPTY_HIT. Throws SyntaxError. */
export function parseHit(text: string): Hit {
  const raw = JSON.parse(text) as Record<string, unknown>;
  const clocks = raw["clocks"] as Record<string, string> | undefined;
  return {
    registers: numbers(raw["registers"]) ?? EMPTY_HIT.registers,
    memory: ((raw["memory"] ?? []) as { address: string; bytes: string }[]).map((region) => ({
      address: BigInt(region.address),
      bytes: Buffer.from(region.bytes, "hex"),
    })),
    identity: numbers(raw["identity"]) ?? EMPTY_HIT.identity,
    clocks:
      clocks === undefined
        ? EMPTY_HIT.clocks
        : Object.fromEntries(Object.entries(clocks).map(([id, ns]) => [id, BigInt(ns)])),
    ticks: raw["ticks"] === undefined ? EMPTY_HIT.ticks : BigInt(raw["ticks"] as string),
    threadName: typeof raw["threadName"] === "string" ? raw["threadName"] : EMPTY_HIT.threadName,
    returnAddresses: numbers(raw["returnAddresses"]) ?? EMPTY_HIT.returnAddresses,
    places: ((raw["places"] ?? []) as RawPlace[]).map((place) => ({
      ...place,
      start: BigInt(place.start),
      size: BigInt(place.size),
    })),
    loadBiases: numbers(raw["loadBiases"]) ?? EMPTY_HIT.loadBiases,
  };
}

type RawPlace = Omit<NamedPlace, "start" | "size"> & { start: string; size: string };

function showNumber(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function numbers(raw: unknown): bigint[] | undefined {
  return raw === undefined ? undefined : (raw as string[]).map((each) => BigInt(each));
}
