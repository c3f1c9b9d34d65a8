/**
 * Puts a session into a stopped process: shared memory, private area, shim and handlers.
 *
 *     shared     control area, then linear memory; the same object in every process (MAP_SHARED)
 *     private    one handler stack per slot, the state, return sites, the instance data (MAP_PRIVATE)
 *     modules    what is mapped where, if handlers ask for it; read-only (modules.ts)
 *     code       shim image, then the compiled handlers; readable and executable
 *
 * Nothing of the process itself is changed: until the first jump is written, no thread can come
 * here. Source: wasm-runtime/layout/ CONTROL, PRIVATE, PARAMS; mmap(2).
 */
import { closeSync, fstatSync, ftruncateSync, openSync } from "node:fs";
import { viewOf } from "../../base/elf/image.js";
import { TargetError } from "../../base/target-error.js";
import { CAPABILITY, PRIVATE } from "../../wasm-runtime/layout/private.js";
import { CONTROL, WASM_PAGE_BYTES } from "../../wasm-runtime/layout/shared.js";
import { type Area, type AreaRequest, mapArea, unmapArea } from "./area.js";
import { lendDescriptor } from "./lend.js";
import { roundUp } from "./maps.js";
import {
  type FilledArea,
  fillModuleArea,
  type ModuleArea,
  type ModuleNeeds,
  moduleAreaBytes,
  needsModules,
  readContent,
} from "./modules.js";
import {
  hasSeccomp,
  innerTid,
  livingThread,
  readMappings,
  readMemory,
  readStartArea,
  vdsoSymbol,
} from "./process.js";
import {
  createMemory,
  type MemoryWrite,
  mapShared,
  REGISTER,
  type SharedMemory,
  type Tracer,
} from "./ptrace.js";
import {
  closeRemote,
  createRemoteFile,
  mapShared as mapSharedRemote,
  openRemoteFile,
  PROTECTION,
  type Remote,
  unmap,
  wipeOnFork,
} from "./remote.js";
import { fuelOf, type RunnableBundle, recoverOffset } from "./runnable.js";
import { fillParams, type ShimImage, type ShimParams } from "./shim-image.js";
import { seenFrom, type TargetId } from "./target-id.js";

/** The session's memory object in this process. */
export interface SharedArea extends SharedMemory {
  /** Descriptor of it in this process. */
  readonly descriptor: number;
  readonly bytes: number;
  /** Of the object: the session's mark on all its memory (area.ts). */
  readonly inode: number;
}

/** What a process was given; addresses in it. */
export interface Injection {
  readonly shared: Area;
  readonly private: Area;
  readonly code: Area;
  /** null if handlers do not ask for modules. */
  readonly modules: ModuleArea | null;
  /** Of the shim image, the first part of `code`. */
  readonly image: number;
  /** Of the compiled handlers, the second part. */
  readonly handlers: number;
  /** False while the thread id must be asked of the kernel at every hit. */
  readonly knowsTid: boolean;
}

/** What all processes of a session have in common. */
export interface SessionImage extends ModuleNeeds {
  readonly shim: ShimImage;
  readonly shared: SharedArea;
  /** Guard word that the shim expects. */
  readonly guard: number;
  /** Process given by -x or started by -c, null if none. */
  readonly target: TargetId | null;
}

const CODE_ALIGNMENT = 64;
const NAME = "wastap";

/** Bytes of the memory object: control area and linear memory. */
export function sharedBytes(bundle: RunnableBundle): number {
  return CONTROL.bytes + bundle.meta.memory.pages * WASM_PAGE_BYTES;
}

/** A memory object made in this process. */
export function createShared(bytes: number): SharedArea {
  return mapHere(createMemory(NAME), bytes);
}

/**
 * A memory object made in a stopped process, so that it works across namespaces; mapped there too.
 */
export async function createSharedIn(
  remote: Remote,
  bytes: number,
): Promise<{ readonly here: SharedArea; readonly there: Area }> {
  const descriptor = await createRemoteFile(remote, NAME);
  const path = `/proc/${livingThread(remote.pid)}/fd/${descriptor}`;
  let here: SharedArea;
  try {
    here = mapHere(openSync(path, "r+"), bytes);
  } catch (cause) {
    await closeRemote(remote, descriptor);
    if (cause instanceof TargetError) throw cause;
    throw new TargetError(
      `cannot open shared memory of process ${remote.pid}`,
      { operation: "inject", subject: remote.pid },
      { cause },
    );
  }
  const address = await mapSharedRemote(remote, descriptor, bytes);
  return { here, there: { address, bytes } };
}

/** Sizes an empty object, here: a process that exceeds RLIMIT_FSIZE gets a signal (setrlimit(2)). */
function mapHere(descriptor: number, bytes: number): SharedArea {
  try {
    ftruncateSync(descriptor, bytes);
  } catch (cause) {
    throw new TargetError(
      `cannot make ${bytes} bytes of shared memory: the limit on the size of files (ulimit -f) is lower`,
      { operation: "inject", subject: bytes },
      { cause },
    );
  }
  const inode = fstatSync(descriptor).ino;
  return { ...mapShared(descriptor, bytes), descriptor, bytes, inode };
}

/** Closes the descriptor; the mapping here goes with its last view. */
export function closeShared(shared: SharedArea): void {
  closeSync(shared.descriptor);
}

/** Address of the state in the private area. */
export function stateOf({ private: area }: Injection, slotCount: number): number {
  return area.address + slotCount * PRIVATE.stackBytes;
}

const RETURN_SITES_BYTES: number = 8 * PRIVATE.returnSiteCount;

/** Injects into a stopped process; `shared` is the memory object if it is mapped there already. */
export async function inject(
  tracer: Tracer,
  remote: Remote,
  image: SessionImage,
  shared: Area | null,
): Promise<Injection> {
  const { bundle } = image;
  const made: Area[] = [];
  const owner = image.shared.inode;
  const map = async (request: Omit<AreaRequest, "owner">): Promise<Area> => {
    const area = await mapArea(remote, { owner, ...request });
    made.push(area);
    return area;
  };
  const sharedArea = shared ?? (await joinShared(remote, image.shared));
  try {
    const stacks = bundle.meta.memory.slotCount * PRIVATE.stackBytes;
    const readWrite = PROTECTION.read | PROTECTION.write;
    const state = PRIVATE.stateBytes + RETURN_SITES_BYTES;
    const bytes = stacks + state + bundle.code.instanceBytes;
    const own = await map({ kind: "private", bytes, protection: readWrite });
    await wipeOnFork(remote, own.address + stacks, PRIVATE.stateBytes);
    const modules = await injectModules(remote.pid, image, map);
    const readExecute = PROTECTION.read | PROTECTION.execute;
    const code = await map({ kind: "code", bytes: codeSize(image), protection: readExecute });
    const tidOffset = await findTidOffset(tracer, remote.pid);
    const params: ShimParams = {
      ...commonParams(image, code.address),
      ...readStartArea(remote.pid),
      control: sharedArea.address,
      memoryBase: sharedArea.address + CONTROL.bytes,
      privateBase: own.address,
      tidOffset,
      vdsoClock: vdsoSymbol(remote.pid, "__vdso_clock_gettime"),
      inMutator: false,
      fuel: fuelOf(image.bundle.meta, false),
      noSystemCalls: hasSeccomp(remote.pid),
      instance: bundle.code.instanceBytes === 0 ? 0 : own.address + stacks + state,
      modules: modules?.area.address ?? 0,
      modulesBytes: modules?.area.bytes ?? 0,
      target: seenFrom(remote.pid, image.target),
    };
    const writes: MemoryWrite[] = [
      ...(modules?.writes ?? []),
      { address: code.address, bytes: placeCode(image, code.address, params) },
    ];
    if (params.instance !== 0) {
      writes.push({ address: params.instance, bytes: bundle.code.initialInstance });
    }
    await tracer.write(remote.pid, writes);
    return {
      shared: sharedArea,
      private: own,
      code,
      modules: modules?.area ?? null,
      image: code.address,
      handlers: handlersAt(image, code.address),
      knowsTid: tidOffset !== -1,
    };
  } catch (error) {
    for (const area of made.reverse()) await unmapArea(remote, area).catch(() => undefined);
    if (shared === null) {
      await unmap(remote, sharedArea.address, sharedArea.bytes).catch(() => undefined);
    }
    throw error;
  }
}

/** Maps the module area; null if handlers do not ask for modules. */
async function injectModules(
  pid: number,
  needs: ModuleNeeds,
  map: (request: Omit<AreaRequest, "owner">) => Promise<Area>,
): Promise<FilledArea | null> {
  if (!needsModules(needs.bundle)) return null;
  const content = readContent(pid, readMappings(pid), needs, []);
  const bytes = moduleAreaBytes(needs, content);
  const area = await map({ kind: "modules", bytes, protection: PROTECTION.read });
  return fillModuleArea(area.address, area.bytes, content, needs);
}

/** Maps the session's memory object into a process that can see this one in /proc. */
async function joinShared(remote: Remote, { descriptor, bytes }: SharedArea): Promise<Area> {
  const path = `/proc/${process.pid}/fd/${descriptor}`;
  const opened = await openRemoteFile(remote, path).catch((error: unknown) => {
    if (!(error instanceof TargetError) || error.errno !== EACCES) throw error;
    return openLent(remote, descriptor, error);
  });
  return { address: await mapSharedRemote(remote, opened, bytes), bytes };
}

/** For a process of another user. */
async function openLent(remote: Remote, descriptor: number, refusal: Error): Promise<number> {
  const loan = await lendDescriptor(remote.pid, descriptor);
  if (loan === null) throw refusal;
  try {
    return await openRemoteFile(remote, loan.path);
  } finally {
    await loan.end();
  }
}

const EACCES = 13;

/** Bytes of shim image and handlers together. */
export function codeSize({ shim, bundle }: SessionImage): number {
  return roundUp(alignCode(shim.bytes.length) + bundle.code.bytes.length);
}

/** Address of the handlers when the shim image is at `image`. */
export function handlersAt({ shim }: SessionImage, image: number): number {
  return image + alignCode(shim.bytes.length);
}

/** Shim image and handlers as they are to be written at `address`. */
export function placeCode(image: SessionImage, address: number, params: ShimParams): Uint8Array {
  const bytes = new Uint8Array(codeSize(image)).fill(INT3);
  const handlers = handlersAt(image, address);
  bytes.set(fillParams(image.shim, address, params), 0);
  bytes.set(image.bundle.code.bytes, handlers - address);
  return bytes;
}

const INT3 = 0xcc;

/** Parameters that do not depend on the process, for code at `address`. */
export function commonParams(
  image: SessionImage,
  address: number,
): Pick<
  ShimParams,
  | "memorySize"
  | "contextBase"
  | "contextStride"
  | "slotCount"
  | "guard"
  | "recover"
  | "capabilities"
  | "mutatorPid"
> {
  const { memory, capabilities } = image.bundle.meta;
  return {
    memorySize: memory.pages * WASM_PAGE_BYTES,
    contextBase: memory.contextBase,
    contextStride: memory.contextStride,
    slotCount: memory.slotCount,
    guard: image.guard,
    recover: handlersAt(image, address) + recoverOffset(image.bundle),
    capabilities: capabilities.reduce((bits, name) => bits | capabilityBit(name), 0),
    mutatorPid: process.pid,
  };
}

function capabilityBit(name: string): number {
  const bit = (CAPABILITY as Readonly<Record<string, number>>)[name];
  if (bit !== undefined) return bit;
  throw new TargetError(`the bundle asks for '${name}', which this wastap does not know`, {
    operation: "inject",
    subject: name,
  });
}

function alignCode(bytes: number): number {
  return Math.ceil(bytes / CODE_ALIGNMENT) * CODE_ALIGNMENT;
}

/** Bytes of a thread block that are searched for the thread id. */
const THREAD_BLOCK_BYTES = 4096;
/** Where the thread id lies in glibc 2.36 and musl (measured); tried first. */
const KNOWN_TID_OFFSETS: readonly number[] = [0x2d0, 0x30];

/**
 * Offset from fs base of the word that holds the thread's id, the same in all threads of a stopped
 * process; -1 if there is none or it cannot be told from chance.
 */
export async function findTidOffset(tracer: Tracer, pid: number): Promise<number> {
  const tids = await tracer.stop(pid, STOP_MS);
  try {
    const found: Set<number>[] = [];
    for (const tid of tids) {
      const registers = await tracer.registers(tid);
      const base = Number(registers[REGISTER.fsBase] ?? 0n);
      found.push(wordsEqual(pid, base, innerTid(pid, tid)));
    }
    const common = [...(found[0] ?? [])].filter((at) => found.every((set) => set.has(at)));
    const known = KNOWN_TID_OFFSETS.find((offset) => common.includes(offset));
    return known ?? (tids.length > 1 ? (common[0] ?? -1) : -1);
  } finally {
    await tracer.resume(pid);
  }
}

const STOP_MS = 5000;

/** Offsets of the 32-bit words behind `base` that hold `value`. */
function wordsEqual(pid: number, base: number, value: number): Set<number> {
  const found = new Set<number>();
  if (base === 0) return found;
  let block: Uint8Array;
  try {
    block = readMemory(pid, base, THREAD_BLOCK_BYTES - (base % THREAD_BLOCK_BYTES));
  } catch {
    return found;
  }
  const view = viewOf(block);
  for (let at = 0; at + 4 <= block.length; at += 4) {
    if (view.getUint32(at, true) === value) found.add(at);
  }
  return found;
}
