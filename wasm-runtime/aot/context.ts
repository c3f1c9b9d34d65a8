/**
 * What the parts of the code generator share while one function is compiled: the module as the
 * linker laid it out, the assembler, the operand stack and the open blocks.
 */
import { assert, bug } from "../../base/assert.js";
import type { FunctionType, Instruction, ValueType, WasmFunction } from "../module/module.js";
import type { ControlMap } from "./control-map.js";
import type { Allocation } from "./frame.js";
import { isFloatType } from "./frame.js";
import {
  type Condition,
  FLOAT_REGISTER,
  type FrameShape,
  type JumpLabel,
  type LinkSymbol,
  type MachineType,
  type Masm,
  type Register,
} from "./masm.js";
import type { OperandStack } from "./operands.js";

/** How a function is reached. `offset` is in the instance data. */
export type CallTarget =
  | { readonly kind: "direct"; readonly symbol: LinkSymbol }
  | { readonly kind: "host"; readonly index: number; readonly name: string }
  | { readonly kind: "descriptor"; readonly offset: number };

/** Where a global is. A cell is in another instance; its address is at `offset`. */
export type GlobalPlace =
  | { readonly kind: "constant"; readonly bits: bigint }
  | { readonly kind: "instance"; readonly offset: number }
  | { readonly kind: "cell"; readonly offset: number };

/** How a table is reached: as constant data of the image, or through the instance data. */
export type TablePlace =
  | { readonly kind: "static"; readonly symbol: LinkSymbol; readonly size: number }
  | { readonly kind: "dynamic"; readonly offset: number };

/** A module as compiled code sees it; arrays are indexed as in the module. */
export interface ModuleContext {
  readonly types: readonly FunctionType[];
  /** Types of all functions, imported ones first. */
  readonly functionTypes: readonly FunctionType[];
  readonly targets: readonly CallTarget[];
  readonly globals: readonly GlobalPlace[];
  readonly globalTypes: readonly ValueType[];
  readonly tables: readonly TablePlace[];
  /** Number that stands for type `i` in every module of the image; never 0. */
  readonly signatures: readonly number[];
  /** Memory is never smaller than `minimumBytes`, and always `fixedBytes` if that is not null. */
  readonly memory: { readonly minimumBytes: number; readonly fixedBytes: number | null };
  /** Offsets in the instance data of segments { u64 address, u64 size }. */
  readonly dataSegments: readonly number[];
  readonly elementSegments: readonly number[];
  /** Offset of the descriptor of a function that is referred to (own), or of its address. */
  readonly functionReferences: ReadonlyMap<number, { offset: number; imported: boolean }>;
}

/** A block that is open. */
export interface Block {
  readonly kind: "block" | "loop" | "if" | "function";
  readonly label: JumpLabel;
  /** Height of the operand stack below its parameters. */
  readonly height: number;
  readonly params: readonly MachineType[];
  readonly results: readonly MachineType[];
  /** For `if` until its else: where the condition jumps when it is false. */
  elseLabel: JumpLabel | null;
  /** Parameters as they were on entry. */
  readonly entry: OperandStack["values"];
  /** Whether any branch goes to `label`. */
  used: boolean;
}

/** State of the compilation of one function. */
export interface FunctionContext {
  readonly module: ModuleContext;
  readonly masm: Masm;
  readonly stack: OperandStack;
  readonly allocation: Allocation;
  /** Its size is final only when the whole body is compiled. */
  frame: FrameShape;
  readonly source: WasmFunction;
  readonly map: ControlMap;
  readonly localTypes: readonly MachineType[];
  readonly blocks: Block[];
  /** Index of the instruction that is compiled. */
  at: number;
  reachable: boolean;
  /** Set by a comparison whose only use is the next instruction: the flags hold it. */
  pending: Condition | null;
  /** Local → bytes from its value on that are known to be inside memory. */
  readonly checked: Map<number, number>;
}

/** The instruction behind the current one. */
export function nextInstruction(fc: FunctionContext): Instruction | undefined {
  return fc.source.body[fc.at + 1];
}

/** The type of `local`. */
export function localType(fc: FunctionContext, local: number): MachineType {
  return fc.localTypes[local] ?? bug(`no local ${local}`);
}

/**
 * Register for a result of `type`: that of the local it is about to be assigned to, or that of an
 * operand which is a temporary, or a new one. Operands were popped and are released by `finish`.
 */
export function resultRegister(
  fc: FunctionContext,
  type: MachineType,
  ...operands: readonly (Register | { imm: number })[]
): Register {
  const next = nextInstruction(fc);
  if (next?.op === "local.set" || next?.op === "local.tee") {
    const place = fc.stack.placeOf(next.local);
    if (place.kind === "register" && !fc.stack.refersTo(place)) return place.register;
  }
  for (const operand of operands) {
    if (typeof operand !== "number" || !fc.stack.isTemporary(operand)) continue;
    if (operand >= FLOAT_REGISTER === isFloatType(type)) return operand;
  }
  return fc.stack.acquire(type);
}

/** Releases all operands but the result, and pushes that. */
export function finish(
  fc: FunctionContext,
  type: MachineType,
  result: Register,
  ...operands: readonly (Register | { imm: number })[]
): void {
  for (const operand of operands) if (operand !== result) fc.stack.release(operand);
  fc.stack.pushRegister(type, result);
}

/** The block that `label` names, counted from the innermost. */
export function blockAt(fc: FunctionContext, label: number): Block {
  const block = fc.blocks.at(-1 - label);
  assert(block !== undefined, `no label ${label}`);
  return block;
}
