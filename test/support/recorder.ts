/**
 * Recorded probe hits: a prelude for scripts that makes a live run print all a handler could ask
 * about each hit, and the way back from these lines to hits for the V8 engine.
 *
 * Lines: `HIT rip …` the registers by DWARF number in hexadecimal, the thread's ids and name;
 * `MEM address bytes`, all in hexadecimal.
 */
import * as assert from "uvu/assert";
import type { BundleMeta, BundleSite } from "../../wasm-runtime/bundle.js";
import { EMPTY_HIT, type Hit, type MemoryRegion } from "../../wasm-runtime/engine/hit.js";
import { FRAME } from "../../wasm-runtime/layout/private.js";

/** Functions that a recorder calls at each hit: first record(), then what its arguments reach. */
export const RECORDER: string = `
function record() {
  printf("HIT${" %x".repeat(FRAME.registers.length)} %x %x %s\\n",
    ${FRAME.registers.map((name) => `u_register("${name}")`).join(", ")}, pid(), tid(), execname())
  record_memory(u_register("rsp") - 128, 384)
}
function record_memory(address, bytes) { printf("MEM %x %#.*M\\n", address, bytes, address) }
function record_string(address) { record_memory(address, strlen(user_string(address)) + 1) }
`;

/** Hits in the order in which recorder output `text` has them. */
export function readHits(text: string): Hit[] {
  const hits: (Hit & { memory: MemoryRegion[] })[] = [];
  for (const line of text.split("\n")) {
    const [kind, ...words] = line.split(" ");
    if (kind === "HIT") hits.push(readHit(words));
    else if (kind === "MEM") {
      const [address = "", bytes = ""] = words;
      hits.at(-1)?.memory.push({
        address: BigInt(`0x${address}`),
        bytes: Buffer.from(bytes, "hex"),
      });
    }
  }
  return hits;
}

function readHit(words: readonly string[]): Hit & { memory: MemoryRegion[] } {
  const count = FRAME.registers.length;
  const numbers = words.slice(0, count + 2).map((word) => BigInt(`0x${word}`));
  const [pid = 0n, tid = 0n] = numbers.slice(count);
  return {
    ...EMPTY_HIT,
    registers: numbers.slice(0, count),
    memory: [],
    identity: [pid, tid, ...EMPTY_HIT.identity.slice(2)],
    threadName: words.slice(count + 2).join(" "),
  };
}

/** A hit with the index of a probe that it is for. */
export interface ProbeHit {
  readonly probe: number;
  readonly hit: Hit;
}

/** Finds by address which probes of `meta` each hit runs, in order; all hits are in one module. */
export function assignHits(hits: readonly Hit[], meta: BundleMeta): ProbeHit[] {
  const sites = meta.probes.flatMap(({ point }, probe) =>
    point.kind === "site" ? [{ probe, point }] : [],
  );
  const bias = loadBias(
    hits.map(addressOf),
    sites.map(({ point }) => point),
  );
  return hits.flatMap((hit) =>
    sites
      .filter(({ point }) => isAt(point, addressOf(hit) - bias))
      .map(({ probe }) => ({ probe, hit })),
  );
}

function addressOf(hit: Hit): bigint {
  return hit.registers[FRAME.registers.indexOf("rip")] ?? 0n;
}

/** The one page-aligned bias with which every address is at a site. */
function loadBias(addresses: readonly bigint[], sites: readonly BundleSite[]): bigint {
  const instructions = sites.filter(({ place }) => place === "instruction");
  const candidates = new Set(
    addresses.flatMap((address) => instructions.map((site) => address - BigInt(site.address))),
  );
  const found = [...candidates].filter(
    (bias) =>
      bias % 4096n === 0n &&
      addresses.every((address) => sites.some((site) => isAt(site, address - bias))),
  );
  assert.is(found.length, 1, `load biases: ${found.join(" ")}`);
  return found[0] ?? 0n;
}

function isAt(site: BundleSite, address: bigint): boolean {
  const offset = address - BigInt(site.address);
  return site.place === "exits" ? offset > 0n && offset < BigInt(site.size) : offset === 0n;
}
