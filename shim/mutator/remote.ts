/**
 * System calls made inside a stopped process: memory objects, mappings.
 *
 * Every call goes through a stub in unused executable bytes (remote.cc) and leaves the thread that
 * made it as it was, also if we are killed meanwhile. Source: mmap(2), memfd_create(2), madvise(2).
 */
import { TargetError } from "../../base/target-error.js";
import { targetError } from "./errors.js";
import type { Mapping } from "./maps.js";
import { findSlack, readMappings } from "./process.js";
import { REMOTE_STUB_BYTES, type Tracer } from "./ptrace.js";

/** System calls of x86-64 that are made in a process (asm/unistd_64.h). */
export const SYSCALL = {
  open: 2,
  close: 3,
  mmap: 9,
  munmap: 11,
  madvise: 28,
  getpid: 39,
  ftruncate: 77,
  memfdCreate: 319,
} as const;

/** mmap(2). */
export const PROTECTION = { none: 0, read: 1, write: 2, execute: 4 } as const;
export const MAP = {
  shared: 1,
  private: 2,
  fixed: 0x10,
  anonymous: 0x20,
  noReserve: 0x4000,
  fixedNoReplace: 0x100000,
} as const;

/** Longest path or name that a call takes. */
const DATA_BYTES = 64;
const OPEN_READ_WRITE_CLOEXEC = 0o2000002;
const MFD_CLOEXEC = 1;
const MADV_WIPEONFORK = 18;
const MAX_ERRNO = 4095;

/** Makes system calls in one stopped process. */
export interface Remote {
  readonly pid: number;
  /** Result, which is not an error; throws TargetError otherwise. `text` is passed for "text". */
  call(
    what: string,
    number: number,
    args: readonly (number | bigint | "text")[],
    text?: string,
  ): Promise<number>;
}

/** Prepares calls in process `pid`, which must be stopped for each of them. */
export function openRemote(
  tracer: Tracer,
  pid: number,
  mappings: readonly Mapping[] = readMappings(pid),
): Remote {
  const slack = findSlack(pid, mappings, REMOTE_STUB_BYTES + DATA_BYTES);
  if (slack === 0) {
    throw new TargetError(`cannot work in process ${pid}: it has no unused executable bytes`, {
      operation: "inject",
      subject: pid,
    });
  }
  const call: Remote["call"] = async (what, number, args, text) => {
    const data = text === undefined ? new Uint8Array() : Buffer.from(`${text}\0`);
    const values = args.map((a) => (a === "text" ? slack + REMOTE_STUB_BYTES : a));
    let result: number;
    try {
      result = await tracer.call(pid, slack, number, values, data);
    } catch (cause) {
      throw targetError(what, pid, cause);
    }
    if (result >= 0 || result < -MAX_ERRNO) return result;
    throw new TargetError(`cannot ${what} in process ${pid}: ${errnoText(-result)}`, {
      operation: what,
      subject: pid,
      errno: -result,
    });
  };
  return { pid, call };
}

/** Maps anonymous memory over what is at `address`. */
export function mapAnonymous(
  remote: Remote,
  address: number,
  bytes: number,
  protection: number,
): Promise<number> {
  const flags = MAP.private | MAP.anonymous | MAP.noReserve | MAP.fixed;
  return remote.call("map memory", SYSCALL.mmap, [address, bytes, protection, flags, -1n, 0]);
}

/** Maps the beginning of a descriptor's object; `at` is where, or 0 for anywhere. */
export function mapFile(
  remote: Remote,
  descriptor: number,
  { at, bytes }: { readonly at: number; readonly bytes: number },
  protection: number,
  flags: number,
): Promise<number> {
  return remote.call("map memory", SYSCALL.mmap, [at, bytes, protection, flags, descriptor, 0]);
}

/** Creates an empty memory object in the process; gives its descriptor there. */
export function createRemoteFile(remote: Remote, name: string): Promise<number> {
  return remote.call("create memory", SYSCALL.memfdCreate, ["text", MFD_CLOEXEC], name);
}

/** Opens `path` in the process for reading and writing. */
export function openRemoteFile(remote: Remote, path: string): Promise<number> {
  const args = ["text", OPEN_READ_WRITE_CLOEXEC, 0] as const;
  return remote.call("open shared memory", SYSCALL.open, args, path);
}

/** Maps all of a descriptor's object, shared; then closes the descriptor. */
export async function mapShared(
  remote: Remote,
  descriptor: number,
  bytes: number,
): Promise<number> {
  const protection = PROTECTION.read | PROTECTION.write;
  try {
    return await mapFile(remote, descriptor, { at: 0, bytes }, protection, MAP.shared);
  } finally {
    await closeRemote(remote, descriptor);
  }
}

/** Closes a descriptor of the process. */
export async function closeRemote(remote: Remote, descriptor: number): Promise<void> {
  await remote.call("close", SYSCALL.close, [descriptor]);
}

/** Has forked children see zeros at [address, address + bytes). */
export async function wipeOnFork(remote: Remote, address: number, bytes: number): Promise<void> {
  await remote.call("advise", SYSCALL.madvise, [address, bytes, MADV_WIPEONFORK]);
}

/** Removes a mapping. */
export async function unmap(remote: Remote, address: number, bytes: number): Promise<void> {
  await remote.call("unmap memory", SYSCALL.munmap, [address, bytes]);
}

const TEXTS: { readonly [errno: number]: string } = {
  1: "not permitted (a seccomp filter?)",
  2: "no such file",
  12: "not enough memory (address space or overcommit limit)",
  13: "permission denied (a security module?)",
  17: "the address is taken",
  22: "invalid argument",
  24: "too many open files",
  38: "not supported by the kernel",
};

function errnoText(errno: number): string {
  return TEXTS[errno] ?? `error ${errno}`;
}
