/**
 * Wasm module of the AssemblyScript compiler → functions and data that can be part of a bundle.
 *
 *   context    every function gets the address of the thread's CONTEXT as its last parameter;
 *              imports of module "wastap" become that address, or constants
 *   errors     after each call that can set CONTEXT.error, or run next(), a function with something
 *              pending returns 0, so that an error or next() ends the block
 *   loops      every round is counted (ARENA.rounds); none left is the error MAXACTION
 *   variables  of the top level live in linear memory, shared by all threads and processes
 *
 * What a handler must not do (floating point, calls through tables, growing memory, writing to the
 * process without -g) is reported with the block that does it.
 */
import { bug } from "../../base/assert.js";
import { CONTEXT } from "../../wasm-runtime/layout/memory.js";
import type { LibraryFunction } from "../../wasm-runtime/library-abi.js";
import {
  type FunctionType,
  functionTypeIndices,
  type Global,
  type Import,
  type Instruction,
  importsOf,
  type ValueType,
  type WasmModule,
} from "../../wasm-runtime/module/module.js";
import type { Callee, ForeignFunction, FunctionReference, IrData } from "../ir/ir.js";
import { ARENA } from "./block.js";

/** Values that embedded code takes from the bundle around it. */
export interface LinkSettings {
  /** Offset in the context of the arena, and its bytes. */
  readonly arena: number;
  readonly arenaBytes: number;
  readonly maxString: number;
  readonly formatString: number;
  readonly formatLong: number;
  /** Address of the text of the MAXACTION error; null if loops are not counted. */
  readonly actionsExceeded: number | null;
  /** Offset in the context of the flag that next() sets. */
  readonly nextFlag: number;
  /** First free address behind the data of the module. */
  readonly dataEnd: number;
  /** True if `name` can set CONTEXT.error. */
  canFail(name: LibraryFunction): boolean;
}

/** Linked functions and their data. */
export interface LinkedCode {
  readonly functions: readonly ForeignFunction[];
  readonly data: readonly IrData[];
}

/** Something that a handler must not do. */
export type Misuse = "floating point" | "function values" | "memory" | "start" | "write";

/** What each exported function of `module` does that it must not; `write` needs -g. */
export function findMisuse(module: WasmModule): ReadonlyMap<string, ReadonlySet<Misuse>> {
  const found = new Map<string, ReadonlySet<Misuse>>();
  for (const e of module.exports) {
    if (e.kind !== "function") continue;
    const uses = new Set<Misuse>();
    for (const index of reachable(module, [e.index])) misuses(module, index, uses);
    if (module.start !== null) uses.add("start");
    found.set(e.name, uses);
  }
  return found;
}

/** Links the exports that `blocks` name; `script` has the functions of the imports from "script". */
export function linkModule(
  module: WasmModule,
  blocks: readonly FunctionReference[],
  script: ReadonlyMap<string, FunctionReference>,
  settings: LinkSettings,
): LinkedCode {
  const cells = placeGlobals(module.globals, settings.dataEnd);
  const roots = blocks.map(({ name }) => exportIndex(module, name));
  const linker: Linker = {
    module,
    settings,
    cells,
    imports: importsOf(module, "function"),
    types: typesOf(module),
    script,
    internal: new Map(),
  };
  const functions = [
    ...reachable(module, roots)
      .filter((index) => index >= linker.imports.length)
      .map((index) => linkFunction(index, internalReference(index, linker), linker)),
    ...blocks.map((reference, i) => linkFunction(roots[i] ?? 0, reference, linker)),
  ];
  const used = new Set(functions.flatMap((f) => f.callees).map((callee) => callee.name));
  return {
    functions: functions.filter(
      ({ reference }) => blocks.includes(reference) || used.has(reference.name),
    ),
    data: [...module.data.map(dataOf), ...cellData(module.globals, cells)],
  };
}

interface Linker {
  readonly module: WasmModule;
  readonly settings: LinkSettings;
  /** Address of each mutable global, null for a constant. */
  readonly cells: readonly (number | null)[];
  readonly imports: readonly Extract<Import, { kind: "function" }>[];
  /** Types of all functions, imported ones first. */
  readonly types: readonly FunctionType[];
  readonly script: ReadonlyMap<string, FunctionReference>;
  readonly internal: Map<number, FunctionReference>;
}

/** State of rewriting one function. */
interface Rewriter extends Linker {
  readonly out: Instruction[];
  readonly callees: Callee[];
  /** Index of the local with the context; what was at or behind it moves up. */
  readonly context: number;
  readonly results: readonly ValueType[];
  /** Index of a local for a value of `type`. */
  scratch(type: ValueType): number;
}

function linkFunction(
  index: number,
  reference: FunctionReference,
  linker: Linker,
): ForeignFunction {
  const source = linker.module.functions[index - linker.imports.length] ?? bug("imported block");
  const type = linker.types[index] ?? bug("function without type");
  const context = type.params.length;
  const locals = [...source.locals];
  const scratch = new Map<ValueType, number>();
  const rewriter: Rewriter = {
    ...linker,
    out: [],
    callees: [],
    context,
    results: type.results,
    scratch(valueType) {
      const known = scratch.get(valueType) ?? context + locals.push(valueType);
      scratch.set(valueType, known);
      return known;
    },
  };
  for (const instruction of source.body) rewrite(instruction, rewriter);
  return { reference, locals, body: rewriter.out, callees: rewriter.callees };
}

function rewrite(instruction: Instruction, rewriter: Rewriter): void {
  const { out, context } = rewriter;
  switch (instruction.op) {
    case "local.get":
    case "local.set":
    case "local.tee": {
      const { op, local } = instruction;
      out.push({ op, local: local < context ? local : local + 1 });
      return;
    }
    case "global.get":
    case "global.set":
      rewriteGlobal(instruction.op, instruction.global, rewriter);
      return;
    case "loop":
      out.push(instruction);
      chargeRound(rewriter);
      return;
    case "call":
      rewriteCall(instruction.function, rewriter);
      return;
    default:
      out.push(instruction);
  }
}

function rewriteGlobal(op: "global.get" | "global.set", index: number, rewriter: Rewriter): void {
  const { module, cells, out } = rewriter;
  const global = module.globals[index] ?? bug("imported global");
  const offset = cells[index] ?? null;
  const type = global.type === "i64" ? "i64" : "i32";
  if (offset === null) {
    out.push(...global.init);
  } else if (op === "global.get") {
    out.push({ op: "i32.const", value: 0 }, { op: `${type}.load`, offset });
  } else {
    const local = rewriter.scratch(type);
    out.push({ op: "local.set", local }, { op: "i32.const", value: 0 });
    out.push({ op: "local.get", local }, { op: `${type}.store`, offset });
  }
}

function rewriteCall(index: number, rewriter: Rewriter): void {
  const { imports, out, context } = rewriter;
  const found = imports[index];
  if (found?.module === "wastap") {
    rewriteIntrinsic(found.name, rewriter);
    return;
  }
  if (found === undefined) out.push({ op: "local.get", local: context });
  const callee = calleeOf(index, rewriter);
  out.push({ op: "call", function: rewriter.callees.push(callee) - 1 });
  if (callee.kind !== "library" || rewriter.settings.canFail(callee.name)) leaveIfPending(rewriter);
}

function calleeOf(index: number, linker: Linker): Callee {
  const found = linker.imports[index];
  if (found === undefined) return internalReference(index, linker);
  if (found.module === "lib") return { kind: "library", name: found.name as LibraryFunction };
  return linker.script.get(found.name) ?? bug(`unknown import '${found.module}.${found.name}'`);
}

/** What module "wastap" stands for (tapsets/embedded). */
function rewriteIntrinsic(name: string, rewriter: Rewriter): void {
  const { out, context, settings } = rewriter;
  const { arena, arenaBytes, maxString, formatString, formatLong, nextFlag } = settings;
  const constants: { readonly [name: string]: number } = {
    arena_bytes: arenaBytes,
    max_string: maxString,
    format_string: formatString,
    format_long: formatLong,
  };
  const constant = constants[name];
  if (constant !== undefined) out.push({ op: "i32.const", value: constant });
  else {
    out.push({ op: "local.get", local: context });
    if (name === "arena") out.push({ op: "i32.const", value: arena }, { op: "i32.add" });
    else if (name === "next") {
      out.push({ op: "i32.const", value: 1 }, { op: "i32.store", offset: nextFlag });
      leave(rewriter);
    } else if (name !== "context") bug(`unknown import 'wastap.${name}'`);
  }
}

/** Counts a round; with none left the function returns with the MAXACTION error. */
function chargeRound(rewriter: Rewriter): void {
  const { out, context, settings } = rewriter;
  if (settings.actionsExceeded === null) return;
  const left = rewriter.scratch("i32");
  const offset = settings.arena + ARENA.rounds;
  out.push({ op: "local.get", local: context }, { op: "local.get", local: context });
  out.push({ op: "i32.load", offset }, { op: "i32.const", value: 1 });
  out.push({ op: "i32.sub" }, { op: "local.tee", local: left });
  out.push({ op: "i32.store", offset }, { op: "local.get", local: left });
  out.push({ op: "i32.const", value: 0 }, { op: "i32.le_s" }, { op: "if", type: null });
  out.push({ op: "local.get", local: context });
  out.push({ op: "i32.const", value: settings.actionsExceeded });
  out.push({ op: "i32.store", offset: CONTEXT.error });
  leave(rewriter);
  out.push({ op: "end" });
}

function leaveIfPending(rewriter: Rewriter): void {
  const { out, context, settings } = rewriter;
  out.push({ op: "local.get", local: context }, { op: "i32.load", offset: CONTEXT.error });
  out.push({ op: "local.get", local: context }, { op: "i32.load", offset: settings.nextFlag });
  out.push({ op: "i32.or" }, { op: "if", type: null });
  leave(rewriter);
  out.push({ op: "end" });
}

function leave({ out, results }: Rewriter): void {
  for (const type of results) {
    out.push(type === "i64" ? { op: "i64.const", value: 0n } : { op: "i32.const", value: 0 });
  }
  out.push({ op: "return" });
}

function internalReference(index: number, linker: Linker): FunctionReference {
  const known = linker.internal.get(index);
  if (known !== undefined) return known;
  const type = linker.types[index] ?? bug("function without type");
  const [result] = type.results;
  const reference: FunctionReference = {
    kind: "function",
    name: `embedded function ${index}`,
    parameters: [...type.params.map(integerType), "i32"],
    result: result === undefined ? null : integerType(result),
  };
  linker.internal.set(index, reference);
  return reference;
}

function integerType(type: ValueType): "i32" | "i64" {
  return type === "i32" || type === "i64" ? type : bug(`embedded value of type ${type}`);
}

function exportIndex(module: WasmModule, name: string): number {
  const found = module.exports.find((e) => e.kind === "function" && e.name === name);
  return found?.index ?? bug(`embedded code does not export '${name}'`);
}

function typesOf(module: WasmModule): FunctionType[] {
  return functionTypeIndices(module).map((i) => module.types[i] ?? bug("no such type"));
}

/** Indices of `roots` and of all that they call, imports included. */
function reachable(module: WasmModule, roots: readonly number[]): number[] {
  const imported = importsOf(module, "function").length;
  const found = new Set(roots);
  for (const index of found) {
    for (const i of module.functions[index - imported]?.body ?? []) {
      if (i.op === "call") found.add(i.function);
    }
  }
  return [...found];
}

function misuses(module: WasmModule, index: number, into: Set<Misuse>): void {
  const imports = importsOf(module, "function");
  if (imports[index]?.name === "user_store") into.add("write");
  const f = module.functions[index - imports.length];
  const type = typesOf(module)[index];
  const types = [...(type?.params ?? []), ...(type?.results ?? []), ...(f?.locals ?? [])];
  if (types.some(isFloat)) into.add("floating point");
  for (const { op, ...rest } of f?.body ?? []) {
    const global = "global" in rest ? module.globals[rest.global] : undefined;
    if (/f32|f64/.test(op) || (global && isFloat(global.type))) into.add("floating point");
    if (/^(call_indirect|table\.|ref\.)/.test(op)) into.add("function values");
    if (/^memory\.(grow|init|atomic\.)|^data\.drop/.test(op)) into.add("memory");
  }
}

function isFloat(type: ValueType): boolean {
  return type === "f32" || type === "f64";
}

/** Addresses of mutable globals, 8 bytes each. */
function placeGlobals(globals: readonly Global[], start: number): readonly (number | null)[] {
  let next = Math.ceil(start / 8) * 8;
  return globals.map((global) => {
    if (!global.mutable) return null;
    next += 8;
    return next - 8;
  });
}

function cellData(globals: readonly Global[], cells: readonly (number | null)[]): IrData[] {
  return globals.flatMap(({ init }, index) => {
    const address = cells[index] ?? null;
    const [value] = init;
    if (address === null) return [];
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    if (value?.op === "i32.const") view.setInt32(0, value.value, true);
    else if (value?.op === "i64.const") view.setBigInt64(0, BigInt.asIntN(64, value.value), true);
    return [{ address, bytes }];
  });
}

function dataOf({ mode, bytes }: WasmModule["data"][number]): IrData {
  const [offset] = mode.kind === "active" ? mode.offset : [];
  return offset?.op === "i32.const"
    ? { address: offset.value, bytes }
    : bug("data without address");
}
