/** Each kind of instruction: its bytes at FROM, and the bytes of the copy at TO. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Assembler } from "../../../shim/mutator/assembler.js";
import { decodeAll } from "../../../shim/mutator/instructions.js";
import { conditionOf, endsRegion, relocate, whyUnmovable } from "../../../shim/mutator/relocate.js";

const FROM = 0x1000;
const TO = 0x401000;
const BIAS = 0x100;

const s = suite("mutator/relocate");

function decode(bytes: readonly number[]) {
  const code = Uint8Array.from(bytes);
  const insn = decodeAll(code, FROM).item(0);
  assert.ok(insn, "an instruction");
  assert.is(insn.length, bytes.length, "one instruction");
  return { insn, bytes: code };
}

function hex(bytes: ArrayLike<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function check(name: string, bytes: readonly number[], expected: readonly number[]): void {
  s(name, () => {
    const displaced = decode(bytes);
    assert.is(whyUnmovable(displaced), null);
    const out = new Assembler(TO);
    relocate(out, displaced, BIAS);
    assert.is(hex(out.finish()), hex(expected));
  });
}

function refuse(name: string, bytes: readonly number[], reason: RegExp): void {
  s(name, () => assert.match(whyUnmovable(decode(bytes)) ?? "", reason));
}

check(
  "copies what does not depend on its address",
  [0x48, 0x89, 0xe5], // mov rbp, rsp
  [0x48, 0x89, 0xe5], // mov rbp, rsp
);
check(
  "keeps redundant prefixes of a return",
  [0xf3, 0xc3], // rep ret
  [0xf3, 0xc3], // rep ret
);
check(
  "keeps the length of a system call, which the kernel steps back over",
  [0x0f, 0x05], // syscall
  [0x0f, 0x05], // syscall
);
check(
  "moves a rip-relative load",
  [0x48, 0x8b, 0x05, 0x10, 0x00, 0x00, 0x00], // mov rax, [rip+0x10]: 0x1017
  [0x48, 0x8b, 0x05, 0x10, 0x01, 0xc0, 0xff], // mov rax, [0x1117]: 0x1117 - 0x401007
);
check(
  "moves a rip-relative operand before an immediate",
  [0xc7, 0x05, 0x00, 0x02, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12], // mov dword [rip+0x200], 0x12345678
  [0xc7, 0x05, 0x00, 0x03, 0xc0, 0xff, 0x78, 0x56, 0x34, 0x12], // mov dword [0x130a], 0x12345678
);
check(
  "moves a rip-relative vector operand",
  [0xc5, 0xf9, 0x6f, 0x05, 0x00, 0x00, 0x00, 0x00], // vmovdqa xmm0, [rip]
  [0xc5, 0xf9, 0x6f, 0x05, 0x00, 0x01, 0xc0, 0xff], // vmovdqa xmm0, [0x1108]
);
check(
  "moves a rip-relative jump",
  [0xff, 0x25, 0x0a, 0x00, 0x00, 0x00], // jmp [rip+10]: 0x1010
  [0xff, 0x25, 0x0a, 0x01, 0xc0, 0xff], // jmp [0x1110]
);
check(
  "widens a short jump",
  [0xeb, 0xfe], // jmp 0x1000
  [0xe9, 0xfb, 0x00, 0xc0, 0xff], // jmp 0x1100
);
check(
  "moves a near jump",
  [0xe9, 0x00, 0x01, 0x00, 0x00], // jmp 0x1105
  [0xe9, 0x00, 0x02, 0xc0, 0xff], // jmp 0x1205
);
check(
  "widens a short conditional jump",
  [0x75, 0x10], // jne 0x1012
  [0x0f, 0x85, 0x0c, 0x01, 0xc0, 0xff], // jne 0x1112
);
check(
  "moves a near conditional jump with a hint",
  [0x3e, 0x0f, 0x8c, 0x09, 0x00, 0x00, 0x00], // jl 0x1010, predicted taken
  [0x0f, 0x8c, 0x0a, 0x01, 0xc0, 0xff], // jl 0x1110
);
check(
  "spells out jrcxz",
  [0xe3, 0x10], // jrcxz 0x1012
  [
    ...[0xe3, 0x02], // jrcxz +2
    ...[0xeb, 0x05], // jmp +5
    ...[0xe9, 0x09, 0x01, 0xc0, 0xff], // jmp 0x1112
  ],
);
check(
  "spells out jecxz",
  [0x67, 0xe3, 0x0f], // jecxz 0x1012
  [
    ...[0x67, 0xe3, 0x02], // jecxz +2
    ...[0xeb, 0x05], // jmp +5
    ...[0xe9, 0x08, 0x01, 0xc0, 0xff], // jmp 0x1112
  ],
);
check(
  "spells out loop",
  [0xe2, 0xfe], // loop 0x1000
  [
    ...[0xe2, 0x02], // loop +2
    ...[0xeb, 0x05], // jmp +5
    ...[0xe9, 0xf7, 0x00, 0xc0, 0xff], // jmp 0x1100
  ],
);
check(
  "makes a call push the address behind the original",
  [0xe8, 0xfb, 0x0f, 0x00, 0x00], // call 0x2000
  [
    ...[0xff, 0x35, 0x0a, 0x00, 0x00, 0x00], // push [rip+10]: the literal
    ...[0xe9, 0xf5, 0x10, 0xc0, 0xff], // jmp 0x2100
    ...[0xcc, 0xcc, 0xcc, 0xcc, 0xcc],
    ...[0x05, 0x11, 0, 0, 0, 0, 0, 0], // .quad 0x1105
  ],
);
check(
  "makes an indirect call a push and a jump",
  [0xff, 0xd0], // call rax
  [
    ...[0xff, 0x35, 0x02, 0x00, 0x00, 0x00], // push [rip+2]
    ...[0xff, 0xe0], // jmp rax
    ...[0x02, 0x11, 0, 0, 0, 0, 0, 0], // .quad 0x1102
  ],
);
check(
  "makes a call through rsp allow for the pushed address",
  [0xff, 0x54, 0x24, 0x08], // call [rsp+8]
  [
    ...[0xff, 0x35, 0x0a, 0x00, 0x00, 0x00], // push [rip+10]
    ...[0xff, 0xa4, 0x24, 0x10, 0x00, 0x00, 0x00], // jmp [rsp+16]
    ...[0xcc, 0xcc, 0xcc],
    ...[0x04, 0x11, 0, 0, 0, 0, 0, 0], // .quad 0x1104
  ],
);
check(
  "moves a rip-relative call",
  [0xff, 0x15, 0x0a, 0x00, 0x00, 0x00], // call [rip+10]: 0x1010
  [
    ...[0xff, 0x35, 0x0a, 0x00, 0x00, 0x00], // push [rip+10]
    ...[0xff, 0x25, 0x04, 0x01, 0xc0, 0xff], // jmp [0x1110]
    ...[0xcc, 0xcc, 0xcc, 0xcc],
    ...[0x06, 0x11, 0, 0, 0, 0, 0, 0], // .quad 0x1106
  ],
);

refuse("refuses a breakpoint", [0xcc], /traps/); // int3
refuse("refuses an undefined instruction", [0x0f, 0x0b], /traps/); // ud2
refuse("refuses a transaction", [0xc7, 0xf8, 0, 0, 0, 0], /cannot be moved/); // xbegin +0
refuse("refuses an eip-relative operand", [0x67, 0x8b, 0x05, 0, 0, 0, 0], /eip/); // mov eax, [eip]

s("knows where straight-line code ends", () => {
  const ends = (bytes: readonly number[]): boolean => endsRegion(decode(bytes).insn);
  assert.ok(ends([0xc3])); // ret
  assert.ok(ends([0xeb, 0x00])); // jmp
  assert.ok(ends([0xff, 0xd0])); // call rax
  assert.not.ok(ends([0x75, 0x00])); // jne
  assert.not.ok(ends([0x0f, 0x05])); // syscall
});

s("reads conditions of both forms", () => {
  assert.is(conditionOf(Uint8Array.of(0x74, 0)), 4); // je short
  assert.is(conditionOf(Uint8Array.of(0x0f, 0x8f, 0, 0, 0, 0)), 15); // jg near
  assert.is(conditionOf(Uint8Array.of(0x2e, 0x0f, 0x82, 0, 0, 0, 0)), 2); // jb near, hinted
});

s.run();
