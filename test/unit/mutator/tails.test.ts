import { suite } from "uvu";
import * as assert from "uvu/assert";
import { indexFunctions } from "../../../shim/mutator/functions.js";
import { followTail, rememberExits } from "../../../shim/mutator/tails.js";
import { CODE, type TestFunction, testModule, word32 } from "./code.js";

const s = suite("mutator/tails");

const RET = 0xc3;
const NOP = 0x90;

/** `jmp` of five bytes at offset `from` of the code. */
function jump(from: number, to: number): number[] {
  return [0xe9, ...word32(to - (from + 5))];
}

/** Offsets at which a jump to offset `target` of the code ends. */
function ends(functions: readonly TestFunction[], target: number): number[] | null {
  const index = indexFunctions(testModule(functions));
  const found = followTail(index, CODE + target, rememberExits(index));
  return found?.ends.map((address) => address - CODE) ?? null;
}

const f: TestFunction = { name: "f", bytes: jump(0, 16) };

s("finds the returns of the function that is jumped to", () => {
  assert.equal(ends([f, { name: "g", bytes: [0x74, 0x01, RET, RET] }], 16), [18, 19]);
});

s("follows one jump after the other, each function once", () => {
  const g = { name: "g", bytes: [0x74, 0x0e, ...jump(18, 32)] }; // 16: je 32, 18: jmp 32
  const h = { name: "h", bytes: [0x74, 0xee, RET] }; // 32: je 16, 34: ret
  assert.equal(ends([f, g, h], 16), [34]);
});

s("gives up at what leads on through a pointer", () => {
  const g = { name: "g", bytes: [0x74, 0x02, 0xff, 0xe0, RET] }; // 16: je 20, 18: jmp rax
  assert.is(ends([f, g], 16), null);
});

s("gives up where nothing returns", () => {
  assert.is(ends([f, { name: "g", bytes: [0xff, 0xe0] }], 16), null);
  assert.is(ends([f, { name: "g", bytes: [0xeb, 0xfe] }], 16), null);
});

s("gives up at what is no start of a function", () => {
  assert.is(ends([f, { name: "g", bytes: [NOP, NOP, RET] }], 17), null);
});

s.run();
