/**
 * Code of one patched region: what a thread runs instead of the original instructions.
 *
 *     for each instruction   [ probe call, where a site is ]   copy of the instruction
 *     at the end             jmp to the first instruction behind the region
 *     behind the code        one SITE record per probe call, then literals
 *
 * A probe call, with the stack growing down from the hit's rsp = S:
 *
 *     S - 128        red zone, stepped over (SysV AMD64 ABI §3.2.2)
 *     S - 136        rflags      ┐
 *     S - 144        rip         │
 *     S - 152 …      r15 … r8    │ FRAME, in DWARF order upwards from
 *     S - 216        rsp = S     │ S - 272
 *     S - 224 …      rbp … rax   ┘
 *     below          xmm0 … xmm15, mxcsr if handlers use them; the call
 *
 * Where no handler of the site can look at the frame, only what they and the shim change is saved:
 * rflags if they are live, then those registers, in the same order.
 *
 * An instruction behind a call may also be reached by jumps. A call that returned has left its
 * return address at S - 8, in the red zone, which functions that call others do not use; it is
 * wiped, so that a jump is not taken for a second return.
 *
 * All of this is made of instructions that leave flags alone until pushfq has saved them.
 */
import { bug, unreachable } from "../../base/assert.js";
import { FLOATS, FRAME, SITE, SITE_FLAG, SITE_HANDLER } from "../../wasm-runtime/layout/private.js";
import { Assembler, type Label } from "./assembler.js";
import type { FlagsKind } from "./flags.js";
import { conditionOf, type Displaced, endsRegion, relocate } from "./relocate.js";
import { DEFERRED, SETTLED, SETTLED_IN_CALLER } from "./tails.js";
import type { TargetPlace } from "./targets.js";

/** A probe call in a trampoline: what runs before one of the instructions. */
export interface ProbeCall extends TargetPlace {
  /** Probe indexes in the order they run. */
  readonly probes: readonly number[];
  readonly flags: FlagsKind;
  /** Handlers use SSE registers: save and restore them. */
  readonly floats: boolean;
  /** Bits of the registers (as encoded) that handlers may change; null if they look at the frame. */
  readonly clobbers: number | null;
}

/** What a trampoline is made of; ELF addresses. */
export interface TrampolineShape {
  readonly displaced: readonly Displaced[];
  readonly calls: readonly ProbeCall[];
  /** Where control goes on behind the displaced instructions. */
  readonly next: number;
}

/** Where jumps lead that would lead into a region: ELF address → address in the process. */
export type Redirects = ReadonlyMap<number, number>;

/** Where everything is in the process. */
export interface TrampolinePlace {
  readonly redirects?: Redirects;
  readonly address: number;
  readonly loadBias: number;
  /** Address of the 8-byte word that holds the address of wt_enter. */
  readonly enterWord: number;
  /** Address of the compiled entry thunk of a probe's handler, or of DEFERRED and the like. */
  readonly entryOf: (probe: number) => number;
}

/** A trampoline as it is to be written. */
export interface Trampoline {
  readonly bytes: Uint8Array;
  /**
   * For each displaced instruction: its own address, where its part of the trampoline begins
   * (before its probe call), and where its copy is (behind it). Addresses in the process.
   */
  readonly map: readonly {
    readonly original: number;
    readonly before: number;
    readonly copy: number;
  }[];
  /** Address of the jump behind the displaced instructions, null if none is needed. */
  readonly back: number | null;
}

/** Emits the trampoline of `shape` at `place`; its size depends on `shape` alone. */
export function emitTrampoline(shape: TrampolineShape, place: TrampolinePlace): Trampoline {
  const out = new Assembler(place.address);
  const records: (() => void)[] = [];
  const map = shape.displaced.map((displaced) => {
    const { address } = displaced.insn;
    const before = out.address;
    const calls = shape.calls.filter((call) => call.address === address);
    for (const call of calls) if (!call.onlyTaken) emitProbeCall(out, call, place, records);
    const copy = out.address;
    const taken = calls.filter((call) => call.onlyTaken);
    if (taken.length > 0) emitTakenBranch(out, displaced, taken, place, records);
    else relocate(out, displaced, place.loadBias, place.redirects);
    return { original: address + place.loadBias, before, copy };
  });
  const last = shape.displaced.at(-1) ?? bug("a region without instructions");
  const back = endsRegion(last.insn) ? null : out.address;
  if (back !== null) out.jump(shape.next + place.loadBias);
  if (records.length > 0) out.align(8);
  for (const emitRecord of records) emitRecord();
  return { bytes: out.finish(), map, back };
}

const NOT_TAKEN = 1;

/** `jcc target` as: `jncc skip; probe calls; jmp target; skip:`. */
function emitTakenBranch(
  out: Assembler,
  displaced: Displaced,
  calls: readonly ProbeCall[],
  place: TrampolinePlace,
  records: (() => void)[],
): void {
  const skip = out.label();
  out.branchTo(conditionOf(displaced.bytes) ^ NOT_TAKEN, skip);
  for (const call of calls) emitProbeCall(out, call, place, records);
  out.jump(displaced.insn.target + place.loadBias);
  out.place(skip);
}

function emitProbeCall(
  out: Assembler,
  call: ProbeCall,
  place: TrampolinePlace,
  records: (() => void)[],
): void {
  const record = out.label();
  const saved = call.clobbers === null ? null : savedRegisters(call.clobbers);
  if (saved === null) emitSaveFrame(out, call.address + place.loadBias);
  else emitSave(out, saved, call.flags);
  const skip = out.label();
  if (call.onlyReturned) {
    emitReturnedTest(out, call.address + place.loadBias, hitOffset(saved, call.flags), skip);
  }
  if (call.flags === "all") out.bytes([0xfc]); // cld
  if (saved === null)
    out.bytes([0x48, 0x89, 0xe7]); // mov rdi, rsp
  else out.bytes([0x31, 0xff]); // xor edi, edi
  out.loadAddressToRsi(record); // lea rsi, [record]
  if (call.floats) emitSaveFloats(out);
  out.callThrough(place.enterWord); // call [enter]
  if (call.floats) emitRestoreFloats(out);
  if (call.onlyReturned) out.place(skip);
  if (saved === null) emitRestoreFrame(out, call.flags);
  else emitRestore(out, saved, call.flags);
  records.push(() => {
    out.place(record);
    out.bytes(siteRecord(call, place));
  });
}

const RED_ZONE_BYTES = 128;
/** Low nibble of jne (Intel SDM vol. 2 Jcc). */
const NOT_EQUAL = 5;

/** How far above rsp the hit's rsp is once registers are saved. */
function hitOffset(saved: readonly number[] | null, flags: FlagsKind): number {
  if (saved === null) return FRAME.bytes + RED_ZONE_BYTES;
  return 8 * saved.length + (flags === "dead" ? 0 : 8) + RED_ZONE_BYTES;
}

/** Goes on at `skip` unless the word below the hit's rsp is `address`; wipes that word. */
function emitReturnedTest(out: Assembler, address: number, hit: number, skip: Label): void {
  const below = int32(hit - 8);
  out.loadAddressToRax(address); // lea rax, [address]
  out.bytes([0x48, 0x3b, 0x84, 0x24, ...below]); // cmp rax, [rsp + hit - 8]
  out.branchTo(NOT_EQUAL, skip);
  out.bytes([0x48, 0xc7, 0x84, 0x24, ...below, 0, 0, 0, 0]); // mov qword [rsp + hit - 8], 0
}

/** Registers by the numbers that instructions encode (Intel SDM vol. 2 table 3-1). */
export const ENCODED: readonly string[] =
  "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
/** What wt_enter itself changes: rax, rcx, rdx, rsi, rdi. */
const ENTER_CLOBBERS = 0xc7;

/** Numbers of the registers to save for handlers that change those of `clobbers`; by FRAME. */
function savedRegisters(clobbers: number): number[] {
  return FRAME.registers
    .map((name) => ENCODED.indexOf(name))
    .filter((n) => n >= 0 && n !== ENCODED.indexOf("rsp"))
    .filter((n) => ((clobbers | ENTER_CLOBBERS) & (1 << n)) !== 0);
}

function emitSave(out: Assembler, saved: readonly number[], flags: FlagsKind): void {
  out.bytes([0x48, 0x8d, 0x64, 0x24, 0x80]); // lea rsp, [rsp-128]
  if (flags !== "dead") out.bytes([0x9c]); // pushfq
  for (const n of [...saved].reverse()) out.bytes(withRegister(0x50, n)); // push
}

function emitRestore(out: Assembler, saved: readonly number[], flags: FlagsKind): void {
  if (flags === "status") emitStatusFlags(out, 8 * saved.length);
  for (const n of saved) out.bytes(withRegister(0x58, n)); // pop
  if (flags === "all") out.bytes([0x9d]); // popfq
  out.bytes([0x48, 0x8d, 0xa4, 0x24]); // lea rsp, [rsp+128], or 136: skips rflags
  out.bytes(int32(RED_ZONE_BYTES + (flags === "status" ? 8 : 0)));
}

/** push or pop of register `n`. */
function withRegister(opcode: number, n: number): number[] {
  return n >= 8 ? [0x41, opcode | (n & 7)] : [opcode | n];
}

function emitSaveFrame(out: Assembler, rip: number): void {
  out.bytes([0x48, 0x8d, 0x64, 0x24, 0x80]); // lea rsp, [rsp-128]
  out.bytes([0x9c]); // pushfq
  out.pushWord(rip); // push [rip+literal]
  out.bytes([0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54]); // push r15, r14, r13, r12
  out.bytes([0x41, 0x53, 0x41, 0x52, 0x41, 0x51, 0x41, 0x50]); // push r11, r10, r9, r8
  out.bytes([0x54]); // push rsp, corrected below
  out.bytes([0x55, 0x57, 0x56, 0x53, 0x51, 0x52, 0x50]); // push rbp, rdi, rsi, rbx, rcx, rdx, rax
  out.bytes([0x48, 0x8d, 0x84, 0x24]); // lea rax, [rsp + frame + red zone]
  out.bytes(int32(FRAME.bytes + RED_ZONE_BYTES));
  out.bytes([0x48, 0x89, 0x44, 0x24, FRAME_RSP]); // mov [rsp+56], rax
}

const FRAME_RSP = 8 * FRAME.registers.indexOf("rsp");
const FRAME_FLAGS = 8 * FRAME.registers.indexOf("rflags");

function emitRestoreFrame(out: Assembler, flags: FlagsKind): void {
  if (flags === "status") emitStatusFlags(out, FRAME_FLAGS);
  out.bytes([0x58, 0x5a, 0x59, 0x5b, 0x5e, 0x5f, 0x5d]); // pop rax, rdx, rcx, rbx, rsi, rdi, rbp
  out.bytes([0x41, 0x58]); // pop r8: skips rsp
  out.bytes([0x41, 0x58, 0x41, 0x59, 0x41, 0x5a, 0x41, 0x5b]); // pop r8, r9, r10, r11
  out.bytes([0x41, 0x5c, 0x41, 0x5d, 0x41, 0x5e, 0x41, 0x5f]); // pop r12, r13, r14, r15
  if (flags === "all") {
    out.bytes([0x48, 0x8d, 0x64, 0x24, 0x08]); // lea rsp, [rsp+8]: skips rip
    out.bytes([0x9d]); // popfq
    out.bytes([0x48, 0x8d, 0xa4, 0x24]); // lea rsp, [rsp+128]
    out.bytes(int32(RED_ZONE_BYTES));
  } else {
    out.bytes([0x48, 0x8d, 0xa4, 0x24]); // lea rsp, [rsp+144]: skips rip, rflags, red zone
    out.bytes(int32(RED_ZONE_BYTES + 16));
  }
}

/**
 * Status flags from rflags at [rsp+`at`]: OF from an addition that overflows if al = 1, the others
 * from ah (sahf).
 */
function emitStatusFlags(out: Assembler, at: number): void {
  out.bytes([0x8b, 0x8c, 0x24]); // mov ecx, [rsp+rflags]
  out.bytes(int32(at));
  out.bytes([0x89, 0xc8]); // mov eax, ecx
  out.bytes([0xc1, 0xe8, 0x0b]); // shr eax, 11
  out.bytes([0x83, 0xe0, 0x01]); // and eax, 1
  out.bytes([0x88, 0xcc]); // mov ah, cl
  out.bytes([0x04, 0x7f]); // add al, 0x7f
  out.bytes([0x9e]); // sahf
}

const XMM_COUNT = FLOATS.count;
/** mxcsr that handlers expect: all exceptions masked, round to nearest (Intel SDM vol. 1 §10.2.3). */
const DEFAULT_MXCSR = 0x1f80;

function emitSaveFloats(out: Assembler): void {
  out.bytes([0x48, 0x81, 0xec]); // sub rsp, 272
  out.bytes(int32(FLOATS.bytes));
  for (let i = 0; i < XMM_COUNT; i++) out.bytes(moveXmm(0x11, i)); // movups [rsp+16*i], xmm_i
  out.bytes([0x0f, 0xae, 0x9c, 0x24]); // stmxcsr [rsp+256]
  out.bytes(int32(FLOATS.mxcsr));
  out.bytes([0xc7, 0x84, 0x24]); // mov dword [rsp+260], 0x1f80
  out.bytes(int32(FLOATS.mxcsr + 4));
  out.bytes(int32(DEFAULT_MXCSR));
  out.bytes([0x0f, 0xae, 0x94, 0x24]); // ldmxcsr [rsp+260]
  out.bytes(int32(FLOATS.mxcsr + 4));
}

function emitRestoreFloats(out: Assembler): void {
  for (let i = 0; i < XMM_COUNT; i++) out.bytes(moveXmm(0x10, i)); // movups xmm_i, [rsp+16*i]
  out.bytes([0x0f, 0xae, 0x94, 0x24]); // ldmxcsr [rsp+256]
  out.bytes(int32(FLOATS.mxcsr));
  out.bytes([0x48, 0x8d, 0xa4, 0x24]); // lea rsp, [rsp+272]
  out.bytes(int32(FLOATS.bytes));
}

/** `movups` between xmm`index` and [rsp + 16*index]; opcode 0x10 loads, 0x11 stores. */
function moveXmm(opcode: number, index: number): number[] {
  const rex = index >= 8 ? [0x44] : [];
  return [...rex, 0x0f, opcode, 0x84 | ((index & 7) << 3), 0x24, ...int32(16 * index)];
}

interface SiteHandlers {
  /** Entry thunk and probe index of each. */
  readonly own: readonly (readonly [entry: number, probe: number])[];
  /** Those that the own ones keep waiting. */
  readonly waiting: SiteHandlers["own"];
}

function handlersOf({ action, probes }: ProbeCall, { entryOf }: TrampolinePlace): SiteHandlers {
  const handlers = probes.map((probe) => [entryOf(probe), probe] as const);
  switch (action) {
    case "run":
      return { own: handlers, waiting: [] };
    case "defer":
    case "defer to caller":
      return { own: probes.map((probe) => [entryOf(DEFERRED), probe]), waiting: handlers };
    case "settle":
      return { own: [[entryOf(SETTLED), SETTLED]], waiting: [] };
    case "settle in caller":
      return { own: [[entryOf(SETTLED_IN_CALLER), SETTLED_IN_CALLER]], waiting: [] };
    default:
      return unreachable(action);
  }
}

/**
 * SITE record of a probe call. Behind handlers that are deferred there are those that wait, behind
 * either the number and the addresses of the tail jumps that lead there.
 */
function siteRecord(call: ProbeCall, place: TrampolinePlace): Uint8Array {
  const { action, origins, siteFlags } = call;
  const { own, waiting } = handlersOf(call, place);
  const words =
    action === "run" ? [] : [origins.length, ...origins.map((at) => at + place.loadBias)];
  const behind = SITE.handlers + SITE_HANDLER.bytes * (own.length + waiting.length);
  const view = new DataView(new ArrayBuffer(behind + 8 * words.length));
  const inCaller = action === "defer to caller" ? SITE_FLAG.inCaller : 0;
  view.setUint32(SITE.handlerCount, own.length, true);
  view.setUint32(SITE.flags, siteFlags | inCaller, true);
  for (const [index, [entry, probe]] of [...own, ...waiting].entries()) {
    const at = SITE.handlers + SITE_HANDLER.bytes * index;
    view.setBigUint64(at + SITE_HANDLER.entry, BigInt(entry), true);
    view.setUint32(at + SITE_HANDLER.probe, probe, true);
  }
  for (const [i, word] of words.entries()) view.setBigUint64(behind + 8 * i, BigInt(word), true);
  return new Uint8Array(view.buffer);
}

function int32(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
}
