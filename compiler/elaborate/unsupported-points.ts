/** Points of language.md §14 that wastap knows but cannot probe: what each is. */

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

/** What a point beginning with `root` would be, or null if nothing of SystemTap's. */
export function describeOtherRoot(root: string): string | null {
  return Object.hasOwn(OTHER_ROOTS, root) ? (OTHER_ROOTS[root] ?? null) : null;
}
