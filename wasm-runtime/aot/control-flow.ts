/**
 * Blocks and branches. Where paths join, all agree on this: below a block, operands are constants
 * or in their slots; one result is in the result register; several, and parameters of loops, are
 * in the slots of their heights.
 */
import { bug } from "../../base/assert.js";
import type { BlockType, FunctionType, Instruction } from "../module/module.js";
import {
  type Block,
  blockAt,
  type FunctionContext,
  nextInstruction,
  resultRegister,
} from "./context.js";
import { incomingOffset, isFloatType, machineType } from "./frame.js";
import type { Condition, JumpLabel, MachineType, Register } from "./masm.js";

const OPPOSITES: Readonly<Record<Condition, Condition>> = {
  eq: "ne",
  ne: "eq",
  lt_s: "ge_s",
  ge_s: "lt_s",
  lt_u: "ge_u",
  ge_u: "lt_u",
  gt_s: "le_s",
  le_s: "gt_s",
  gt_u: "le_u",
  le_u: "gt_u",
};

/** The condition that holds exactly when `condition` does not. */
export function opposite(condition: Condition): Condition {
  return OPPOSITES[condition];
}

function blockSignature(fc: FunctionContext, type: BlockType): FunctionType {
  if (type === null) return { params: [], results: [] };
  if (typeof type === "string") return { params: [], results: [type] };
  return fc.module.types[type.type] ?? bug(`no type ${type.type}`);
}

/** Opens the block that is the whole function. */
export function openFunction(fc: FunctionContext, type: FunctionType): void {
  fc.blocks.push({
    kind: "function",
    label: fc.masm.newLabel(),
    height: 0,
    params: [],
    results: type.results.map(machineType),
    elseLabel: null,
    entry: [],
    used: false,
  });
}

/** Compiles block, loop or if. */
export function openBlock(
  fc: FunctionContext,
  i: Extract<Instruction, { op: "block" | "loop" | "if" }>,
): void {
  const { masm, stack } = fc;
  const signature = blockSignature(fc, i.type);
  const condition = i.op === "if" ? takeCondition(fc) : null;
  const height = stack.values.length - signature.params.length;
  stack.flush();
  if (i.op === "loop") stack.flushFrom(height);
  const block: Block = {
    kind: i.op,
    label: masm.newLabel(),
    height,
    params: signature.params.map(machineType),
    results: signature.results.map(machineType),
    elseLabel: null,
    entry: stack.values.slice(height),
    used: false,
  };
  fc.blocks.push(block);
  if (condition !== null) {
    block.elseLabel = masm.newLabel();
    masm.branch(opposite(condition), block.elseLabel);
  }
  if (i.op === "loop") {
    fc.checked.clear();
    masm.bind(block.label);
    masm.charge();
  }
}

/** Compiles else. */
export function compileElse(fc: FunctionContext): void {
  const { masm, stack } = fc;
  const block = blockAt(fc, 0);
  if (fc.reachable) {
    moveResults(fc, block);
    block.used = true;
    masm.jump(block.label);
  }
  stack.truncate(block.height);
  if (block.elseLabel === null) bug("else without if");
  masm.bind(block.elseLabel);
  block.elseLabel = null;
  for (const value of block.entry) stack.push(value);
  fc.reachable = true;
  fc.checked.clear();
}

/** Compiles the end of the innermost block. */
export function closeBlock(fc: FunctionContext): void {
  if (blockAt(fc, 0).elseLabel !== null) compileElse(fc);
  const { masm, stack } = fc;
  const block = fc.blocks.pop() ?? bug("no block to close");
  if (block.kind === "loop" || !block.used) {
    if (!fc.reachable) stack.truncate(block.height);
    return;
  }
  if (fc.reachable) moveResults(fc, block);
  stack.truncate(block.height);
  masm.bind(block.label);
  fc.checked.clear();
  fc.reachable = true;
  const [type] = block.results;
  if (block.results.length === 1 && type !== undefined) {
    stack.pushRegister(type, resultPlace(fc, type));
  } else for (const result of block.results) stack.pushSpilled(result);
}

/** Ends the function: the place that `return` jumps to, and the way out. */
export function closeFunction(fc: FunctionContext): void {
  const block = fc.blocks.pop() ?? bug("function block missing");
  if (fc.reachable) emitMoves(fc, block);
  if (fc.reachable || block.used) {
    fc.masm.bind(block.label);
    fc.masm.epilogue(fc.frame);
  }
}

function resultPlace(fc: FunctionContext, type: MachineType): Register {
  return isFloatType(type) ? fc.masm.registers.floatResult : fc.masm.registers.result;
}

/** Types of what a branch to `block` carries. */
function labelTypes(block: Block): readonly MachineType[] {
  return block.kind === "loop" ? block.params : block.results;
}

/** Brings the top entries to where the end of `block` expects its results, as entries. */
function moveResults(fc: FunctionContext, block: Block): void {
  const [type] = block.results;
  if (block.results.length === 1 && type !== undefined) {
    const place = resultPlace(fc, type);
    fc.stack.popInto(place);
    fc.stack.pushRegister(type, place);
  } else fc.stack.flushFrom(block.height);
}

/** Copies what a branch to `block` carries to its place; entries stay as they are. */
function emitMoves(fc: FunctionContext, block: Block): void {
  const { stack } = fc;
  const types = labelTypes(block);
  const [type] = types;
  if (block.kind !== "loop" && types.length === 1 && type !== undefined) {
    stack.load(resultPlace(fc, type), stack.peek());
    return;
  }
  for (const index of types.keys()) {
    const value = stack.peek(types.length - 1 - index);
    const offset =
      block.kind === "function"
        ? incomingOffset(fc.frame, index)
        : stack.slotOffset(block.height + index);
    stack.store(offset, value);
  }
}

/** Nothing follows here: drops the operands of the innermost block. */
export function markUnreachable(fc: FunctionContext): void {
  fc.stack.truncate(blockAt(fc, 0).height);
  fc.reachable = false;
}

/** Compiles br, or return as br to the outermost block. */
export function compileBranch(fc: FunctionContext, label: number): void {
  const block = blockAt(fc, label);
  block.used = true;
  emitMoves(fc, block);
  fc.masm.jump(block.label);
  markUnreachable(fc);
}

/** Compiles br_if. */
export function compileBranchIf(fc: FunctionContext, label: number): void {
  const { masm, stack } = fc;
  const block = blockAt(fc, label);
  block.used = true;
  const types = labelTypes(block);
  const condition = takeCondition(fc);
  const [type] = types;
  if (types.length === 0) masm.branch(condition, block.label);
  else if (block.kind !== "loop" && types.length === 1 && type !== undefined) {
    const place = resultPlace(fc, type);
    stack.popInto(place);
    stack.pushRegister(type, place);
    masm.branch(condition, block.label);
  } else {
    const past = masm.newLabel();
    masm.branch(opposite(condition), past);
    emitMoves(fc, block);
    masm.jump(block.label);
    masm.bind(past);
  }
}

/** Compiles br_table. */
export function compileBranchTable(
  fc: FunctionContext,
  i: Extract<Instruction, { op: "br_table" }>,
): void {
  const { masm, stack } = fc;
  const index = stack.popOwned();
  const stubs = new Map<Block, JumpLabel>();
  const labelFor = (label: number): JumpLabel => {
    const block = blockAt(fc, label);
    block.used = true;
    if (labelTypes(block).length === 0) return block.label;
    const stub = stubs.get(block) ?? masm.newLabel();
    stubs.set(block, stub);
    return stub;
  };
  masm.compare("i32", index, { imm: i.labels.length });
  masm.branch("ge_u", labelFor(i.fallback));
  if (i.labels.length > 0) masm.jumpTable(index, i.labels.map(labelFor));
  stack.release(index);
  for (const [block, stub] of stubs) {
    masm.bind(stub);
    emitMoves(fc, block);
    masm.jump(block.label);
  }
  markUnreachable(fc);
}

/** Pops a condition into the flags and says which one it is. */
export function takeCondition(fc: FunctionContext): Condition {
  const { pending } = fc;
  if (pending !== null) {
    fc.pending = null;
    return pending;
  }
  const register = fc.stack.popRegister();
  fc.masm.testZero("i32", register);
  fc.stack.release(register);
  return "ne";
}

/** Pushes a condition that the flags hold, or leaves it there for the next instruction. */
export function pushCondition(fc: FunctionContext, condition: Condition): void {
  let held = condition;
  while (nextInstruction(fc)?.op === "i32.eqz") {
    held = opposite(held);
    fc.at++;
  }
  const next = nextInstruction(fc)?.op;
  if (next === "br_if" || next === "if" || next === "select" || next === "select_typed") {
    fc.pending = held;
    return;
  }
  const to = resultRegister(fc, "i32");
  fc.masm.setIf(held, to);
  fc.stack.pushRegister("i32", to);
}

/** Compiles select. */
export function compileSelect(fc: FunctionContext): void {
  const { masm, stack } = fc;
  const condition = takeCondition(fc);
  const second = stack.popRegister();
  const first = stack.pop();
  const { type } = first;
  const to =
    first.kind === "register" && stack.isTemporary(first.register)
      ? first.register
      : stack.acquire(type);
  stack.load(to, first);
  masm.moveIf(opposite(condition), type, to, second);
  stack.release(second);
  stack.pushRegister(type, to);
}
