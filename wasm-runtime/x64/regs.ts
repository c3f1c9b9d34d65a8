/** Registers and memory operands of x86-64 (Intel SDM vol. 1 §3.4.1, vol. 2 §2.1.5). */

/** General register numbers as encoded. */
export const GP = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
} as const;

/** A memory operand: base + index * scale + displacement; `rip` is relative to the next instruction. */
export interface Memory {
  readonly base: number | "rip";
  readonly index?: number;
  readonly scale?: 1 | 2 | 4 | 8;
  readonly displacement: number;
}

const NAMES64 = Object.keys(GP);
const LEGACY8 = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];

/** Name of general register `number` used with `bits`. */
export function registerName(number: number, bits: number): string {
  const name = NAMES64[number] ?? "?";
  if (bits === 64) return name;
  if (number >= 8) return name + (bits === 32 ? "d" : bits === 16 ? "w" : "b");
  if (bits === 8) return LEGACY8[number] ?? "?";
  return bits === 32 ? `e${name.slice(1)}` : name.slice(1);
}
