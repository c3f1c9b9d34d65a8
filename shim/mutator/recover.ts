/**
 * Takes back what sessions left behind whose wastap was killed: their probes are inert, but their
 * jumps are still in the code and would keep this session from patching the same places, and the
 * semaphores of their marks are still raised.
 *
 * A session is dead when the robust futex of its shared memory says so (ARCHITECTURE.md, "Death of
 * the mutator"). All its memory is known by name (area.ts), its jumps by where they lead. We may be
 * killed too, so the memory that says that the session is dead is unmapped last.
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { SEGMENT, viewOf } from "../../base/elf/image.js";
import { readMarks } from "../../base/elf/marks.js";
import { CONTROL } from "../../wasm-runtime/layout/shared.js";
import { inUndoOrder, isUsed } from "./apply.js";
import { type AreaKind, type FoundArea, findAreas, isFence, unmapArea } from "./area.js";
import { isInside, type Range } from "./frames.js";
import { type Mapping, PAGE_BYTES } from "./maps.js";
import { livingThread, type Module, readMappings, readMemory, readModules } from "./process.js";
import type { MemoryWrite, Tracer } from "./ptrace.js";
import { closeRemote, openRemote, unmap } from "./remote.js";
import { enteredRegions, lowerSemaphores, raisedSemaphores } from "./semaphores.js";

/** Name of a session's memory object in maps(5). */
const MEMORY_PATH = /^\/memfd:wastap( |$)/;
/** FUTEX_OWNER_DIED (futex(2)). */
const OWNER_DIED = 0x4000_0000;
const JUMP = 0xe9;
const JUMP_BYTES = 5;
const SHORT_JUMP = 0xeb;
const SHORT_JUMP_BYTES = 2;

/** What one dead session has in a process. */
interface Remnant {
  readonly areas: readonly FoundArea[];
  /** Its memory object. */
  readonly shared: Mapping;
}

/** Restores the code of a stopped process, except for `own`; unmaps what no thread is in. */
export async function recoverDead(
  tracer: Tracer,
  pid: number,
  tids: readonly number[],
  own: number,
): Promise<void> {
  const mappings = readMappings(pid);
  const descriptors = deadDescriptors(pid);
  if (descriptors.length > 0) {
    const remote = openRemote(tracer, pid, mappings);
    for (const descriptor of descriptors) await closeRemote(remote, descriptor);
  }
  const remnants = findRemnants(pid, mappings, own);
  if (remnants.length === 0) return;
  const trampolines = remnants.flatMap(({ areas }) => rangesOf(areas, "trampolines"));
  const modules = readModules(pid, mappings);
  const writes = modules.flatMap((module) => originals(pid, module, trampolines));
  const entered = trampolines.flatMap((area) => enteredRegions(pid, area));
  await tracer.write(pid, inUndoOrder(writes, new Set(entered)));
  await lowerLeft(tracer, pid, trampolines, modules);
  for (const { areas, shared } of remnants) {
    const code = [...rangesOf(areas, "code"), ...rangesOf(areas, "trampolines")];
    if (await isUsed(tracer, pid, tids, { code, stacks: rangesOf(areas, "private") })) continue;
    const remote = openRemote(tracer, pid, mappings);
    for (const area of areas) await unmapArea(remote, area);
    await unmap(remote, shared.start, shared.end - shared.start);
  }
}

/** Lowers the semaphores that a dead session raised, those whose modules are still where they were. */
async function lowerLeft(
  tracer: Tracer,
  pid: number,
  trampolines: readonly Range[],
  modules: readonly Module[],
): Promise<void> {
  const raised = trampolines
    .map(({ start }) => raisedSemaphores(pid, start))
    .filter(({ addresses }) => addresses.length > 0);
  if (raised.length === 0) return;
  const known = new Set(
    modules.flatMap(({ image, loadBias }) =>
      readMarks(image).map(({ semaphore }) => semaphore + loadBias),
    ),
  );
  const left = raised.map(({ addresses, area }) => ({
    area,
    addresses: addresses.filter((address) => known.has(address)),
  }));
  await lowerSemaphores(tracer, pid, left);
}

function findRemnants(pid: number, mappings: readonly Mapping[], own: number): Remnant[] {
  const areas = findAreas(mappings);
  return mappings
    .filter((m) => MEMORY_PATH.test(m.path) && m.offset === 0 && m.start !== own)
    .filter((m) => isDead(pid, m.start))
    .map((shared) => ({ shared, areas: areas.filter(({ owner }) => owner === shared.inode) }));
}

function rangesOf(areas: readonly FoundArea[], kind: AreaKind): Range[] {
  return areas
    .filter((area) => area.kind === kind && area.isMapped)
    .map(({ address, bytes }) => ({ start: address, end: address + bytes }));
}

/** Descriptors of memory objects that a session did not come to close. */
function deadDescriptors(pid: number): number[] {
  const folder = `/proc/${livingThread(pid)}/fd`;
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const object = readlinkSync(path);
    const isLeft = isFence(object) || (MEMORY_PATH.test(object) && isDeadFile(path));
    return isLeft ? [Number(name)] : [];
  });
}

function isDeadFile(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const word = new Uint8Array(4);
    readSync(file, word, 0, word.length, CONTROL.guard);
    return isDeadGuard(word);
  } finally {
    closeSync(file);
  }
}

function isDead(pid: number, control: number): boolean {
  return isDeadGuard(readMemory(pid, control + CONTROL.guard, 4));
}

function isDeadGuard(word: Uint8Array): boolean {
  const guard = viewOf(word).getUint32(0, true);
  return guard === 0 || (guard & OWNER_DIED) !== 0;
}

/** Writes that undo every jump of `module` that leads into `trampolines`. */
function originals(
  pid: number,
  { image, loadBias }: Module,
  trampolines: readonly Range[],
): MemoryWrite[] {
  const writes: MemoryWrite[] = [];
  for (const segment of image.segments) {
    if (segment.type !== SEGMENT.load || (segment.flags & 1) === 0) continue;
    const file = image.bytes.subarray(segment.offset, segment.offset + segment.fileSize);
    const start = segment.address + loadBias;
    const memory = readMemory(pid, start, file.length);
    for (const [at, size] of jumps(memory, file, start, trampolines)) {
      writes.push({ address: start + at, bytes: file.slice(at, at + size) });
    }
  }
  return writes;
}

/** Offset and size of the jumps in `memory`, at `start`, that are not in `file`. */
function jumps(
  memory: Uint8Array,
  file: Uint8Array,
  start: number,
  trampolines: readonly Range[],
): [number, number][] {
  const found = new Map<number, number>();
  for (const at of differences(memory, file)) {
    for (let from = Math.max(0, at - JUMP_BYTES + 1); from <= at; from++) {
      if (leadsInto(memory, from, start, trampolines)) found.set(from, JUMP_BYTES);
      else if (isHop(memory, from, start, trampolines)) found.set(from, SHORT_JUMP_BYTES);
    }
  }
  return [...found];
}

function leadsInto(
  memory: Uint8Array,
  from: number,
  start: number,
  trampolines: readonly Range[],
): boolean {
  if (memory[from] !== JUMP || from + JUMP_BYTES > memory.length) return false;
  const next = from + JUMP_BYTES;
  return isInside(trampolines, start + next + viewOf(memory).getInt32(from + 1, true));
}

/** A short jump to a jump of ours. */
function isHop(
  memory: Uint8Array,
  from: number,
  start: number,
  trampolines: readonly Range[],
): boolean {
  if (memory[from] !== SHORT_JUMP || from + SHORT_JUMP_BYTES > memory.length) return false;
  const target = from + SHORT_JUMP_BYTES + viewOf(memory).getInt8(from + 1);
  return target >= 0 && leadsInto(memory, target, start, trampolines);
}

function* differences(a: Uint8Array, b: Uint8Array): Generator<number> {
  for (let chunk = 0; chunk < a.length; chunk += PAGE_BYTES) {
    const end = Math.min(chunk + PAGE_BYTES, a.length);
    if (Buffer.compare(a.subarray(chunk, end), b.subarray(chunk, end)) === 0) continue;
    for (let at = chunk; at < end; at++) if (a[at] !== b[at]) yield at;
  }
}
