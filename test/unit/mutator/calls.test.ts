import { suite } from "uvu";
import * as assert from "uvu/assert";
import { callsLike } from "../../../shim/mutator/calls.js";
import { indexFunctions } from "../../../shim/mutator/functions.js";
import { CODE, type TestFunction, testModule, word32 } from "./code.js";

const s = suite("mutator/calls");

const RET = 0xc3;

/** `call` of five bytes at offset `from` of the code. */
function call(from: number, to: number): number[] {
  return [0xe8, ...word32(to - (from + 5))];
}

const functions: readonly TestFunction[] = [
  { name: "f", bytes: [...call(0, 48), ...call(5, 64), RET] },
  { name: "g", bytes: [...call(16, 48), ...call(21, 48), RET] },
  // What looks like a call in an operand; a call that does not return.
  { name: "h", bytes: [0x48, 0xb8, ...call(34, 48), 0, 0, 0, ...call(42, 48)] },
  { name: "called", bytes: [RET] },
  { name: "other", bytes: [0xff, 0xd0, RET] },
  { name: "jump", bytes: [0xe9, ...word32(48 - 85)] },
];

function alike(offset: number, most = 9): number[] {
  const index = indexFunctions(testModule(functions));
  return callsLike(index, CODE + offset, most).map((address) => address - CODE);
}

s("finds the other calls of what is called, the nearest first", () => {
  assert.equal(alike(5), [21, 26]);
  assert.equal(alike(26), [21, 5]);
  assert.equal(alike(26, 1), [21]);
});

s("finds nothing for the only call, nor for one through a pointer", () => {
  assert.equal(alike(10), []);
  assert.equal(alike(66), []);
});

s.run();
