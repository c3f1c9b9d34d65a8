/**
 * IR module + description → bytes of a bundle (wasm-runtime/bundle.ts): types, imports, functions,
 * data segments and the custom section. Imports are exactly the functions that are called.
 */
import { pack } from "msgpackr";
import { bug } from "../../base/assert.js";
import type { Stage } from "../../base/stage.js";
import { BUNDLE_SECTION, type BundleMeta } from "../../wasm-runtime/bundle.js";
import { encodeModule } from "../../wasm-runtime/module/encode.js";
import {
  type DataSegment,
  EMPTY_MODULE,
  type FunctionType,
  type Import,
  type Instruction,
  type WasmFunction,
  type WasmModule,
} from "../../wasm-runtime/module/module.js";
import { showModule } from "../../wasm-runtime/module/print.js";
import type { Callee, IrModule } from "../ir/ir.js";
import { type Signature, signatureOf } from "../ir/signatures.js";
import { verifyModule } from "../ir/verify.js";
import { allCallees } from "../ir/walk.js";
import { emitBody } from "./body.js";

/** A bundle, and the module that it encodes. */
export interface EmittedBundle {
  readonly bundle: Uint8Array;
  readonly module: WasmModule;
}

/** The stage. */
export const emitStage: Stage<LoweredBundle, EmittedBundle> = {
  name: "wasm",
  run: emitBundle,
  dump: ({ module }) => showModule(module),
};

/** What a bundle is made of. */
export interface LoweredBundle {
  readonly module: IrModule;
  readonly meta: BundleMeta;
}

/** The bundle of `input`. A module that engines would refuse is an internal error, found in the IR if it is there. */
export function emitBundle(input: LoweredBundle): EmittedBundle {
  const module = buildModule(input.module, input.meta);
  const bundle = Uint8Array.from(encodeModule(module));
  if (!WebAssembly.validate(bundle)) {
    verifyModule(input.module);
    bug(`generated module is not valid: ${whyInvalid(bundle)}`);
  }
  return { bundle, module };
}

/** The Wasm module that a bundle is. */
function buildModule(module: IrModule, meta: BundleMeta): WasmModule {
  const types = typeTable();
  const imports = importTable(module, types);
  const indices = functionIndices(module, imports);
  const indexOf = (callee: Callee): number =>
    indices.get(calleeKey(callee)) ?? bug(`no function '${callee.name}'`);
  const hasResult = (callee: Callee): boolean => signatureOf(callee).result !== null;
  const functions: WasmFunction[] = module.functions.map((fn) => ({
    type: types.indexOf(fn.reference),
    locals: fn.locals.map((local) => local.type),
    body: emitBody(fn, indexOf, hasResult),
  }));
  const foreign = module.foreign.map((fn) => ({
    type: types.indexOf(fn.reference),
    locals: fn.locals,
    body: fn.body.map((instruction) => linkCall(instruction, fn.callees, indexOf)),
  }));
  const memory = { minimum: module.pages, maximum: module.pages, shared: true };
  return {
    ...EMPTY_MODULE,
    types: types.all,
    imports: [{ module: "env", name: "memory", kind: "memory", memory }, ...imports.values()],
    functions: [...functions, ...foreign],
    exports: module.functions.flatMap((fn) =>
      fn.exported === null
        ? []
        : [{ name: fn.exported, kind: "function" as const, index: indexOf(fn.reference) }],
    ),
    data: module.data.map(dataSegment),
    custom: [{ name: BUNDLE_SECTION, bytes: pack(meta) }],
  };
}

interface TypeTable {
  readonly all: FunctionType[];
  indexOf(signature: Signature): number;
}

function typeTable(): TypeTable {
  const all: FunctionType[] = [];
  const known = new Map<string, number>();
  return {
    all,
    indexOf({ parameters, result }): number {
      const key = `${parameters.join()}>${result ?? ""}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      known.set(key, all.length);
      all.push({ params: parameters, results: result === null ? [] : [result] });
      return all.length - 1;
    },
  };
}

/** Function imports by calleeKey, in the order in which they are first called. */
function importTable(module: IrModule, types: TypeTable): Map<string, Import> {
  const imports = new Map<string, Import>();
  for (const callee of allCallees(module)) {
    if (callee.kind === "function" || imports.has(calleeKey(callee))) continue;
    const type = types.indexOf(signatureOf(callee));
    const from = callee.kind === "library" ? "lib" : "host";
    imports.set(calleeKey(callee), { module: from, name: callee.name, kind: "function", type });
  }
  return imports;
}

function functionIndices(
  module: IrModule,
  imports: ReadonlyMap<string, Import>,
): ReadonlyMap<string, number> {
  const functions = [...module.functions, ...module.foreign];
  const keys = [...imports.keys(), ...functions.map((fn) => calleeKey(fn.reference))];
  return new Map(keys.map((key, index) => [key, index]));
}

/** `instruction` of a foreign function with the index of its callee in the module. */
function linkCall(
  instruction: Instruction,
  callees: readonly Callee[],
  indexOf: (callee: Callee) => number,
): Instruction {
  if (instruction.op !== "call") return instruction;
  const callee = callees[instruction.function] ?? bug("foreign call without callee");
  return { op: "call", function: indexOf(callee) };
}

function calleeKey(callee: Callee): string {
  return `${callee.kind}.${callee.name}`;
}

function dataSegment(data: IrModule["data"][number]): DataSegment {
  return {
    mode: { kind: "active", memory: 0, offset: [{ op: "i32.const", value: data.address }] },
    bytes: data.bytes,
  };
}

function whyInvalid(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    new WebAssembly.Module(bytes);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
