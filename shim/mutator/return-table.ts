/**
 * The table of the instructions that functions return to, in the private area of a process: threads
 * of it look addresses up, and add them (shim/inject/return-sites.c).
 */
import { viewOf, word } from "../../base/elf/image.js";
import { PRIVATE, RETURN_SITE } from "../../wasm-runtime/layout/private.js";
import { isInside, type Range } from "./frames.js";
import { type Injection, stateOf } from "./inject.js";
import { PAGE_BYTES } from "./maps.js";
import { readMemory } from "./process.js";
import type { Tracer } from "./ptrace.js";
import type { RunnableBundle } from "./runnable.js";
import { SETTLED_IN_CALLER } from "./tails.js";
import type { ArmedModule } from "./tracee.js";

/** A state of RETURN_SITE; states are kept by address in the process. */
export type ReturnState = "asked" | "ready" | "refused" | "gone";

/** Addresses that threads have added. */
export function readAsked(
  pid: number,
  injection: Injection,
  { meta }: RunnableBundle,
): readonly number[] {
  const view = viewOf(readMemory(pid, tableOf(injection, meta.memory.slotCount), TABLE_BYTES));
  return entriesOf(view, (state) => state === RETURN_SITE.asked).map(({ entry }) =>
    addressOf(entry),
  );
}

/** What has changed of the places that functions return to. */
export interface ReturnChanges {
  /** Code that is not mapped any more. */
  readonly gone: readonly Range[];
  readonly states: ReadonlyMap<number, ReturnState>;
}

/** Changes the table of a stopped process, or adds to it; what there is no room for is left out. */
export async function writeReturnStates(
  tracer: Tracer,
  pid: number,
  injection: Injection,
  { meta }: RunnableBundle,
  { gone, states }: ReturnChanges,
): Promise<void> {
  if (gone.length === 0 && states.size === 0) return;
  const start = tableOf(injection, meta.memory.slotCount);
  const bytes = readMemory(pid, start, TABLE_BYTES);
  const view = viewOf(bytes);
  const pages = new Set<number>();
  const set = (at: number, address: number, state: ReturnState): void => {
    view.setBigUint64(at, BigInt(address * STATE_COUNT + RETURN_SITE[state]), true);
    pages.add(Math.floor(at / PAGE_BYTES) * PAGE_BYTES);
  };
  for (const { at, entry } of gone.length === 0 ? [] : entriesOf(view)) {
    if (isInside(gone, addressOf(entry))) set(at, addressOf(entry), "gone");
  }
  for (const [address, state] of states) {
    const at = findEntry(view, address);
    if (at !== null) set(at, address, state);
  }
  await tracer.write(
    pid,
    [...pages].map((page) => ({
      address: start + page,
      bytes: bytes.subarray(page, page + PAGE_BYTES),
    })),
  );
}

/** The places that are patched in modules of a process. */
export function readySites(modules: readonly ArmedModule[]): ReadonlySet<number> {
  const regions = modules.flatMap((module) => module.regions);
  const ready = regions.filter(({ probes }) => probes.includes(SETTLED_IN_CALLER));
  return new Set(ready.map(({ start }) => start));
}

const ENTRY_BYTES = 8;
const TABLE_BYTES: number = ENTRY_BYTES * PRIVATE.returnSiteCount;
const STATE_COUNT: number = 2 ** RETURN_SITE.addressShift;

function tableOf(injection: Injection, slotCount: number): number {
  return stateOf(injection, slotCount) + PRIVATE.returnSites;
}

function addressOf(entry: number): number {
  return Math.floor(entry / STATE_COUNT);
}

/** Those that are not empty, in a state that `isWanted`, with their offsets. */
function entriesOf(
  view: DataView,
  isWanted: (state: number) => boolean = () => true,
): { readonly at: number; readonly entry: number }[] {
  const halves = new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4);
  const found = [];
  for (let i = 0; i < halves.length; i += 2) {
    const [low = 0, high = 0] = [halves[i], halves[i + 1]];
    const isUsed = low !== 0 || high !== 0;
    if (isUsed && isWanted(low % STATE_COUNT)) found.push({ at: 4 * i, entry: word(view, 4 * i) });
  }
  return found;
}

/** Offset of the entry of `address`, or of the one that it may have. */
function findEntry(view: DataView, address: number): number | null {
  const first =
    Math.imul(address % 2 ** 32, PRIVATE.returnSiteHash) >>> PRIVATE.returnSiteHashShift;
  for (let tried = 0; tried < PRIVATE.returnSiteTries; tried++) {
    const at = ENTRY_BYTES * ((first + tried) % PRIVATE.returnSiteCount);
    const entry = word(view, at);
    if (entry === 0 || addressOf(entry) === address) return at;
  }
  return null;
}
