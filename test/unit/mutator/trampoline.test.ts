import { suite } from "uvu";
import * as assert from "uvu/assert";
import { showInsn } from "../../../shim/mutator/decode.js";
import { decodeAll } from "../../../shim/mutator/instructions.js";
import { movedCode } from "../../../shim/mutator/moved-code.js";
import { emitTrampoline, type ProbeCall } from "../../../shim/mutator/trampoline.js";
import { SITE, SITE_HANDLER } from "../../../wasm-runtime/layout/private.js";

const ADDRESS = 0x401000;
const ENTER_WORD = 0x400000;
const BIAS = 0x100;

const s = suite("mutator/trampoline");

function probeCall(overrides: Partial<ProbeCall>): ProbeCall {
  return {
    address: 0x1000,
    action: "run",
    origins: [],
    probes: [3],
    flags: "dead",
    siteFlags: 1,
    floats: false,
    clobbers: null,
    onlyTaken: false,
    onlyReturned: false,
    ...overrides,
  };
}

/** Trampoline of one instruction at 0x1000 with one probe call. */
function emit(bytes: readonly number[], call: ProbeCall) {
  const code = Uint8Array.from(bytes);
  const [insn] = decodeAll(code, 0x1000);
  assert.ok(insn);
  const shape = { displaced: [{ insn, bytes: code }], calls: [call], next: 0x1000 + insn.length };
  const entryOf = (probe: number): number => 0x7000 + probe;
  const place = { address: ADDRESS, loadBias: BIAS, enterWord: ENTER_WORD, entryOf };
  const trampoline = emitTrampoline(shape, place);
  return { ...trampoline, moved: movedCode(shape, trampoline, place) };
}

/** Instructions in Intel syntax up to the padding before the site record. */
function listing(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (const insn of decodeAll(bytes, ADDRESS)) {
    if (bytes[insn.address - ADDRESS] === 0xcc) break;
    lines.push(showInsn(bytes.subarray(insn.address - ADDRESS), insn.address));
  }
  return lines;
}

const load = [0xb8, 1, 0, 0, 0]; // mov eax, 1

s("saves the frame in DWARF order and restores it", () => {
  const { bytes, map } = emit(load, probeCall({}));
  const lines = listing(bytes);
  const text = lines.map((line) => line.replaceAll(/0*([0-9A-F]+)h/g, "$1h"));
  assert.equal(text.slice(0, 2), ["lea rsp,[rsp-80h]", "pushfq"]);
  const saved = text.filter((line) => line.startsWith("push ")).map((line) => line.slice(5));
  assert.match(saved[0] ?? "", /^qword ptr \[/);
  assert.equal(
    saved.slice(1),
    "r15 r14 r13 r12 r11 r10 r9 r8 rsp rbp rdi rsi rbx rcx rdx rax".split(" "),
  );
  const restored = text.filter((line) => line.startsWith("pop ")).map((line) => line.slice(4));
  assert.equal(restored, "rax rdx rcx rbx rsi rdi rbp r8 r8 r9 r10 r11 r12 r13 r14 r15".split(" "));
  assert.ok(text.includes("lea rax,[rsp+110h]"), "rsp before the hit");
  assert.ok(text.includes("mov [rsp+38h],rax"), "in its place in the frame");
  assert.ok(text.includes("call qword ptr [400000h]"));
  assert.equal(text.slice(-3), ["lea rsp,[rsp+90h]", "mov eax,1", "jmp near ptr 1105h"]);
  assert.equal(
    map.map(({ original, before }) => [original, before]),
    [[0x1100, ADDRESS]],
  );
});

s("saves only what changes where no handler looks at the frame", () => {
  const words = (call: Partial<ProbeCall>, word: string): string =>
    listing(emit(load, probeCall(call)).bytes)
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1))
      .join(" ");
  const few = { clobbers: 0xc000 };
  assert.is(words(few, "push"), "r15 r14 rdi rsi rcx rdx rax");
  assert.is(words(few, "pop"), "rax rdx rcx rsi rdi r14 r15");
  assert.match(words(few, "lea"), /^rsp,\[rsp-80h\] rsi,.* rsp,\[rsp\+0*80h\]$/);
  const all = { clobbers: 0xffff };
  assert.is(words(all, "push"), "r15 r14 r13 r12 r11 r10 r9 r8 rbp rdi rsi rbx rcx rdx rax");
  const live = { ...few, flags: "status" as const };
  assert.match(words(live, "lea"), /rsp,\[rsp\+0*88h\]$/);
  assert.match(words(live, "mov"), /ecx,\[rsp\+38h\]/);
  const has = (call: Partial<ProbeCall>, insn: string): boolean =>
    listing(emit(load, probeCall(call)).bytes).includes(insn);
  assert.not.ok(has(few, "pushfq") || has(few, "popfq"));
  assert.ok(has(live, "pushfq") && !has(live, "popfq"));
  assert.ok(has({ ...few, flags: "all" }, "popfq"));
});

s("restores flags only as far as they are live", () => {
  const has = (call: Partial<ProbeCall>, insn: string): boolean =>
    listing(emit(load, probeCall(call)).bytes).includes(insn);
  assert.not.ok(has({ flags: "dead" }, "sahf") || has({ flags: "dead" }, "popfq"));
  assert.ok(has({ flags: "status" }, "sahf") && !has({ flags: "status" }, "popfq"));
  assert.ok(has({ flags: "all" }, "popfq") && has({ flags: "all" }, "cld"));
});

s("saves vector registers only for handlers that use them", () => {
  const count = (floats: boolean): number =>
    listing(emit(load, probeCall({ floats })).bytes).filter((line) => /xmm|mxcsr/.test(line))
      .length;
  assert.is(count(false), 0);
  assert.is(count(true), 2 * 16 + 3);
});

s("calls the probe only on the taken side of a conditional exit", () => {
  const je = [0x74, 0x10]; // je 0x1012
  const lines = listing(emit(je, probeCall({ onlyTaken: true })).bytes);
  assert.match(lines[0] ?? "", /^jne near/);
  assert.match(lines.at(-2) ?? "", /^jmp near ptr 0*1112h/);
  assert.match(lines.at(-1) ?? "", /^jmp near ptr 0*1102h/);
});

const FLAGS = ["dead", "status", "all"] as const;
const ABOVE_RED_ZONE = 128 + 8;

s("says where the registers are while a probe is called", () => {
  for (const flags of FLAGS) {
    for (const clobbers of [null, 0xc000, 0xffff]) {
      for (const floats of [false, true]) {
        for (const onlyReturned of [false, true]) {
          const call = probeCall({ flags, clobbers, floats, onlyReturned });
          const { moved, back } = emit(load, call);
          const places = moved.map(({ address, original }) => [address, original]);
          const copy = moved[1]?.address ?? 0;
          assert.equal(places, [
            [ADDRESS, 0x1100],
            [copy, 0x1100],
            [back, 0x1105],
          ]);
          const deepest = moved[0]?.states.reduce((a, b) => (b.depth > a.depth ? b : a));
          const columns = deepest?.saved.map(([column]) => column) ?? [];
          // Those that wt_enter changes, and none but the handler's.
          for (const column of [0, 1, 2, 4, 5]) assert.ok(columns.includes(column), `${column}`);
          assert.is(columns.includes(3), clobbers !== 0xc000);
          assert.ok(deepest?.saved.every(([, below]) => below >= ABOVE_RED_ZONE));
          assert.equal(moved[1]?.states, [{ offset: 0, depth: 0, saved: [] }]);
        }
      }
    }
  }
});

s("says where the program is in copies of several instructions", () => {
  const call = emit([0xe8, 0, 1, 0, 0], probeCall({ clobbers: 0 })); // call 0x1105
  assert.equal(
    call.moved.at(-1)?.states.map(({ offset, depth }) => [offset, depth]),
    [
      [0, 0],
      [6, 8],
    ],
  );
  const loop = emit([0xe2, 0x10], probeCall({ clobbers: 0 })); // loop 0x1012
  const at = loop.map[0]?.copy ?? 0;
  assert.equal(
    loop.moved.slice(1).map(({ address, original }) => [address, original]),
    [
      [at, 0x1100],
      [at + 2, 0x1102],
      [at + 4, 0x1112],
      [loop.back, 0x1102],
    ],
  );
  const taken = emit([0x74, 0x10], probeCall({ clobbers: 0, onlyTaken: true })); // je 0x1012
  assert.equal(
    taken.moved.map(({ original }) => original),
    [0x1100, 0x1102],
  );
  assert.ok((taken.moved[0]?.states.length ?? 0) > 10);
});

s("puts the site record behind the code", () => {
  const { bytes } = emit(load, probeCall({ probes: [3, 5] }));
  const view = new DataView(bytes.buffer);
  const at = findRecord(bytes);
  assert.is(at % 8, 0);
  assert.is(view.getUint32(at + SITE.handlerCount, true), 2);
  assert.is(view.getUint32(at + SITE.flags, true), 1);
  const second = at + SITE.handlers + SITE_HANDLER.bytes;
  assert.is(view.getBigUint64(second + SITE_HANDLER.entry, true), 0x7005n);
  assert.is(view.getUint32(second + SITE_HANDLER.probe, true), 5);
});

/** Offset of what `lea rsi, [rip+x]` points at. */
function findRecord(bytes: Uint8Array): number {
  const lea = [...decodeAll(bytes, ADDRESS)].find(
    (insn) => insn.ripTarget >= ADDRESS && insn.length === 7,
  );
  assert.ok(lea);
  return lea.ripTarget - ADDRESS;
}

s("has a size that does not depend on where it is", () => {
  const call = [0xff, 0x15, 0x10, 0, 0, 0]; // call [rip+16]
  const here = emit(call, probeCall({ floats: true })).bytes.length;
  const code = Uint8Array.from(call);
  const [insn] = decodeAll(code, 0x1000);
  assert.ok(insn);
  const shape = {
    displaced: [{ insn, bytes: code }],
    calls: [probeCall({ floats: true })],
    next: 0x1006,
  };
  const place = {
    address: 0x7f0012340010,
    loadBias: 0x7f0000000000,
    enterWord: 0x7f0012340000,
    entryOf: () => 0x7fffffff0000,
  };
  assert.is(emitTrampoline(shape, place).bytes.length, here);
});

s.run();
