/**
 * Checks that a build of the library keeps its contract: takes the bytes of library.wasm, gives
 * what is wrong with it, one line each. Held: exports and signatures of LIBRARY, imports of memory
 * and HOST only, no state outside of linear memory, data within LIBRARY_DATA, no start function.
 */
import { HOST } from "./host.js";
import { LIBRARY_DATA } from "./layout/memory.js";
import { LIBRARY } from "./library-abi.js";
import { decodeModule } from "./module/decode.js";
import { functionTypeIndices, type WasmModule } from "./module/module.js";
import { showSignature } from "./signature.js";

/** Problems of the library `bytes`; empty if it is as library-abi.ts says. */
export function checkLibrary(bytes: Uint8Array): string[] {
  const module = decodeModule(bytes);
  return [
    ...checkExports(module),
    ...checkImports(module),
    ...checkState(module),
    ...module.data.flatMap(checkData),
  ];
}

function checkExports(module: WasmModule): string[] {
  const types = functionTypeIndices(module);
  const wanted = new Map<string, string>(Object.entries(LIBRARY));
  const problems: string[] = [];
  for (const { name, kind, index } of module.exports) {
    const expected = wanted.get(name);
    wanted.delete(name);
    const found = kind === "function" ? showSignature(module.types[types[index] ?? -1]) : kind;
    if (expected === undefined) problems.push(`export "${name}" is not in library-abi.ts`);
    else if (found !== expected) problems.push(`export "${name}" is ${found}, not ${expected}`);
  }
  return [...problems, ...[...wanted.keys()].map((name) => `export "${name}" is missing`)];
}

function checkImports(module: WasmModule): string[] {
  const host = new Map<string, string>(Object.entries(HOST));
  const problems: string[] = [];
  for (const each of module.imports) {
    const name = `import "${each.module}" "${each.name}"`;
    if (each.kind === "memory" && each.module === "env" && each.name === "memory") {
      if (!each.memory.shared) problems.push(`${name} is not shared`);
    } else if (each.kind === "function" && each.module === "host") {
      const found = showSignature(module.types[each.type]);
      const expected = host.get(each.name) ?? "unknown";
      if (found !== expected) problems.push(`${name} is ${found}, not ${expected}`);
    } else problems.push(`${name} is unexpected`);
  }
  return problems;
}

function checkState(module: WasmModule): string[] {
  const problems: string[] = [];
  if (module.globals.some((global) => global.mutable)) problems.push("has mutable globals");
  if (module.start !== null) problems.push("has a start function");
  if (module.tables.length > 0) problems.push("has a table");
  if (module.memories.length > 0) problems.push("has a memory of its own");
  return problems;
}

function checkData({ mode, bytes }: WasmModule["data"][number]): string[] {
  const offset = mode.kind === "active" ? mode.offset[0] : undefined;
  if (offset?.op !== "i32.const") return ["has data that is not at a fixed address"];
  const end = LIBRARY_DATA.address + LIBRARY_DATA.bytes;
  const inside = offset.value >= LIBRARY_DATA.address && offset.value + bytes.length <= end;
  return inside ? [] : [`data at ${offset.value} leaves the library's area`];
}
