/**
 * Where the calls of an address go on in its own module, for probes at the return of PLT stubs and
 * for returns that callers tell of.
 *
 * Looks at every `call rel32` and `jmp rel32` of a module's code that leads there and is an
 * instruction of some function. A call at the end of its function never returns; a jump returns to
 * whoever called the function that it ends.
 */
import { viewOf } from "../../base/elf/image.js";
import { readModule } from "./code-range.js";
import { type FunctionIndex, functionAt, insnAt } from "./functions.js";
import { leadingInto } from "./jump-scan.js";

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

/**
 * Where other calls of what is called before `address` go on: ELF addresses, up to `most` and the
 * nearest first; none if no direct call is there.
 */
export function callsLike(index: FunctionIndex, address: number, most: number): readonly number[] {
  const { module } = index;
  const bytes = readModule(module.code, address - INSN_BYTES, INSN_BYTES);
  if (bytes[0] !== CALL) return [];
  const target = address + viewOf(bytes).getInt32(1, true);
  const found: number[] = [];
  const ends = leadingInto(module, index.jumps(), target, target + 1).get(target) ?? [];
  const distance = (end: number): number => Math.abs(end - address);
  for (const end of ends.toSorted((a, b) => distance(a) - distance(b))) {
    if (found.length === most) break;
    const at = end - INSN_BYTES;
    if (end === address || readModule(module.code, at, 1)[0] !== CALL) continue;
    const code = functionAt(index, at);
    if (isInsn(index, at, "call") && code !== null && end < code.end) found.push(end);
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

/**
 * Prefixes that may come before: bnd, or the padding of calls of __tls_get_addr, data16 data16 rex.W
 * (Drepper, ELF Handling For Thread-Local Storage §4.1.6).
 */
const MOST_PREFIXES = 3;

/** True if an instruction of that kind has its opcode at `address`. */
function isInsn(index: FunctionIndex, address: number, flow: "call" | "jump"): boolean {
  const code = functionAt(index, address);
  if (code === null) return false;
  for (let prefixes = 0; prefixes <= MOST_PREFIXES; prefixes++) {
    const insn = insnAt(code, address - prefixes);
    if (insn !== undefined)
      return insn.flow === flow && insn.address + insn.length === address + INSN_BYTES;
  }
  return false;
}
