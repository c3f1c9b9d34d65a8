/**
 * Bytes under construction at a known address, with literals behind the code. The size of what is
 * emitted depends on nothing but the calls made, so a layout made at one address holds at another.
 */
import { assert } from "../../base/assert.js";

interface LiteralUse {
  /** Offset of the 32-bit displacement to fill in. */
  readonly at: number;
  readonly value: bigint;
}

/** A place that is named before it is known. */
export interface Label {
  offset: number;
  readonly uses: number[];
}

/** Appends machine code. */
export class Assembler {
  private readonly base: number;
  private readonly out: number[] = [];
  private readonly literals: LiteralUse[] = [];

  /** Code that starts at `address` in the process. */
  constructor(address: number) {
    this.base = address;
  }

  /** Address of the next byte. */
  get address(): number {
    return this.base + this.out.length;
  }

  bytes(bytes: ArrayLike<number>): void {
    for (let i = 0; i < bytes.length; i++) this.out.push(bytes[i] ?? 0);
  }

  /** jmp rel32 */
  jump(target: number): void {
    this.bytes([0xe9]);
    this.relative(target);
  }

  /** jcc rel32; `condition` is the low nibble of the opcode. */
  branch(condition: number, target: number): void {
    this.bytes([0x0f, 0x80 | condition]);
    this.relative(target);
  }

  /** push qword [rip + literal]: any 64-bit value, no register. */
  pushWord(value: number): void {
    this.bytes([0xff, 0x35]);
    this.literal(BigInt(value));
  }

  /** call qword [address] */
  callThrough(address: number): void {
    this.bytes([0xff, 0x15]);
    this.relative(address);
  }

  /** A place to be named later; see `place` and `branchTo`. */
  label(): Label {
    return { offset: -1, uses: [] };
  }

  /** jcc rel32 to `label`. */
  branchTo(condition: number, label: Label): void {
    this.bytes([0x0f, 0x80 | condition]);
    this.useLabel(label);
  }

  /** lea rsi, [label] */
  loadAddressToRsi(label: Label): void {
    this.bytes([0x48, 0x8d, 0x35]);
    this.useLabel(label);
  }

  /** lea rax, [address] */
  loadAddressToRax(address: number): void {
    this.bytes([0x48, 0x8d, 0x05]);
    this.relative(address);
  }

  /** Puts `label` here. */
  place(label: Label): void {
    label.offset = this.out.length;
    for (const at of label.uses) this.patch32(at, label.offset - (at + 4));
  }

  /** Fills up with int3 to a multiple of `alignment` of the address. */
  align(alignment: number): void {
    while (this.address % alignment !== 0) this.out.push(0xcc);
  }

  /** Appends the literals and returns everything. */
  finish(): Uint8Array {
    if (this.literals.length > 0) this.align(8);
    const placed = new Map<bigint, number>();
    for (const { at, value } of this.literals) {
      const offset = placed.get(value) ?? this.appendWord(value);
      placed.set(value, offset);
      this.patch32(at, offset - (at + 4));
    }
    return Uint8Array.from(this.out);
  }

  private relative(target: number): void {
    const displacement = target - (this.address + 4);
    assert(
      displacement >= -0x80000000 && displacement <= 0x7fffffff,
      `0x${target.toString(16)} is out of reach from 0x${this.address.toString(16)}`,
    );
    this.bytes([0, 0, 0, 0]);
    this.patch32(this.out.length - 4, displacement);
  }

  private literal(value: bigint): void {
    this.literals.push({ at: this.out.length, value });
    this.bytes([0, 0, 0, 0]);
  }

  private useLabel(label: Label): void {
    const at = this.out.length;
    this.bytes([0, 0, 0, 0]);
    if (label.offset >= 0) this.patch32(at, label.offset - (at + 4));
    else label.uses.push(at);
  }

  private appendWord(value: bigint): number {
    const offset = this.out.length;
    for (let shift = 0n; shift < 64n; shift += 8n) {
      this.out.push(Number((value >> shift) & 255n));
    }
    return offset;
  }

  private patch32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.out[at + i] = (value >> (8 * i)) & 255;
  }
}
