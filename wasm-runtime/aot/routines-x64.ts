/**
 * Routines that compiled functions share: float to integer conversions and bulk memory. Linked
 * into an image only when called.
 *
 * Conversions take the float in xmm15 (an integer in r11) and leave the result in r11 (xmm15);
 * bulk routines take target, source or value, and length in rax, rcx, rdx. They change no other
 * registers but r11.
 */
import { bug } from "../../base/assert.js";
import { VM_CONTEXT } from "../layout/private.js";
import type { Mnemonic } from "../module/opcodes.js";
import { Assembler, type Label, newLabel } from "../x64/encode.js";
import { GP } from "../x64/regs.js";
import type { CodeAssembler } from "./code-x64.js";
import type { LinkSymbol } from "./masm.js";
import { FLOAT_SCRATCH, MEMORY_BASE, SCRATCH, vmField } from "./registers-x64.js";

/** Bits of the registers that routines change. */
export const ROUTINE_BITS: number = (1 << SCRATCH) | (1 << GP.rax) | (1 << GP.rcx) | (1 << GP.rdx);

/** Code of routine `name`. */
export function routine(name: string): CodeAssembler {
  const out: CodeAssembler = new Assembler<LinkSymbol>();
  if (name === "memory.copy") emitCopy(out);
  else if (name === "memory.fill") emitFill(out);
  else if (name.endsWith(".convert_i64_u")) emitConvertUnsigned(out, name.startsWith("f32"));
  else if (name.includes(".trunc_")) emitTruncate(out, name as Mnemonic);
  else bug(`no routine ${name}`);
  return out;
}

/** Halves the number, keeping the lost bit, where it does not fit a signed one; then doubles. */
function emitConvertUnsigned(out: CodeAssembler, single: boolean): void {
  const large = newLabel();
  const convert = single ? "cvtsi2ss xmm,r/m64" : "cvtsi2sd xmm,r/m64";
  out.emit("test r/m64,r64", SCRATCH, SCRATCH);
  out.jump("js rel32", large);
  out.emit(convert, FLOAT_SCRATCH, SCRATCH);
  out.emit("ret");
  out.bind(large);
  out.emit("push r64", GP.rax);
  out.emit("mov r64,r/m64", GP.rax, SCRATCH);
  out.emit("shr r/m64,imm8", SCRATCH, 1);
  out.emit("and r/m32,imm8", GP.rax, 1);
  out.emit("or r64,r/m64", SCRATCH, GP.rax);
  out.emit("pop r64", GP.rax);
  out.emit(convert, FLOAT_SCRATCH, SCRATCH);
  out.emit(single ? "addss xmm,xmm/m32" : "addsd xmm,xmm/m64", FLOAT_SCRATCH, FLOAT_SCRATCH);
  out.emit("ret");
}

/** What a conversion from float to integer is, read from its name. */
interface Truncation {
  readonly wide: boolean;
  readonly signed: boolean;
  readonly single: boolean;
  readonly saturating: boolean;
}

function emitTruncate(out: CodeAssembler, op: Mnemonic): void {
  const kind: Truncation = {
    wide: op.startsWith("i64"),
    signed: op.endsWith("_s"),
    single: op.includes("f32"),
    saturating: op.includes("_sat_"),
  };
  const outside = newLabel();
  out.emit("push r64", GP.rax);
  if (!kind.wide) truncate32(out, kind, outside);
  else if (kind.signed) truncateSigned64(out, kind, outside);
  else truncateUnsigned64(out, kind, outside);
  out.emit("pop r64", GP.rax);
  out.emit("ret");
  out.bind(outside);
  if (kind.saturating) saturate(out, kind);
  else trapOutside(out, kind);
}

function toSigned64(out: CodeAssembler, kind: Truncation): void {
  const form = kind.single ? "cvttss2si r64,xmm/m32" : "cvttsd2si r64,xmm/m64";
  out.emit(form, SCRATCH, FLOAT_SCRATCH);
}

function compareWithItself(out: CodeAssembler, kind: Truncation): void {
  const form = kind.single ? "ucomiss xmm,xmm/m32" : "ucomisd xmm,xmm/m64";
  out.emit(form, FLOAT_SCRATCH, FLOAT_SCRATCH);
}

/** rax = bits of the float. */
function bitsToRax(out: CodeAssembler, kind: Truncation): void {
  out.emit(kind.single ? "movd r/m32,xmm" : "movq r/m64,xmm", GP.rax, FLOAT_SCRATCH);
}

/** A 64-bit conversion covers all 32-bit results; it fits if extending the half gives it back. */
function truncate32(out: CodeAssembler, kind: Truncation, outside: Label): void {
  toSigned64(out, kind);
  out.emit(kind.signed ? "movsxd r64,r/m32" : "mov r32,r/m32", GP.rax, SCRATCH);
  out.emit("cmp r64,r/m64", GP.rax, SCRATCH);
  out.jump("jne rel32", outside);
  out.emit("mov r32,r/m32", SCRATCH, SCRATCH);
}

/** Bit pattern of ±2^exponent. */
function powerBits(kind: Truncation, exponent: bigint, negative: boolean): bigint {
  const bits = kind.single ? (127n + exponent) << 23n : (1023n + exponent) << 52n;
  return negative ? bits | (kind.single ? 1n << 31n : 1n << 63n) : bits;
}

/** The conversion gives -2^63 for everything outside, and for -2^63 itself. */
function truncateSigned64(out: CodeAssembler, kind: Truncation, outside: Label): void {
  const inside = newLabel();
  toSigned64(out, kind);
  out.emit("mov r64,imm64", GP.rax, 1n << 63n);
  out.emit("cmp r64,r/m64", GP.rax, SCRATCH);
  out.jump("jne rel32", inside);
  bitsToRax(out, kind);
  out.emit("mov r64,imm64", SCRATCH, powerBits(kind, 63n, true));
  out.emit("cmp r64,r/m64", GP.rax, SCRATCH);
  out.jump("jne rel32", outside);
  out.emit("mov r64,imm64", SCRATCH, 1n << 63n);
  out.bind(inside);
}

/** Positive floats order as their bits; from 2^63 on the significand is the result's top. */
function truncateUnsigned64(out: CodeAssembler, kind: Truncation, outside: Label): void {
  const large = newLabel();
  const done = newLabel();
  bitsToRax(out, kind);
  out.emit(kind.single ? "test r/m32,r32" : "test r/m64,r64", GP.rax, GP.rax);
  const positive = newLabel();
  out.jump("jns rel32", positive);
  toSigned64(out, kind);
  out.emit("test r/m64,r64", SCRATCH, SCRATCH);
  out.jump("jne rel32", outside);
  out.jump("jmp rel32", done);
  out.bind(positive);
  out.emit("mov r64,imm64", SCRATCH, powerBits(kind, 63n, false));
  out.emit("cmp r64,r/m64", GP.rax, SCRATCH);
  out.jump("jae rel32", large);
  toSigned64(out, kind);
  out.jump("jmp rel32", done);
  out.bind(large);
  out.emit("mov r64,imm64", SCRATCH, powerBits(kind, 64n, false));
  out.emit("cmp r64,r/m64", GP.rax, SCRATCH);
  out.jump("jae rel32", outside);
  out.emit("shl r/m64,imm8", GP.rax, kind.single ? 40 : 11);
  out.emit("mov r64,imm64", SCRATCH, 1n << 63n);
  out.emit("or r64,r/m64", SCRATCH, GP.rax);
  out.bind(done);
}

function trapOutside(out: CodeAssembler, kind: Truncation): void {
  compareWithItself(out, kind);
  out.refer("jp rel32", { kind: "trap", reason: "invalid conversion to integer" });
  out.refer("jmp rel32", { kind: "trap", reason: "integer overflow" });
}

/** 0 for NaN, else the nearest end of the range. */
function saturate(out: CodeAssembler, kind: Truncation): void {
  const done = newLabel();
  const bits = kind.wide ? 64n : 32n;
  const least = kind.signed ? 1n << (bits - 1n) : 0n;
  const greatest = kind.signed ? least - 1n : (1n << bits) - 1n;
  out.emit("mov r32,imm32", SCRATCH, 0);
  compareWithItself(out, kind);
  out.jump("jp rel32", done);
  bitsToRax(out, kind);
  out.emit(kind.single ? "test r/m32,r32" : "test r/m64,r64", GP.rax, GP.rax);
  out.emit("mov r64,imm64", SCRATCH, least);
  out.jump("js rel32", done);
  out.emit("mov r64,imm64", SCRATCH, greatest);
  out.bind(done);
  out.emit("pop r64", GP.rax);
  out.emit("ret");
}

/** Lengths from here on are copied by the string instructions. */
const STRING_BYTES = 512;

function checkEnd(out: CodeAssembler, start: number): void {
  out.emit("lea r64,m", SCRATCH, { base: start, index: GP.rdx, displacement: 0 });
  out.emit("cmp r64,r/m64", SCRATCH, vmField(VM_CONTEXT.memorySize));
  out.refer("ja rel32", { kind: "trap", reason: "memory access out of bounds" });
}

/** One unit of budget for each 64 bytes. */
function chargeLength(out: CodeAssembler): void {
  out.emit("mov r64,r/m64", SCRATCH, GP.rdx);
  out.emit("shr r/m64,imm8", SCRATCH, 6);
  out.emit("sub r/m64,r64", vmField(VM_CONTEXT.fuel), SCRATCH);
  out.refer("js rel32", { kind: "trap", reason: "budget exhausted" });
}

const at = (base: number, displacement = 0) => ({ base, displacement }) as const;

/** Repeats `body` while at least `bytes` of rdx are left; it moves `bytes`. */
function whileLeft(out: CodeAssembler, bytes: number, body: () => void): void {
  const top = newLabel();
  const done = newLabel();
  out.bind(top);
  out.emit("cmp r/m64,imm8", GP.rdx, bytes);
  out.jump("jb rel32", done);
  body();
  out.emit("sub r/m64,imm8", GP.rdx, bytes);
  out.jump("jmp rel32", top);
  out.bind(done);
}

function emitCopy(out: CodeAssembler): void {
  const backward = newLabel();
  const short = newLabel();
  checkEnd(out, GP.rcx);
  checkEnd(out, GP.rax);
  chargeLength(out);
  out.emit("add r64,r/m64", GP.rax, MEMORY_BASE);
  out.emit("add r64,r/m64", GP.rcx, MEMORY_BASE);
  // Forward is wrong only if the target starts inside the source.
  out.emit("mov r64,r/m64", SCRATCH, GP.rax);
  out.emit("sub r64,r/m64", SCRATCH, GP.rcx);
  out.emit("cmp r64,r/m64", SCRATCH, GP.rdx);
  out.jump("jb rel32", backward);
  out.emit("cmp r/m64,imm32", GP.rdx, STRING_BYTES);
  out.jump("jb rel32", short);
  out.emit("push r64", GP.rsi);
  out.emit("push r64", GP.rdi);
  out.emit("mov r64,r/m64", GP.rdi, GP.rax);
  out.emit("mov r64,r/m64", GP.rsi, GP.rcx);
  out.emit("mov r64,r/m64", GP.rcx, GP.rdx);
  out.emit("rep movsb");
  out.emit("pop r64", GP.rdi);
  out.emit("pop r64", GP.rsi);
  out.emit("ret");
  out.bind(short);
  whileLeft(out, 8, () => {
    out.emit("mov r64,r/m64", SCRATCH, at(GP.rcx));
    out.emit("mov r/m64,r64", at(GP.rax), SCRATCH);
    out.emit("add r/m64,imm8", GP.rcx, 8);
    out.emit("add r/m64,imm8", GP.rax, 8);
  });
  whileLeft(out, 1, () => {
    out.emit("movzx r32,r/m8", SCRATCH, at(GP.rcx));
    out.emit("mov r/m8,r8", at(GP.rax), SCRATCH);
    out.emit("add r/m64,imm8", GP.rcx, 1);
    out.emit("add r/m64,imm8", GP.rax, 1);
  });
  out.emit("ret");
  out.bind(backward);
  whileLeft(out, 8, () => {
    const source = { base: GP.rcx, index: GP.rdx, displacement: -8 };
    out.emit("mov r64,r/m64", SCRATCH, source);
    out.emit("mov r/m64,r64", { ...source, base: GP.rax }, SCRATCH);
  });
  whileLeft(out, 1, () => {
    const source = { base: GP.rcx, index: GP.rdx, displacement: -1 };
    out.emit("movzx r32,r/m8", SCRATCH, source);
    out.emit("mov r/m8,r8", { ...source, base: GP.rax }, SCRATCH);
  });
  out.emit("ret");
}

function emitFill(out: CodeAssembler): void {
  const short = newLabel();
  checkEnd(out, GP.rax);
  chargeLength(out);
  out.emit("add r64,r/m64", GP.rax, MEMORY_BASE);
  out.emit("cmp r/m64,imm32", GP.rdx, STRING_BYTES);
  out.jump("jb rel32", short);
  out.emit("push r64", GP.rdi);
  out.emit("mov r64,r/m64", GP.rdi, GP.rax);
  out.emit("mov r32,r/m32", GP.rax, GP.rcx);
  out.emit("mov r64,r/m64", GP.rcx, GP.rdx);
  out.emit("rep stosb");
  out.emit("pop r64", GP.rdi);
  out.emit("ret");
  out.bind(short);
  // Eight copies of the byte.
  out.emit("movzx r32,r/m8", GP.rcx, GP.rcx);
  out.emit("mov r64,imm64", SCRATCH, 0x0101010101010101n);
  out.emit("imul r64,r/m64", GP.rcx, SCRATCH);
  whileLeft(out, 8, () => {
    out.emit("mov r/m64,r64", at(GP.rax), GP.rcx);
    out.emit("add r/m64,imm8", GP.rax, 8);
  });
  whileLeft(out, 1, () => {
    out.emit("mov r/m8,r8", at(GP.rax), GP.rcx);
    out.emit("add r/m64,imm8", GP.rax, 1);
  });
  out.emit("ret");
}
