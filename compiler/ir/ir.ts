/**
 * Intermediate representation: structured, typed code one step above WebAssembly.
 *
 * Expressions have no side effects but for calls; control flow is blocks, loops and branches to
 * labels as in Wasm core 2.0 §2.4.8. Locals and labels are objects, compared by identity; their
 * names are unique in a function. Operators carry the names of the Wasm instructions they become.
 */
import type { LibraryFunction } from "../../wasm-runtime/library-abi.js";
import type { Instruction, ValueType as WasmType } from "../../wasm-runtime/module/module.js";
import type { HostFunction } from "./signatures.js";

/** Type of a value on the Wasm stack; addresses are i32. */
export type ValueType = "i32" | "i64";

/** A local variable or parameter. */
export interface IrLocal {
  readonly name: string;
  readonly type: ValueType;
}

/** Target of branches: the end of a block or the head of a loop. */
export interface IrLabel {
  readonly name: string;
}

type IntegerOperator =
  | "add"
  | "sub"
  | "mul"
  | "div_s"
  | "div_u"
  | "rem_s"
  | "rem_u"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr_s"
  | "shr_u";
type Comparison =
  | "eq"
  | "ne"
  | "lt_s"
  | "lt_u"
  | "gt_s"
  | "gt_u"
  | "le_s"
  | "le_u"
  | "ge_s"
  | "ge_u";
/** Instructions of two operands; comparisons give i32. */
export type BinaryOp = `${ValueType}.${IntegerOperator | Comparison}`;
/** Instructions of one operand. */
export type UnaryOp =
  | "i32.eqz"
  | "i64.eqz"
  | "i32.wrap_i64"
  | "i64.extend_i32_s"
  | "i64.extend_i32_u"
  | "i64.extend8_s"
  | "i64.extend16_s"
  | "i64.extend32_s";
/** Loads; the width is part of the name. */
export type LoadOp = "i32.load" | "i32.load8_u" | "i64.load";
/** Stores. */
export type StoreOp = "i32.store" | "i32.store8" | "i64.store";

/** A function that generated code calls. */
export type Callee =
  | { readonly kind: "library"; readonly name: LibraryFunction }
  | { readonly kind: "host"; readonly name: HostFunction }
  | FunctionReference;

/** A function of the same module, known before its body is. */
export interface FunctionReference {
  readonly kind: "function";
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
}

/** A value. */
export type IrExpression =
  | { readonly kind: "i32"; readonly value: number }
  | { readonly kind: "i64"; readonly value: bigint }
  | { readonly kind: "get"; readonly local: IrLocal }
  | {
      readonly kind: "load";
      readonly op: LoadOp;
      readonly address: IrExpression;
      readonly offset: number;
    }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly operand: IrExpression }
  | {
      readonly kind: "binary";
      readonly op: BinaryOp;
      readonly left: IrExpression;
      readonly right: IrExpression;
    }
  | IrCall;

/** A call, as a value or as a statement. */
export interface IrCall {
  readonly kind: "call";
  readonly callee: Callee;
  readonly args: readonly IrExpression[];
}

/** What a function does, in order. */
export type IrStatement =
  | { readonly kind: "set"; readonly local: IrLocal; readonly value: IrExpression }
  | {
      readonly kind: "store";
      readonly op: StoreOp;
      readonly address: IrExpression;
      readonly offset: number;
      readonly value: IrExpression;
    }
  /** A call whose result, if any, is dropped. */
  | { readonly kind: "do"; readonly call: IrCall }
  | { readonly kind: "block"; readonly label: IrLabel; readonly body: readonly IrStatement[] }
  | { readonly kind: "loop"; readonly label: IrLabel; readonly body: readonly IrStatement[] }
  | {
      readonly kind: "if";
      readonly condition: IrExpression;
      readonly consequent: readonly IrStatement[];
      readonly alternate: readonly IrStatement[];
    }
  /** Branch, taken if `condition` (i32) is not 0 or absent. */
  | { readonly kind: "branch"; readonly label: IrLabel; readonly condition: IrExpression | null }
  | { readonly kind: "return"; readonly value: IrExpression | null };

/** A function with its body. */
export interface IrFunction {
  readonly reference: FunctionReference;
  /** Export name, null for internal functions. */
  readonly exported: string | null;
  readonly parameters: readonly IrLocal[];
  readonly locals: readonly IrLocal[];
  readonly body: readonly IrStatement[];
}

/** A function that is WebAssembly already (embedded code). */
export interface ForeignFunction {
  readonly reference: FunctionReference;
  readonly locals: readonly WasmType[];
  /** `call` has an index into `callees`. */
  readonly body: readonly Instruction[];
  readonly callees: readonly Callee[];
}

/** Bytes that are in linear memory from the start. */
export interface IrData {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A whole bundle but for its custom section. */
export interface IrModule {
  readonly functions: readonly IrFunction[];
  readonly foreign: readonly ForeignFunction[];
  readonly data: readonly IrData[];
  /** Pages of linear memory, minimum and maximum. */
  readonly pages: number;
}
