/**
 * Memory that a session maps in a process besides its memory object.
 *
 *     fence   a page without access, of an empty memory object whose name says what follows
 *     area    anonymous memory
 *
 * Both are one mapping of the object first, so that whatever a killed session leaves is known for
 * its own by the name from the moment it is there (recover.ts). Source: memfd_create(2), mmap(2).
 */
import { type Mapping, PAGE_BYTES, roundUp } from "./maps.js";
import {
  closeRemote,
  createRemoteFile,
  MAP,
  mapAnonymous,
  mapFile,
  PROTECTION,
  type Remote,
  unmap,
} from "./remote.js";

/** What an area is for: handler stacks and state, table of modules, shim and handlers, trampolines. */
export type AreaKind = "private" | "modules" | "code" | "trampolines";

/** A mapping made in a process. */
export interface Area {
  readonly address: number;
  readonly bytes: number;
}

/** What to map. */
export interface AreaRequest {
  /** Inode of the session's memory object. */
  readonly owner: number;
  readonly kind: AreaKind;
  readonly bytes: number;
  /** PROTECTION of it. */
  readonly protection: number;
  /** Where; default: anywhere. The page before must be free, too. */
  readonly at?: number;
}

/** An area that is in a process. */
export interface FoundArea extends Area {
  readonly owner: number;
  readonly kind: AreaKind;
  /** False if its session was killed before there was memory behind the fence. */
  readonly isMapped: boolean;
}

/** Path of a fence in maps(5). */
const FENCE = /^\/memfd:wastap-(private|modules|code|trampolines):(\d+):(\d+)( |$)/;

/** Maps an area of whole pages behind a fence. */
export async function mapArea(remote: Remote, request: AreaRequest): Promise<Area> {
  const { owner, kind, protection, at } = request;
  const bytes = roundUp(request.bytes);
  const whole = PAGE_BYTES + bytes;
  const descriptor = await createRemoteFile(remote, `wastap-${kind}:${owner}:${bytes}`);
  const flags = MAP.private | MAP.noReserve | (at === undefined ? 0 : MAP.fixedNoReplace);
  const range = { at: at === undefined ? 0 : at - PAGE_BYTES, bytes: whole };
  let start: number;
  try {
    start = await mapFile(remote, descriptor, range, PROTECTION.none, flags);
  } finally {
    await closeRemote(remote, descriptor);
  }
  try {
    const address = await mapAnonymous(remote, start + PAGE_BYTES, bytes, protection);
    return { address, bytes };
  } catch (error) {
    await unmap(remote, start, whole);
    throw error;
  }
}

/** Unmaps an area with its fence. */
export async function unmapArea(remote: Remote, { address, bytes }: Area): Promise<void> {
  await unmap(remote, address - PAGE_BYTES, PAGE_BYTES + bytes);
}

/** The areas of all sessions in a process. */
export function findAreas(mappings: readonly Mapping[]): FoundArea[] {
  return mappings.flatMap(({ path, start, end, offset }): FoundArea[] => {
    const match = FENCE.exec(path);
    if (match === null || offset !== 0) return [];
    const [, kind, owner, bytes] = match;
    const area = { address: start + PAGE_BYTES, bytes: Number(bytes) };
    const isMapped = end === area.address;
    return [{ ...area, kind: kind as AreaKind, owner: Number(owner), isMapped }];
  });
}

/** True for the path in maps(5), or the target of a descriptor, of a fence. */
export function isFence(path: string): boolean {
  return FENCE.test(path);
}
