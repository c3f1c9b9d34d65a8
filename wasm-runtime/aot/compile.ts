/**
 * Compiles Wasm modules ahead of time into one image of x86-64 code: a bundle together with the
 * library it imports, or a test module. Takes valid modules only; the image is position
 * independent, needs no relocation and is never written.
 *
 * Order in the image: trap stubs, functions, routines, thunks, constant tables.
 */
import { bug } from "../../base/assert.js";
import type { Export, FunctionType } from "../module/module.js";
import { compileFunction } from "./compile-function.js";
import { Linker } from "./link.js";
import type { LinkSymbol } from "./masm.js";
import { masmX64 } from "./masm-x64.js";
import {
  elementsOf,
  type FunctionId,
  functionBody,
  functionKey,
  type Reach,
  reach,
} from "./reach.js";
import { ENTRY_BITS } from "./registers-x64.js";
import {
  constantBits,
  type InstanceLayout,
  LinkError,
  type ResolvedModule,
  refuseRuntimeInstructions,
  resolveModules,
  tableElements,
} from "./resolve.js";
import { ROUTINE_BITS, routine } from "./routines-x64.js";
import { callThunk, handlerThunk, innerEntry, MAX_ARGUMENTS, trapStubs } from "./thunks-x64.js";
import type { ValidModule } from "./validate.js";

/** A module for an image. */
export interface ImageModule {
  /** What other modules of the image import it by, e.g. "lib". */
  readonly name: string;
  readonly module: ValidModule;
  /** Exports to keep and make entries for; all if absent. What nothing calls is left out. */
  readonly keep?: readonly string[];
}

/** How to compile. */
export interface CompileImageOptions {
  /** Make a general thunk for each export, for tests. */
  readonly callEntries?: boolean;
  /** For instances built by instance.ts: dynamic tables, memory.grow, foreign imports. */
  readonly runtime?: boolean;
  /** Numbers of signatures, shared by images whose functions meet in tables. */
  readonly signatures?: Map<string, number>;
}

/** Machine code of some modules and what is needed to run it. Offsets are in `bytes`. */
export interface CodeImage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Handler thunks `uint32_t entry(struct wt_vm_context *, uint32_t argument)` of exported
   * functions () -> () and (i32) -> (), by export name and by "module.export"; of equal export
   * names the last module's counts. They return the trap reason, 0 = none.
   */
  readonly entries: ReadonlyMap<string, number>;
  /** The same functions as the shim calls them: without saving registers (innerEntry). */
  readonly innerEntries: ReadonlyMap<string, number>;
  /** General thunks `uint32_t entry(ctx, uint64_t *values)`, arguments in, results out. */
  readonly callEntries: ReadonlyMap<string, number>;
  /** Thunks of the modules' start functions. */
  readonly starts: readonly number[];
  /** Names in `entries` and `callEntries` that can come to a floating point instruction. */
  readonly usesFloat: ReadonlySet<string>;
  /**
   * By names as in `innerEntries`: bits of the registers (as encoded) that the function may change;
   * null if it may look at the registers of the hit.
   */
  readonly clobbers: ReadonlyMap<string, number | null>;
  /** Size and initial content of the data at VM_CONTEXT.instance; 0 bytes if none is needed. */
  readonly instanceBytes: number;
  readonly initialInstance: Uint8Array<ArrayBuffer>;
  /** Active data segments with constant addresses, in order. */
  readonly initialMemory: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  /** Least size of linear memory. With `exact`, memory must have this size. */
  readonly memory: { readonly minimumBytes: number; readonly exact: boolean };
  /** Offsets of compiled functions by module and function index, for listings and instance.ts. */
  readonly functions: ReadonlyMap<string, CompiledFunction>;
  /** Where instance data is, for instance.ts. */
  readonly layouts: readonly InstanceLayout[];
}

/** A function in an image. */
export interface CompiledFunction {
  readonly offset: number;
  readonly bytes: number;
  /** Bits of the registers that it changes, or saves and changes; not what it calls. */
  readonly registers: number;
}

interface Root {
  readonly name: string;
  readonly id: FunctionId;
  readonly type: FunctionType;
}

/** Compiles `modules`, which may import from each other and share one memory. Throws LinkError. */
export function compileImage(
  modules: readonly ImageModule[],
  options: CompileImageOptions = {},
): CodeImage {
  const runtime = options.runtime ?? false;
  const { modules: resolved, instanceBytes } = resolveModules(
    modules.map((m) => ({ name: m.name, module: m.module.module })),
    { runtime, signatures: options.signatures ?? new Map() },
  );
  const roots = rootsOf(resolved, modules);
  const starts = startsOf(resolved);
  const referenced = runtime ? everyFunction(resolved) : [];
  const reached = reach(resolved, [...roots.map((r) => r.id), ...starts, ...referenced]);
  const linker = new Linker();
  const stubs = trapStubs((reason, offset) => linker.define({ kind: "trap", reason }, offset));
  linker.place(stubs);
  const functions = compileAll(linker, resolved, reached, runtime);
  for (const name of linker.missingRoutines()) {
    linker.define({ kind: "routine", name }, linker.place(routine(name)));
  }
  const entries = new Map<string, number>();
  const innerEntries = new Map<string, number>();
  const callEntries = new Map<string, number>();
  const usesFloat = new Set<string>();
  const clobbers = new Map<string, number | null>();
  for (const root of roots) {
    if (isHandler(root.type)) {
      const symbol = functionSymbol(root.id);
      const params = root.type.params.length;
      innerEntries.set(root.name, linker.place(innerEntry(symbol, params)));
      clobbers.set(root.name, clobbersOf(root.id, reached, functions));
      entries.set(root.name, linker.place(handlerThunk(symbol, params)));
    }
    if (options.callEntries) {
      callEntries.set(root.name, linker.place(callThunk(functionSymbol(root.id), root.type)));
    }
    if (reached.usesFloat(root.id)) usesFloat.add(root.name);
  }
  const startOffsets = starts.map((id) => linker.place(handlerThunk(functionSymbol(id), 0)));
  placeTables(linker, resolved, reached);
  return {
    starts: startOffsets,
    bytes: linker.finish(),
    entries,
    innerEntries,
    callEntries,
    usesFloat,
    clobbers,
    instanceBytes,
    initialInstance: initialInstance(resolved, instanceBytes),
    initialMemory: initialMemory(resolved, runtime),
    memory: memoryOf(resolved),
    functions,
    layouts: resolved.map((m) => m.layout),
  };
}

function clobbersOf(
  id: FunctionId,
  reached: Reach,
  functions: ReadonlyMap<string, CompiledFunction>,
): number | null {
  if (reached.usesFrame(id)) return null;
  let bits = ENTRY_BITS;
  for (const key of reached.closure(id))
    bits |= functions.get(key)?.registers ?? bug("no function");
  return bits;
}

function functionSymbol(id: FunctionId): LinkSymbol {
  return { kind: "function", module: id.module, index: id.index };
}

function isHandler(type: FunctionType): boolean {
  const { params, results } = type;
  return results.length === 0 && params.length <= MAX_ARGUMENTS && params.every((p) => p === "i32");
}

/** Kept exports, under both names; a plain name means the last module that has it. */
function rootsOf(resolved: readonly ResolvedModule[], modules: readonly ImageModule[]): Root[] {
  const roots = new Map<string, Root>();
  for (const [module, { name, context, module: wasm }] of resolved.entries()) {
    const keep = modules[module]?.keep;
    for (const e of wasm.exports) {
      if (e.kind !== "function" || (keep !== undefined && !keep.includes(e.name))) continue;
      const id = definedFunction(resolved, module, e);
      const type = context.functionTypes[e.index];
      if (id === null || type === undefined) continue;
      for (const key of [e.name, `${name}.${e.name}`]) {
        roots.delete(key);
        roots.set(key, { name: key, id, type });
      }
    }
  }
  return [...roots.values()];
}

/** The compiled function behind an export; null for an export of a foreign import. */
function definedFunction(
  resolved: readonly ResolvedModule[],
  module: number,
  e: Export,
): FunctionId | null {
  const target = resolved[module]?.context.targets[e.index];
  if (target?.kind !== "direct" || target.symbol.kind !== "function") return null;
  return { module: target.symbol.module, index: target.symbol.index };
}

function startsOf(resolved: readonly ResolvedModule[]): FunctionId[] {
  return resolved.flatMap(({ module: wasm }, module) => {
    if (wasm.start === null) return [];
    const e: Export = { name: "", kind: "function", index: wasm.start };
    const id = definedFunction(resolved, module, e);
    return id === null ? [] : [id];
  });
}

function everyFunction(resolved: readonly ResolvedModule[]): FunctionId[] {
  return resolved.flatMap((m, module) =>
    m.context.targets.flatMap((_, index) => {
      const id = definedFunction(resolved, module, { name: "", kind: "function", index });
      return id === null ? [] : [id];
    }),
  );
}

function compileAll(
  linker: Linker,
  resolved: readonly ResolvedModule[],
  reached: Reach,
  runtime: boolean,
): Map<string, CompiledFunction> {
  const functions = new Map<string, CompiledFunction>();
  for (const id of reached.functions) {
    const { context, name } = resolved[id.module] ?? bug("module missing");
    const source = functionBody(resolved, id);
    const type = context.functionTypes[id.index] ?? bug("function type missing");
    if (!runtime) refuseRuntimeInstructions(name, source.body);
    const { prologue, body } = compileFunction(context, source, type, masmX64);
    const offset = linker.place(prologue.out, body.out);
    linker.define(functionSymbol(id), offset);
    const callsRoutine = body.out.references.some(({ symbol }) => symbol.kind === "routine");
    const registers =
      prologue.out.registers | body.out.registers | (callsRoutine ? ROUTINE_BITS : 0);
    functions.set(functionKey(id), { offset, bytes: linker.length - offset, registers });
  }
  return functions;
}

/** Constant tables of code that is in the image: { i32 distance from the table, u32 signature }. */
function placeTables(linker: Linker, resolved: readonly ResolvedModule[], reached: Reach): void {
  const compiled = new Set(reached.functions.map(functionKey));
  for (const [module, { context, module: wasm }] of resolved.entries()) {
    for (const [index, place] of context.tables.entries()) {
      if (place.kind !== "static") continue;
      // A table that no reachable code uses has functions that were not compiled.
      const used = elementsOf(resolved, module, index).every((id) => compiled.has(functionKey(id)));
      const data = new DataView(new ArrayBuffer(8 * place.size));
      const start = linker.placeData(new Uint8Array(data.buffer));
      const elements = used ? (tableElements(wasm, index, place.size) ?? []) : [];
      for (const [i, f] of elements.entries()) {
        if (f < 0) continue;
        const type = wasm.types.indexOf(context.functionTypes[f] ?? bug("function type missing"));
        linker.patch(
          start + 8 * i,
          linker.offsetOf({ kind: "function", module, index: f }) - start,
        );
        linker.patch(start + 8 * i + 4, context.signatures[type] ?? 0);
      }
      linker.define(place.symbol, start);
    }
  }
}

/** Globals with constant values; the rest is filled in by instance.ts. */
function initialInstance(
  resolved: readonly ResolvedModule[],
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const data = new DataView(new ArrayBuffer(bytes));
  for (const { module, layout } of resolved) {
    const imported = layout.globals.length - module.globals.length;
    for (const [index, global] of module.globals.entries()) {
      const offset = layout.globals[imported + index] ?? -1;
      const bits = constantBits(global.init);
      if (offset >= 0 && bits !== null) data.setBigUint64(offset, bits, true);
    }
  }
  return new Uint8Array(data.buffer);
}

function initialMemory(
  resolved: readonly ResolvedModule[],
  runtime: boolean,
): { address: number; bytes: Uint8Array }[] {
  return resolved.flatMap(({ name, module }) =>
    module.data.flatMap(({ mode, bytes }) => {
      if (mode.kind !== "active") return [];
      const address = constantBits(mode.offset);
      if (address !== null) return [{ address: Number(address), bytes }];
      if (runtime) return [];
      throw new LinkError(`module '${name}' has data at an address that is not constant`);
    }),
  );
}

function memoryOf(resolved: readonly ResolvedModule[]): CodeImage["memory"] {
  const memory = resolved[0]?.context.memory;
  return { minimumBytes: memory?.minimumBytes ?? 0, exact: (memory?.fixedBytes ?? null) !== null };
}
