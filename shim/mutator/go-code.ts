/**
 * Where code of Go programs can be probed. A hit takes stack below the instruction before it is on
 * a stack of ours, and goroutines' stacks are small: functions that call runtime.morestack have
 * seen to it that 800 bytes are left (Go's runtime/stack.go: StackGuard less StackSmall), what does
 * not call it runs on the rest of what its caller had.
 */
import { rememberWeakly } from "../../base/remember.js";
import { type FunctionCode, type FunctionRange, isJump, type ModuleCode } from "./functions.js";

/** Why a probe in `code` could overrun a goroutine's stack, or null. */
export type StackRule = (code: FunctionCode, floats: boolean) => string | null;

/** Packages whose functions call others with less stack than is usual. */
const CALLED_SHORT = /^(runtime|internal|syscall|sync\/atomic)[./]/;

/** True for what functions of Go programs call when little is left of their stack. */
export function isStackGrowth({ name }: FunctionRange): boolean {
  return name.startsWith("runtime.morestack");
}

/** The rule for a module, null if it is no Go program. */
export function goStackRule({ functions }: ModuleCode): StackRule | null {
  return stackRuleOf(functions);
}

const stackRuleOf = rememberWeakly((functions: readonly FunctionRange[]): StackRule | null => {
  const growing = new Set<number>();
  let hasC = false;
  for (const range of functions) {
    if (isStackGrowth(range)) growing.add(range.address);
    hasC ||= range.name === "x_cgo_init";
  }
  if (growing.size === 0) return null;
  return (code, floats) => {
    const isC = hasC && code.name !== "" && !code.name.includes(".");
    if (isC) return null;
    if (floats) return "a goroutine's stack has no room for the vector registers";
    const grows = code.insns
      .direct()
      .some((insn) => insn.flow === "call" && growing.has(insn.target));
    const isSafe = grows || (isLeaf(code) && !CALLED_SHORT.test(code.name));
    return isSafe ? null : "it does not check how much of a goroutine's stack is left";
  };
});

/** True if `code` calls nothing: it has little on the stack, and mostly no nosplit caller. */
function isLeaf({ insns, name, start, end }: FunctionCode): boolean {
  const isOutside = (target: number): boolean => target < start || target >= end;
  return (
    name.includes(".") &&
    !insns.hasFlow("call", "indirect-call", "indirect-jump") &&
    !insns.direct().some((insn) => isJump(insn) && isOutside(insn.target))
  );
}
