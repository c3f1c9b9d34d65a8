/**
 * Where a function keeps its locals and spilled operands. Frame, from rsp upwards:
 *
 *   outgoing   arguments beyond the registers, and results of calls with several
 *   locals     8 bytes for each local without a register
 *   instance   our instance data while a call is in another instance
 *   operands   8 bytes for each height of the operand stack that was ever spilled
 *   saved registers, return address, incoming (the caller's outgoing)
 */
import { assert } from "../../base/assert.js";
import type { FunctionType, ValueType } from "../module/module.js";
import type { LocalInterval } from "./liveness.js";
import type { FrameShape, MachineRegisters, MachineType, Register } from "./masm.js";

/** Where a local lives for the whole function: a register or a frame slot; null if never used. */
export type Place =
  | { readonly kind: "register"; readonly register: Register }
  | { readonly kind: "slot"; readonly offset: number };

/** Result of allocation. */
export interface Allocation {
  readonly places: readonly (Place | null)[];
  readonly saved: readonly Register[];
  /** Integer registers free for operands. */
  readonly temporaries: readonly Register[];
  readonly floatTemporaries: readonly Register[];
  /** Registers that a call clobbers. */
  readonly isVolatile: (register: Register) => boolean;
  /** Bytes up to the operand slots. */
  readonly fixedBytes: number;
  readonly instanceSlot: number;
}

/** Where the arguments of a call, or the parameters of a function, travel. */
export interface ArgumentPlace {
  readonly register: Register | null;
  /** Index of its 8-byte outgoing slot if it has no register. */
  readonly slot: number;
}

/** Type that the machine gives to values of `type`. */
export function machineType(type: ValueType): MachineType {
  return type === "funcref" || type === "externref" ? "i64" : type;
}

/** Whether values of `type` are in float registers. */
export function isFloatType(type: ValueType | MachineType): boolean {
  return type === "f32" || type === "f64";
}

/** Places of values of `types` under the internal calling convention. */
export function argumentPlaces(
  types: readonly ValueType[],
  registers: MachineRegisters,
): ArgumentPlace[] {
  const integers = [...registers.parameters];
  const floats = [...registers.floatParameters];
  let slot = 0;
  return types.map((type) => {
    const register = (isFloatType(type) ? floats : integers).shift() ?? null;
    return { register, slot: register === null ? slot++ : -1 };
  });
}

/** Outgoing slots that calling a function of `type` takes. */
export function outgoingSlots(type: FunctionType, registers: MachineRegisters): number {
  const passed = argumentPlaces(type.params, registers).filter((p) => p.register === null).length;
  return Math.max(passed, type.results.length > 1 ? type.results.length : 0);
}

/** A local that crosses calls gets a preserved register only if that pays for saving it. */
const MINIMUM_PRESERVED_WEIGHT = 3;

/** Gives each local of `types` (parameters first) its place. */
export function allocateLocals(
  types: readonly ValueType[],
  intervals: readonly LocalInterval[],
  outgoing: number,
  registers: MachineRegisters,
  params: readonly ValueType[],
): Allocation {
  const places: (Place | null)[] = types.map(() => null);
  const taken = new Map<Register, LocalInterval[]>();
  const incoming = argumentPlaces(params, registers);
  let bytes = 8 * outgoing;
  const isFree = (register: Register, interval: LocalInterval): boolean =>
    !(taken.get(register) ?? []).some((t) => t.start <= interval.end && interval.start <= t.end);
  for (const interval of [...intervals].sort((a, b) => b.weight - a.weight || a.local - b.local)) {
    const type = types[interval.local];
    assert(type !== undefined, "local without type");
    const preferred = incoming[interval.local]?.register ?? -1;
    const candidates = candidatesFor(interval, type, registers);
    const register =
      candidates.includes(preferred) && isFree(preferred, interval)
        ? preferred
        : candidates.find((r) => isFree(r, interval));
    if (register === undefined) {
      places[interval.local] = { kind: "slot", offset: bytes };
      bytes += 8;
    } else {
      places[interval.local] = { kind: "register", register };
      taken.set(register, [...(taken.get(register) ?? []), interval]);
    }
  }
  return {
    places,
    saved: registers.preserved.filter((r) => taken.has(r)),
    temporaries: [...registers.temporaries, ...registers.volatile.filter((r) => !taken.has(r))],
    floatTemporaries: registers.floatTemporaries,
    isVolatile: (register) => !registers.preserved.includes(register),
    fixedBytes: bytes + 8,
    instanceSlot: bytes,
  };
}

function candidatesFor(
  interval: LocalInterval,
  type: ValueType,
  registers: MachineRegisters,
): readonly Register[] {
  if (isFloatType(type)) return interval.crossesCall ? [] : registers.floatLocals;
  if (!interval.crossesCall) return [...registers.volatile, ...registers.preserved];
  return interval.weight >= MINIMUM_PRESERVED_WEIGHT ? registers.preserved : [];
}

/** Bytes of the return address between a frame and the incoming slots. */
const RETURN_ADDRESS_BYTES = 8;

/** Offset from rsp of incoming slot `index` in a function with this frame. */
export function incomingOffset(frame: FrameShape, index: number): number {
  return frame.bytes + 8 * frame.saved.length + RETURN_ADDRESS_BYTES + 8 * index;
}

/** Frame size that keeps rsp a multiple of 16 at calls (SysV AMD64 ABI §3.2.2). */
export function alignedFrameBytes(needed: number, savedCount: number): number {
  const padded = 8 * savedCount + RETURN_ADDRESS_BYTES + needed;
  return needed + ((16 - (padded % 16)) % 16);
}
