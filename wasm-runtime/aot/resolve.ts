/**
 * Finds out how the modules of an image hang together, before anything is compiled: what imports
 * mean, which tables and globals are constant, where the rest is in the instance data.
 */
import { HOST_FUNCTIONS } from "../layout/host.js";
import { WASM_PAGE_BYTES } from "../layout/shared.js";
import {
  allGlobals,
  allMemories,
  allTables,
  type FunctionType,
  functionTypeIndices,
  type Instruction,
  importsOf,
  type WasmModule,
} from "../module/module.js";
import type { CallTarget, GlobalPlace, ModuleContext, TablePlace } from "./context.js";
import { DESCRIPTOR, INSTANCE_HEADER_BYTES, SEGMENT_BYTES } from "./instance-layout.js";

/** Thrown for valid modules that cannot be linked into an image. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

/** A module of an image and the name others import it by. */
export interface NamedModule {
  readonly name: string;
  readonly module: WasmModule;
}

/** Where the parts of one module are in the instance data; -1 where they are not. */
export interface InstanceLayout {
  /** Defined globals: the value; imported ones: the address of the cell. */
  readonly globals: readonly number[];
  /** Address of the table object. */
  readonly tables: readonly number[];
  /** Own descriptors, by function index. */
  readonly descriptors: ReadonlyMap<number, number>;
  /** Addresses of imported functions' descriptors, by function index. */
  readonly importedFunctions: ReadonlyMap<number, number>;
  readonly dataSegments: readonly number[];
  readonly elementSegments: readonly number[];
}

/** A module ready to be compiled. */
export interface ResolvedModule {
  readonly name: string;
  readonly module: WasmModule;
  readonly context: ModuleContext;
  readonly layout: InstanceLayout;
}

/** What resolution may use. */
export interface ResolveOptions {
  /** Instances are built by instance.ts: dynamic tables, imports of other instances, memory.grow. */
  readonly runtime: boolean;
  /** Numbers of signatures, shared by images that call each other; grows. */
  readonly signatures: Map<string, number>;
}

/** The value of a constant expression that depends on nothing, or null. */
export function constantBits(body: readonly Instruction[]): bigint | null {
  const [i] = body;
  if (body.length !== 1 || i === undefined) return null;
  if (i.op === "i32.const") return BigInt.asUintN(32, BigInt(i.value));
  if (i.op === "i64.const") return BigInt.asUintN(64, i.value);
  if (i.op === "f32.const") return BigInt(i.bits >>> 0);
  if (i.op === "f64.const") return i.bits;
  return i.op === "ref.null" ? 0n : null;
}

/** Hands out instance data. */
interface Space {
  bytes: number;
}

function take(space: Space, bytes: number): number {
  const offset = space.bytes;
  space.bytes += bytes;
  return offset;
}

/** Resolves all modules; they share one memory. Throws LinkError. */
export function resolveModules(
  modules: readonly NamedModule[],
  options: ResolveOptions,
): { readonly modules: ResolvedModule[]; readonly instanceBytes: number } {
  const space: Space = { bytes: INSTANCE_HEADER_BYTES };
  const memory = sharedMemory(modules);
  const resolved = modules.map(({ name, module }) => {
    const layout = options.runtime ? runtimeLayout(module, space) : globalsLayout(module, space);
    const functionTypes = typesOfFunctions(module);
    const targets = functionTargets(modules, module, layout, options);
    const context: ModuleContext = {
      types: module.types,
      functionTypes,
      targets,
      globals: globalPlaces(modules, module, layout),
      globalTypes: allGlobals(module).map((g) => g.type),
      tables: tablePlaces(modules, module, layout, options),
      signatures: module.types.map((type) => signatureNumber(type, options.signatures)),
      memory,
      dataSegments: layout.dataSegments,
      elementSegments: layout.elementSegments,
      functionReferences: references(layout),
    };
    return { name, module, context, layout };
  });
  const instanceBytes = space.bytes === INSTANCE_HEADER_BYTES ? 0 : space.bytes;
  return { modules: resolved, instanceBytes: options.runtime ? space.bytes : instanceBytes };
}

function sharedMemory(modules: readonly NamedModule[]): ModuleContext["memory"] {
  let minimumBytes = 0;
  let fixedBytes: number | null = null;
  for (const { module } of modules) {
    const [memory] = allMemories(module);
    if (memory === undefined) continue;
    minimumBytes = Math.max(minimumBytes, memory.minimum * WASM_PAGE_BYTES);
    if (memory.minimum === memory.maximum) fixedBytes = memory.minimum * WASM_PAGE_BYTES;
  }
  if (fixedBytes !== null && fixedBytes < minimumBytes) {
    throw new LinkError("modules disagree about the size of memory");
  }
  return { minimumBytes, fixedBytes };
}

function typesOfFunctions(module: WasmModule): FunctionType[] {
  return functionTypeIndices(module).map((index) => {
    const type = module.types[index];
    if (type === undefined) throw new LinkError(`no type ${index}`);
    return type;
  });
}

/** Text that equal signatures share. */
export function signatureKey(type: FunctionType): string {
  return `${type.params.join(",")}>${type.results.join(",")}`;
}

function signatureNumber(type: FunctionType, known: Map<string, number>): number {
  const key = signatureKey(type);
  const number = known.get(key) ?? known.size + 1;
  known.set(key, number);
  return number;
}

/** Only what cannot be constant: mutable globals and those with computed values. */
function globalsLayout(module: WasmModule, space: Space): InstanceLayout {
  const imported = importsOf(module, "global").map(() => -1);
  const own = module.globals.map((g) =>
    g.mutable || constantBits(g.init) === null ? take(space, 8) : -1,
  );
  return {
    globals: [...imported, ...own],
    tables: allTables(module).map(() => -1),
    descriptors: new Map(),
    importedFunctions: new Map(),
    dataSegments: [],
    elementSegments: [],
  };
}

function runtimeLayout(module: WasmModule, space: Space): InstanceLayout {
  const importedCount = importsOf(module, "function").length;
  const descriptors = new Map<number, number>();
  for (const index of module.functions.keys()) {
    descriptors.set(importedCount + index, take(space, DESCRIPTOR.bytes));
  }
  const importedFunctions = new Map<number, number>();
  for (let index = 0; index < importedCount; index++) importedFunctions.set(index, take(space, 8));
  return {
    globals: allGlobals(module).map(() => take(space, 8)),
    tables: allTables(module).map(() => take(space, 8)),
    descriptors,
    importedFunctions,
    dataSegments: module.data.map(() => take(space, SEGMENT_BYTES)),
    elementSegments: module.elements.map(() => take(space, SEGMENT_BYTES)),
  };
}

function references(layout: InstanceLayout): ModuleContext["functionReferences"] {
  const all = new Map<number, { offset: number; imported: boolean }>();
  for (const [index, offset] of layout.descriptors) all.set(index, { offset, imported: false });
  for (const [index, offset] of layout.importedFunctions)
    all.set(index, { offset, imported: true });
  return all;
}

function functionTargets(
  modules: readonly NamedModule[],
  module: WasmModule,
  layout: InstanceLayout,
  options: ResolveOptions,
): CallTarget[] {
  const types = typesOfFunctions(module);
  const imported = importsOf(module, "function").map((item, index): CallTarget => {
    const type = types[index];
    const offset = layout.importedFunctions.get(index);
    const host = HOST_FUNCTIONS.indexOf(item.name as (typeof HOST_FUNCTIONS)[number]);
    if (item.module === "host" && host >= 0) return { kind: "host", index: host, name: item.name };
    const found = findFunction(modules, item.module, item.name);
    if (found === null) {
      if (options.runtime && offset !== undefined) return { kind: "descriptor", offset };
      throw new LinkError(`no function '${item.module}.${item.name}'`);
    }
    if (type === undefined || signatureKey(found.type) !== signatureKey(type)) {
      throw new LinkError(`function '${item.module}.${item.name}' has another type`);
    }
    return found.target;
  });
  const own = modules.findIndex((m) => m.module === module);
  const defined = module.functions.map((_, index): CallTarget => {
    const symbol = { kind: "function", module: own, index: imported.length + index } as const;
    return { kind: "direct", symbol };
  });
  return [...imported, ...defined];
}

/** A function that a module of the image defines and exports. */
function findFunction(
  modules: readonly NamedModule[],
  name: string,
  field: string,
): { readonly target: CallTarget; readonly type: FunctionType } | null {
  const index = modules.findIndex((m) => m.name === name);
  const module = modules[index]?.module;
  const found = module?.exports.find((e) => e.kind === "function" && e.name === field);
  if (module === undefined || found === undefined) return null;
  const again = importsOf(module, "function")[found.index];
  if (again !== undefined) return findFunction(modules, again.module, again.name);
  const type = typesOfFunctions(module)[found.index];
  if (type === undefined) return null;
  const symbol = { kind: "function", module: index, index: found.index } as const;
  return { target: { kind: "direct", symbol }, type };
}

function globalPlaces(
  modules: readonly NamedModule[],
  module: WasmModule,
  layout: InstanceLayout,
): GlobalPlace[] {
  const imported = importsOf(module, "global").map((item, index): GlobalPlace => {
    const offset = layout.globals[index] ?? -1;
    if (offset >= 0) return { kind: "cell", offset };
    const from = modules.find((m) => m.name === item.module)?.module;
    const field = from?.exports.find((e) => e.kind === "global" && e.name === item.name);
    const global = from?.globals[(field?.index ?? 0) - importsOf(from, "global").length];
    const bits = global === undefined || global.mutable ? null : constantBits(global.init);
    if (field === undefined || bits === null) {
      throw new LinkError(`no constant global '${item.module}.${item.name}'`);
    }
    return { kind: "constant", bits };
  });
  const own = module.globals.map((global, index): GlobalPlace => {
    const bits = constantBits(global.init);
    if (!global.mutable && bits !== null) return { kind: "constant", bits };
    return { kind: "instance", offset: layout.globals[imported.length + index] ?? -1 };
  });
  return [...imported, ...own];
}

function tablePlaces(
  modules: readonly NamedModule[],
  module: WasmModule,
  layout: InstanceLayout,
  options: ResolveOptions,
): TablePlace[] {
  const own = modules.findIndex((m) => m.module === module);
  const imported = importsOf(module, "table").length;
  return allTables(module).map((table, index): TablePlace => {
    if (index >= imported && isConstantTable(module, index, table.minimum)) {
      const symbol = { kind: "table", module: own, index } as const;
      return { kind: "static", symbol, size: table.minimum };
    }
    const offset = layout.tables[index] ?? -1;
    if (options.runtime) return { kind: "dynamic", offset };
    throw new LinkError(`table ${index} of module '${modules[own]?.name}' is not constant`);
  });
}

/** Largest table that is worth space in the image. */
const MAX_CONSTANT_TABLE = 65536;

function isConstantTable(module: WasmModule, index: number, size: number): boolean {
  if (size > MAX_CONSTANT_TABLE) return false;
  if (module.exports.some((e) => e.kind === "table" && e.index === index)) return false;
  const written = module.functions.some((f) =>
    f.body.some(
      (i) =>
        (i.op === "table.init" && i.table === index) ||
        (i.op === "table.copy" && (i.to === index || i.from === index)),
    ),
  );
  return !written && tableElements(module, index, size) !== null;
}

/** Function indices of a table's initial elements, -1 for none; null if not constant. */
export function tableElements(module: WasmModule, index: number, size: number): number[] | null {
  const elements = new Array<number>(size).fill(-1);
  const imported = importsOf(module, "function").length;
  for (const { mode, items } of module.elements) {
    if (mode.kind !== "active" || mode.table !== index) continue;
    const start = constantBits(mode.offset);
    if (start === null || Number(start) + items.length > size) return null;
    for (const [i, item] of items.entries()) {
      const [only] = item;
      if (only?.op === "ref.func" && only.function >= imported) {
        elements[Number(start) + i] = only.function;
      } else if (only?.op === "ref.null") elements[Number(start) + i] = -1;
      else return null;
    }
  }
  return elements;
}

const RUNTIME_INSTRUCTIONS: ReadonlySet<string> = new Set([
  "memory.grow",
  "memory.init",
  "data.drop",
  "table.init",
  "table.copy",
  "elem.drop",
  "ref.func",
  "memory.atomic.wait32",
  "memory.atomic.wait64",
  "memory.atomic.notify",
]);

/** Throws LinkError if `body` needs what only instance.ts provides. */
export function refuseRuntimeInstructions(name: string, body: readonly Instruction[]): void {
  const found = body.find((i) => RUNTIME_INSTRUCTIONS.has(i.op));
  if (found !== undefined) throw new LinkError(`module '${name}' uses ${found.op}`);
}
