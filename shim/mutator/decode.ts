/**
 * x86-64 instructions as patch planning needs them: how long, where control goes, what lies
 * relative to rip. Takes bytes and the address of the first one, gives plain values; iced-x86
 * decodes. Addresses are numbers: user space ends below 2^57 only with 5-level paging, and no
 * process gets an address above 2^47 unless it asks for one (Linux, x86_64/5level-paging.rst).
 */
import type * as Iced from "iced-x86";
import { iced } from "./iced.js";

/** An instruction as iced-x86 has it. */
export type Instruction = Iced.Instruction;
const {
  Code,
  Decoder,
  DecoderOptions,
  FlowControl,
  Instruction,
  Mnemonic,
  OpKind,
  Register,
  RegisterExt,
} = iced;

/** Where control can go after an instruction; those with a fixed target come first. */
export const FLOWS = [
  // `jmp`, `jcc`, `jrcxz` or `loop`, `call` to a fixed target.
  "jump",
  "branch",
  "loop",
  "call",
  // On to the next instruction; system calls too.
  "next",
  "indirect-jump",
  "indirect-call",
  "return",
  // int3, ud2, hlt and other instructions whose address matters to who handles the trap.
  "trap",
  // xbegin, far branches, and what is no instruction.
  "other",
] as const;
/** Where control goes after an instruction. */
export type Flow = (typeof FLOWS)[number];

/** One decoded instruction. */
export interface Insn {
  readonly address: number;
  readonly length: number;
  readonly flow: Flow;
  /** Target of a direct jump, branch, loop or call; -1 otherwise. */
  readonly target: number;
  /** Address of a rip-relative operand, -1 if there is none. */
  readonly ripTarget: number;
  /** A no-operation of any length. */
  readonly isNop: boolean;
  /** int3, nop, or zero bytes that assemblers put between functions. */
  readonly isFiller: boolean;
  /** endbr64: an indirect branch may land here. */
  readonly isLandingMark: boolean;
}

/** Memory operand and prefix of an indirect jump, for telling jump tables from tail calls. */
export interface JumpOperand {
  /** Register number of iced-x86 for `jmp reg`, null for a memory operand. */
  readonly register: number | null;
  /** True for `jmp [rip+x]`. */
  readonly isRipRelative: boolean;
  /** Scale of the index register, 0 without one. */
  readonly indexScale: number;
  /** Displacement of a memory operand with an index, as an unsigned address. */
  readonly displacement: number;
  /** Register numbers of iced-x86 in a memory operand with an index; none without one. */
  readonly parts: readonly number[];
  /** `notrack`: gcc and clang put it before jumps through tables. */
  readonly isNotrack: boolean;
}

/** Status flags: OF SF ZF AF CF PF as iced-x86 numbers them. */
export const STATUS_FLAGS = 63;

/** Status flags that the first instruction of `bytes` reads, and those it defines or clobbers. */
export function flagsUsed(bytes: Uint8Array): { readonly read: number; readonly written: number } {
  return withDecoder(bytes, 0, (decoder, insn) => {
    decoder.decodeOut(insn);
    const isConditional = insn.mnemonic === Mnemonic.Rcl || insn.mnemonic === Mnemonic.Rcr;
    // Shifts by cl or zero and rep-prefixed comparisons with rcx = 0 leave flags as they were.
    const mayKeep = isConditional || isVariableShift(insn) || isRepeated(insn);
    const written = insn.rflagsWritten | insn.rflagsCleared | insn.rflagsSet | insn.rflagsUndefined;
    return {
      read: insn.rflagsRead & STATUS_FLAGS,
      written: mayKeep ? 0 : written & STATUS_FLAGS,
    };
  });
}

/** Operand of the indirect jump at the start of `bytes`. */
export function jumpOperand(bytes: Uint8Array, address: number): JumpOperand {
  return withDecoder(bytes, address, (decoder, insn) => {
    decoder.decodeOut(insn);
    const inRegister = insn.op0Kind === OpKind.Register;
    const indexed = !inRegister && insn.memoryIndex !== Register.None;
    return {
      register: inRegister ? insn.op0Register : null,
      isRipRelative: !inRegister && insn.isIpRelMemoryOperand,
      indexScale: indexed ? insn.memoryIndexScale : 0,
      displacement: indexed ? Number(BigInt.asUintN(64, insn.memoryDisplacement)) : 0,
      parts: indexed ? [insn.memoryBase, insn.memoryIndex] : [],
      isNotrack: bytes[0] === 0x3e,
    };
  });
}

/** A load that can fetch an entry of a jump table: `[… + index*4]` or `[… + index*8]`. */
export interface TableLoad {
  readonly register: number;
  readonly indexScale: number;
  /** Absolute displacement; the table's address in code that is not position-independent. */
  readonly displacement: number;
}

/** The first instruction of `bytes` as a load from a table, null if it is none. */
export function tableLoad(bytes: Uint8Array): TableLoad | null {
  return withDecoder(bytes, 0, (decoder, insn) => {
    decoder.decodeOut(insn);
    const isLoad = insn.mnemonic === Mnemonic.Movsxd || insn.mnemonic === Mnemonic.Mov;
    if (!isLoad || insn.op0Kind !== OpKind.Register || insn.op1Kind !== OpKind.Memory) return null;
    if (insn.memoryIndex === Register.None || insn.memoryIndexScale < 4) return null;
    return {
      register: insn.op0Register,
      indexScale: insn.memoryIndexScale,
      displacement: Number(BigInt.asUintN(64, insn.memoryDisplacement)),
    };
  });
}

/**
 * The part that the first instruction of `bytes` has in a load from a table of 32-bit entries as
 * gcc makes it without optimization: `lea offset, [index*4]`, then `mov r32, [offset+table]`.
 */
export function offsetLoadPart(bytes: Uint8Array): "offset" | "load" | null {
  return withDecoder(bytes, 0, (decoder, insn) => {
    decoder.decodeOut(insn);
    if (insn.memoryIndex === Register.None) return null;
    const isLoad = insn.code === Code.Mov_r32_rm32 && insn.memoryIndexScale === 1;
    if (isLoad) return "load";
    const isOffset = insn.mnemonic === Mnemonic.Lea && insn.memoryIndexScale === 4;
    return isOffset && insn.memoryBase === Register.None ? "offset" : null;
  });
}

/**
 * How the first instruction of `bytes` changes `register`: to a sum, as of a label and a distance to
 * it, or to what lies at an address that is not fixed; null if it does not.
 */
export function changeOf(bytes: Uint8Array, register: number): "sum" | "load" | "other" | null {
  return withDecoder(bytes, 0, (decoder, insn) => {
    decoder.decodeOut(insn);
    if (insn.op0Kind !== OpKind.Register) return null;
    if (RegisterExt.fullRegister(insn.op0Register) !== register) return null;
    if (insn.mnemonic === Mnemonic.Cmp || insn.mnemonic === Mnemonic.Test) return null;
    const isLoad = insn.mnemonic === Mnemonic.Mov && insn.op1Kind === OpKind.Memory;
    if (isLoad && !insn.isIpRelMemoryOperand) return "load";
    const isSum = insn.mnemonic === Mnemonic.Lea && !insn.isIpRelMemoryOperand;
    return isSum || insn.mnemonic === Mnemonic.Add ? "sum" : "other";
  });
}

/** Numbers in the first instruction of `bytes` that may be addresses of a program: below 2^32. */
export function constantsOf(bytes: Uint8Array): number[] {
  return withDecoder(bytes, 0, (decoder, insn) => {
    decoder.decodeOut(insn);
    const found: bigint[] = [];
    for (let i = 0; i < insn.opCount; i++) {
      const kind = insn.opKind(i);
      if (kind === OpKind.Memory && !insn.isIpRelMemoryOperand) found.push(insn.memoryDisplacement);
      if (kind === OpKind.Immediate32 || kind === OpKind.Immediate32to64) {
        found.push(insn.immediate(i));
      }
    }
    return found.map((value) => Number(BigInt.asUintN(32, value)));
  });
}

/** What the first instruction of `bytes` does to the stack, as in prologues and epilogues; or null. */
export function stackChange(bytes: Uint8Array): "push" | "pop" | null {
  return withDecoder(bytes, 0, (decoder, insn) => {
    decoder.decodeOut(insn);
    const isOnStack = insn.op0Register === Register.RSP;
    switch (insn.mnemonic) {
      case Mnemonic.Push:
        return "push";
      case Mnemonic.Pop:
      case Mnemonic.Leave:
        return "pop";
      case Mnemonic.Sub:
        return isOnStack ? "push" : null;
      case Mnemonic.Add:
        return isOnStack ? "pop" : null;
      default:
        return null;
    }
  });
}

/** Text of the first instruction of `bytes` in Intel syntax, for listings. */
export function showInsn(bytes: Uint8Array, address: number): string {
  return withDecoder(bytes, address, (decoder, insn) => {
    decoder.decodeOut(insn);
    return insn.toString();
  });
}

/** Calls `use` with a decoder of `bytes` and an instruction to decode into. */
export function withDecoder<T>(
  bytes: Uint8Array,
  address: number,
  use: (decoder: Iced.Decoder, insn: Instruction) => T,
): T {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const insn = new Instruction();
  try {
    decoder.ip = BigInt(address);
    return use(decoder, insn);
  } finally {
    insn.free();
    decoder.free();
  }
}

/** What instructions of one opcode with operands of one kind have in common. */
export interface CodeFacts {
  readonly flow: Flow;
  readonly isNop: boolean;
  readonly isLandingMark: boolean;
  /** std, popf */
  readonly setsDirection: boolean;
}

const knownFacts: (CodeFacts | undefined)[] = [];

/** Facts about `insn`, null if it is none. */
export function factsOf(insn: Instruction): CodeFacts | null {
  const { code } = insn;
  if (code === Code.INVALID) return null;
  const facts = knownFacts[code] ?? readFacts(insn);
  knownFacts[code] = facts;
  return facts;
}

function readFacts(insn: Instruction): CodeFacts {
  const flow = flowOf(insn);
  const { code, mnemonic } = insn;
  return {
    flow,
    isNop: flow === "next" && mnemonic === Mnemonic.Nop,
    isLandingMark: code === Code.Endbr64,
    setsDirection: mnemonic === Mnemonic.Std || mnemonic === Mnemonic.Popfq,
  };
}

function flowOf(insn: Instruction): Flow {
  switch (insn.flowControl) {
    case FlowControl.Next:
      return insn.mnemonic === Mnemonic.Hlt ? "trap" : "next";
    case FlowControl.UnconditionalBranch:
      return insn.isJmpShortOrNear ? "jump" : "other";
    case FlowControl.ConditionalBranch:
      return insn.isJccShortOrNear ? "branch" : "loop";
    case FlowControl.IndirectBranch:
      return insn.isJmpNearIndirect ? "indirect-jump" : "other";
    case FlowControl.Call:
      if (insn.isCallNear) return "call";
      return insn.code === Code.Syscall ? "next" : "other";
    case FlowControl.IndirectCall:
      return insn.isCallNearIndirect ? "indirect-call" : "other";
    case FlowControl.Return:
      return insn.code === Code.Retnq || insn.code === Code.Retnq_imm16 ? "return" : "other";
    case FlowControl.Interrupt:
    case FlowControl.Exception:
      return "trap";
    default:
      return "other";
  }
}

function isVariableShift(insn: Instruction): boolean {
  const last = insn.opCount - 1;
  return last > 0 && insn.opKind(last) === OpKind.Register && insn.opRegister(last) === Register.CL;
}

function isRepeated(insn: Instruction): boolean {
  return insn.isStringInstruction && (insn.hasRepPrefix || insn.hasRepnePrefix);
}
