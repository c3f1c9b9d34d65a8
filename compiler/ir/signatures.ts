/**
 * Parameter and result types of everything that generated code calls: the library by its ABI
 * table, host functions as wasm-runtime/host.wit states them.
 */
import { bug } from "../../base/assert.js";
import { LIBRARY } from "../../wasm-runtime/library-abi.js";
import type { Callee, ValueType } from "./ir.js";

/** Types of a function. */
export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
}

/** Host functions that generated code calls itself; the letters are those of LIBRARY. */
export const HOST = { register: "i>l", vector: "ii>l", thread_storage: "i>l" } as const;
/** Name of such a host function. */
export type HostFunction = keyof typeof HOST;

/** Types that `text` (`parameters>results`, i = i32, l = i64) stands for. */
export function parseSignature(text: string): Signature {
  const known = PARSED.get(text);
  if (known !== undefined) return known;
  const signature = readSignature(text);
  PARSED.set(text, signature);
  return signature;
}

/** The texts are constants, a few hundred. */
const PARSED = new Map<string, Signature>();

function readSignature(text: string): Signature {
  const [parameters, result, ...rest] = text.split(">");
  if (parameters === undefined || result === undefined || rest.length > 0 || result.length > 1) {
    return bug(`malformed signature '${text}'`);
  }
  return {
    parameters: [...parameters].map(letterType),
    result: result === "" ? null : letterType(result),
  };
}

/** Types of `callee`. */
export function signatureOf(callee: Callee): Signature {
  switch (callee.kind) {
    case "library":
      return parseSignature(LIBRARY[callee.name]);
    case "host":
      return parseSignature(HOST[callee.name]);
    case "function":
      return callee;
  }
}

function letterType(letter: string): ValueType {
  if (letter === "i") return "i32";
  if (letter === "l") return "i64";
  return bug(`unknown type letter '${letter}'`);
}
