/**
 * Machine code in this process: maps it, gives it memory, calls it (wasm-runtime/aot/code.cc).
 * Addresses are bigints. A wrong address crashes the process, as with any machine code.
 */
import { loadAddon } from "../../base/addon.js";
import { assert } from "../../base/assert.js";
import { TargetError } from "../../base/target-error.js";

/** Memory mapped into this process and a view of it. */
export interface NativeMemory {
  readonly address: bigint;
  readonly buffer: ArrayBuffer;
}

function call(name: string, ...args: readonly unknown[]): unknown {
  const f = loadAddon()[name];
  assert(f !== undefined, `the native addon has no function ${name}`);
  return f(...args);
}

function addressOf(operation: string, result: unknown): bigint {
  if (typeof result === "bigint") return result;
  const errno = -Number(result);
  throw new TargetError(`cannot ${operation}: error ${errno}`, {
    operation,
    subject: process.pid,
    errno,
  });
}

/** Copies `code` to executable memory and gives its address. */
export function mapCode(code: Uint8Array): bigint {
  assert(code.length > 0, "no code to map");
  return addressOf("map code", call("aotMapCode", code));
}

/** Zeroed memory of `bytes` bytes, shared with forked processes; pages are taken when touched. */
export function mapMemory(bytes: number): NativeMemory {
  assert(Number.isSafeInteger(bytes) && bytes > 0, `bad size ${bytes}`);
  const address = addressOf("map memory", call("aotMapMemory", bytes));
  return { address, buffer: viewMemory(address, bytes) };
}

/** View of memory that is mapped at `address`; it must outlive the view's use. */
export function viewMemory(address: bigint, bytes: number): ArrayBuffer {
  return call("aotViewMemory", address, bytes) as ArrayBuffer;
}

/** Removes a mapping; its views must not be used any more. */
export function unmapMemory(address: bigint, bytes: number): void {
  const result = call("aotUnmapMemory", address, bytes);
  if (result !== 0) addressOf("unmap memory", result);
}

/** Calls a handler thunk (CodeImage.entries); returns the trap reason, 0 = none. */
export function callHandler(entry: bigint, context: bigint, argument: number): number {
  return Number(call("aotCallHandler", entry, context, argument));
}

/** Calls a general thunk (CodeImage.callEntries) with 64-bit values at `values`. */
export function callFunction(entry: bigint, context: bigint, values: bigint): number {
  return Number(call("aotCallFunction", entry, context, values));
}

/** An address in this thread's native stack, near its top of use. */
export function stackAddress(): bigint {
  return call("aotStackAddress") as bigint;
}

/** Addresses of the C functions in the order of RUNTIME_FUNCTIONS. */
export function runtimeFunctions(): readonly bigint[] {
  return call("aotRuntimeFunctions") as bigint[];
}
