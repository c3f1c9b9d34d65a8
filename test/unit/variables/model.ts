/** An independent reading of Locations: what they are worth, given registers and memory. */
import { bug } from "../../../base/assert.js";
import type { Location } from "../../../compiler/types/location.js";

/** A thread as Locations see it. */
export interface Machine {
  /** 8 bytes each, by DWARF number. */
  readonly registers: readonly bigint[];
  /** Memory from address 0 on. */
  readonly memory: Uint8Array;
}

/** Value of `location`, 64 bits with sign. */
export function worth(location: Location, machine: Machine): bigint {
  return BigInt.asIntN(64, value(location, machine));
}

function value(location: Location, machine: Machine): bigint {
  switch (location.kind) {
    case "constant":
      return location.value;
    case "register": {
      const whole = BigInt.asUintN(64, machine.registers[location.register] ?? bug("register"));
      return part(whole, location.shift, 8 * location.bytes, location.signed);
    }
    case "load": {
      const address = Number(worth(location.address, machine));
      const bytes = machine.memory.subarray(address, address + location.bytes);
      const whole = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      return part(whole, 0, 8 * location.bytes, location.signed);
    }
    case "bits": {
      const whole = BigInt.asUintN(64, worth(location.value, machine));
      return part(whole, location.shift, location.size, location.signed);
    }
    case "select":
      return worth(location.condition, machine) !== 0n
        ? worth(location.consequent, machine)
        : worth(location.alternate, machine);
    default:
      return "left" in location
        ? operate(location.kind, worth(location.left, machine), worth(location.right, machine))
        : bug(`no number: ${location.kind}`);
  }
}

function part(whole: bigint, shift: number, size: number, signed: boolean): bigint {
  const low = whole >> BigInt(shift);
  return signed ? BigInt.asIntN(size, low) : BigInt.asUintN(size, low);
}

const unsigned = (each: bigint): bigint => BigInt.asUintN(64, each);
const truth = (each: boolean): bigint => (each ? 1n : 0n);

function operate(kind: string, a: bigint, b: bigint): bigint {
  const operators: { readonly [kind: string]: () => bigint } = {
    add: () => a + b,
    subtract: () => a - b,
    multiply: () => a * b,
    divide: () => a / b,
    "divide-unsigned": () => unsigned(a) / unsigned(b),
    remainder: () => a % b,
    "remainder-unsigned": () => unsigned(a) % unsigned(b),
    and: () => a & b,
    or: () => a | b,
    xor: () => a ^ b,
    "shift-left": () => a << (b & 63n),
    "shift-right": () => unsigned(a) >> (b & 63n),
    "shift-right-signed": () => a >> (b & 63n),
    equal: () => truth(a === b),
    "not-equal": () => truth(a !== b),
    less: () => truth(a < b),
    "less-equal": () => truth(a <= b),
    greater: () => truth(a > b),
    "greater-equal": () => truth(a >= b),
  };
  return (operators[kind] ?? bug(`no operator '${kind}'`))();
}
