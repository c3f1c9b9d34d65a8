/** Where jumps through tables lead, as patch planning has it: no region may hold such an address. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { functionAt, indexFunctions } from "../../../shim/mutator/functions.js";
import { CODE, DATA, type TestFunction, testModule, word32 } from "./code.js";

const s = suite("mutator/jump-tables");

const RET = 0xc3;

/** Offsets to which something leads in or behind the function at offset `from`, ascending. */
function targets(
  functions: readonly TestFunction[],
  data: readonly number[],
  from = 0,
): readonly number[] {
  const code = functionAt(indexFunctions(testModule(functions, data)), CODE + from);
  return [...(code?.fixedTargets ?? [])].map((address) => address - CODE).sort((a, b) => a - b);
}

/** lea rdx, [rip+DATA]; movsxd rax, [rdx+rax*4]; add rax, rdx; jmp rax; ret; ret; ret */
const chooser: TestFunction = {
  name: "chooser",
  bytes: [
    ...[0x48, 0x8d, 0x15, ...word32(DATA - CODE - 7)],
    ...[0x48, 0x63, 0x04, 0x82],
    ...[0x48, 0x01, 0xd0],
    ...[0xff, 0xe0],
    ...[RET, RET, RET], // 16, 17, 18
  ],
};

function distances(...offsets: readonly number[]): number[] {
  return offsets.flatMap((offset) => word32(CODE + offset - DATA));
}

s("entries that lead to another part do not end a table", () => {
  const cold = { name: "chooser.cold", bytes: [0x90, RET], isPart: true };
  assert.equal(targets([chooser, cold], distances(16, 33, 17, 32, 18)), [16, 17, 18, 32, 33]);
  assert.equal(targets([chooser, cold], distances(33, 17)), [17, 33]);
});

s("nothing follows an entry that leads to no instruction", () => {
  const cold = { name: "chooser.cold", bytes: [0x0f, 0x0b, RET], isPart: true }; // ud2; ret
  assert.equal(targets([chooser, cold], distances(16, 33, 17)), [16]);
  assert.equal(targets([chooser, cold], distances(16, 3000, 17)), [16]);
});

s("a table ends where the function refers to something else", () => {
  const next = [0x48, 0x8d, 0x0d, ...word32(DATA + 8 - CODE - 23)]; // 16: lea rcx, [rip+DATA+8]
  const bytes = [...chooser.bytes.slice(0, 16), ...next, RET, RET, RET];
  // Read as entries of the first, those of the second table lead into the code, too.
  const data = [...distances(23, 24), ...word32(CODE + 25 - DATA - 8)];
  assert.equal(targets([{ name: "f", bytes }], data), [23, 24, 25]);
  assert.equal(targets([{ name: "f", bytes }], [...distances(23, 24), 0, 0, 0, 0]), [23, 24]);
});

s("tables of the function that jumps to a part lead there, too", () => {
  const from = chooser.bytes.length;
  const jumping = { ...chooser, bytes: [...chooser.bytes, 0xe9, ...word32(32 - (from + 5))] };
  const cold = { name: "chooser.cold", bytes: [0x90, 0x90, RET], isPart: true };
  assert.equal(targets([jumping, cold], distances(16, 33, 17), 32), [32, 33]);
});

s("a part that only tables lead to may be entered at any instruction", () => {
  const cold = { name: "cold", bytes: [0x90, 0x0f, 0x1f, 0x00, RET], isPart: true };
  assert.equal(targets([chooser, cold], [], 32), [32, 33, 36]);
});

s("finds tables of distances from a label", () => {
  const bytes = [
    ...[0x48, 0x8d, 0x15, ...word32(DATA - CODE - 7)], // 0: lea rdx, [rip+DATA]
    ...[0x48, 0x8d, 0x0d, ...word32(21 - 14)], // 7: lea rcx, [rip+7]
    ...[0x48, 0x01, 0xc8], // 14: add rax, rcx
    ...[0xff, 0xe0], // 17: jmp rax
    ...[RET, RET, RET, RET, RET], // 19 to 23
  ];
  const data = [0, -2, 2].flatMap(word32);
  assert.equal(targets([{ name: "f", bytes }], data), [19, 21, 23]);
  const shorts = [0, 0, 0xff, 0xff, 1, 0, 0xff, 0x7f];
  assert.equal(targets([{ name: "f", bytes }], shorts), [20, 21, 22]);
});

s("whoever has the address of a label may jump there", () => {
  const bytes = [...[0x48, 0x8d, 0x0d, ...word32(1)], 0x90, RET]; // lea rcx, [rip+1]; nop; ret
  assert.equal(targets([{ name: "f", bytes }], []), [8]);
});

s("a function may start inside of another one", () => {
  const outer = { name: "outer", bytes: [0x90, 0x90, 0x90, RET] };
  const module = testModule([outer]);
  const inner = { address: CODE + 2, size: 2, name: "inner", isPart: false };
  const index = indexFunctions({ ...module, functions: [...module.functions, inner] });
  assert.equal([...(functionAt(index, CODE)?.fixedTargets ?? [])], [CODE + 2]);
});

s.run();
