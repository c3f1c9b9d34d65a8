/**
 * Thread-local variables. The block of an executable ends at the thread pointer. Where libraries
 * have theirs only the dynamic loader knows: the host asks it.
 */
import { FILE_TYPE, SEGMENT } from "../../base/elf/image.js";
import { threadLocalBytes } from "../../base/elf/thread-local.js";
import { ResolutionError } from "../elaborate/report.js";
import type { Module } from "../elf/read.js";
import { add, constant, FS_BASE, type Location } from "../types/location.js";
import type { ProgramModule } from "./program-module.js";

/** Address of the variable at `offset` of the thread-local block of `program`. */
export function threadLocalAddress(program: ProgramModule, offset: Location): Location {
  return add(blockAddress(program), offsetInBlock(program, offset));
}

/**
 * `offset`, or what gcc means where it puts the address of a variable's initial value there (with
 * -gsplit-dwarf: it has the linker fill `.debug_addr` as for other variables).
 */
function offsetInBlock({ module }: ProgramModule, offset: Location): Location {
  const segment = module.image.segments.find(({ type }) => type === SEGMENT.tls);
  if (offset.kind !== "constant" || segment === undefined) return offset;
  const isOffset = offset.value >= 0 && offset.value < segment.memorySize;
  const inSegment = offset.value - BigInt(segment.address);
  if (isOffset) return offset;
  if (inSegment >= 0 && inSegment < segment.memorySize) return constant(inSegment);
  throw new ResolutionError("not-readable", "its place is outside of the thread-local storage");
}

/** Address of the thread-local block of `program`. */
function blockAddress({ module, reference }: ProgramModule): Location {
  const bytes = threadLocalBytes(module.image);
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

/** True for programs; libraries may have an interpreter, but then they have a name. */
function isExecutable({ image, dynamic }: Module): boolean {
  if (image.type === FILE_TYPE.executable || dynamic.isProgram) return true;
  const hasInterpreter = image.segments.some(({ type }) => type === SEGMENT.interpreter);
  return hasInterpreter && dynamic.soname === null;
}
