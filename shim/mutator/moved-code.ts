/**
 * What the code of trampolines stands for: where the program has the instruction that a thread is
 * about to execute, and where the registers of the program are meanwhile. For unwinding from a
 * signal that came there (tables/own-tables.ts).
 *
 * Trampolines are read as they were emitted: a probe call saves registers by push before it changes
 * them, moves rsp by lea and sub, and restores by pop.
 */
import { assert, bug } from "../../base/assert.js";
import { FRAME } from "../../wasm-runtime/layout/private.js";
import { type Insn, type Instruction, withDecoder } from "./decode.js";
import { iced } from "./iced.js";
import { SHORT_JUMP_BYTES } from "./regions.js";
import {
  ENCODED,
  type ProbeCall,
  type Trampoline,
  type TrampolinePlace,
  type TrampolineShape,
} from "./trampoline.js";

const { FlowControl, Mnemonic, OpKind, Register } = iced;

/** Registers of the program from an offset in a piece on. */
export interface StackState {
  readonly offset: number;
  /** Bytes that rsp is below the program's. */
  readonly depth: number;
  /** Columns of registers that lie in memory, and how far below the program's rsp. */
  readonly saved: readonly (readonly [column: number, below: number])[];
}

/** A piece of a trampoline, up to the next one; addresses in the process. */
export interface MovedCode {
  readonly address: number;
  readonly original: number;
  /** The same object for equal pieces. */
  readonly states: readonly StackState[];
}

const WORD_BYTES = 8;
const UNCHANGED: readonly StackState[] = [{ offset: 0, depth: 0, saved: [] }];

/** Pieces of one trampoline, by ascending address. */
export function movedCode(
  shape: TrampolineShape,
  { map, back, bytes }: Trampoline,
  { address: start, loadBias }: TrampolinePlace,
): MovedCode[] {
  const pieces = map.flatMap(({ original, before, copy }, index): MovedCode[] => {
    const { insn } = shape.displaced[index] ?? bug("an instruction that was not displaced");
    const calls = shape.calls.filter(({ address }) => address === insn.address);
    const taken = calls.filter(({ onlyTaken }) => onlyTaken);
    const callsIn = (from: number, to: number, made: readonly ProbeCall[]): MovedCode => ({
      address: from,
      original,
      states: statesOf(bytes.subarray(from - start, to - start), made),
    });
    const called = before === copy ? [] : [callsIn(before, copy, calls)];
    const end = map[index + 1]?.before ?? back ?? start + bytes.length;
    if (taken.length > 0) return [...called, callsIn(copy, end, taken)];
    return [...called, ...copyOf(insn, { address: copy, original }, loadBias)];
  });
  const last = { address: back ?? 0, original: shape.next + loadBias, states: UNCHANGED };
  return back === null ? pieces : [...pieces, last];
}

/** Pieces of what `relocate` makes of an instruction. */
function copyOf(
  { flow, length, target }: Insn,
  { address, original }: Omit<MovedCode, "states">,
  loadBias: number,
): MovedCode[] {
  const isCall = flow === "call" || flow === "indirect-call";
  const first = { address, original, states: isCall ? CALLING : UNCHANGED };
  if (flow !== "loop") return [first];
  const next = address + length;
  return [
    first,
    { address: next, original: original + length, states: UNCHANGED },
    { address: next + SHORT_JUMP_BYTES, original: target + loadBias, states: UNCHANGED },
  ];
}

/** `push [rip+x]` of the return address, then a jump: the call is still to come. */
const CALLING: readonly StackState[] = [...UNCHANGED, { offset: 6, depth: WORD_BYTES, saved: [] }];

const known = new Map<string, readonly StackState[]>();

/** States in `bytes`: probe calls, or a conditional jump around them. */
function statesOf(bytes: Uint8Array, calls: readonly ProbeCall[]): readonly StackState[] {
  const shapes = calls.map(({ flags, clobbers, floats, onlyTaken, onlyReturned }) =>
    [flags, clobbers, floats, onlyTaken, onlyReturned].join(),
  );
  const key = [bytes.length, ...shapes].join(";");
  const found = known.get(key) ?? readStates(bytes);
  known.set(key, found);
  return found;
}

const REGISTERS: readonly string[] = FRAME.registers;
/** Columns by the numbers that instructions encode. */
const COLUMNS = ENCODED.map((name) => REGISTERS.indexOf(name));
const RSP = REGISTERS.indexOf("rsp");

/** Follows straight code up to its end or its first jump. */
function readStates(bytes: Uint8Array): readonly StackState[] {
  const states: StackState[] = [];
  const saved = new Map<number, number>();
  let depth = 0;
  withDecoder(bytes, 0, (decoder, insn) => {
    while (decoder.canDecode) {
      const offset = decoder.position;
      states.push({ offset, depth, saved: [...saved] });
      decoder.decodeOut(insn);
      if (insn.flowControl === FlowControl.UnconditionalBranch) break;
      if (insn.flowControl === FlowControl.IndirectBranch) break;
      const column = COLUMNS[insn.op0Register - Register.RAX] ?? RSP;
      if (insn.mnemonic === Mnemonic.Pop && saved.get(column) === depth) saved.delete(column);
      depth -= movesStackBy(insn);
      const isSaved = saved.has(column) || column === RSP || insn.op0Kind !== OpKind.Register;
      if (insn.mnemonic === Mnemonic.Push && !isSaved) saved.set(column, depth);
    }
  });
  assert(depth === 0 && saved.size === 0, "a probe call leaves registers as they were");
  return states;
}

/** What `insn` adds to rsp, up to the next one that is executed on this stack. */
function movesStackBy(insn: Instruction): number {
  switch (insn.mnemonic) {
    case Mnemonic.Push:
    case Mnemonic.Pushfq:
      return -WORD_BYTES;
    case Mnemonic.Pop:
    case Mnemonic.Popfq:
      return WORD_BYTES;
    case Mnemonic.Lea:
      if (insn.op0Register !== Register.RSP) return 0;
      assert(insn.memoryBase === Register.RSP, "rsp is moved by a constant");
      return Number(BigInt.asIntN(64, insn.memoryDisplacement));
    case Mnemonic.Sub:
      return insn.op0Register === Register.RSP ? -Number(insn.immediate(1)) : 0;
    default:
      return 0;
  }
}
