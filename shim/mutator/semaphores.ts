/**
 * Semaphores of marks: 16-bit counters of those who look at a mark, which spare a program the work
 * of preparing its arguments (SystemTap wiki, UserSpaceProbeImplementation).
 *
 * Whether a session has raised those of a module is written into the module's trampoline area, so
 * that the next session can lower what a killed one left. The word is set after raising and cleared
 * before lowering: death in between leaves a counter too high, which costs time, never too low,
 * which would silence somebody else's probes.
 */
import { viewOf } from "../../base/elf/image.js";
import type { Range } from "./frames.js";
import { AREA } from "./plan.js";
import { readMemory } from "./process.js";
import type { MemoryWrite, Tracer } from "./ptrace.js";

/** The semaphores of the patched marks of one module. */
export interface Semaphores {
  /** Addresses in the process, each once per probe that uses it. */
  readonly addresses: readonly number[];
  /** Address of the module's trampoline area. */
  readonly area: number;
}

/** Raises the semaphores of stopped process `pid`. */
export async function raiseSemaphores(
  tracer: Tracer,
  pid: number,
  modules: readonly Semaphores[],
): Promise<void> {
  const used = modules.filter(({ addresses }) => addresses.length > 0);
  for (const { addresses } of used) await change(tracer, pid, addresses, 1);
  await tracer.write(
    pid,
    used.map(({ area }) => raisedWord(area, 1)),
  );
}

/** Lowers what `raiseSemaphores` raised; the modules are still mapped. */
export async function lowerSemaphores(
  tracer: Tracer,
  pid: number,
  modules: readonly Semaphores[],
): Promise<void> {
  const used = modules.filter(({ addresses }) => addresses.length > 0);
  await tracer.write(
    pid,
    used.map(({ area }) => raisedWord(area, 0)),
  );
  for (const { addresses } of used) await change(tracer, pid, addresses, -1);
}

/** What the trampoline area at `area` says that a session raised and did not lower. */
export function raisedSemaphores(pid: number, area: number): Semaphores {
  const header = viewOf(readMemory(pid, area, AREA.bytes));
  const count =
    header.getBigUint64(AREA.raised, true) === 0n
      ? 0
      : Number(header.getBigUint64(AREA.semaphoreCount, true));
  return { addresses: readWords(pid, area + AREA.bytes, count), area };
}

/** Addresses of the regions that a trampoline area says are entered in their middle. */
export function enteredRegions(pid: number, { start, end }: Range): number[] {
  const header = viewOf(readMemory(pid, start, AREA.bytes));
  const list = AREA.bytes + Number(header.getBigUint64(AREA.semaphoreCount, true)) * WORD_BYTES;
  const count = Number(header.getBigUint64(AREA.enteredCount, true));
  return start + list + count * WORD_BYTES > end ? [] : readWords(pid, start + list, count);
}

const WORD_BYTES = 8;

function readWords(pid: number, address: number, count: number): number[] {
  const list = viewOf(readMemory(pid, address, count * WORD_BYTES));
  return Array.from({ length: count }, (_, i) => Number(list.getBigUint64(i * WORD_BYTES, true)));
}

/** One after the other: an address may come several times. */
async function change(
  tracer: Tracer,
  pid: number,
  addresses: readonly number[],
  by: 1 | -1,
): Promise<void> {
  for (const address of addresses) {
    const bytes = readMemory(pid, address, 2);
    const count = viewOf(bytes).getUint16(0, true) + by;
    if (count < 0 || count > 0xffff) continue;
    viewOf(bytes).setUint16(0, count, true);
    await tracer.write(pid, [{ address, bytes }]);
  }
}

function raisedWord(area: number, value: 0 | 1): MemoryWrite {
  const bytes = new Uint8Array(8);
  bytes[0] = value;
  return { address: area + AREA.raised, bytes };
}
