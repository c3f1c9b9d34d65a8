/**
 * Calls: of functions, through tables, of host functions and of the runtime functions that only
 * test modules need. Arguments are moved all at once; operands that a call would destroy go to
 * their slots before.
 */
import { assert, bug } from "../../base/assert.js";
import { HOST_FUNCTIONS } from "../layout/host.js";
import { FRAME } from "../layout/private.js";
import type { FunctionType, Instruction } from "../module/module.js";
import { type CallTarget, type FunctionContext, resultRegister } from "./context.js";
import { argumentPlaces, isFloatType, machineType } from "./frame.js";
import { RUNTIME_FUNCTIONS, type RuntimeFunction } from "./instance-layout.js";
import type { MachineType, Register } from "./masm.js";
import type { Value } from "./operands.js";

/** A register that shall get a value. */
interface Move {
  readonly to: Register;
  readonly value: Value;
}

/** Whether the call at `index` of `body` becomes inline code that clobbers nothing. */
export function isInlinedCall(
  target: CallTarget | undefined,
  body: readonly Instruction[],
  index: number,
): boolean {
  if (target?.kind !== "host") return false;
  if (target.name === "ticks") return true;
  return target.name === "register" && probeRegisterIndex(body[index - 1]) >= 0;
}

/** Register index of a constant argument to host.register, or -1. */
function probeRegisterIndex(argument: Instruction | undefined): number {
  if (argument?.op !== "i32.const") return -1;
  return argument.value >= 0 && argument.value < FRAME.registers.length ? argument.value : -1;
}

/** Compiles call. */
export function compileCall(fc: FunctionContext, index: number): void {
  const type = fc.module.functionTypes[index] ?? bug(`no function ${index}`);
  const target = fc.module.targets[index] ?? bug(`no function ${index}`);
  if (isInlinedCall(target, fc.source.body, fc.at)) {
    inlineHost(fc);
    return;
  }
  if (target.kind === "host") {
    callHost(fc, target.index, type);
    return;
  }
  const args = popArguments(fc, type.params.length);
  fc.stack.flushVolatile();
  const moves = storeArguments(fc, type, args);
  if (target.kind === "direct") {
    moveAll(fc, moves);
    fc.masm.call(target.symbol);
  } else {
    moveAll(fc, moves);
    fc.masm.loadInstance("i64", fc.masm.registers.result, target.offset);
    fc.masm.callDescriptor(fc.allocation.instanceSlot);
  }
  finishCall(fc, type, args);
}

/** Compiles call_indirect. */
export function compileCallIndirect(
  fc: FunctionContext,
  i: Extract<Instruction, { op: "call_indirect" }>,
): void {
  const { masm, stack, module } = fc;
  const type = module.types[i.type] ?? bug(`no type ${i.type}`);
  const table = module.tables[i.table ?? 0] ?? bug(`no table ${i.table}`);
  const signature = module.signatures[i.type] ?? bug(`no type ${i.type}`);
  const index = stack.pop();
  const args = popArguments(fc, type.params.length);
  stack.flushVolatile();
  const moves = storeArguments(fc, type, args);
  moveAll(fc, [...moves, { to: masm.registers.result, value: index }]);
  stack.releaseValue(index);
  if (table.kind === "static") masm.callStaticTable(table.symbol, table.size, signature);
  else {
    masm.lookUpTable(table.offset, signature);
    masm.callDescriptor(fc.allocation.instanceSlot);
  }
  finishCall(fc, type, args);
}

function inlineHost(fc: FunctionContext): void {
  const { masm, stack } = fc;
  const argument = fc.source.body[fc.at - 1];
  const { result, remainder } = masm.registers;
  const value = stack.values.at(-1);
  if (value?.kind === "constant" && probeRegisterIndex(argument) >= 0) {
    stack.pop();
    const to = resultRegister(fc, "i64");
    masm.probeRegister(to, Number(value.bits));
    stack.pushRegister("i64", to);
    return;
  }
  stack.claim(result);
  stack.claim(remainder);
  masm.ticks();
  stack.release(remainder);
  stack.pushRegister("i64", result);
}

function popArguments(fc: FunctionContext, count: number): Value[] {
  const args: Value[] = [];
  for (let i = 0; i < count; i++) args.unshift(fc.stack.pop());
  return args;
}

/** Stores what goes to the stack; returns the moves for the rest. */
function storeArguments(fc: FunctionContext, type: FunctionType, args: readonly Value[]): Move[] {
  const moves: Move[] = [];
  for (const [index, place] of argumentPlaces(type.params, fc.masm.registers).entries()) {
    const value = args[index] ?? bug("argument missing");
    if (place.register === null) fc.stack.store(8 * place.slot, value);
    else moves.push({ to: place.register, value });
  }
  return moves;
}

/** Performs all moves as if at once: first between registers, then constants and slots. */
export function moveAll(fc: FunctionContext, moves: readonly Move[]): void {
  const { masm, stack } = fc;
  let pending: { to: Register; from: Register; type: MachineType }[] = [];
  for (const { to, value } of moves) {
    const from = stack.registerOf(value);
    if (from !== null && from !== to) pending.push({ to, from, type: value.type });
  }
  while (pending.length > 0) {
    const ready = pending.find((m) => !pending.some((other) => other.from === m.to));
    if (ready !== undefined) {
      masm.move(ready.type, ready.to, ready.from);
      pending = pending.filter((m) => m !== ready);
      continue;
    }
    const [first] = pending;
    assert(first !== undefined, "no move left");
    masm.exchange(first.to, first.from);
    pending = pending
      .filter((m) => m !== first)
      .map((m) => {
        if (m.from === first.to) return { ...m, from: first.from };
        return m.from === first.from ? { ...m, from: first.to } : m;
      })
      .filter((m) => m.to !== m.from);
  }
  for (const { to, value } of moves) if (stack.registerOf(value) === null) stack.load(to, value);
}

/** Releases the arguments and pushes the results of a compiled function. */
function finishCall(fc: FunctionContext, type: FunctionType, args: readonly Value[]): void {
  const { masm, stack } = fc;
  for (const value of args) stack.releaseValue(value);
  const [only] = type.results;
  if (type.results.length === 1 && only !== undefined) {
    const { result, floatResult } = masm.registers;
    stack.pushRegister(machineType(only), isFloatType(only) ? floatResult : result);
    return;
  }
  for (const [index, resultType] of type.results.entries()) {
    masm.loadFrame("i64", masm.registers.scratch, 8 * index);
    masm.storeFrame("i64", stack.slotOffset(stack.values.length), masm.registers.scratch);
    stack.pushSpilled(machineType(resultType));
  }
}

/** Calls entry `index` of the host table with the operands on the stack. */
function callHost(fc: FunctionContext, index: number, type: FunctionType): void {
  const { masm, stack } = fc;
  const args = popArguments(fc, type.params.length);
  stack.flushVolatile();
  moveAll(
    fc,
    args.map((value, i) => ({
      to: masm.registers.hostParameters[i] ?? bug("host function with too many parameters"),
      value,
    })),
  );
  masm.callHost(index);
  for (const value of args) stack.releaseValue(value);
  const [result] = type.results;
  if (result === undefined) return;
  // The upper half of an i32 result is undefined (SysV AMD64 ABI §3.2.3).
  if (result === "i32") masm.wrap(masm.registers.result, masm.registers.result);
  stack.pushRegister(machineType(result), masm.registers.result);
}

/** Calls a runtime function: `constants` first, then `operands` from the stack. */
export function callRuntime(
  fc: FunctionContext,
  name: RuntimeFunction,
  operands: number,
  constants: readonly number[],
): void {
  const { stack } = fc;
  const args = popArguments(fc, operands);
  for (const value of constants) stack.pushConstant("i32", BigInt(value));
  for (const value of args) {
    stack.values.push(value);
  }
  const count = operands + constants.length;
  const params = stack.values.slice(-count).map((v) => v.type);
  const index = HOST_FUNCTIONS.length + RUNTIME_FUNCTIONS.indexOf(name);
  callHost(fc, index, { params, results: ["i32"] });
}

/** Calls a runtime function that returns 1 for a trap. */
export function callChecked(
  fc: FunctionContext,
  name: RuntimeFunction,
  constants: readonly number[],
  reason: "memory access out of bounds" | "table access out of bounds",
): void {
  callRuntime(fc, name, 3, constants);
  const result = fc.stack.popRegister();
  fc.masm.testZero("i32", result);
  fc.masm.trapIf("ne", reason);
  fc.stack.release(result);
}
