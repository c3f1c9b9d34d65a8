/**
 * Thread-local variables. The block of an executable ends at the thread pointer, rounded to its
 * alignment (TLS variant II: SysV AMD64 ABI §3.4.2; Drepper, ELF Handling For Thread-Local Storage
 * §4.4.6). Where libraries have theirs only the dynamic loader knows: the host asks it.
 */
import { FILE_TYPE, SEGMENT } from "../../base/elf/image.js";
import { ResolutionError } from "../elaborate/report.js";
import type { Module } from "../elf/read.js";
import { add, constant, FS_BASE, type Location } from "../types/location.js";
import type { ProgramModule } from "./program-module.js";

/** Address of the thread-local block of `program`. */
export function threadLocalAddress({ module, reference }: ProgramModule): Location {
  const bytes = threadLocalBytes(module);
  if (bytes === null) {
    throw new ResolutionError("not-readable", `'${module.path}' has no thread-local storage`);
  }
  if (!isExecutable(module)) return { kind: "thread-storage", module: reference };
  const pointer: Location = {
    kind: "register",
    register: FS_BASE,
    bytes: 8,
    shift: 0,
    signed: false,
  };
  return add(pointer, constant(-bytes));
}

/** How far below the thread pointer the block of a program begins; null if there is none. */
export function threadLocalBytes({ image }: Module): number | null {
  const segment = image.segments.find(({ type }) => type === SEGMENT.tls);
  if (segment === undefined) return null;
  const alignment = Math.max(segment.alignment, 1);
  return Math.ceil(segment.memorySize / alignment) * alignment;
}

/** True for programs; libraries may have an interpreter, but then they have a name. */
function isExecutable({ image, dynamic }: Module): boolean {
  if (image.type === FILE_TYPE.executable || dynamic.isProgram) return true;
  const hasInterpreter = image.segments.some(({ type }) => type === SEGMENT.interpreter);
  return hasInterpreter && dynamic.soname === null;
}
