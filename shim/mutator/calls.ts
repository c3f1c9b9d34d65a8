/**
 * Where the calls of an address go on in its own module, for probes at the return of PLT stubs.
 *
 * Looks at every `call rel32` and `jmp rel32` of a module's code that leads there and is an
 * instruction of some function. A call at the end of its function never returns; a jump returns to
 * whoever called the function that it ends.
 */
import { type FunctionIndex, functionAt, insnAt } from "./functions.js";

/** Uses of one address; ELF addresses, ascending. */
export interface Uses {
  /** Behind each call. */
  readonly returns: number[];
  /** Of each jump. */
  readonly jumps: number[];
}

const CALL = 0xe8;
const JUMP = 0xe9;
/** Opcode and displacement of both. */
const INSN_BYTES = 5;

/** Uses of those of `targets` that are used. */
export function findUses(
  index: FunctionIndex,
  targets: ReadonlySet<number>,
): ReadonlyMap<number, Uses> {
  const found = new Map<number, Uses>();
  if (targets.size === 0) return found;
  const usesOf = (target: number): Uses => {
    const uses = found.get(target) ?? { returns: [], jumps: [] };
    found.set(target, uses);
    return uses;
  };
  for (const { address, bytes } of index.module.code) {
    for (const { at, target } of displacements(bytes, CALL)) {
      if (!targets.has(address + target)) continue;
      const next = address + at + INSN_BYTES;
      const code = functionAt(index, address + at);
      if (isInsn(index, address + at, "call") && code !== null && next < code.end) {
        usesOf(address + target).returns.push(next);
      }
    }
    for (const { at, target } of displacements(bytes, JUMP)) {
      if (!targets.has(address + target) || !isInsn(index, address + at, "jump")) continue;
      usesOf(address + target).jumps.push(address + at);
    }
  }
  return found;
}

/** What may be instructions with `opcode`: offsets of them, and of where they lead. */
function* displacements(
  bytes: Uint8Array,
  opcode: number,
): Generator<{ readonly at: number; readonly target: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.indexOf(opcode); at >= 0; at = bytes.indexOf(opcode, at + 1)) {
    const next = at + INSN_BYTES;
    if (next > bytes.length) return;
    yield { at, target: next + view.getInt32(at + 1, true) };
  }
}

/** True if an instruction of that kind has its opcode at `address`; a prefix (bnd) may come before. */
function isInsn(index: FunctionIndex, address: number, flow: "call" | "jump"): boolean {
  const code = functionAt(index, address);
  if (code === null) return false;
  const insn = insnAt(code, address) ?? insnAt(code, address - 1);
  return insn?.flow === flow && insn.address + insn.length === address + INSN_BYTES;
}
