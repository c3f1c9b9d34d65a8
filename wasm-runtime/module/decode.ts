/**
 * Reads a binary module (Wasm core 2.0 §5) into a WasmModule. What a validator checks is not
 * checked here; what this decoder cannot represent (vector instructions, further memories) and
 * malformed input end in WasmDecodeError with the byte offset.
 */
import type {
  BlockType,
  DataSegment,
  ElementSegment,
  Export,
  FunctionType,
  GlobalType,
  Import,
  Instruction,
  Limits,
  MemoryType,
  SegmentMode,
  TableType,
  ValueType,
  WasmFunction,
  WasmModule,
} from "./module.js";
import { type ImmediateKind, mnemonicOf, opcodeInfo } from "./opcodes.js";

/** Input that is no module we know; `offset` is where in the bytes. */
export class WasmDecodeError extends Error {
  override readonly name = "WasmDecodeError";
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.offset = offset;
  }
}

/** Mutable twin of WasmModule that sections are read into. */
type Draft = { -readonly [K in keyof WasmModule]: WasmModule[K] };

const TYPES: ReadonlyMap<number, ValueType> = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x70, "funcref"],
  [0x6f, "externref"],
]);
const EXTERN_KINDS = ["function", "table", "memory", "global"] as const;

class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  fail(message: string): never {
    throw new WasmDecodeError(message, this.position);
  }
  byte(): number {
    if (this.position >= this.end) this.fail("unexpected end");
    return this.bytes[this.position++] ?? 0;
  }
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value <= 0xffffffff ? value : this.fail("number too large");
    }
    return this.fail("number too long");
  }
  s32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 28 && byte & 0x40 ? value | (-1 << (shift + 7)) : value;
    }
    return this.fail("number too long");
  }
  s64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80)
        return BigInt.asIntN(64, byte & 0x40 ? value | (-1n << (shift + 7n)) : value);
    }
    return this.fail("number too long");
  }
  take(count: number): Uint8Array {
    if (this.position + count > this.end) this.fail("unexpected end");
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }
  name(): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(this.u32()));
  }
  vector<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let count = this.u32(); count > 0; count--) items.push(read());
    return items;
  }
  type(): ValueType {
    return TYPES.get(this.byte()) ?? this.fail("unknown value type");
  }
  bits32(): number {
    this.take(4);
    return this.view.getUint32(this.position - 4, true);
  }
  bits64(): bigint {
    this.take(8);
    return this.view.getBigUint64(this.position - 8, true);
  }
}

/** The module in `bytes`. Throws WasmDecodeError. */
export function decodeModule(bytes: Uint8Array): WasmModule {
  const r = new Reader(bytes, 0, bytes.length);
  if (bytes.length < 8 || r.bits32() !== 0x6d736100 || r.bits32() !== 1) r.fail("no Wasm module");
  const draft: Draft = {
    types: [],
    imports: [],
    functions: [],
    tables: [],
    memories: [],
    globals: [],
    exports: [],
    start: null,
    elements: [],
    data: [],
    custom: [],
  };
  let functionTypes: number[] = [];
  while (r.position < r.end) {
    const id = r.byte();
    const size = r.u32();
    const content = new Reader(bytes, r.position, r.position + size);
    r.take(size);
    if (id === 3) functionTypes = content.vector(() => content.u32());
    else if (id === 10) draft.functions = readCode(content, functionTypes);
    else readSection(id, content, draft);
  }
  return draft;
}

function readSection(id: number, r: Reader, draft: Draft): void {
  switch (id) {
    case 0:
      draft.custom = [
        ...draft.custom,
        { name: r.name(), bytes: r.take(r.end - r.position).slice() },
      ];
      break;
    case 1:
      draft.types = r.vector(() => readFunctionType(r));
      break;
    case 2:
      draft.imports = r.vector(() => readImport(r));
      break;
    case 4:
      draft.tables = r.vector(() => readTable(r));
      break;
    case 5:
      draft.memories = r.vector(() => readMemory(r));
      break;
    case 6:
      draft.globals = r.vector(() => ({ ...readGlobalType(r), init: readBody(r) }));
      break;
    case 7:
      draft.exports = r.vector(() => readExport(r));
      break;
    case 8:
      draft.start = r.u32();
      break;
    case 9:
      draft.elements = r.vector(() => readElement(r));
      break;
    case 11:
      draft.data = r.vector(() => readData(r));
      break;
    case 12:
      break;
    default:
      r.fail(`unknown section ${id}`);
  }
}

function readFunctionType(r: Reader): FunctionType {
  if (r.byte() !== 0x60) r.fail("function type expected");
  const params = r.vector(() => r.type());
  return { params, results: r.vector(() => r.type()) };
}

function readLimits(r: Reader, flags: number): Limits {
  const minimum = r.u32();
  return { minimum, maximum: flags & 1 ? r.u32() : null };
}

function readTable(r: Reader): TableType {
  const element = readReferenceType(r);
  return { element, ...readLimits(r, r.byte()) };
}

function readReferenceType(r: Reader): "funcref" | "externref" {
  const type = r.type();
  return type === "funcref" || type === "externref" ? type : r.fail("reference type expected");
}

function readMemory(r: Reader): MemoryType {
  const flags = r.byte();
  if (flags > 3) r.fail("unknown memory flags");
  return { ...readLimits(r, flags), shared: (flags & 2) !== 0 };
}

function readGlobalType(r: Reader): GlobalType {
  const type = r.type();
  return { type, mutable: r.byte() === 1 };
}

function readImport(r: Reader): Import {
  const module = r.name();
  const name = r.name();
  const kind = r.byte();
  if (kind === 0) return { module, name, kind: "function", type: r.u32() };
  if (kind === 1) return { module, name, kind: "table", table: readTable(r) };
  if (kind === 2) return { module, name, kind: "memory", memory: readMemory(r) };
  if (kind === 3) return { module, name, kind: "global", global: readGlobalType(r) };
  return r.fail("unknown import kind");
}

function readExport(r: Reader): Export {
  const name = r.name();
  const kind = EXTERN_KINDS[r.byte()] ?? r.fail("unknown export kind");
  return { name, kind, index: r.u32() };
}

function readElement(r: Reader): ElementSegment {
  // Wasm core 2.0 §5.5.12
  const flags = r.u32();
  if (flags > 7) r.fail("unknown element segment");
  const active = (flags & 1) === 0;
  const explicit = (flags & 2) !== 0;
  const table = active && explicit ? r.u32() : 0;
  let mode: SegmentMode<"table"> = { kind: explicit ? "declarative" : "passive" };
  if (active) mode = { kind: "active", table, offset: readBody(r) };
  let type: "funcref" | "externref" = "funcref";
  if ((flags & 3) !== 0) {
    if (flags & 4) type = readReferenceType(r);
    else if (r.byte() !== 0) r.fail("unknown element kind");
  }
  const items = r.vector((): Instruction[] =>
    flags & 4 ? readBody(r) : [{ op: "ref.func", function: r.u32() }],
  );
  return { type, mode, items };
}

function readData(r: Reader): DataSegment {
  const flags = r.u32();
  if (flags > 2) r.fail("unknown data segment");
  const memory = flags === 2 ? r.u32() : 0;
  const mode: SegmentMode<"memory"> =
    flags === 1 ? { kind: "passive" } : { kind: "active", memory, offset: readBody(r) };
  return { mode, bytes: r.take(r.u32()).slice() };
}

function readCode(r: Reader, types: readonly number[]): WasmFunction[] {
  let index = 0;
  return r.vector(() => {
    const size = r.u32();
    const end = r.position + size;
    const locals: ValueType[] = [];
    for (let runs = r.u32(); runs > 0; runs--) {
      const count = r.u32();
      // The limit that browsers set; it keeps a hostile module from exhausting memory here.
      if (locals.length + count > 50000) r.fail("too many locals");
      const type = r.type();
      for (let i = 0; i < count; i++) locals.push(type);
    }
    const body = readBody(r);
    if (r.position !== end) r.fail("function body size mismatch");
    return { type: types[index++] ?? r.fail("function without type"), locals, body };
  });
}

/** Instructions up to the `end` of the whole, which is dropped. */
function readBody(r: Reader): Instruction[] {
  const body: Instruction[] = [];
  for (let depth = 0; ; ) {
    const instruction = readInstruction(r);
    if (instruction.op === "end" && depth-- === 0) return body;
    if (instruction.op === "block" || instruction.op === "loop" || instruction.op === "if") depth++;
    body.push(instruction);
  }
}

function readInstruction(r: Reader): Instruction {
  const first = r.byte();
  const code = first === 0xfc || first === 0xfe ? first * 256 + r.u32() : first;
  const op = mnemonicOf(code) ?? r.fail(`instruction 0x${code.toString(16)} is not supported`);
  const fields = readFields(r, opcodeInfo(op).immediate);
  // The table ties `op` to its immediates; the compiler cannot follow that through a loop.
  return { op, ...fields } as Instruction;
}

type Fields = Readonly<Record<string, unknown>>;

const FIELD_READERS: Record<ImmediateKind, (r: Reader) => Fields> = {
  none: () => ({}),
  block: (r) => ({ type: readBlockType(r) }),
  label: (r) => ({ label: r.u32() }),
  labels: (r) => ({ labels: r.vector(() => r.u32()), fallback: r.u32() }),
  function: (r) => ({ function: r.u32() }),
  indirect: (r) => ({ type: r.u32(), table: r.u32() }),
  types: (r) => ({ types: r.vector(() => r.type()) }),
  local: (r) => ({ local: r.u32() }),
  global: (r) => ({ global: r.u32() }),
  memory: (r) => ({ align: r.u32(), offset: r.u32() }),
  memoryIndex: (r) => firstMemory(r, 1, {}),
  memoryInit: (r) => firstMemory(r, 1, { data: r.u32() }),
  memoryCopy: (r) => firstMemory(r, 2, {}),
  data: (r) => ({ data: r.u32() }),
  tableInit: (r) => ({ element: r.u32(), table: r.u32() }),
  tableCopy: (r) => ({ to: r.u32(), from: r.u32() }),
  element: (r) => ({ element: r.u32() }),
  fence: (r) => firstMemory(r, 1, {}),
  reftype: (r) => ({ type: readReferenceType(r) }),
  i32: (r) => ({ value: r.s32() }),
  i64: (r) => ({ value: r.s64() }),
  f32: (r) => ({ bits: r.bits32() }),
  f64: (r) => ({ bits: r.bits64() }),
};

function readFields(r: Reader, kind: ImmediateKind): Fields {
  return FIELD_READERS[kind](r);
}

function firstMemory(r: Reader, count: number, fields: Fields): Fields {
  for (let i = 0; i < count; i++) if (r.byte() !== 0) r.fail("only one memory is supported");
  return fields;
}

function readBlockType(r: Reader): BlockType {
  const byte = r.byte();
  if (byte === 0x40) return null;
  const type = TYPES.get(byte);
  if (type !== undefined) return type;
  r.position--;
  return { type: r.s32() };
}
