/** What generated code may assume of library functions, and how tapsets name them. */
import { LIBRARY, type LibraryFunction } from "../../wasm-runtime/library-abi.js";
import type { EmbeddedCode } from "../syntax/ast.js";
import type { FunctionInstance } from "../types/program.js";

/** Library function that the body `%{ NAME %}` of tapset function `fn` names, null for other bodies. */
export function boundName({ body, span }: FunctionInstance): LibraryFunction | null {
  if (body.kind !== "embedded" || !span.file.library) return null;
  const known = BOUND.get(body);
  if (known !== undefined) return known;
  const name = nameIn(body);
  BOUND.set(body, name);
  return name;
}

/** What bodies of embedded code name, which lowering asks at every call. */
const BOUND = new WeakMap<EmbeddedCode, LibraryFunction | null>();

function nameIn(body: EmbeddedCode): LibraryFunction | null {
  const name = body.code.replace(/\/\*[\s\S]*?\*\//g, " ").trim();
  return isLibraryFunction(name) ? name : null;
}

function isLibraryFunction(name: string): name is LibraryFunction {
  return Object.hasOwn(LIBRARY, name);
}

/** True if `name` keeps the call chain of the hit in the context. */
export function usesStack(name: LibraryFunction): boolean {
  return STACK.includes(name);
}

const STACK: readonly LibraryFunction[] = [
  "ubacktrace",
  "stack_address",
  "stack_start",
  "frame_text",
  "frame_source",
];

/** True if `name` may set CONTEXT.error. */
export function canFail(name: LibraryFunction): boolean {
  return !CANNOT_FAIL.has(name);
}

/** True if `name` uses what `enter` prepares: error, record, scratch, keys, probe. */
export function needsEnter(name: LibraryFunction): boolean {
  return !INDEPENDENT.has(name);
}

const IDENTITY: readonly LibraryFunction[] = [
  "pid",
  "tid",
  "ppid",
  "pgrp",
  "sid",
  "uid",
  "euid",
  "gid",
  "egid",
  "cpu",
  "target",
  "stp_pid",
  "start_area",
];

const CLOCKS: readonly LibraryFunction[] = [
  "gettimeofday_ns",
  "gettimeofday_us",
  "gettimeofday_ms",
  "gettimeofday_s",
  "monotonic_ns",
  "get_cycles",
];

const STRINGS: readonly LibraryFunction[] = ["strlen", "isinstr", "strpos", "strtol", "isdigit"];

const FLOATS: readonly LibraryFunction[] = [
  "fp_add",
  "fp_sub",
  "fp_mul",
  "fp_div",
  "fp_rem",
  "fp_sqrt",
  "fp_eq",
  "fp_le",
  "fp_lt",
  "long_to_fp",
  "fp_to_long",
  "fp32_to_fp64",
];

const INDEPENDENT: ReadonlySet<LibraryFunction> = new Set<LibraryFunction>([
  ...IDENTITY,
  ...CLOCKS,
  ...STRINGS,
  ...FLOATS,
  "long_add",
  "stat_add",
  "stat_merge",
  "stat_clear",
  "string_copy",
  "string_append",
  "string_compare",
  "regex_test",
  "string_widen",
  "string_narrow",
  "map_clear",
  "map_sort",
  "map_first",
  "map_next",
  "register_value",
  "exit",
]);

const CANNOT_FAIL: ReadonlySet<LibraryFunction> = new Set<LibraryFunction>([
  ...INDEPENDENT,
  ...STACK,
  "address_text",
  "source_text",
  "module_text",
  "module_offset",
  "substr",
  "regex_match",
  "execname",
  "proc_file",
  "probe_text",
  "is_return",
  "module_name",
  "tz_name",
  "tz_gmtoff",
  "user_load_nofault",
  "user_string_or",
  "warn",
  "system",
]);
