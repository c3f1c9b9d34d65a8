/**
 * A WebAssembly module as data (Wasm core 2.0 §2.5): what the encoder writes, the decoder gives
 * and the code generator reads. Index spaces start with the imports of their kind.
 *
 * Instruction lists are flat: `block`, `loop` and `if` are closed by an explicit `end`; the `end`
 * of the whole body or constant expression is not in the list.
 */
import type { ImmediateKind, Mnemonic, OPCODES } from "./opcodes.js";

/** Type of a value; references only appear where the test suite needs them. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "funcref" | "externref";

/** Parameters and results of a function. */
export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Type of a block: nothing, one result, or an index into `types`. */
export type BlockType = null | ValueType | { readonly type: number };

/** Fields that each kind of immediates gives an instruction. */
export interface Immediates {
  none: unknown;
  block: { readonly type: BlockType };
  label: { readonly label: number };
  labels: { readonly labels: readonly number[]; readonly fallback: number };
  function: { readonly function: number };
  indirect: { readonly type: number; readonly table?: number };
  types: { readonly types: readonly ValueType[] };
  local: { readonly local: number };
  global: { readonly global: number };
  /** `align` is the base-2 logarithm; without it the natural alignment. */
  memory: { readonly offset?: number; readonly align?: number };
  memoryIndex: unknown;
  memoryInit: { readonly data: number };
  memoryCopy: unknown;
  data: { readonly data: number };
  tableInit: { readonly element: number; readonly table: number };
  tableCopy: { readonly to: number; readonly from: number };
  element: { readonly element: number };
  fence: unknown;
  reftype: { readonly type: "funcref" | "externref" };
  /** Signed or unsigned; written modulo 2^32. */
  i32: { readonly value: number };
  /** Signed or unsigned; written modulo 2^64. */
  i64: { readonly value: bigint };
  /** IEEE 754 bit patterns. */
  f32: { readonly bits: number };
  f64: { readonly bits: bigint };
}

type InstructionOf<M extends Mnemonic> = M extends Mnemonic
  ? { readonly op: M } & Immediates[(typeof OPCODES)[M]["immediate"]]
  : never;

/** One instruction, e.g. `{ op: "i32.const", value: 1 }`. */
export type Instruction = InstructionOf<Mnemonic>;

/** Mnemonics whose immediates are of kind `K`. */
export type MnemonicWith<K extends ImmediateKind> = {
  [M in Mnemonic]: (typeof OPCODES)[M]["immediate"] extends K ? M : never;
}[Mnemonic];

/** Minimum and maximum in units of the thing limited; null = no maximum. */
export interface Limits {
  readonly minimum: number;
  readonly maximum: number | null;
}

/** Memory, in pages of 64 KiB. */
export interface MemoryType extends Limits {
  readonly shared: boolean;
}

/** Table, in elements. */
export interface TableType extends Limits {
  readonly element: "funcref" | "externref";
}

/** Type of a global variable. */
export interface GlobalType {
  readonly type: ValueType;
  readonly mutable: boolean;
}

/** Something imported. */
export type Import = { readonly module: string; readonly name: string } & (
  | { readonly kind: "function"; readonly type: number }
  | { readonly kind: "table"; readonly table: TableType }
  | { readonly kind: "memory"; readonly memory: MemoryType }
  | { readonly kind: "global"; readonly global: GlobalType }
);

/** Something exported; `index` is in the index space of `kind`. */
export interface Export {
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global";
  readonly index: number;
}

/** A function with a body; `type` indexes `types`. `locals` come after the parameters. */
export interface WasmFunction {
  readonly type: number;
  readonly locals: readonly ValueType[];
  readonly body: readonly Instruction[];
}

/** A global variable and the constant expression that sets it. */
export interface Global extends GlobalType {
  readonly init: readonly Instruction[];
}

/** When a segment is used: at instantiation, by memory.init or table.init, or never. */
export type SegmentMode<Target extends string> =
  | ({ readonly kind: "active"; readonly offset: readonly Instruction[] } & {
      readonly [T in Target]: number;
    })
  | { readonly kind: "passive" }
  | { readonly kind: "declarative" };

/** Elements of a table: constant expressions that give references. */
export interface ElementSegment {
  readonly type: "funcref" | "externref";
  readonly mode: SegmentMode<"table">;
  readonly items: readonly (readonly Instruction[])[];
}

/** Bytes for memory. */
export interface DataSegment {
  readonly mode: SegmentMode<"memory">;
  readonly bytes: Uint8Array;
}

/** A custom section; the encoder writes them after all others. */
export interface CustomSection {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A whole module. */
export interface WasmModule {
  readonly types: readonly FunctionType[];
  readonly imports: readonly Import[];
  readonly functions: readonly WasmFunction[];
  readonly tables: readonly TableType[];
  readonly memories: readonly MemoryType[];
  readonly globals: readonly Global[];
  readonly exports: readonly Export[];
  readonly start: number | null;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  readonly custom: readonly CustomSection[];
}

/** A module with nothing in it, to spread into others. */
export const EMPTY_MODULE: WasmModule = {
  types: [],
  imports: [],
  functions: [],
  tables: [],
  memories: [],
  globals: [],
  exports: [],
  start: null,
  elements: [],
  data: [],
  custom: [],
};

/** Imports of one kind, in order: the head of that kind's index space. */
export function importsOf<K extends Import["kind"]>(
  module: WasmModule,
  kind: K,
): Extract<Import, { kind: K }>[] {
  return module.imports.filter((i): i is Extract<Import, { kind: K }> => i.kind === kind);
}

/** Type indices of all functions, imported ones first. */
export function functionTypeIndices(module: WasmModule): number[] {
  return [
    ...importsOf(module, "function").map((i) => i.type),
    ...module.functions.map((f) => f.type),
  ];
}

/** All tables, imported ones first. */
export function allTables(module: WasmModule): TableType[] {
  return [...importsOf(module, "table").map((i) => i.table), ...module.tables];
}

/** All memories, imported ones first. */
export function allMemories(module: WasmModule): MemoryType[] {
  return [...importsOf(module, "memory").map((i) => i.memory), ...module.memories];
}

/** Types of all globals, imported ones first. */
export function allGlobals(module: WasmModule): GlobalType[] {
  return [...importsOf(module, "global").map((i) => i.global), ...module.globals];
}
