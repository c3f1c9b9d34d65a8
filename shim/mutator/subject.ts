/**
 * Whom a handler that runs in this process is about: the thread that an event happened to. Its ids
 * and name, from /proc (proc(5)), and its registers are put where the shim's host functions look
 * first (PRIVATE.subject, SUBJECT_STATE); its memory is read through the kernel.
 */
import { FRAME, PRIVATE, SUBJECT_STATE } from "../../wasm-runtime/layout/private.js";
import { readStartArea, type StartArea, threadStatus } from "./process.js";
import { REGISTER, type Registers } from "./ptrace.js";

/** A thread as its handlers see it. */
export interface Subject {
  /** In the order of host.wit `identity`, up to the processor; -1 where unknown. */
  readonly ids: readonly number[];
  /** Name, at most 15 bytes. */
  readonly name: string;
  /** Process as this one knows it, whose memory is read; 0 = none can be. */
  readonly process: number;
  /** It lives in a pid namespace below that of this process. */
  readonly isNested: boolean;
  readonly start: StartArea | null;
  /** Of the thread at the event, null if there are none. */
  readonly registers: Registers | null;
}

/** Thread `tid` of process `pid`, its ids as in its own pid namespace; null when it is gone. */
export function readSubject(
  pid: number,
  tid: number,
  registers: Registers | null = null,
): Subject | null {
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
    process: pid,
    isNested: /\s/.test(field("NStgid") ?? ""),
    start: readStartArea(pid),
    registers,
  };
}

/** A thread of which nothing is known but its ids. */
export function unknownSubject(pid: number, tid: number): Subject {
  const ids = [pid, tid, -1, -1, -1, -1, -1, -1, -1];
  return { ids, name: "", process: 0, isNested: false, start: null, registers: null };
}

/** What a handler is told of the session beside its subject. */
export interface Surroundings {
  /** Address of the module area of the process. */
  readonly modules: number;
  /** PARAMS.target of the process. */
  readonly target: number;
}

/** Puts `subject`, or that there is none, into the state of the private area of this process. */
export function writeSubject(
  state: Uint8Array,
  subject: Subject | null,
  { modules, target }: Surroundings,
): void {
  const view = new DataView(state.buffer, state.byteOffset + PRIVATE.subject, PRIVATE.subjectBytes);
  const more = new DataView(
    state.buffer,
    state.byteOffset + PRIVATE.subjectState,
    SUBJECT_STATE.bytes,
  );
  for (let at = 0; at < PRIVATE.subjectBytes; at += 8) view.setBigInt64(at, 0n, true);
  for (let at = 0; at < SUBJECT_STATE.bytes; at += 8) more.setBigInt64(at, 0n, true);
  if (subject === null) return;
  for (const [index, id] of subject.ids.entries()) view.setBigInt64(8 * index, BigInt(id), true);
  const name = Buffer.from(subject.name).subarray(
    0,
    PRIVATE.subjectBytes - PRIVATE.subjectName - 1,
  );
  for (const [index, byte] of name.entries()) view.setUint8(PRIVATE.subjectName + index, byte);
  more.setBigUint64(SUBJECT_STATE.modules, BigInt(modules), true);
  more.setBigInt64(SUBJECT_STATE.target, BigInt(target), true);
  writeState(more, subject);
}

function writeState(view: DataView, { process, start, registers }: Subject): void {
  const put = (at: number, value: bigint): void => view.setBigUint64(at, value, true);
  put(SUBJECT_STATE.process, BigInt(process));
  const area = start === null ? [] : [...START_AREA.map((field) => start[field])];
  for (const [index, address] of area.entries()) {
    put(SUBJECT_STATE.startArea + 8 * index, BigInt(address));
  }
  if (registers === null) return;
  put(SUBJECT_STATE.hasFrame, 1n);
  for (const [index, name] of FRAME.registers.entries()) {
    put(SUBJECT_STATE.frame + 8 * index, registers[REGISTER[name]] ?? 0n);
  }
  put(SUBJECT_STATE.threadPointer, registers[REGISTER.fsBase] ?? 0n);
  put(SUBJECT_STATE.systemCall, registers[REGISTER.originalRax] ?? 0n);
}

const START_AREA = [
  "argumentsStart",
  "argumentsEnd",
  "environmentStart",
  "environmentEnd",
] as const;
