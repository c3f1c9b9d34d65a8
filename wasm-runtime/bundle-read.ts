/**
 * Reads a bundle: takes bytes from anywhere, gives a module that V8 has validated and its checked
 * description. Whatever is not a bundle of this version ends in a TargetError that says what it is.
 */
import { Unpackr } from "msgpackr";
import { TargetError } from "../base/target-error.js";
import { BUNDLE_SECTION, type BundleMeta } from "./bundle.js";
import { HOST } from "./host.js";
import { LIBRARY } from "./library-abi.js";
import { checkMeta } from "./meta-check.js";
import { decodeModule } from "./module/decode.js";
import { functionTypeIndices, type Import, type WasmModule } from "./module/module.js";
import { showSignature } from "./signature.js";

/** A bundle that may be linked. */
export interface Bundle {
  readonly module: WebAssembly.Module;
  readonly meta: BundleMeta;
}

/** The bundle in `bytes`; `name` (a path) is for messages. Throws TargetError. */
export function readBundle(bytes: Uint8Array, name = "bundle"): Bundle {
  const fail = (reason: string, cause?: unknown): never => {
    const about = { operation: "read bundle", subject: name };
    throw new TargetError(`"${name}" is not a bundle of wastap: ${reason}`, about, { cause });
  };
  if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") !== "\0asm") fail("not WebAssembly");
  const module = compile(bytes, fail);
  const sections = WebAssembly.Module.customSections(module, BUNDLE_SECTION);
  const section = sections[0];
  if (section === undefined) return fail(`it has no section "${BUNDLE_SECTION}"`);
  if (sections.length > 1) fail(`it has more than one section "${BUNDLE_SECTION}"`);
  const meta = unpack(new Uint8Array(section), fail);
  const problem = checkMeta(meta);
  if (problem !== null) fail(describeProblem(problem));
  const decoded = decodeModule(bytes);
  const wrong = checkImports(decoded, meta) ?? checkExports(decoded, meta);
  if (wrong !== null) fail(wrong);
  return { module, meta };
}

type Fail = (reason: string, cause?: unknown) => never;

function compile(bytes: Uint8Array, fail: Fail): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes as BufferSource);
  } catch (error) {
    return fail(`invalid WebAssembly (${(error as Error).message})`, error);
  }
}

/** Plain data; checkMeta decides whether it is a BundleMeta. */
function unpack(section: Uint8Array, fail: Fail): BundleMeta {
  try {
    return new Unpackr({ useRecords: false, int64AsType: "number" }).unpack(section) as BundleMeta;
  } catch (error) {
    return fail("its description is no msgpack", error);
  }
}

function describeProblem(problem: string): string {
  const other = /^meta\.(version|abi): expected (\d+), found (.+)$/.exec(problem);
  if (other === null) return `its description is wrong (${problem})`;
  const what = other[1] === "abi" ? "memory layout" : "description";
  return `its ${what} has version ${other[3]}, this program reads ${other[2]}; compile it again`;
}

function checkImports(module: WasmModule, meta: BundleMeta): string | null {
  const problems = module.imports.map((each) => checkImport(module, each, meta));
  const problem = problems.find((each) => each !== null);
  if (problem !== undefined) return problem;
  if (module.start !== null) return "it has a start function";
  if (module.memories.length > 0) return "it has a memory of its own";
  const memories = module.imports.filter((each) => each.kind === "memory").length;
  return memories === 1 ? null : "it imports no memory";
}

function checkImport(module: WasmModule, each: Import, meta: BundleMeta): string | null {
  const name = `"${each.module}" "${each.name}"`;
  if (each.kind === "memory" && each.module === "env" && each.name === "memory") {
    const { minimum, maximum, shared } = each.memory;
    const fits = shared && minimum === meta.memory.pages && maximum === meta.memory.pages;
    return fits ? null : "its memory is not shared or not of the size it states";
  }
  const tables: Readonly<Record<string, object>> = { lib: LIBRARY, host: HOST };
  const known = new Map(Object.entries(tables[each.module] ?? {})).get(each.name);
  if (each.kind !== "function" || known === undefined) return `it imports unknown ${name}`;
  const found = showSignature(module.types[each.type]);
  return found === known ? null : `it imports ${name} as ${found}, not ${known}`;
}

function checkExports(module: WasmModule, meta: BundleMeta): string | null {
  const types = functionTypeIndices(module);
  const found = new Map(
    module.exports
      .filter((each) => each.kind === "function")
      .map((each) => [each.name, showSignature(module.types[types[each.index] ?? -1])]),
  );
  if (found.get("init") !== ">") return 'it exports no function "init"';
  const missing = meta.probes.find((probe) => found.get(probe.handler) !== "ii>");
  return missing === undefined ? null : `it exports no handler "${missing.handler}"`;
}
