/**
 * Compiles one function in one pass over its instructions, with an operand stack that exists only
 * here (operands.ts) and locals in fixed places (frame.ts). Names no machine register. Requires a
 * validated body.
 */
import { bug } from "../../base/assert.js";
import type { FunctionType, Instruction, ValueType, WasmFunction } from "../module/module.js";
import { opcodeInfo } from "../module/opcodes.js";
import {
  callChecked,
  callRuntime,
  compileCall,
  compileCallIndirect,
  isInlinedCall,
  moveAll,
} from "./calls.js";
import { type FunctionContext, localType, type ModuleContext, resultRegister } from "./context.js";
import {
  closeBlock,
  closeFunction,
  compileBranch,
  compileBranchIf,
  compileBranchTable,
  compileElse,
  compileSelect,
  markUnreachable,
  openBlock,
  openFunction,
} from "./control-flow.js";
import { controlMap } from "./control-map.js";
import {
  type Allocation,
  alignedFrameBytes,
  allocateLocals,
  argumentPlaces,
  incomingOffset,
  machineType,
  outgoingSlots,
} from "./frame.js";
import { liveIntervals } from "./liveness.js";
import type { FrameShape, Masm } from "./masm.js";
import {
  compileAtomic,
  compileBulk,
  compileLoad,
  compileStore,
  pushEffectiveAddress,
} from "./memory-access.js";
import { NUMERIC } from "./numeric.js";
import { OperandStack } from "./operands.js";

/** Compiles `source` of type `type`; `newMasm` gives an empty assembler for each try. */
export function compileFunction<M extends Masm>(
  module: ModuleContext,
  source: WasmFunction,
  type: FunctionType,
  newMasm: () => M,
): { readonly prologue: M; readonly body: M } {
  const body = source.body;
  const map = controlMap(body);
  const types = [...type.params, ...source.locals];
  const clobbers = (i: Instruction, index: number): boolean => isCallAt(module, body, i, index);
  const intervals = liveIntervals(body, map, types.length, clobbers);
  const prologue = newMasm();
  const { registers } = prologue;
  const guarded = body.some(clobbers);
  const allocation = allocateLocals(
    types,
    intervals,
    largestCall(module, body, prologue),
    registers,
    type.params,
  );
  let frame: FrameShape = { saved: allocation.saved, bytes: 0, guarded };
  const usesIncoming =
    type.results.length > 1 || argumentPlaces(type.params, registers).some((p) => p.slot >= 0);
  // Offsets into the caller's frame need the size of this one: compile again once it is known.
  for (;;) {
    const masm = newMasm();
    const stack = new OperandStack(masm, allocation);
    const fc: FunctionContext = {
      module,
      masm,
      stack,
      allocation,
      frame,
      source,
      map,
      localTypes: types.map(machineType),
      blocks: [],
      at: 0,
      reachable: true,
      pending: null,
      checked: new Map(),
    };
    openFunction(fc, type);
    const entryLocals = intervals.filter((v) => v.liveAtEntry).map((v) => v.local);
    receiveLocals(fc, type.params, entryLocals);
    compileBody(fc);
    fc.frame = { ...frame, bytes: frameBytes(allocation, stack.slotsUsed, guarded) };
    if (!usesIncoming || fc.frame.bytes === frame.bytes) {
      closeFunction(fc);
      prologue.prologue(fc.frame);
      return { prologue, body: masm };
    }
    frame = fc.frame;
  }
}

function frameBytes(allocation: Allocation, slotsUsed: number, calls: boolean): number {
  const nothing = allocation.fixedBytes === 8 && slotsUsed === 0 && !calls;
  const needed = nothing ? 0 : allocation.fixedBytes + 8 * slotsUsed;
  return calls ? alignedFrameBytes(needed, allocation.saved.length) : needed;
}

function isCallAt(
  module: ModuleContext,
  body: readonly Instruction[],
  i: Instruction,
  index: number,
): boolean {
  switch (i.op) {
    case "call":
      return !isInlinedCall(module.targets[i.function], body, index);
    case "call_indirect":
    case "memory.grow":
    case "memory.init":
    case "table.init":
    case "table.copy":
    case "memory.atomic.notify":
    case "memory.atomic.wait32":
    case "memory.atomic.wait64":
      return true;
    default:
      return false;
  }
}

function largestCall(module: ModuleContext, body: readonly Instruction[], masm: Masm): number {
  let slots = 0;
  for (const i of body) {
    const type =
      i.op === "call"
        ? module.functionTypes[i.function]
        : i.op === "call_indirect"
          ? module.types[i.type]
          : undefined;
    if (type !== undefined) slots = Math.max(slots, outgoingSlots(type, masm.registers));
  }
  return slots;
}

/** Brings parameters to their places and zeroes the other locals that are read before written. */
function receiveLocals(
  fc: FunctionContext,
  params: readonly ValueType[],
  locals: readonly number[],
): void {
  const { masm, stack } = fc;
  const places = argumentPlaces(params, masm.registers);
  const moves: Parameters<typeof moveAll>[1][number][] = [];
  for (const local of locals) {
    const from = places[local]?.register;
    if (from === undefined || from === null) continue;
    const type = localType(fc, local);
    const place = stack.placeOf(local);
    if (place.kind === "slot") masm.storeFrame(type, place.offset, from);
    else moves.push({ to: place.register, value: { kind: "register", type, register: from } });
  }
  moveAll(fc, moves);
  for (const local of locals) {
    const from = places[local];
    if (from !== undefined && from.register !== null) continue;
    const type = localType(fc, local);
    const place = stack.placeOf(local);
    if (from === undefined) {
      const zero = { kind: "constant", type, bits: 0n } as const;
      if (place.kind === "slot") stack.store(place.offset, zero);
      else stack.load(place.register, zero);
      continue;
    }
    const incoming = incomingOffset(fc.frame, from.slot);
    if (place.kind === "register") masm.loadFrame(type, place.register, incoming);
    else {
      masm.loadFrame("i64", masm.registers.scratch, incoming);
      masm.storeFrame("i64", place.offset, masm.registers.scratch);
    }
  }
}

function compileBody(fc: FunctionContext): void {
  const { body } = fc.source;
  for (fc.at = 0; fc.at < body.length; fc.at++) {
    const instruction = body[fc.at] ?? bug("instruction missing");
    const { op } = instruction;
    if (fc.reachable || op === "end" || op === "else") compileInstruction(fc, instruction);
    else if (op === "block" || op === "loop" || op === "if") fc.at = fc.map.end[fc.at] ?? 0;
  }
}

function compileInstruction(fc: FunctionContext, i: Instruction): void {
  const numeric = NUMERIC.get(i.op);
  if (numeric !== undefined) {
    numeric(fc);
    return;
  }
  switch (i.op) {
    case "nop":
      break;
    case "unreachable":
      fc.masm.trap("unreachable");
      markUnreachable(fc);
      break;
    case "block":
    case "loop":
    case "if":
      openBlock(fc, i);
      break;
    case "else":
      compileElse(fc);
      break;
    case "end":
      closeBlock(fc);
      break;
    case "br":
      compileBranch(fc, i.label);
      break;
    case "br_if":
      compileBranchIf(fc, i.label);
      break;
    case "br_table":
      compileBranchTable(fc, i);
      break;
    case "return":
      compileBranch(fc, fc.blocks.length - 1);
      break;
    case "call":
      compileCall(fc, i.function);
      break;
    case "call_indirect":
      compileCallIndirect(fc, i);
      break;
    case "drop":
      fc.stack.releaseValue(fc.stack.pop());
      break;
    case "select":
    case "select_typed":
      compileSelect(fc);
      break;
    default:
      compileData(fc, i);
  }
}

/** Locals, globals, constants and references. */
function compileData(fc: FunctionContext, i: Instruction): void {
  const { stack } = fc;
  switch (i.op) {
    case "local.get":
      stack.push({ kind: "local", type: localType(fc, i.local), local: i.local });
      break;
    case "local.set":
      setLocal(fc, i.local);
      break;
    case "local.tee":
      setLocal(fc, i.local);
      stack.push({ kind: "local", type: localType(fc, i.local), local: i.local });
      break;
    case "global.get":
      getGlobal(fc, i.global);
      break;
    case "global.set":
      setGlobal(fc, i.global);
      break;
    case "i32.const":
      stack.pushConstant("i32", BigInt(i.value));
      break;
    case "i64.const":
      stack.pushConstant("i64", i.value);
      break;
    case "f32.const":
      stack.pushConstant("f32", BigInt(i.bits));
      break;
    case "f64.const":
      stack.pushConstant("f64", i.bits);
      break;
    case "ref.null":
      stack.pushConstant("i64", 0n);
      break;
    case "ref.is_null": {
      const reference = stack.popRegister();
      fc.masm.testZero("i64", reference);
      stack.release(reference);
      const to = resultRegister(fc, "i32");
      fc.masm.setIf("eq", to);
      stack.pushRegister("i32", to);
      break;
    }
    case "ref.func":
      pushReference(fc, i.function);
      break;
    default:
      compileMemory(fc, i);
  }
}

function setLocal(fc: FunctionContext, local: number): void {
  const { stack } = fc;
  const place = stack.placeOf(local);
  const value = stack.pop();
  fc.checked.delete(local);
  if (value.kind === "local" && value.local === local) return;
  if (value.kind === "register" && place.kind === "register" && value.register === place.register) {
    return;
  }
  stack.saveReferences(place);
  if (place.kind === "register") stack.load(place.register, value);
  else stack.store(place.offset, value);
  stack.releaseValue(value);
}

function getGlobal(fc: FunctionContext, index: number): void {
  const { masm, stack, module } = fc;
  const place = module.globals[index] ?? bug(`no global ${index}`);
  const type = machineType(module.globalTypes[index] ?? bug(`no global ${index}`));
  if (place.kind === "constant") {
    stack.pushConstant(type, place.bits);
    return;
  }
  const to = resultRegister(fc, type);
  if (place.kind === "instance") masm.loadInstance(type, to, place.offset);
  else masm.loadCell(type, to, place.offset);
  stack.pushRegister(type, to);
}

function setGlobal(fc: FunctionContext, index: number): void {
  const { masm, stack, module } = fc;
  const place = module.globals[index] ?? bug(`no global ${index}`);
  const type = machineType(module.globalTypes[index] ?? bug(`no global ${index}`));
  const from = stack.popRegister();
  if (place.kind === "instance") masm.storeInstance(type, place.offset, from);
  else if (place.kind === "cell") masm.storeCell(type, place.offset, from);
  else bug("assignment to a constant global");
  stack.release(from);
}

function pushReference(fc: FunctionContext, index: number): void {
  const { masm, stack } = fc;
  const reference = fc.module.functionReferences.get(index) ?? bug(`no reference to ${index}`);
  const to = stack.acquire("i64");
  if (reference.imported) masm.loadInstance("i64", to, reference.offset);
  else masm.addressOfInstance(to, reference.offset);
  stack.pushRegister("i64", to);
}

function compileMemory(fc: FunctionContext, i: Instruction): void {
  const { masm, stack, module } = fc;
  const { code, immediate } = opcodeInfo(i.op);
  switch (i.op) {
    case "memory.size": {
      const to = resultRegister(fc, "i32");
      masm.memoryPages(to);
      stack.pushRegister("i32", to);
      break;
    }
    case "memory.grow":
      callRuntime(fc, "memory_grow", 1, []);
      break;
    case "memory.copy":
      compileBulk(fc, "copy");
      break;
    case "memory.fill":
      compileBulk(fc, "fill");
      break;
    case "memory.init":
      callChecked(
        fc,
        "memory_init",
        [segmentAt(module.dataSegments, i.data)],
        "memory access out of bounds",
      );
      break;
    case "data.drop":
      dropSegment(fc, segmentAt(module.dataSegments, i.data));
      break;
    case "elem.drop":
      dropSegment(fc, segmentAt(module.elementSegments, i.element));
      break;
    case "table.init": {
      const segment = segmentAt(module.elementSegments, i.element);
      callChecked(
        fc,
        "table_init",
        [tableOffset(fc, i.table), segment],
        "table access out of bounds",
      );
      break;
    }
    case "table.copy": {
      const tables = [tableOffset(fc, i.to), tableOffset(fc, i.from)];
      callChecked(fc, "table_copy", tables, "table access out of bounds");
      break;
    }
    case "atomic.fence":
      masm.fence();
      break;
    case "memory.atomic.notify":
      compileNotify(fc, i.offset ?? 0);
      break;
    case "memory.atomic.wait32":
    case "memory.atomic.wait64":
      compileWait(fc, i.op === "memory.atomic.wait32" ? 4 : 8, i.offset ?? 0);
      break;
    default: {
      const offset = immediate === "memory" && "offset" in i ? (i.offset ?? 0) : 0;
      if (code >= 0xfe10) compileAtomic(fc, i.op, offset);
      else if (code >= 0x36 && code <= 0x3e) compileStore(fc, i.op, offset);
      else if (code >= 0x28 && code < 0x36) compileLoad(fc, i.op, offset);
      else bug(`cannot compile ${i.op}`);
    }
  }
}

function segmentAt(segments: readonly number[], index: number): number {
  return segments[index] ?? bug(`no segment ${index}`);
}

function tableOffset(fc: FunctionContext, index: number): number {
  const table = fc.module.tables[index];
  return table?.kind === "dynamic" ? table.offset : bug(`table ${index} is constant`);
}

/** Sets the size of a segment to 0. */
function dropSegment(fc: FunctionContext, offset: number): void {
  const zero = fc.stack.acquire("i64");
  fc.masm.constant("i64", zero, 0n);
  fc.masm.storeInstance("i64", offset + 8, zero);
  fc.stack.release(zero);
}

function compileNotify(fc: FunctionContext, offset: number): void {
  const { stack } = fc;
  const count = stack.popOwned();
  pushEffectiveAddress(fc, offset, 4);
  stack.pushRegister("i32", count);
  callRuntime(fc, "notify", 2, []);
}

function compileWait(fc: FunctionContext, bytes: 4 | 8, offset: number): void {
  const { masm, stack } = fc;
  const timeout = stack.popOwned();
  const expected = stack.popOwned();
  pushEffectiveAddress(fc, offset, bytes);
  stack.pushRegister(bytes === 4 ? "i32" : "i64", expected);
  stack.pushRegister("i64", timeout);
  callRuntime(fc, bytes === 4 ? "wait32" : "wait64", 3, []);
  // 3 says that memory is not shared, where waiting traps (threads proposal, wait).
  const result = stack.popRegister();
  masm.compare("i32", result, { imm: 3 });
  masm.trapIf("eq", "unreachable");
  stack.pushRegister("i32", result);
}
