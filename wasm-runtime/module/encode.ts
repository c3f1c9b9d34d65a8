/**
 * Writes a WasmModule as a binary module (Wasm core 2.0 §5). Indices and types are not checked;
 * validation of the result is the engine's business.
 */
import { bug } from "../../base/assert.js";
import type {
  BlockType,
  DataSegment,
  ElementSegment,
  Import,
  Instruction,
  Limits,
  MemoryType,
  TableType,
  ValueType,
  WasmFunction,
  WasmModule,
} from "./module.js";
import { accessBytes, opcodeInfo } from "./opcodes.js";

/** Growing byte string with the number formats of Wasm core 2.0 §5.2. */
export class ByteWriter {
  private buffer: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** Bytes written so far. */
  length = 0;

  /** Appends one byte. */
  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }
  /** Appends all of `bytes`. */
  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }
  /** Appends an unsigned LEB128 number below 2^32. */
  u32(value: number): void {
    let rest = value >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }
  /** Appends a signed LEB128 number of 32 bits. */
  signed32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      const done = rest === (low & 0x40 ? -1 : 0);
      this.byte(done ? low : low | 0x80);
      if (done) return;
    }
  }
  /** Appends a signed LEB128 number. */
  signed(value: bigint): void {
    let rest = value;
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      const done = rest === (low & 0x40 ? -1n : 0n);
      this.byte(done ? low : low | 0x80);
      if (done) return;
    }
  }
  /** Appends a name: its UTF-8 bytes after their count. */
  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.bytes(bytes);
  }
  /** Appends `count` bytes of `value`, little-endian. */
  littleEndian(value: bigint, count: number): void {
    for (let i = 0; i < count; i++) this.byte(Number((value >> BigInt(8 * i)) & 0xffn));
  }
  /** Copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }
  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length + count));
    larger.set(this.buffer);
    this.buffer = larger;
  }
}

const TYPE_CODES: Record<ValueType, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  funcref: 0x70,
  externref: 0x6f,
};
const EXPORT_CODES = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** Binary form of `module`. */
export function encodeModule(module: WasmModule): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  out.bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  vectorSection(out, 1, module.types, (w, type) => {
    w.byte(0x60);
    vector(w, type.params, writeType);
    vector(w, type.results, writeType);
  });
  vectorSection(out, 2, module.imports, writeImport);
  vectorSection(out, 3, module.functions, (w, f) => w.u32(f.type));
  vectorSection(out, 4, module.tables, writeTable);
  vectorSection(out, 5, module.memories, writeMemory);
  vectorSection(out, 6, module.globals, (w, global) => {
    writeType(w, global.type);
    w.byte(global.mutable ? 1 : 0);
    writeExpression(w, global.init);
  });
  vectorSection(out, 7, module.exports, (w, e) => {
    w.name(e.name);
    w.byte(EXPORT_CODES[e.kind]);
    w.u32(e.index);
  });
  const start = module.start;
  if (start !== null) section(out, 8, (w) => w.u32(start));
  vectorSection(out, 9, module.elements, writeElement);
  if (usesDataIndex(module)) section(out, 12, (w) => w.u32(module.data.length));
  vectorSection(out, 10, module.functions, writeFunction);
  vectorSection(out, 11, module.data, writeData);
  for (const custom of module.custom) {
    section(out, 0, (w) => {
      w.name(custom.name);
      w.bytes(custom.bytes);
    });
  }
  return out.finish();
}

function section(out: ByteWriter, id: number, write: (w: ByteWriter) => void): void {
  const content = new ByteWriter();
  write(content);
  out.byte(id);
  out.u32(content.length);
  out.bytes(content.finish());
}

function vectorSection<T>(
  out: ByteWriter,
  id: number,
  items: readonly T[],
  write: (w: ByteWriter, item: T) => void,
): void {
  if (items.length > 0) section(out, id, (w) => vector(w, items, write));
}

function vector<T>(
  w: ByteWriter,
  items: readonly T[],
  write: (w: ByteWriter, item: T) => void,
): void {
  w.u32(items.length);
  for (const item of items) write(w, item);
}

function writeType(w: ByteWriter, type: ValueType): void {
  w.byte(TYPE_CODES[type]);
}

function writeLimits(w: ByteWriter, limits: Limits, sharedFlag: number): void {
  w.byte((limits.maximum === null ? 0 : 1) | sharedFlag);
  w.u32(limits.minimum);
  if (limits.maximum !== null) w.u32(limits.maximum);
}

function writeTable(w: ByteWriter, table: TableType): void {
  writeType(w, table.element);
  writeLimits(w, table, 0);
}

function writeMemory(w: ByteWriter, memory: MemoryType): void {
  writeLimits(w, memory, memory.shared ? 2 : 0);
}

function writeImport(w: ByteWriter, item: Import): void {
  w.name(item.module);
  w.name(item.name);
  w.byte(EXPORT_CODES[item.kind]);
  if (item.kind === "function") w.u32(item.type);
  else if (item.kind === "table") writeTable(w, item.table);
  else if (item.kind === "memory") writeMemory(w, item.memory);
  else {
    writeType(w, item.global.type);
    w.byte(item.global.mutable ? 1 : 0);
  }
}

function writeElement(w: ByteWriter, element: ElementSegment): void {
  // Wasm core 2.0 §5.5.12: bit 0 passive or declarative, bit 1 explicit table or declarative,
  // bit 2 expressions. Always the general form with expressions.
  const { mode } = element;
  const flags = mode.kind === "active" ? 6 : mode.kind === "passive" ? 5 : 7;
  w.u32(flags);
  if (mode.kind === "active") {
    w.u32(mode.table);
    writeExpression(w, mode.offset);
  }
  writeType(w, element.type);
  vector(w, element.items, writeExpression);
}

function writeData(w: ByteWriter, data: DataSegment): void {
  const { mode } = data;
  if (mode.kind === "active") {
    w.u32(mode.memory === 0 ? 0 : 2);
    if (mode.memory !== 0) w.u32(mode.memory);
    writeExpression(w, mode.offset);
  } else w.u32(1);
  w.u32(data.bytes.length);
  w.bytes(data.bytes);
}

function writeFunction(w: ByteWriter, f: WasmFunction): void {
  const body = new ByteWriter();
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of f.locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  vector(body, runs, (b, run) => {
    b.u32(run.count);
    writeType(b, run.type);
  });
  writeExpression(body, f.body);
  w.u32(body.length);
  w.bytes(body.finish());
}

function writeExpression(w: ByteWriter, body: readonly Instruction[]): void {
  for (const instruction of body) writeInstruction(w, instruction);
  w.byte(0x0b);
}

function usesDataIndex(module: WasmModule): boolean {
  return module.functions.some((f) =>
    f.body.some((i) => i.op === "memory.init" || i.op === "data.drop"),
  );
}

function writeOpcode(w: ByteWriter, code: number): void {
  if (code < 0x100) w.byte(code);
  else {
    w.byte(code >> 8);
    w.u32(code & 0xff);
  }
}

/** Appends one instruction. */
export function writeInstruction(w: ByteWriter, instruction: Instruction): void {
  const { code, immediate: kind } = opcodeInfo(instruction.op);
  writeOpcode(w, code);
  // The table ties `op` to the fields; `in` tells the compiler which.
  if (kind === "none") return;
  if (kind === "memory") writeMemoryArgument(w, instruction);
  else if (kind === "memoryIndex" || kind === "fence") w.byte(0);
  else if (kind === "memoryCopy") w.bytes(Uint8Array.of(0, 0));
  else writeFields(w, instruction);
}

function writeMemoryArgument(w: ByteWriter, instruction: Instruction): void {
  const natural = Math.log2(accessBytes(instruction.op));
  w.u32(("align" in instruction ? instruction.align : undefined) ?? natural);
  w.u32(("offset" in instruction ? instruction.offset : undefined) ?? 0);
}

function writeFields(w: ByteWriter, i: Instruction): void {
  switch (i.op) {
    case "block":
    case "loop":
    case "if":
      writeBlockType(w, i.type);
      break;
    case "br":
    case "br_if":
      w.u32(i.label);
      break;
    case "br_table":
      vector(w, i.labels, (inner, label) => inner.u32(label));
      w.u32(i.fallback);
      break;
    case "call":
    case "ref.func":
      w.u32(i.function);
      break;
    case "call_indirect":
      w.u32(i.type);
      w.u32(i.table ?? 0);
      break;
    case "select_typed":
      vector(w, i.types, writeType);
      break;
    case "local.get":
    case "local.set":
    case "local.tee":
      w.u32(i.local);
      break;
    case "global.get":
    case "global.set":
      w.u32(i.global);
      break;
    case "memory.init":
      w.u32(i.data);
      w.byte(0);
      break;
    case "data.drop":
      w.u32(i.data);
      break;
    case "table.init":
      w.u32(i.element);
      w.u32(i.table);
      break;
    case "elem.drop":
      w.u32(i.element);
      break;
    case "table.copy":
      w.u32(i.to);
      w.u32(i.from);
      break;
    case "ref.null":
      writeType(w, i.type);
      break;
    case "i32.const":
      w.signed32(i.value);
      break;
    case "i64.const":
      w.signed(BigInt.asIntN(64, i.value));
      break;
    case "f32.const":
      w.littleEndian(BigInt(i.bits >>> 0), 4);
      break;
    case "f64.const":
      w.littleEndian(i.bits, 8);
      break;
    default:
      bug(`no fields known for ${i.op}`);
  }
}

function writeBlockType(w: ByteWriter, type: BlockType): void {
  if (type === null) w.byte(0x40);
  else if (typeof type === "string") writeType(w, type);
  else w.signed(BigInt(type.type));
}
