/** Signal frames on stacks of a thread, in this process. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findSavedPointers } from "../../../shim/mutator/frames.js";
import { readMappings } from "../../../shim/mutator/process.js";
import { mapMemory, unmapMemory } from "../../../wasm-runtime/aot/native.js";

const s = suite("mutator/frames");

/** More than is looked through of one stack. */
const STACK_BYTES = 2 ** 20;

/** Writes the part of ucontext_t that tells where a handler returns to: rsp, rip, eflags, segments. */
function saveRegisters(stack: ArrayBuffer, rip: bigint, rsp: bigint): void {
  new BigUint64Array(stack).set([rsp, rip, 0x246n, 0x002b_0000_0000_0033n]);
}

s("a handler on an alternate stack, and one that it has interrupted", () => {
  const usual = mapMemory(STACK_BYTES);
  const alternate = mapMemory(STACK_BYTES);
  try {
    saveRegisters(usual.buffer, 0x1111n, usual.address + 4096n);
    saveRegisters(alternate.buffer, 0x2222n, usual.address);
    const rsp = Number(alternate.address);
    const found = findSavedPointers(process.pid, readMappings(process.pid), rsp);
    assert.equal(
      found.map(({ rip }) => rip),
      [0x2222, 0x1111],
    );
  } finally {
    unmapMemory(usual.address, STACK_BYTES);
    unmapMemory(alternate.address, STACK_BYTES);
  }
});

s.run();
