/** What lowering asks of embedded code: the blocks of a program that are called, and how. */
import type { Span } from "../../base/position.js";
import type { FunctionReference, ValueType } from "../ir/ir.js";
import type { ConstExpression, EmbeddedCode } from "../syntax/ast.js";
import type { ScalarType } from "../types/program.js";

/**
 * Head of the memory of embedded code in a context (tapsets/embedded/runtime.ts): i32 address of
 * its first free byte, i32 rounds left for loops, then the objects.
 */
export const ARENA = { top: 0, rounds: 4, objects: 16 } as const;

/** Where a block stands: it is the body of a function, an expression, or a statement. */
export type BlockForm = "function" | "expression" | "statement";

/** A parameter of a block, by the name it has in the script. */
export interface BlockParameter {
  readonly name: string;
  readonly type: ScalarType;
}

/** A script function through which a block reaches a global: get_NAME, set_NAME or add_NAME. */
export interface Accessor {
  readonly name: string;
  readonly parameters: readonly BlockParameter[];
  readonly result: ScalarType | "void";
  /** (context, each parameter, out if it gives a string). */
  readonly reference: FunctionReference;
}

/** Embedded code that generated code calls. */
export interface EmbeddedBlock {
  readonly form: BlockForm;
  readonly node: EmbeddedCode | ConstExpression;
  readonly parameters: readonly BlockParameter[];
  readonly result: ScalarType | "void";
  readonly accessors: readonly Accessor[];
  /** (each parameter, out if it gives a string, context). */
  readonly reference: FunctionReference;
}

/** Value of a constant that needs no compiler, null for another. */
export function plainConstant(node: ConstExpression): bigint | null {
  const text = node.code.trim();
  return /^(0x[0-9a-f]+|[1-9]\d*|0)$/i.test(text) ? BigInt.asIntN(64, BigInt(text)) : null;
}

/** Wasm type of a value of the script. */
export function wasmType(type: ScalarType): ValueType {
  return type === "long" ? "i64" : "i32";
}

/** Place of `code` in its file: offset of its first character, null if it is not there as it is. */
export function codeStart(node: EmbeddedCode | ConstExpression): number | null {
  const { file, start } = node.span;
  const at = node.kind === "embedded" ? start + 2 : file.text.indexOf(node.code, start);
  return at >= 0 && file.text.startsWith(node.code, at) ? at : null;
}

/** The part [start, start + length) of the code of `node`, or its first token. */
export function spanOfCode(
  node: EmbeddedCode | ConstExpression,
  start: number,
  length: number,
): Span {
  const base = codeStart(node);
  const { file } = node.span;
  return base === null ? node.span : { file, start: base + start, end: base + start + length };
}
