/**
 * Instances of compiled modules in this process, with everything Wasm core 2.0 §4.5 knows:
 * imports between instances, tables, growing memory, start functions. For the test suite and
 * differential tests; bundles are put into processes by the mutator and need none of it.
 *
 * All memory is mapped for good: a store is never freed.
 */
import { assert, bug } from "../../base/assert.js";
import { HOST_FUNCTIONS } from "../layout/host.js";
import { VM_CONTEXT } from "../layout/private.js";
import { WASM_PAGE_BYTES } from "../layout/shared.js";
import {
  allGlobals,
  allMemories,
  allTables,
  type FunctionType,
  functionTypeIndices,
  type GlobalType,
  type Import,
  type Instruction,
  type Limits,
  type MemoryType,
  type TableType,
  type WasmModule,
} from "../module/module.js";
import { type CodeImage, compileImage } from "./compile.js";
import { DESCRIPTOR, MEMORY_OBJECT, TABLE_OBJECT } from "./instance-layout.js";
import {
  callFunction,
  callHandler,
  mapCode,
  mapMemory,
  runtimeFunctions,
  stackAddress,
  viewMemory,
} from "./native.js";
import { constantBits, LinkError, signatureKey } from "./resolve.js";
import { trapName } from "./traps.js";
import type { ValidModule } from "./validate.js";

/** A function that tests can call and instances import. */
export interface FunctionExtern {
  readonly kind: "function";
  readonly type: FunctionType;
  readonly descriptor: bigint;
  /** General thunk, and the instance data to call it with. */
  readonly entry: bigint;
  readonly instance: bigint;
}
/** A table object. */
export interface TableExtern {
  readonly kind: "table";
  readonly type: TableType;
  readonly object: bigint;
}
/** A memory object. */
export interface MemoryExtern {
  readonly kind: "memory";
  readonly type: MemoryType;
  readonly object: bigint;
}
/** A global variable's cell. */
export interface GlobalExtern {
  readonly kind: "global";
  readonly type: GlobalType;
  readonly cell: bigint;
}
/** Something that instances give each other. */
export type Extern = FunctionExtern | TableExtern | MemoryExtern | GlobalExtern;

/** An instance of a module. */
export interface Instance {
  readonly exports: ReadonlyMap<string, Extern>;
}

/** Thrown when instantiation traps. */
export class TrapError extends Error {
  override readonly name = "TrapError";
}

/** Where instances live: one thread's VmContext, memory for their data, common signatures. */
export interface Store {
  readonly context: bigint;
  readonly view: DataView;
  readonly base: bigint;
  used: number;
  readonly signatures: Map<string, number>;
}

/** Room for the data of all instances of a store. */
const STORE_BYTES = 64 << 20;
/** Native stack that compiled code may use in tests. */
const STACK_BYTES = 1 << 20;
const FUEL = 1n << 60n;
/** Pages that a memory without maximum may grow to. */
const DEFAULT_MAXIMUM_PAGES = 1024;
const MAXIMUM_PAGES = 65536;
/** Arguments or results of one call. */
const VALUE_SLOTS = 64;

/** A new store. */
export function newStore(): Store {
  const { address, buffer } = mapMemory(STORE_BYTES);
  const store: Store = {
    context: address,
    view: new DataView(buffer),
    base: address,
    used: VM_CONTEXT.bytes + 8 * VALUE_SLOTS,
    signatures: new Map(),
  };
  const functions = runtimeFunctions();
  const hosts = allocate(store, 8 * (HOST_FUNCTIONS.length + functions.length));
  for (const [index, f] of functions.entries()) {
    write(store, hosts + BigInt(8 * (HOST_FUNCTIONS.length + index)), f);
  }
  write(store, store.context + BigInt(VM_CONTEXT.hosts), hosts);
  return store;
}

function allocate(store: Store, bytes: number): bigint {
  const address = store.base + BigInt(store.used);
  store.used += (bytes + 7) & ~7;
  assert(store.used <= STORE_BYTES, "store is full");
  return address;
}

function write(store: Store, address: bigint, value: bigint): void {
  store.view.setBigUint64(Number(address - store.base), BigInt.asUintN(64, value), true);
}

function read(store: Store, address: bigint): bigint {
  return store.view.getBigUint64(Number(address - store.base), true);
}

/** The value of a global, as unsigned bits. */
export function readGlobal(store: Store, global: GlobalExtern): bigint {
  return read(store, global.cell);
}

/** A view of all of a memory as it is now; growing makes it too short, not wrong. */
export function memoryBytes(store: Store, memory: MemoryExtern): Uint8Array {
  const base = read(store, memory.object + BigInt(MEMORY_OBJECT.base));
  const size = Number(read(store, memory.object + BigInt(MEMORY_OBJECT.size)));
  return size === 0 ? new Uint8Array() : new Uint8Array(viewMemory(base, size));
}

/** Calls `f` with bits; gives the bits of its results, or the name of the trap. */
export function invoke(
  store: Store,
  f: FunctionExtern,
  args: readonly bigint[],
): { readonly results: bigint[] } | { readonly trap: string } {
  const values = store.context + BigInt(VM_CONTEXT.bytes);
  assert(Math.max(args.length, f.type.results.length) <= VALUE_SLOTS, "too many values");
  for (const [index, arg] of args.entries()) write(store, values + BigInt(8 * index), arg);
  enter(store, f.instance);
  const reason = callFunction(f.entry, store.context, values);
  if (reason !== 0) return { trap: trapName(reason) };
  return { results: f.type.results.map((_, index) => read(store, values + BigInt(8 * index))) };
}

/** Prepares the VmContext for a call into `instance`. */
function enter(store: Store, instance: bigint): void {
  const memory = read(store, instance);
  const set = (offset: number, value: bigint): void =>
    write(store, store.context + BigInt(offset), value);
  set(VM_CONTEXT.memoryBase, read(store, memory + BigInt(MEMORY_OBJECT.base)));
  set(VM_CONTEXT.memorySize, read(store, memory + BigInt(MEMORY_OBJECT.size)));
  set(VM_CONTEXT.instance, instance);
  set(VM_CONTEXT.fuel, FUEL);
  set(VM_CONTEXT.stackLimit, stackAddress() - BigInt(STACK_BYTES));
}

/** What is known of an instance while it is made. */
interface Draft {
  readonly store: Store;
  readonly module: WasmModule;
  readonly image: CodeImage;
  readonly layout: CodeImage["layouts"][number];
  readonly data: bigint;
  readonly functions: FunctionExtern[];
  readonly tables: TableExtern[];
  readonly memories: MemoryExtern[];
  readonly globals: GlobalExtern[];
}

/** Instantiates `valid`. Throws LinkError for imports that do not fit, TrapError for traps. */
export function instantiate(
  store: Store,
  valid: ValidModule,
  resolve: (module: string, name: string) => Extern | undefined,
): Instance {
  const { module } = valid;
  const imports = module.imports.map((item) => {
    const found = resolve(item.module, item.name);
    if (found === undefined) throw new LinkError(`unknown import ${item.module}.${item.name}`);
    if (!fits(module, item, found)) {
      throw new LinkError(`incompatible import type ${item.module}.${item.name}`);
    }
    return found;
  });
  const image = compileImage([{ name: "", module: valid }], {
    runtime: true,
    callEntries: true,
    signatures: store.signatures,
  });
  const code = mapCode(image.bytes);
  const data = allocate(store, image.instanceBytes);
  const layout = image.layouts[0] ?? bug("layout missing");
  const draft: Draft = {
    store,
    module,
    image,
    layout,
    data,
    functions: imports.filter((i) => i.kind === "function"),
    tables: imports.filter((i) => i.kind === "table"),
    memories: imports.filter((i) => i.kind === "memory"),
    globals: imports.filter((i) => i.kind === "global"),
  };
  makeMemory(draft);
  makeFunctions(draft, code);
  makeGlobals(draft);
  makeTables(draft);
  makeSegments(draft);
  const exports = new Map<string, Extern>();
  const spaces = {
    function: draft.functions,
    table: draft.tables,
    memory: draft.memories,
    global: draft.globals,
  };
  for (const e of module.exports) {
    const extern: Extern | undefined = spaces[e.kind][e.index];
    exports.set(e.name, extern ?? bug(`export ${e.name} missing`));
  }
  initializeTables(draft);
  initializeMemory(draft);
  runStart(draft, code);
  return { exports };
}

function fits(module: WasmModule, item: Import, extern: Extern): boolean {
  if (item.kind === "function" && extern.kind === "function") {
    const type = module.types[item.type];
    return type !== undefined && signatureKey(type) === signatureKey(extern.type);
  }
  if (item.kind === "table" && extern.kind === "table") {
    return item.table.element === extern.type.element && limitsFit(item.table, extern.type);
  }
  if (item.kind === "memory" && extern.kind === "memory") {
    return item.memory.shared === extern.type.shared && limitsFit(item.memory, extern.type);
  }
  if (item.kind === "global" && extern.kind === "global") {
    return item.global.type === extern.type.type && item.global.mutable === extern.type.mutable;
  }
  return false;
}

/** Wasm core 2.0 §4.5.2 import matching; memories' minimum is their current size. */
function limitsFit(wanted: Limits, given: Limits): boolean {
  if (given.minimum < wanted.minimum) return false;
  if (wanted.maximum === null) return true;
  return given.maximum !== null && given.maximum <= wanted.maximum;
}

function makeMemory(draft: Draft): void {
  const { store, module, data } = draft;
  const [type] = module.memories;
  if (type !== undefined) {
    const maximum = Math.min(
      type.maximum ?? Math.max(DEFAULT_MAXIMUM_PAGES, type.minimum),
      MAXIMUM_PAGES,
    );
    const object = allocate(store, MEMORY_OBJECT.bytes);
    const pages = Math.max(maximum, 1);
    write(store, object, mapMemory(pages * WASM_PAGE_BYTES).address);
    write(store, object + BigInt(MEMORY_OBJECT.size), BigInt(type.minimum * WASM_PAGE_BYTES));
    write(store, object + BigInt(MEMORY_OBJECT.maximumPages), BigInt(maximum));
    write(store, object + BigInt(MEMORY_OBJECT.shared), type.shared ? 1n : 0n);
    draft.memories.push({ kind: "memory", object, type: liveMemory(store, object, type) });
  }
  // Without memory all sizes are zero.
  write(store, data, draft.memories[0]?.object ?? allocate(store, MEMORY_OBJECT.bytes));
  assert(allMemories(module).length === draft.memories.length, "memories missing");
}

/** The type of a memory, whose minimum grows with it. */
function liveMemory(store: Store, object: bigint, type: MemoryType): MemoryType {
  return {
    ...type,
    get minimum(): number {
      return Number(read(store, object + BigInt(MEMORY_OBJECT.size))) / WASM_PAGE_BYTES;
    },
  };
}

function makeFunctions(draft: Draft, code: bigint): void {
  const { store, module, image, layout, data } = draft;
  for (const [index, f] of draft.functions.entries()) {
    write(store, data + BigInt(layout.importedFunctions.get(index) ?? 0), f.descriptor);
  }
  const imported = draft.functions.length;
  const types = functionTypeIndices(module);
  const names = new Map(
    module.exports.filter((e) => e.kind === "function").map((e) => [e.index, e.name]),
  );
  for (const i of module.functions.keys()) {
    const index = imported + i;
    const type = module.types[types[index] ?? -1] ?? bug("type missing");
    const descriptor = data + BigInt(layout.descriptors.get(index) ?? bug("descriptor missing"));
    const offset = image.functions.get(`0:${index}`)?.offset ?? bug("function missing");
    const signature = store.signatures.get(signatureKey(type)) ?? bug("signature missing");
    write(store, descriptor + BigInt(DESCRIPTOR.code), code + BigInt(offset));
    write(store, descriptor + BigInt(DESCRIPTOR.instance), data);
    write(store, descriptor + BigInt(DESCRIPTOR.signature), BigInt(signature));
    const thunk = image.callEntries.get(names.get(index) ?? "");
    const entry = thunk === undefined ? 0n : code + BigInt(thunk);
    draft.functions.push({ kind: "function", type, descriptor, entry, instance: data });
  }
}

function makeGlobals(draft: Draft): void {
  const { store, module, layout, data } = draft;
  const types = allGlobals(module);
  for (const [index, global] of draft.globals.entries()) {
    write(store, data + BigInt(layout.globals[index] ?? 0), global.cell);
  }
  const imported = draft.globals.length;
  for (const [i, global] of module.globals.entries()) {
    const cell = data + BigInt(layout.globals[imported + i] ?? bug("global missing"));
    write(store, cell, evaluate(draft, global.init));
    const type = types[imported + i] ?? bug("type missing");
    draft.globals.push({ kind: "global", type, cell });
  }
}

/** Bits of a constant expression (Wasm core 2.0 §3.3.10). */
function evaluate(draft: Draft, body: readonly Instruction[]): bigint {
  const bits = constantBits(body);
  if (bits !== null) return bits;
  const [i] = body;
  if (i?.op === "global.get") {
    return read(draft.store, draft.globals[i.global]?.cell ?? bug("global missing"));
  }
  if (i?.op === "ref.func") return draft.functions[i.function]?.descriptor ?? bug("no function");
  return bug("unknown constant expression");
}

function makeTables(draft: Draft): void {
  const { store, module, layout, data } = draft;
  for (const type of module.tables) {
    const object = allocate(store, TABLE_OBJECT.bytes);
    // A module may ask for far more than it will ever touch.
    const elements = mapMemory(Math.max(8 * type.minimum, 8)).address;
    write(store, object + BigInt(TABLE_OBJECT.elements), elements);
    write(store, object + BigInt(TABLE_OBJECT.size), BigInt(type.minimum));
    draft.tables.push({ kind: "table", object, type });
  }
  for (const index of allTables(module).keys()) {
    const object = draft.tables[index]?.object ?? bug("table missing");
    write(store, data + BigInt(layout.tables[index] ?? 0), object);
  }
}

/** Copies passive and active segments; what was used at once or is declarative is dropped. */
function makeSegments(draft: Draft): void {
  const { store, module, layout, data } = draft;
  for (const [index, { mode, bytes }] of module.data.entries()) {
    if (mode.kind !== "passive") continue;
    const at = data + BigInt(layout.dataSegments[index] ?? 0);
    const copy = allocate(store, Math.max(bytes.length, 1));
    new Uint8Array(store.view.buffer, Number(copy - store.base), bytes.length).set(bytes);
    write(store, at, copy);
    write(store, at + 8n, BigInt(bytes.length));
  }
  for (const [index, { mode, items }] of module.elements.entries()) {
    if (mode.kind !== "passive") continue;
    const at = data + BigInt(layout.elementSegments[index] ?? 0);
    const copy = allocate(store, Math.max(8 * items.length, 8));
    for (const [i, item] of items.entries()) {
      write(store, copy + BigInt(8 * i), evaluate(draft, item));
    }
    write(store, at, copy);
    write(store, at + 8n, BigInt(items.length));
  }
}

function initializeTables(draft: Draft): void {
  const { store, module } = draft;
  for (const { mode, items } of module.elements) {
    if (mode.kind !== "active") continue;
    const table = draft.tables[mode.table]?.object ?? bug("table missing");
    const start = Number(evaluate(draft, mode.offset));
    const size = Number(read(store, table + BigInt(TABLE_OBJECT.size)));
    if (start + items.length > size) throw new TrapError("table access out of bounds");
    if (items.length === 0) continue;
    const view = new DataView(viewMemory(read(store, table), 8 * size));
    for (const [i, item] of items.entries()) {
      view.setBigUint64(8 * (start + i), evaluate(draft, item), true);
    }
  }
}

function initializeMemory(draft: Draft): void {
  const [memory] = draft.memories;
  for (const { mode, bytes } of draft.module.data) {
    if (mode.kind !== "active") continue;
    const target = memory === undefined ? new Uint8Array() : memoryBytes(draft.store, memory);
    const start = Number(evaluate(draft, mode.offset));
    if (start + bytes.length > target.length) throw new TrapError("memory access out of bounds");
    target.set(bytes, start);
  }
}

function runStart(draft: Draft, code: bigint): void {
  const { store, module, image } = draft;
  if (module.start === null) return;
  const [thunk] = image.starts;
  const f = draft.functions[module.start];
  if (thunk === undefined) {
    // An imported start function: its own instance has the thunk.
    if (f === undefined || f.entry === 0n) bug("start function missing");
    const result = invoke(store, f, []);
    if ("trap" in result) throw new TrapError(result.trap);
    return;
  }
  enter(store, draft.data);
  const reason = callHandler(code + BigInt(thunk), store.context, 0);
  if (reason !== 0) throw new TrapError(trapName(reason));
}
