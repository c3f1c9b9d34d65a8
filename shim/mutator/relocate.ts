/**
 * Moves instructions to another address so that they mean the same.
 *
 * Takes whole instructions and the address for the copy; gives bytes whose length does not depend
 * on that address. What is position-independent is copied bit by bit, so prefixes and encodings
 * survive and the kernel can restart a system call at rip - 2. Everything else is one of: a
 * rip-relative operand (new displacement), a direct jump (widened to 32 bits), `jrcxz` and `loop`
 * (which have no wide form), a call.
 *
 * A call pushes the address behind the original, or unwinders would not know the caller (C++
 * exceptions abort); control then returns there, so a call is the last instruction of a region.
 */
import { assert, bug } from "../../base/assert.js";
import type { Assembler } from "./assembler.js";
import type { Insn } from "./decode.js";
import { iced } from "./iced.js";

const { Code, Decoder, DecoderOptions, Encoder, Instruction, Register } = iced;

/** Bytes of one instruction with what was decoded from them. */
export interface Displaced {
  readonly insn: Insn;
  /** At least `insn.length` bytes. */
  readonly bytes: Uint8Array;
}

/** Why the instruction cannot be moved, null if it can. */
export function whyUnmovable({ insn, bytes }: Displaced): string | null {
  switch (insn.flow) {
    case "trap":
      return "the instruction traps";
    case "other":
      return "the instruction cannot be moved";
    case "next":
    case "indirect-jump":
    case "indirect-call":
      return insn.ripTarget >= 0 && hasAddressSizePrefix(bytes)
        ? "the instruction addresses memory relative to eip"
        : null;
    default:
      return null;
  }
}

/** True if control never goes on behind the instruction in the copy: nothing may follow. */
export function endsRegion(insn: Insn): boolean {
  switch (insn.flow) {
    case "jump":
    case "call":
    case "indirect-jump":
    case "indirect-call":
    case "return":
      return true;
    default:
      return false;
  }
}

/**
 * Appends the copy of one instruction to `out`, at the address that `out` has reached.
 * `loadBias` is added to every address that the instruction refers to; jumps to the keys of
 * `redirects` lead to their values.
 */
export function relocate(
  out: Assembler,
  displaced: Displaced,
  loadBias: number,
  redirects: ReadonlyMap<number, number> = NO_REDIRECTS,
): void {
  const { insn, bytes } = displaced;
  const target = redirects.get(insn.target) ?? insn.target + loadBias;
  switch (insn.flow) {
    case "jump":
      out.jump(target);
      break;
    case "branch":
      out.branch(conditionOf(bytes), target);
      break;
    case "loop":
      relocateLoop(out, displaced, target);
      break;
    case "call":
      out.pushWord(insn.address + insn.length + loadBias);
      out.jump(insn.target + loadBias);
      break;
    case "indirect-call":
      out.pushWord(insn.address + insn.length + loadBias);
      out.bytes(asJump(displaced, out.address, loadBias));
      break;
    case "next":
    case "indirect-jump":
    case "return":
      if (insn.ripTarget < 0) out.bytes(bytes.subarray(0, insn.length));
      else relocateRipRelative(out, displaced, loadBias);
      break;
    default:
      bug(`cannot relocate ${insn.flow} at ${insn.address}`);
  }
}

const NO_REDIRECTS: ReadonlyMap<number, number> = new Map();

/** Low four bits of the opcode of a conditional jump (Intel SDM vol. 2 appendix B.1.4.7). */
export function conditionOf(bytes: Uint8Array): number {
  let at = 0;
  while (isLegacyPrefix(bytes[at] ?? 0)) at++;
  const opcode = bytes[at] === 0x0f ? bytes[at + 1] : bytes[at];
  return (opcode ?? 0) & 15;
}

function isLegacyPrefix(byte: number): boolean {
  return byte === 0x2e || byte === 0x3e || byte === 0x66 || byte === 0xf2 || byte === 0xf3;
}

function hasAddressSizePrefix(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte === 0x67) return true;
    if (!isLegacyPrefix(byte) && byte !== 0x64 && byte !== 0x65 && byte !== 0xf0) return false;
  }
  return false;
}

/**
 * `jrcxz`, `jecxz` and `loop` reach 127 bytes; so:
 *
 *     op     +2          e3 02   to the far jump
 *     jmp    +5          eb 05   past it
 *     jmp    target      e9 rel32
 */
function relocateLoop(out: Assembler, { insn, bytes }: Displaced, target: number): void {
  out.bytes(bytes.subarray(0, insn.length - 1));
  out.bytes([0x02, 0xeb, 0x05]);
  out.jump(target);
}

/** The same bytes with a new 32-bit displacement (Intel SDM vol. 2 §2.2.1.6). */
function relocateRipRelative(out: Assembler, { insn, bytes }: Displaced, loadBias: number): void {
  const at = displacementOffset(bytes, insn.address);
  const copy = Uint8Array.from(bytes.subarray(0, insn.length));
  const displacement = insn.ripTarget + loadBias - (out.address + insn.length);
  assert(isInt32(displacement), `operand of ${insn.address} is out of reach`);
  new DataView(copy.buffer).setInt32(at, displacement, true);
  out.bytes(copy);
}

/** True if `value` fits a signed 32-bit displacement. */
export function isInt32(value: number): boolean {
  return value >= -0x80000000 && value <= 0x7fffffff;
}

function displacementOffset(bytes: Uint8Array, address: number): number {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const insn = new Instruction();
  try {
    decoder.ip = BigInt(address);
    decoder.decodeOut(insn);
    const offsets = decoder.getConstantOffsets(insn);
    const at = offsets.displacementOffset;
    offsets.free();
    return at;
  } finally {
    insn.free();
    decoder.free();
  }
}

/** An indirect call as the jump with the same operand, after its return address was pushed. */
function asJump({ insn, bytes }: Displaced, address: number, loadBias: number): Uint8Array {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const encoder = new Encoder(64);
  const jump = new Instruction();
  try {
    decoder.ip = BigInt(insn.address + loadBias);
    decoder.decodeOut(jump);
    jump.code = Code.Jmp_rm64;
    if (jump.memoryBase === Register.RSP) {
      jump.memoryDisplacement += 8n;
      jump.memoryDisplSize = 8;
    }
    encoder.encode(jump, BigInt(address));
    return encoder.takeBuffer();
  } finally {
    jump.free();
    encoder.free();
    decoder.free();
  }
}
