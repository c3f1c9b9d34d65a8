/** Points of language.md §14 that wastap knows but cannot probe: each says so by name. */
import { findComponent, showComponents } from "./point.js";
import { CODE_ROOTS } from "./process-code.js";
import { ResolutionError } from "./report.js";
import type { Family, FamilyTable } from "./site.js";

/** Suffixes below a code root that need debug information. */
const DEBUGINFO_SUFFIXES = [
  "function(string).inline",
  "function(string).label(string)",
  "function(string).callee(string)",
  "function(string).callee(string).call",
  "function(string).callee(string).return",
  "function(string).callees",
  "function(string).callees(number)",
  "function(number).inline",
  "statement(string)",
  "statement(string).nearest",
  "statement(number).nearest",
];
/** First components of families that live in the kernel or in other run-time systems. */
const OTHER_ROOTS: { readonly [name: string]: string } = {
  kernel: "a probe in the kernel",
  module: "a probe in the kernel",
  kprobe: "a probe in the kernel",
  syscall: "a system call probe",
  nd_syscall: "a system call probe",
  tp_syscall: "a system call probe",
  syscall_any: "a system call probe",
  java: "a Java method probe",
  python3: "a Python function probe",
  python2: "a Python function probe",
  debuginfod: "a debuginfod probe",
};

/** Families that end in "not supported yet". */
export const UNSUPPORTED_FAMILIES: FamilyTable = [
  ...CODE_ROOTS.flatMap((root) => [
    ...DEBUGINFO_SUFFIXES.map((suffix) => entry(`${root}.${suffix}`, " (needs debug information)")),
  ]),
];

/** What a point beginning with `root` would be, or null if nothing of SystemTap's. */
export function describeOtherRoot(root: string): string | null {
  return Object.hasOwn(OTHER_ROOTS, root) ? (OTHER_ROOTS[root] ?? null) : null;
}

function entry(pattern: string, why: string): FamilyTable[number] {
  const last =
    pattern
      .replace(/\([a-z]*\)/g, "")
      .split(".")
      .pop() ?? "";
  const family: Family = (point) => {
    throw new ResolutionError(
      `unsupported-${last}`,
      `not supported yet: probe point '${showComponents(point)}'${why}`,
      findComponent(point, last) ?? point,
    );
  };
  return [pattern, family];
}
