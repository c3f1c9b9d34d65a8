/**
 * Whom a handler that runs in this process is about: the thread that an event happened to. Its ids
 * and name, from /proc (proc(5)), are put where the shim's host functions look first (PRIVATE.subject).
 */
import { PRIVATE } from "../../wasm-runtime/layout.js";
import { threadStatus } from "./process.js";

/** A thread as its handlers see it. */
export interface Subject {
  /** In the order of host.wit `identity`, up to the processor; -1 where unknown. */
  readonly ids: readonly number[];
  /** Name, at most 15 bytes. */
  readonly name: string;
}

/** Thread `tid` of process `pid`, its ids as in its own pid namespace; null when it is gone. */
export function readSubject(pid: number, tid: number): Subject | null {
  const field = threadStatus(pid, tid);
  if (field === null) return null;
  const innermost = (name: string): number => Number(field(name)?.split(/\s+/).at(-1) ?? -1);
  const user = field("Uid")?.split(/\s+/).map(Number) ?? [];
  const group = field("Gid")?.split(/\s+/).map(Number) ?? [];
  return {
    ids: [
      innermost("NStgid"),
      innermost("NSpid"),
      innermost("PPid"),
      innermost("NSpgid"),
      innermost("NSsid"),
      user[0] ?? -1,
      user[1] ?? -1,
      group[0] ?? -1,
      group[1] ?? -1,
    ],
    name: field("Name") ?? "",
  };
}

/** Puts `subject`, or that there is none, into the state of the private area of this process. */
export function writeSubject(state: Uint8Array, subject: Subject | null): void {
  const view = new DataView(state.buffer, state.byteOffset + PRIVATE.subject, PRIVATE.subjectBytes);
  for (let at = 0; at < PRIVATE.subjectBytes; at += 8) view.setBigInt64(at, 0n, true);
  if (subject === null) return;
  for (const [index, id] of subject.ids.entries()) view.setBigInt64(8 * index, BigInt(id), true);
  const name = Buffer.from(subject.name).subarray(
    0,
    PRIVATE.subjectBytes - PRIVATE.subjectName - 1,
  );
  for (const [index, byte] of name.entries()) view.setUint8(PRIVATE.subjectName + index, byte);
}
