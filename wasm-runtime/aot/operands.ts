/**
 * The operand stack of a function while it is compiled: each entry is a constant, a register, a
 * local not yet copied, or a spilled slot. Owns the temporary registers: an entry or a popped
 * operand holds its register until `release`. Nothing here changes the condition flags.
 */
import { assert, bug } from "../../base/assert.js";
import { type Allocation, isFloatType, type Place } from "./frame.js";
import type { MachineType, Masm, Register } from "./masm.js";

/** One operand. A spilled one is in the frame slot of the height it was pushed at. */
export type Value =
  | { readonly kind: "constant"; readonly type: MachineType; readonly bits: bigint }
  | { readonly kind: "register"; readonly type: MachineType; readonly register: Register }
  | { readonly kind: "local"; readonly type: MachineType; readonly local: number }
  | { readonly kind: "spilled"; readonly type: MachineType; readonly height: number };

/** Operand stack and register file. */
export class OperandStack {
  private readonly masm: Masm;
  private readonly allocation: Allocation;
  private readonly pool: ReadonlySet<Register>;
  private readonly held = new Set<Register>();
  /** Entries, bottom first. */
  values: Value[] = [];
  /** Largest height whose slot was used, plus one. */
  slotsUsed = 0;

  constructor(masm: Masm, allocation: Allocation) {
    this.masm = masm;
    this.allocation = allocation;
    this.pool = new Set([...allocation.temporaries, ...allocation.floatTemporaries]);
  }

  /** Frame offset of the slot for an entry at `height`. */
  slotOffset(height: number): number {
    this.slotsUsed = Math.max(this.slotsUsed, height + 1);
    return this.allocation.fixedBytes + 8 * height;
  }

  /** Place of `local`, which is used somewhere. */
  placeOf(local: number): Place {
    return this.allocation.places[local] ?? bug(`local ${local} has no place`);
  }

  /** Pushes a value; a register in it is held from now on. */
  push(value: Value): void {
    if (value.kind === "register") this.hold(value.register);
    this.values.push(value);
  }
  /** Pushes what is in `register`. */
  pushRegister(type: MachineType, register: Register): void {
    this.push({ kind: "register", type, register });
  }
  /** Pushes a constant given by its bits, as signed or unsigned number. */
  pushConstant(type: MachineType, bits: bigint): void {
    this.values.push({ kind: "constant", type, bits });
  }
  /** Pushes the content of the slot of its height, which was written already. */
  pushSpilled(type: MachineType): void {
    this.values.push({ kind: "spilled", type, height: this.values.length });
  }
  /** Removes the top entry; its register stays held. */
  pop(): Value {
    return this.values.pop() ?? bug("operand stack is empty");
  }
  /** The entry `depth` below the top. */
  peek(depth = 0): Value {
    return this.values.at(-1 - depth) ?? bug("operand stack is empty");
  }
  /** Pops into some register that must only be read. */
  popRegister(): Register {
    return this.toRegister(this.pop());
  }
  /** Pops into a temporary that may be changed. */
  popOwned(): Register {
    const value = this.pop();
    if (value.kind === "register" && this.pool.has(value.register)) return value.register;
    const register = this.acquire(value.type);
    this.load(register, value);
    this.releaseValue(value);
    return register;
  }
  /** Pops into exactly `register`, a temporary. */
  popInto(register: Register): void {
    const value = this.pop();
    if (value.kind === "register" && value.register === register) return;
    this.claim(register);
    this.load(register, value);
    this.releaseValue(value);
  }
  /** Makes sure that only the entry `depth` below the top may be in `register`, and holds it. */
  reserveFor(depth: number, register: Register): void {
    const value = this.peek(depth);
    if (value.kind !== "register" || value.register !== register) this.claim(register);
  }
  /** Pops into the register that was reserved for this entry. */
  popReserved(register: Register): void {
    const value = this.pop();
    if (value.kind === "register" && value.register === register) return;
    this.load(register, value);
    this.releaseValue(value);
  }
  /** Pops a 32-bit immediate or a register. */
  popRegisterOrImmediate(): Register | { imm: number } {
    const value = this.peek();
    if (value.kind === "constant") {
      const signed = BigInt.asIntN(value.type === "i32" ? 32 : 64, value.bits);
      if (signed === BigInt.asIntN(32, signed)) {
        this.pop();
        return { imm: Number(signed) };
      }
    }
    return this.popRegister();
  }

  /** A register with `value`, which was popped. */
  toRegister(value: Value): Register {
    if (value.kind === "register") return value.register;
    if (value.kind === "local") {
      const place = this.placeOf(value.local);
      if (place.kind === "register") return place.register;
    }
    const register = this.acquire(value.type);
    this.load(register, value);
    return register;
  }

  /** Copies `value` to `register` without changing who holds what. */
  load(register: Register, value: Value): void {
    const { masm } = this;
    switch (value.kind) {
      case "constant":
        masm.constant(value.type, register, value.bits);
        break;
      case "register":
        masm.move(value.type, register, value.register);
        break;
      case "spilled":
        masm.loadFrame(value.type, register, this.slotOffset(value.height));
        break;
      case "local": {
        const place = this.placeOf(value.local);
        if (place.kind === "register") masm.move(value.type, register, place.register);
        else masm.loadFrame(value.type, register, place.offset);
        break;
      }
      default:
        bug("unknown operand");
    }
  }

  /** Copies `value` to a frame slot without changing who holds what. */
  store(offset: number, value: Value): void {
    const { masm } = this;
    let from = this.registerOf(value);
    if (from === null) {
      if (value.kind === "spilled" && this.slotOffset(value.height) === offset) return;
      // Slots and constants go through the integer scratch register whatever their type.
      from = masm.registers.scratch;
      const type = isFloatType(value.type) ? (value.type === "f32" ? "i32" : "i64") : value.type;
      this.load(from, { ...value, type });
    }
    masm.storeFrame(value.type, offset, from);
  }

  /** Register that holds `value` already, or null. */
  registerOf(value: Value): Register | null {
    if (value.kind === "register") return value.register;
    if (value.kind !== "local") return null;
    const place = this.placeOf(value.local);
    return place.kind === "register" ? place.register : null;
  }

  /** A free temporary for `type`; spills the deepest entry if there is none. */
  acquire(type: MachineType): Register {
    const registers = this.poolFor(type);
    const free = registers.find((r) => !this.held.has(r));
    const register = free ?? this.spillOne(registers);
    this.held.add(register);
    return register;
  }
  /** Makes `register` ours: moves away what an entry has there. */
  claim(register: Register): void {
    if (this.held.has(register)) {
      const index = this.values.findIndex((v) => v.kind === "register" && v.register === register);
      assert(index >= 0, "register is held by a popped operand");
      this.moveAway(index);
    }
    this.held.add(register);
  }
  /** Gives up a register if it is a temporary. */
  release(...registers: readonly (Register | { imm: number })[]): void {
    for (const r of registers) if (typeof r === "number") this.held.delete(r);
  }
  /** Gives up the register of a popped value. */
  releaseValue(value: Value): void {
    if (value.kind === "register") this.held.delete(value.register);
  }
  /** Whether `register` is a temporary, so that a holder may change it. */
  isTemporary(register: Register): boolean {
    return this.pool.has(register);
  }

  /** Copies all entries but constants to their slots: the state that all paths agree on. */
  flush(): void {
    for (const index of this.values.keys()) this.spill(index);
  }
  /** Copies all entries from `height` on, constants too, to their slots. */
  flushFrom(height: number): void {
    for (let index = height; index < this.values.length; index++) this.spill(index, true);
  }
  /** Copies to their slots all entries that a call would destroy. */
  flushVolatile(): void {
    for (const [index, value] of this.values.entries()) {
      const register = this.registerOf(value);
      if (register !== null && this.allocation.isVolatile(register)) this.spill(index);
    }
  }
  /** Copies entries that mean `place` elsewhere: something is about to be written there. */
  saveReferences(place: Place): void {
    for (const [index, value] of this.values.entries()) {
      if (value.kind === "local" && samePlace(this.placeOf(value.local), place))
        this.moveAway(index);
    }
  }
  /** Whether any entry would change if `place` were written. */
  refersTo(place: Place): boolean {
    return this.values.some((v) => v.kind === "local" && samePlace(this.placeOf(v.local), place));
  }
  /** Drops all entries from `height` on and gives up their registers. */
  truncate(height: number): void {
    while (this.values.length > height) this.releaseValue(this.pop());
  }
  /** Gives up all registers; for code that nothing falls into. */
  reset(values: readonly Value[]): void {
    this.held.clear();
    this.values = [];
    for (const value of values) this.push(value);
  }

  private hold(register: Register): void {
    if (this.pool.has(register)) this.held.add(register);
  }
  private poolFor(type: MachineType): readonly Register[] {
    return isFloatType(type) ? this.allocation.floatTemporaries : this.allocation.temporaries;
  }
  private spillOne(registers: readonly Register[]): Register {
    for (const [index, value] of this.values.entries()) {
      if (value.kind === "register" && registers.includes(value.register)) {
        this.spill(index);
        return value.register;
      }
    }
    return bug("out of registers");
  }
  private spill(index: number, constants = false): void {
    const value = this.values[index] ?? bug("no such operand");
    if (value.kind === "constant" && !constants) return;
    if (value.kind === "spilled" && value.height === index) return;
    this.store(this.slotOffset(index), value);
    this.releaseValue(value);
    this.values[index] = { kind: "spilled", type: value.type, height: index };
  }
  /** Moves an entry to a free temporary, or to its slot if there is none. */
  private moveAway(index: number): void {
    const value = this.values[index] ?? bug("no such operand");
    const free = this.poolFor(value.type).find((r) => !this.held.has(r));
    if (free === undefined) {
      this.spill(index);
      return;
    }
    this.load(free, value);
    this.releaseValue(value);
    this.held.add(free);
    this.values[index] = { kind: "register", type: value.type, register: free };
  }
}

function samePlace(a: Place, b: Place): boolean {
  if (a.kind === "register") return b.kind === "register" && a.register === b.register;
  return b.kind === "slot" && a.offset === b.offset;
}
