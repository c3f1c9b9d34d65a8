/**
 * Loads, stores, atomics and bulk instructions. Every access is checked against the size of memory
 * unless its address is constant and below the minimum, or the same local was checked as far on
 * the way here (memory never shrinks).
 */
import { accessBytes, type Mnemonic } from "../module/opcodes.js";
import { type FunctionContext, finish, resultRegister } from "./context.js";
import type { Address, AtomicOperation, MachineType, Register } from "./masm.js";

/** Largest displacement of an address. */
const MAX_OFFSET = 0x7fffffff;

/** Pops an address; what it names is inside memory or the code has trapped. */
function popAddress(fc: FunctionContext, offset: number, bytes: number): Address {
  const { masm, stack, module } = fc;
  const value = stack.pop();
  if (value.kind === "constant") {
    const address = Number(BigInt.asUintN(32, value.bits)) + offset;
    if (address + bytes <= module.memory.minimumBytes && address <= MAX_OFFSET) {
      return { index: null, offset: address };
    }
  }
  const index = stack.toRegister(value);
  if (offset + bytes > MAX_OFFSET) {
    // The sum may take the place of the index.
    stack.release(index);
    const sum = stack.acquire("i64");
    masm.sum(sum, index, offset);
    masm.checkBounds(sum, 0, bytes, null);
    return { index: sum, offset: 0 };
  }
  const known = value.kind === "local" ? (fc.checked.get(value.local) ?? 0) : 0;
  if (known < offset + bytes) {
    masm.checkBounds(index, offset, bytes, module.memory.fixedBytes);
    if (value.kind === "local") fc.checked.set(value.local, offset + bytes);
  }
  return { index, offset };
}

function releaseAddress(fc: FunctionContext, address: Address, kept?: Register): void {
  if (address.index !== null && address.index !== kept) fc.stack.release(address.index);
}

function typeOf(op: Mnemonic): MachineType {
  return op.slice(0, 3) as MachineType;
}

/** Compiles a load. */
export function compileLoad(fc: FunctionContext, op: Mnemonic, offset: number): void {
  const address = popAddress(fc, offset, accessBytes(op));
  const type = typeOf(op);
  const to =
    address.index === null ? resultRegister(fc, type) : resultRegister(fc, type, address.index);
  fc.masm.load(op, to, address);
  releaseAddress(fc, address, to);
  fc.stack.pushRegister(type, to);
}

/** Compiles a store. */
export function compileStore(fc: FunctionContext, op: Mnemonic, offset: number): void {
  const { masm, stack } = fc;
  const from = op.startsWith("i") ? stack.popRegisterOrImmediate() : stack.popRegister();
  const address = popAddress(fc, offset, accessBytes(op));
  masm.store(op, address, from);
  stack.release(from);
  releaseAddress(fc, address);
}

/** Compiles any instruction with prefix 0xFE but fences, waits and notifies. */
export function compileAtomic(fc: FunctionContext, op: Mnemonic, offset: number): void {
  const bytes = accessBytes(op);
  const operation = op.split(".")[3]?.replace(/_u$/, "");
  if (op.includes(".load")) {
    const address = popAtomicAddress(fc, offset, bytes);
    const to = resultRegister(fc, typeOf(op));
    fc.masm.load(op, to, address);
    releaseAddress(fc, address, to);
    fc.stack.pushRegister(typeOf(op), to);
  } else if (op.includes(".store")) {
    const from = fc.stack.popOwned();
    const address = popAtomicAddress(fc, offset, bytes);
    fc.masm.atomicStore(bytes, address, from);
    fc.stack.release(from);
    releaseAddress(fc, address);
  } else if (operation === "cmpxchg") compareExchange(fc, op, offset, bytes);
  else update(fc, op, operation as AtomicOperation, offset);
}

function popAtomicAddress(fc: FunctionContext, offset: number, bytes: number): Address {
  const value = fc.stack.peek();
  const address = popAddress(fc, offset, bytes);
  if (address.index !== null) {
    const known = value.kind === "constant" ? Number(BigInt.asUintN(32, value.bits)) + offset : 1;
    if (known % bytes !== 0) fc.masm.checkAlignment(address.index, address.offset, bytes);
  } else if (address.offset % bytes !== 0) fc.masm.trap("unaligned atomic");
  return address;
}

function update(
  fc: FunctionContext,
  op: Mnemonic,
  operation: AtomicOperation,
  offset: number,
): void {
  const { masm, stack } = fc;
  const { dividend } = masm.registers;
  const bytes = accessBytes(op);
  const loops = operation === "and" || operation === "or" || operation === "xor";
  if (loops) stack.claim(dividend);
  const operand = stack.popOwned();
  const address = popAtomicAddress(fc, offset, bytes);
  masm.atomicUpdate(operation, bytes, address, operand);
  if (loops) stack.release(dividend);
  releaseAddress(fc, address);
  stack.pushRegister(typeOf(op), operand);
}

function compareExchange(fc: FunctionContext, op: Mnemonic, offset: number, bytes: number): void {
  const { masm, stack } = fc;
  const { dividend } = masm.registers;
  stack.reserveFor(1, dividend);
  const replacement = stack.popRegister();
  stack.popReserved(dividend);
  const address = popAtomicAddress(fc, offset, bytes);
  masm.atomicCompareExchange(bytes, address, replacement);
  stack.release(replacement);
  releaseAddress(fc, address);
  stack.pushRegister(typeOf(op), dividend);
}

/** Compiles memory.copy and memory.fill. */
export function compileBulk(fc: FunctionContext, op: "copy" | "fill"): void {
  const { masm, stack } = fc;
  const [target, source, length] = masm.registers.temporaries;
  if (target === undefined || source === undefined || length === undefined) return;
  stack.popInto(length);
  stack.popInto(source);
  stack.popInto(target);
  masm.bulk(op);
  stack.release(target, source, length);
}

/** Pops the address of a wait or notify and pushes the checked sum, as i64. */
export function pushEffectiveAddress(fc: FunctionContext, offset: number, bytes: number): void {
  const address = popAtomicAddress(fc, offset, bytes);
  if (address.index === null) {
    fc.stack.pushConstant("i64", BigInt(address.offset));
    return;
  }
  const to = fc.stack.isTemporary(address.index) ? address.index : fc.stack.acquire("i64");
  fc.masm.sum(to, address.index, address.offset);
  finish(fc, "i64", to, address.index);
}
