/**
 * Shows machine code made from table.ts as text, Intel syntax. Decodes only forms of the table;
 * other bytes are shown as `db`. Jump targets are offsets from the start of the code.
 */
import { type Memory, registerName } from "./regs.js";
import { type FormLayout, LAYOUTS } from "./table.js";

/** One decoded instruction. */
export interface Line {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

const BY_OPCODE = new Map<string, FormLayout[]>();
for (const layout of LAYOUTS.values()) {
  const last = layout.opcode.length - 1;
  const variants = layout.inOpcode >= 0 ? [0, 1, 2, 3, 4, 5, 6, 7] : [0];
  for (const add of variants) {
    const opcode = layout.opcode.map((byte, i) => (i === last ? byte + add : byte));
    const key = keyOf(layout.prefixes, opcode);
    BY_OPCODE.set(key, [...(BY_OPCODE.get(key) ?? []), layout]);
  }
}

function keyOf(prefixes: readonly number[], opcode: readonly number[]): string {
  return `${[...prefixes].sort().join(",")}|${opcode.join(",")}`;
}

/** All instructions of `code`. */
export function disassemble(code: Uint8Array): Line[] {
  const lines: Line[] = [];
  for (let offset = 0; offset < code.length; ) {
    const line = decodeOne(code, offset) ?? {
      offset,
      length: 1,
      text: `db 0x${hex(code[offset])}`,
    };
    lines.push(line);
    offset += line.length;
  }
  return lines;
}

/** `code` as text, one instruction per line. */
export function showCode(code: Uint8Array): string {
  return disassemble(code)
    .map((line) => `${line.offset.toString(16).padStart(4)}: ${line.text}\n`)
    .join("");
}

function hex(value: number | undefined): string {
  return (value ?? 0).toString(16);
}

interface Cursor {
  readonly code: Uint8Array;
  at: number;
  readonly rex: number;
}

function decodeOne(code: Uint8Array, offset: number): Line | null {
  let at = offset;
  const prefixes: number[] = [];
  while ([0x66, 0xf2, 0xf3, 0xf0].includes(code[at] ?? 0)) prefixes.push(code[at++] ?? 0);
  const rex = ((code[at] ?? 0) & 0xf0) === 0x40 ? (code[at++] ?? 0) : 0;
  const opcode: number[] = [];
  for (let count = 0; count < 3; count++) {
    opcode.push(code[at++] ?? 0);
    for (const layout of BY_OPCODE.get(keyOf(prefixes, opcode)) ?? []) {
      const line = tryLayout(layout, { code, at, rex }, offset);
      if (line !== null) return line;
    }
  }
  return null;
}

function tryLayout(layout: FormLayout, cursor: Cursor, offset: number): Line | null {
  if (layout.wide !== (cursor.rex & 8) > 0) return null;
  const { code } = cursor;
  const texts: string[] = layout.operands.map((kind) => (kind === "cl" ? "cl" : ""));
  const last = code[cursor.at - 1] ?? 0;
  if (layout.inOpcode >= 0) {
    texts[layout.inOpcode] = registerText(
      layout,
      layout.inOpcode,
      (last & 7) | ((cursor.rex & 1) << 3),
    );
  }
  if (layout.hasModRm) {
    const modRm = code[cursor.at] ?? 0;
    const reg = (modRm >> 3) & 7;
    if (layout.digit >= 0 && layout.digit !== reg) return null;
    const register = reg | ((cursor.rex & 4) << 1);
    if (layout.inReg >= 0) texts[layout.inReg] = registerText(layout, layout.inReg, register);
    const rm = readRm(layout, cursor);
    if (layout.inRm >= 0) texts[layout.inRm] = rm;
  }
  const size = layout.immediateBytes;
  const value = readInteger(code, cursor.at, size);
  const end = cursor.at + size;
  if (layout.immediate >= 0) {
    const relative = layout.operands[layout.immediate]?.startsWith("rel");
    texts[layout.immediate] = relative ? showOffset(end + Number(value)) : `${value}`;
  }
  if (end > code.length) return null;
  const text = texts.length === 0 ? layout.mnemonic : `${layout.mnemonic} ${texts.join(", ")}`;
  return { offset, length: end - offset, text };
}

function showOffset(offset: number): string {
  return offset < 0 ? `-0x${(-offset).toString(16)}` : `0x${offset.toString(16)}`;
}

function readInteger(code: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = 0; i < size; i++) value |= BigInt(code[at + i] ?? 0) << BigInt(8 * i);
  return BigInt.asIntN(8 * size, value);
}

function registerText(layout: FormLayout, operand: number, number: number): string {
  const kind = layout.operands[operand] ?? "";
  if (kind.startsWith("xmm")) return `xmm${number}`;
  return registerName(number, Number(/\d+/.exec(kind)?.[0] ?? 64));
}

/** Reads ModRM and what follows it up to the displacement; moves the cursor behind. */
function readRm(layout: FormLayout, cursor: Cursor): string {
  const { code, rex } = cursor;
  const modRm = code[cursor.at++] ?? 0;
  const mode = modRm >> 6;
  const low = modRm & 7;
  if (mode === 3) return registerText(layout, layout.inRm, low | ((rex & 1) << 3));
  let base: Memory["base"] = low | ((rex & 1) << 3);
  let scaled = "";
  if (low === 4) {
    const sib = code[cursor.at++] ?? 0;
    base = (sib & 7) | ((rex & 1) << 3);
    const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
    const scale = 1 << (sib >> 6);
    if (index !== 4) scaled = `+${registerName(index, 64)}${scale > 1 ? `*${scale}` : ""}`;
  } else if (mode === 0 && low === 5) base = "rip";
  const size = base === "rip" || mode === 2 ? 4 : mode;
  const displacement = Number(readInteger(code, cursor.at, size));
  cursor.at += size;
  const name = base === "rip" ? "rip" : registerName(base, 64);
  const sign = displacement < 0 ? "-" : "+";
  const offset = displacement === 0 ? "" : `${sign}0x${Math.abs(displacement).toString(16)}`;
  return `[${name}${scaled}${offset}]`;
}
