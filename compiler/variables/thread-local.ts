/**
 * Thread-local variables of executables: their block ends at the thread pointer, rounded to its
 * alignment (TLS variant II: SysV AMD64 ABI §3.4.2; Drepper, ELF Handling For Thread-Local Storage
 * §4.4.6). Where libraries have theirs only the dynamic loader knows.
 */
import { SEGMENT } from "../../base/elf/image.js";
import { ResolutionError } from "../elaborate/report.js";
import type { Module } from "../elf/read.js";
import { add, constant, type Location } from "../types/location.js";

/** DWARF number of the thread pointer (SysV AMD64 ABI figure 3.36). */
const FS_BASE = 58;

/** Address of the thread-local block of the executable `module`. */
export function threadLocalAddress(module: Module): Location {
  const segment = module.image.segments.find(({ type }) => type === SEGMENT.tls);
  if (segment === undefined || module.dynamic.soname !== null) {
    const what = `thread-local variable of '${module.path}', which is no executable`;
    throw new ResolutionError("unsupported-tls", `not supported yet: ${what}`);
  }
  const { memorySize, alignment } = segment;
  const bytes = Math.ceil(memorySize / Math.max(alignment, 1)) * Math.max(alignment, 1);
  const pointer: Location = {
    kind: "register",
    register: FS_BASE,
    bytes: 8,
    shift: 0,
    signed: false,
  };
  return add(pointer, constant(-bytes));
}
