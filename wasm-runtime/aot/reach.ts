/**
 * Which functions of an image can be called from its roots, and which of them can come to a
 * floating point instruction. Every function of a table counts as called by a call through it.
 */
import { allTables, type Instruction, importsOf, type WasmFunction } from "../module/module.js";
import type { ResolvedModule } from "./resolve.js";
import { tableElements } from "./resolve.js";

/** A function of an image; `index` is in the module's function index space. */
export interface FunctionId {
  readonly module: number;
  readonly index: number;
}

/** Functions to compile. */
export interface Reach {
  /** In the order of modules and indices. */
  readonly functions: readonly FunctionId[];
  /** Whether a function or one that it may call uses floating point. */
  usesFloat(id: FunctionId): boolean;
  /** Whether it may look at the registers of a probe hit. */
  usesFrame(id: FunctionId): boolean;
  /** Keys of the function and of all that it may call. */
  closure(id: FunctionId): ReadonlySet<string>;
}

const FLOAT = /f32|f64/;

/** Text that names a function in maps. */
export function functionKey(id: FunctionId): string {
  return `${id.module}:${id.index}`;
}

/** The body of `id`. */
export function functionBody(modules: readonly ResolvedModule[], id: FunctionId): WasmFunction {
  const module = modules[id.module]?.module;
  const body = module?.functions[id.index - (module ? importsOf(module, "function").length : 0)];
  if (body === undefined) throw new RangeError(`no function ${functionKey(id)}`);
  return body;
}

/** Everything reachable from `roots`. */
export function reach(modules: readonly ResolvedModule[], roots: readonly FunctionId[]): Reach {
  const callers = new Map<string, string[]>();
  const found = new Map<string, FunctionId>();
  const float: string[] = [];
  const frame: string[] = [];
  const calls = new Map<string, readonly string[]>();
  const work = [...roots];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    const key = functionKey(id);
    if (found.has(key)) continue;
    found.set(key, id);
    if (hasFloat(modules, id) || callsHost(modules, id, FLOAT_READERS)) float.push(key);
    if (callsHost(modules, id, FRAME_READERS)) frame.push(key);
    const called = new Map(callees(modules, id).map((callee) => [functionKey(callee), callee]));
    calls.set(key, [...called.keys()]);
    for (const [calleeKey, callee] of called) {
      const known = callers.get(calleeKey);
      if (known === undefined) callers.set(calleeKey, [key]);
      else known.push(key);
      work.push(callee);
    }
  }
  const usesFloat = closureOf(float, callers);
  const usesFrame = closureOf(frame, callers);
  return {
    functions: [...found.values()].sort((a, b) => a.module - b.module || a.index - b.index),
    usesFloat: (id) => usesFloat.has(functionKey(id)),
    usesFrame: (id) => usesFrame.has(functionKey(id)),
    closure: (id) => closureOf([functionKey(id)], calls),
  };
}

/** Everything that edges lead to from `start`. */
function closureOf(
  start: readonly string[],
  edges: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const found = new Set<string>();
  const work = [...start];
  for (let key = work.pop(); key !== undefined; key = work.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    work.push(...(edges.get(key) ?? []));
  }
  return found;
}

/** Host functions that look at VM_CONTEXT.frame. */
const FRAME_READERS: readonly string[] = ["register", "set_register", "unwind", "vector"];
/** Those that look at what is saved below it where handlers use floats. */
const FLOAT_READERS: readonly string[] = ["vector"];

function callsHost(
  modules: readonly ResolvedModule[],
  id: FunctionId,
  names: readonly string[],
): boolean {
  const targets = modules[id.module]?.context.targets;
  return functionBody(modules, id).body.some((i) => {
    const target = i.op === "call" ? targets?.[i.function] : undefined;
    return target?.kind === "host" && names.includes(target.name);
  });
}

function hasFloat(modules: readonly ResolvedModule[], id: FunctionId): boolean {
  const f = functionBody(modules, id);
  const type = modules[id.module]?.context.functionTypes[id.index];
  const types = [...(type?.params ?? []), ...(type?.results ?? []), ...f.locals];
  return types.some((t) => FLOAT.test(t)) || f.body.some((i) => FLOAT.test(i.op));
}

function callees(modules: readonly ResolvedModule[], id: FunctionId): FunctionId[] {
  const found: FunctionId[] = [];
  const tables = new Set<number>();
  for (const i of functionBody(modules, id).body) {
    if (i.op === "call") found.push(...directTarget(modules, id.module, i.function));
    else if (i.op === "call_indirect") tables.add(i.table ?? 0);
    else if (i.op === "ref.func") found.push(...directTarget(modules, id.module, i.function));
  }
  for (const table of tables) found.push(...elementsOf(modules, id.module, table));
  return found;
}

function directTarget(
  modules: readonly ResolvedModule[],
  module: number,
  index: number,
): FunctionId[] {
  const target = modules[module]?.context.targets[index];
  if (target?.kind !== "direct" || target.symbol.kind !== "function") return [];
  return [{ module: target.symbol.module, index: target.symbol.index }];
}

/** Functions in a table; a table that is not constant may hold any that is in some segment. */
export function elementsOf(
  modules: readonly ResolvedModule[],
  module: number,
  table: number,
): FunctionId[] {
  const resolved = modules[module];
  if (resolved === undefined) return [];
  if (resolved.context.tables[table]?.kind === "static") {
    const size = allTables(resolved.module)[table]?.minimum ?? 0;
    const elements = tableElements(resolved.module, table, size) ?? [];
    return [...new Set(elements)].filter((index) => index >= 0).map((index) => ({ module, index }));
  }
  return resolved.module.elements
    .flatMap((e) => e.items.flat())
    .filter((i): i is Extract<Instruction, { op: "ref.func" }> => i.op === "ref.func")
    .flatMap((i) => directTarget(modules, module, i.function));
}
