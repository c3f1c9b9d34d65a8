/** Wasm functions of script functions: their types, and references to those that will be lowered. */
import type { FunctionReference, ValueType } from "../ir/ir.js";
import type { FunctionInstance } from "../types/program.js";
import type { Unit } from "./unit.js";

/** Wasm types of `fn`: context, each parameter, `out` if it gives a string. */
export function signatureFor(fn: FunctionInstance): {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
} {
  const parameters = fn.parameters.map((p): ValueType => (p.type === "long" ? "i64" : "i32"));
  const out: ValueType[] = fn.result === "string" ? ["i32"] : [];
  return {
    parameters: ["i32", ...parameters, ...out],
    result: fn.result === "long" ? "i64" : null,
  };
}

/** Reference to the Wasm function of `fn`, which will be lowered. */
export function referenceTo(fn: FunctionInstance, unit: Unit): FunctionReference {
  const known = unit.functions.get(fn);
  if (known !== undefined) return known;
  const name = `${fn.uniqueName}()`;
  const reference: FunctionReference = { kind: "function", name, ...signatureFor(fn) };
  unit.functions.set(fn, reference);
  return reference;
}
