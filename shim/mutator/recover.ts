/**
 * Takes back what sessions left behind whose wastap was killed: their probes are inert, but their
 * jumps are still in the code and would keep this session from patching the same places, and the
 * semaphores of their marks are still raised.
 *
 * A session is dead when the robust futex of its shared memory says so (ARCHITECTURE.md, "Death of
 * the mutator"). Its memory is known by its name, its code and trampolines by their headers (PARAMS,
 * AREA), which point there, its jumps by where they lead. We may be killed too, so the memory that
 * all else is known by is unmapped last: a header never points to what the next session maps there.
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { SEGMENT, viewOf } from "../../base/elf/image.js";
import { readSdtNotes } from "../../base/elf/notes.js";
import { PARAMS } from "../../wasm-runtime/layout/private.js";
import { CONTROL } from "../../wasm-runtime/layout/shared.js";
import { type Footprint, inUndoOrder, isUsed } from "./apply.js";
import { isInside, type Range } from "./frames.js";
import { type Mapping, PAGE_BYTES } from "./maps.js";
import { AREA, AREA_MAGIC } from "./plan.js";
import { type Module, readMappings, readMemory, readModules } from "./process.js";
import type { MemoryWrite, Tracer } from "./ptrace.js";
import { closeRemote, openRemote, unmap } from "./remote.js";
import { lowerSemaphores, raisedSemaphores } from "./semaphores.js";

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
  /** All its memory, in the order in which it is to be unmapped. */
  readonly memory: readonly Range[];
  readonly footprint: Footprint;
  readonly trampolines: readonly Range[];
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
  const trampolines = remnants.flatMap((remnant) => remnant.trampolines);
  const modules = readModules(pid, mappings);
  const writes = modules.flatMap((module) => originals(pid, module, trampolines));
  await tracer.write(pid, inUndoOrder(writes));
  await lowerLeft(tracer, pid, trampolines, modules);
  for (const { memory, footprint } of remnants) {
    if (await isUsed(tracer, pid, tids, footprint)) continue;
    const remote = openRemote(tracer, pid, mappings);
    for (const { start, end } of memory) await unmap(remote, start, end - start);
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
      readSdtNotes(image).map(({ semaphore }) => semaphore + loadBias),
    ),
  );
  const left = raised.map(({ addresses, area }) => ({
    area,
    addresses: addresses.filter((address) => known.has(address)),
  }));
  await lowerSemaphores(tracer, pid, left);
}

function findRemnants(pid: number, mappings: readonly Mapping[], own: number): Remnant[] {
  const dead = mappings
    .filter((m) => MEMORY_PATH.test(m.path) && m.offset === 0 && m.start !== own)
    .filter((m) => isDead(pid, m.start));
  if (dead.length === 0) return [];
  const pages = mappings
    .filter((m) => m.inode === 0 && m.path === "" && m.readable && m.executable)
    .flatMap((m) => headers(pid, m));
  return dead.map(({ start, end }): Remnant => {
    const shared = { start, end };
    const trampolines = pages
      .filter((page) => page.long(AREA.magic) === AREA_MAGIC && page.word(AREA.control) === start)
      .map((page) => rangeOf(page.address, page.word(AREA.size)));
    const image = pages.find((page) => page.word(PARAMS.control) === start);
    if (image === undefined) {
      const footprint = { code: trampolines, stacks: [] };
      return { memory: [...trampolines, shared], footprint, trampolines };
    }
    const code = rangeOf(image.address, image.word(PARAMS.codeBytes));
    const stacks = rangeOf(image.word(PARAMS.privateBase), image.word(PARAMS.privateBytes));
    const modules = rangeOf(image.word(PARAMS.modules), image.word(PARAMS.modulesBytes));
    return {
      memory: [...trampolines, stacks, modules, code, shared].filter(({ start }) => start !== 0),
      footprint: { code: [code, ...trampolines], stacks: [stacks] },
      trampolines,
    };
  });
}

function rangeOf(start: number, bytes: number): Range {
  return { start, end: start + bytes };
}

/** Every page of a mapping: the kernel joins mappings that touch, so ours may begin anywhere. */
function headers(pid: number, { start, end }: Mapping): Header[] {
  const bytes = readMemory(pid, start, end - start);
  const found: Header[] = [];
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const page = viewOf(bytes.subarray(at, at + PAGE_BYTES));
    const long = (offset: number): bigint => page.getBigUint64(offset, true);
    found.push({ address: start + at, long, word: (offset) => Number(long(offset)) });
  }
  return found;
}

/** A page that may be the head of something of ours. */
interface Header {
  readonly address: number;
  long(offset: number): bigint;
  word(offset: number): number;
}

/** Descriptors of memory objects that a session did not come to close. */
function deadDescriptors(pid: number): number[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return MEMORY_PATH.test(readlinkSync(path)) && isDeadFile(path) ? [Number(name)] : [];
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
