import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findExits } from "../../../shim/mutator/exits.js";
import { indexFunctions } from "../../../shim/mutator/functions.js";
import { CODE, DATA, type TestFunction, testModule, word32 } from "./code.js";

const s = suite("mutator/exits");

const RET = 0xc3;

/** Exits of the first function as "offset" or "offset if taken"; pointers to it are offsets. */
function exits(
  functions: readonly TestFunction[],
  data: readonly number[] = [],
  pointers: readonly number[] = [],
): string[] {
  const codePointers = pointers.map((offset) => CODE + offset);
  const index = indexFunctions({ ...testModule(functions, data), codePointers });
  return findExits(index, CODE).map(
    ({ address, onlyTaken }) => `${address - CODE}${onlyTaken ? " if taken" : ""}`,
  );
}

const other: TestFunction = { name: "other", bytes: [0x90, 0xc3] }; // nop; ret, at CODE + 16

s("finds every kind of return", () => {
  const bytes = [
    ...[0x74, 0x03], // 0: je 5
    ...[0xc2, 0x08, 0x00], // 2: ret 8
    ...[0x75, 0x02], // 5: jne 9
    ...[0xf3, 0xc3], // 7: rep ret
    0xc3, // 9: ret
  ];
  assert.equal(exits([{ name: "f", bytes }]), ["2", "7", "9"]);
});

s("takes a jump through a table behind an epilogue for a tail call", () => {
  const load = [0x4a, 0x8b, 0x04, 0xe8]; // mov rax, [rax+r13*8]
  const jump = [0xff, 0xe0]; // jmp rax
  const push = [0x41, 0x55]; // push r13
  const pop = [0x41, 0x5d]; // pop r13
  assert.equal(exits([{ name: "f", bytes: [...push, ...load, ...pop, ...jump] }], [], [2]), ["8"]);
  assert.equal(exits([{ name: "f", bytes: [...pop, ...push, ...load, ...jump] }], [], [2]), []);
  const memory = [0xff, 0x24, 0xfa]; // jmp [rdx+rdi*8]
  const afterPop = { name: "f", bytes: [0x53, 0x5b, ...memory] }; // push, pop rbx
  assert.equal(exits([afterPop], [], [1]), ["2"]);
  assert.equal(exits([{ name: "f", bytes: [...memory, 0xc3] }], [], [3]), ["3"]);
});

s("takes a jump through a table that does not lead into the function for a tail call", () => {
  const bytes = [
    ...[0x8b, 0x47, 0x04], // 0: mov eax, [rdi+4]
    ...[0xff, 0x24, 0xc2], // 3: jmp [rdx+rax*8]
    ...[0x74, 0xf8], // 6: je 0
    0xc3, // 8: ret
  ];
  assert.equal(exits([{ name: "f", bytes }, other], [], [0, 16]), ["3", "8"]);
});

s("takes the end of a function that goes on in the next one for a tail call", () => {
  const nops = (count: number): number[] => Array.from({ length: count }, () => 0x90);
  assert.equal(exits([{ name: "f", bytes: nops(16) }, other]), ["15"]);
  assert.equal(exits([{ name: "f", bytes: [0x74, 0x01, 0xc3, ...nops(13)] }, other]), ["2", "15"]);
  assert.equal(exits([{ name: "f", bytes: nops(15) }, other]), []);
  assert.equal(exits([{ name: "f", bytes: [0xc3, ...nops(15)] }, other]), ["0"]);
  assert.equal(exits([{ name: "f", bytes: [0x53, ...nops(15)] }, other]), []); // push rbx
  assert.equal(exits([{ name: "f", bytes: [...nops(11), 0xe8, 0, 0, 0, 0] }, other]), []); // call
  assert.equal(
    exits([
      { name: "f", bytes: nops(16) },
      { ...other, isPart: true },
    ]),
    [],
  );
});

s("takes jumps to other functions for tail calls", () => {
  const bytes = [
    ...[0x74, 0x0e], // 0: je 16: other
    ...[0xeb, 0x00], // 2: jmp 4
    ...[0xe9, 0x07, 0x00, 0x00, 0x00], // 4: jmp 16: other
  ];
  assert.equal(exits([{ name: "f", bytes }, other]), ["0 if taken", "4"]);
});

s("takes a jump to itself for a loop", () => {
  assert.equal(exits([{ name: "f", bytes: [0xeb, 0xfe] }]), []); // jmp 0
});

s("finds none in a function that never returns", () => {
  const bytes = [0xe8, 0x0b, 0x00, 0x00, 0x00]; // call 16: other
  assert.equal(exits([{ name: "f", bytes }, other]), []);
});

s("follows jumps to the cold part, and back", () => {
  const bytes = [
    ...[0x0f, 0x84, 0x0a, 0x00, 0x00, 0x00], // 0: je 16: f.cold
    0xc3, // 6: ret
  ];
  const cold = [
    ...[0x74, 0xf4], // 16: je 6
    0xc3, // 18: ret
  ];
  assert.equal(
    exits([
      { name: "f", bytes },
      { name: "f.cold", bytes: cold, isPart: true },
    ]),
    ["6", "18"],
  );
});

s("takes jumps through pointers for tail calls", () => {
  assert.equal(exits([{ name: "f", bytes: [0xff, 0xe0] }]), ["0"]); // jmp rax
  assert.equal(exits([{ name: "f", bytes: [0xff, 0x60, 0x18] }]), ["0"]); // jmp [rax+24]
  assert.equal(exits([{ name: "f", bytes: [0xff, 0x25, 0, 0, 0, 0] }]), ["0"]); // jmp [rip]
});

s(
  "takes a jump through an index that was scaled before for a jump, a member's for a tail call",
  () => {
    const scaled = [0xc1, 0xe2, 0x03]; // shl edx, 3
    const loaded = [0x48, 0x8b, 0x17]; // mov rdx, [rdi]
    const jump = [0x42, 0xff, 0x24, 0x02]; // jmp [rdx+r8]
    const f = (first: readonly number[]): TestFunction => ({
      name: "f",
      bytes: [...first, ...jump, RET],
    });
    assert.equal(exits([f(scaled)], [], [7]), ["7"]);
    assert.equal(exits([f(loaded)], [], [7]), ["3", "7"]);
  },
);

s("takes jumps through tables for jumps", () => {
  const relative = [
    ...[0x48, 0x8d, 0x15, ...word32(DATA - CODE - 7)], // 0: lea rdx, [rip+DATA]
    ...[0x48, 0x63, 0x04, 0x82], // 7: movsxd rax, [rdx+rax*4]
    ...[0x48, 0x01, 0xd0], // 11: add rax, rdx
    ...[0xff, 0xe0], // 14: jmp rax
    0xc3, // 16: ret
  ];
  assert.equal(exits([{ name: "f", bytes: relative }], word32(CODE + 16 - DATA)), ["16"]);
  const absolute = [
    ...[0xff, 0x24, 0xc5, ...word32(DATA)], // 0: jmp [rax*8+DATA]
    0xc3, // 7: ret
  ];
  const table = [...word32(CODE + 7), ...word32(0)];
  assert.equal(exits([{ name: "f", bytes: absolute }], table), ["7"]);
  const byOffset = [
    ...[0x48, 0x8d, 0x14, 0x85, 0, 0, 0, 0], // 0: lea rdx, [rax*4]
    ...[0x48, 0x8d, 0x05, ...word32(DATA - CODE - 15)], // 8: lea rax, [rip+DATA]
    ...[0x8b, 0x04, 0x02], // 15: mov eax, [rdx+rax]
    ...[0x48, 0x98], // 18: cdqe
    ...[0x48, 0x8d, 0x15, ...word32(DATA - CODE - 27)], // 20: lea rdx, [rip+DATA]
    ...[0x48, 0x01, 0xd0], // 27: add rax, rdx
    ...[0xff, 0xe0], // 30: jmp rax
    0xc3, // 32: ret
  ];
  assert.equal(exits([{ name: "f", bytes: byOffset }], word32(CODE + 32 - DATA)), ["32"]);
  assert.equal(exits([{ name: "f", bytes: byOffset.slice(8) }]), ["22", "24"]);
  const notrack = [
    ...[0x3e, 0xff, 0xe0], // 0: notrack jmp rax
    0xc3, // 3: ret
  ];
  assert.equal(exits([{ name: "f", bytes: notrack }]), ["3"]);
});

s.run();
