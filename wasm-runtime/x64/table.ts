/**
 * Every x86-64 instruction form that the code generator uses, one line per encoding in the
 * notation of the Intel SDM vol. 2 §3.1.1: the operands, then prefixes, opcode bytes, `/r` or
 * `/digit` for ModRM, `+r` for a register in the opcode, `ib iw id io` immediates, `cb cd`
 * displacements. encode.ts and print.ts are driven by this table.
 *
 * Needs x86-64-v2 (SSE4.1, popcnt).
 */

/** Form → encoding. */
export const FORMS = {
  // -- moves --
  "mov r/m8,r8": "88 /r",
  "mov r/m16,r16": "66 89 /r",
  "mov r/m32,r32": "89 /r",
  "mov r/m64,r64": "REX.W 89 /r",
  "mov r32,r/m32": "8B /r",
  "mov r64,r/m64": "REX.W 8B /r",
  "mov r32,imm32": "B8+r id",
  "mov r64,imm64": "REX.W B8+r io",
  "mov r/m8,imm8": "C6 /0 ib",
  "mov r/m16,imm16": "66 C7 /0 iw",
  "mov r/m32,imm32": "C7 /0 id",
  "mov r/m64,imm32": "REX.W C7 /0 id",
  "movzx r32,r/m8": "0F B6 /r",
  "movzx r32,r/m16": "0F B7 /r",
  "movsx r32,r/m8": "0F BE /r",
  "movsx r32,r/m16": "0F BF /r",
  "movsx r64,r/m8": "REX.W 0F BE /r",
  "movsx r64,r/m16": "REX.W 0F BF /r",
  "movsxd r64,r/m32": "REX.W 63 /r",
  "lea r32,m": "8D /r",
  "lea r64,m": "REX.W 8D /r",
  "push r64": "50+r",
  "pop r64": "58+r",
  // -- arithmetic --
  "add r32,r/m32": "03 /r",
  "add r/m32,r32": "01 /r",
  "add r/m32,imm8": "83 /0 ib",
  "add r/m32,imm32": "81 /0 id",
  "add r64,r/m64": "REX.W 03 /r",
  "add r/m64,r64": "REX.W 01 /r",
  "add r/m64,imm8": "REX.W 83 /0 ib",
  "add r/m64,imm32": "REX.W 81 /0 id",
  "or r32,r/m32": "0B /r",
  "or r/m32,r32": "09 /r",
  "or r/m32,imm8": "83 /1 ib",
  "or r/m32,imm32": "81 /1 id",
  "or r64,r/m64": "REX.W 0B /r",
  "or r/m64,r64": "REX.W 09 /r",
  "or r/m64,imm8": "REX.W 83 /1 ib",
  "or r/m64,imm32": "REX.W 81 /1 id",
  "and r32,r/m32": "23 /r",
  "and r/m32,r32": "21 /r",
  "and r/m32,imm8": "83 /4 ib",
  "and r/m32,imm32": "81 /4 id",
  "and r64,r/m64": "REX.W 23 /r",
  "and r/m64,r64": "REX.W 21 /r",
  "and r/m64,imm8": "REX.W 83 /4 ib",
  "and r/m64,imm32": "REX.W 81 /4 id",
  "sub r32,r/m32": "2B /r",
  "sub r/m32,r32": "29 /r",
  "sub r/m32,imm8": "83 /5 ib",
  "sub r/m32,imm32": "81 /5 id",
  "sub r64,r/m64": "REX.W 2B /r",
  "sub r/m64,r64": "REX.W 29 /r",
  "sub r/m64,imm8": "REX.W 83 /5 ib",
  "sub r/m64,imm32": "REX.W 81 /5 id",
  "xor r32,r/m32": "33 /r",
  "xor r/m32,r32": "31 /r",
  "xor r/m32,imm8": "83 /6 ib",
  "xor r/m32,imm32": "81 /6 id",
  "xor r64,r/m64": "REX.W 33 /r",
  "xor r/m64,r64": "REX.W 31 /r",
  "xor r/m64,imm8": "REX.W 83 /6 ib",
  "xor r/m64,imm32": "REX.W 81 /6 id",
  "cmp r32,r/m32": "3B /r",
  "cmp r/m32,r32": "39 /r",
  "cmp r/m32,imm8": "83 /7 ib",
  "cmp r/m32,imm32": "81 /7 id",
  "cmp r64,r/m64": "REX.W 3B /r",
  "cmp r/m64,r64": "REX.W 39 /r",
  "cmp r/m64,imm8": "REX.W 83 /7 ib",
  "cmp r/m64,imm32": "REX.W 81 /7 id",
  "test r/m32,r32": "85 /r",
  "test r/m32,imm32": "F7 /0 id",
  "imul r32,r/m32": "0F AF /r",
  "imul r32,r/m32,imm8": "6B /r ib",
  "imul r32,r/m32,imm32": "69 /r id",
  "not r/m32": "F7 /2",
  "neg r/m32": "F7 /3",
  "mul r/m32": "F7 /4",
  "div r/m32": "F7 /6",
  "idiv r/m32": "F7 /7",
  "rol r/m32,cl": "D3 /0",
  "rol r/m32,imm8": "C1 /0 ib",
  "ror r/m32,cl": "D3 /1",
  "ror r/m32,imm8": "C1 /1 ib",
  "shl r/m32,cl": "D3 /4",
  "shl r/m32,imm8": "C1 /4 ib",
  "shr r/m32,cl": "D3 /5",
  "shr r/m32,imm8": "C1 /5 ib",
  "sar r/m32,cl": "D3 /7",
  "sar r/m32,imm8": "C1 /7 ib",
  "bsf r32,r/m32": "0F BC /r",
  "bsr r32,r/m32": "0F BD /r",
  "popcnt r32,r/m32": "F3 0F B8 /r",
  "test r/m64,r64": "REX.W 85 /r",
  "test r/m64,imm32": "REX.W F7 /0 id",
  "imul r64,r/m64": "REX.W 0F AF /r",
  "imul r64,r/m64,imm8": "REX.W 6B /r ib",
  "imul r64,r/m64,imm32": "REX.W 69 /r id",
  "not r/m64": "REX.W F7 /2",
  "neg r/m64": "REX.W F7 /3",
  "mul r/m64": "REX.W F7 /4",
  "div r/m64": "REX.W F7 /6",
  "idiv r/m64": "REX.W F7 /7",
  "rol r/m64,cl": "REX.W D3 /0",
  "rol r/m64,imm8": "REX.W C1 /0 ib",
  "ror r/m64,cl": "REX.W D3 /1",
  "ror r/m64,imm8": "REX.W C1 /1 ib",
  "shl r/m64,cl": "REX.W D3 /4",
  "shl r/m64,imm8": "REX.W C1 /4 ib",
  "shr r/m64,cl": "REX.W D3 /5",
  "shr r/m64,imm8": "REX.W C1 /5 ib",
  "sar r/m64,cl": "REX.W D3 /7",
  "sar r/m64,imm8": "REX.W C1 /7 ib",
  "bsf r64,r/m64": "REX.W 0F BC /r",
  "bsr r64,r/m64": "REX.W 0F BD /r",
  "popcnt r64,r/m64": "F3 REX.W 0F B8 /r",
  cdq: "99",
  cqo: "REX.W 99",
  // -- conditions and control --
  "jo rel32": "0F 80 cd",
  "jno rel32": "0F 81 cd",
  "jb rel32": "0F 82 cd",
  "jae rel32": "0F 83 cd",
  "je rel32": "0F 84 cd",
  "jne rel32": "0F 85 cd",
  "jbe rel32": "0F 86 cd",
  "ja rel32": "0F 87 cd",
  "js rel32": "0F 88 cd",
  "jns rel32": "0F 89 cd",
  "jp rel32": "0F 8A cd",
  "jnp rel32": "0F 8B cd",
  "jl rel32": "0F 8C cd",
  "jge rel32": "0F 8D cd",
  "jle rel32": "0F 8E cd",
  "jg rel32": "0F 8F cd",
  "jo rel8": "70 cb",
  "jno rel8": "71 cb",
  "jb rel8": "72 cb",
  "jae rel8": "73 cb",
  "je rel8": "74 cb",
  "jne rel8": "75 cb",
  "jbe rel8": "76 cb",
  "ja rel8": "77 cb",
  "js rel8": "78 cb",
  "jns rel8": "79 cb",
  "jp rel8": "7A cb",
  "jnp rel8": "7B cb",
  "jl rel8": "7C cb",
  "jge rel8": "7D cb",
  "jle rel8": "7E cb",
  "jg rel8": "7F cb",
  "seto r/m8": "0F 90 /0",
  "setno r/m8": "0F 91 /0",
  "setb r/m8": "0F 92 /0",
  "setae r/m8": "0F 93 /0",
  "sete r/m8": "0F 94 /0",
  "setne r/m8": "0F 95 /0",
  "setbe r/m8": "0F 96 /0",
  "seta r/m8": "0F 97 /0",
  "sets r/m8": "0F 98 /0",
  "setns r/m8": "0F 99 /0",
  "setp r/m8": "0F 9A /0",
  "setnp r/m8": "0F 9B /0",
  "setl r/m8": "0F 9C /0",
  "setge r/m8": "0F 9D /0",
  "setle r/m8": "0F 9E /0",
  "setg r/m8": "0F 9F /0",
  "cmovo r32,r/m32": "0F 40 /r",
  "cmovno r32,r/m32": "0F 41 /r",
  "cmovb r32,r/m32": "0F 42 /r",
  "cmovae r32,r/m32": "0F 43 /r",
  "cmove r32,r/m32": "0F 44 /r",
  "cmovne r32,r/m32": "0F 45 /r",
  "cmovbe r32,r/m32": "0F 46 /r",
  "cmova r32,r/m32": "0F 47 /r",
  "cmovs r32,r/m32": "0F 48 /r",
  "cmovns r32,r/m32": "0F 49 /r",
  "cmovp r32,r/m32": "0F 4A /r",
  "cmovnp r32,r/m32": "0F 4B /r",
  "cmovl r32,r/m32": "0F 4C /r",
  "cmovge r32,r/m32": "0F 4D /r",
  "cmovle r32,r/m32": "0F 4E /r",
  "cmovg r32,r/m32": "0F 4F /r",
  "cmovo r64,r/m64": "REX.W 0F 40 /r",
  "cmovno r64,r/m64": "REX.W 0F 41 /r",
  "cmovb r64,r/m64": "REX.W 0F 42 /r",
  "cmovae r64,r/m64": "REX.W 0F 43 /r",
  "cmove r64,r/m64": "REX.W 0F 44 /r",
  "cmovne r64,r/m64": "REX.W 0F 45 /r",
  "cmovbe r64,r/m64": "REX.W 0F 46 /r",
  "cmova r64,r/m64": "REX.W 0F 47 /r",
  "cmovs r64,r/m64": "REX.W 0F 48 /r",
  "cmovns r64,r/m64": "REX.W 0F 49 /r",
  "cmovp r64,r/m64": "REX.W 0F 4A /r",
  "cmovnp r64,r/m64": "REX.W 0F 4B /r",
  "cmovl r64,r/m64": "REX.W 0F 4C /r",
  "cmovge r64,r/m64": "REX.W 0F 4D /r",
  "cmovle r64,r/m64": "REX.W 0F 4E /r",
  "cmovg r64,r/m64": "REX.W 0F 4F /r",
  "jmp rel32": "E9 cd",
  "jmp rel8": "EB cb",
  "jmp r/m64": "FF /4",
  "call rel32": "E8 cd",
  "call r/m64": "FF /2",
  ret: "C3",
  ud2: "0F 0B",
  rdtsc: "0F 31",
  std: "FD",
  cld: "FC",
  "rep movsb": "F3 A4",
  "rep stosb": "F3 AA",
  // -- atomics --
  mfence: "0F AE F0",
  "xchg r/m8,r8": "86 /r",
  "lock xadd r/m8,r8": "F0 0F C0 /r",
  "lock cmpxchg r/m8,r8": "F0 0F B0 /r",
  "lock add r/m8,r8": "F0 00 /r",
  "lock or r/m8,r8": "F0 08 /r",
  "lock and r/m8,r8": "F0 20 /r",
  "lock sub r/m8,r8": "F0 28 /r",
  "lock xor r/m8,r8": "F0 30 /r",
  "xchg r/m16,r16": "66 87 /r",
  "lock xadd r/m16,r16": "F0 66 0F C1 /r",
  "lock cmpxchg r/m16,r16": "F0 66 0F B1 /r",
  "lock add r/m16,r16": "F0 66 01 /r",
  "lock or r/m16,r16": "F0 66 09 /r",
  "lock and r/m16,r16": "F0 66 21 /r",
  "lock sub r/m16,r16": "F0 66 29 /r",
  "lock xor r/m16,r16": "F0 66 31 /r",
  "xchg r/m32,r32": "87 /r",
  "lock xadd r/m32,r32": "F0 0F C1 /r",
  "lock cmpxchg r/m32,r32": "F0 0F B1 /r",
  "lock add r/m32,r32": "F0 01 /r",
  "lock or r/m32,r32": "F0 09 /r",
  "lock and r/m32,r32": "F0 21 /r",
  "lock sub r/m32,r32": "F0 29 /r",
  "lock xor r/m32,r32": "F0 31 /r",
  "xchg r/m64,r64": "REX.W 87 /r",
  "lock xadd r/m64,r64": "F0 REX.W 0F C1 /r",
  "lock cmpxchg r/m64,r64": "F0 REX.W 0F B1 /r",
  "lock add r/m64,r64": "F0 REX.W 01 /r",
  "lock or r/m64,r64": "F0 REX.W 09 /r",
  "lock and r/m64,r64": "F0 REX.W 21 /r",
  "lock sub r/m64,r64": "F0 REX.W 29 /r",
  "lock xor r/m64,r64": "F0 REX.W 31 /r",
  // -- floating point --
  "movss xmm,xmm/m32": "F3 0F 10 /r",
  "movss xmm/m32,xmm": "F3 0F 11 /r",
  "movsd xmm,xmm/m64": "F2 0F 10 /r",
  "movsd xmm/m64,xmm": "F2 0F 11 /r",
  "movaps xmm,xmm/m128": "0F 28 /r",
  "movd xmm,r/m32": "66 0F 6E /r",
  "movq xmm,r/m64": "66 REX.W 0F 6E /r",
  "movd r/m32,xmm": "66 0F 7E /r",
  "movq r/m64,xmm": "66 REX.W 0F 7E /r",
  "addss xmm,xmm/m32": "F3 0F 58 /r",
  "mulss xmm,xmm/m32": "F3 0F 59 /r",
  "subss xmm,xmm/m32": "F3 0F 5C /r",
  "minss xmm,xmm/m32": "F3 0F 5D /r",
  "divss xmm,xmm/m32": "F3 0F 5E /r",
  "maxss xmm,xmm/m32": "F3 0F 5F /r",
  "sqrtss xmm,xmm/m32": "F3 0F 51 /r",
  "addsd xmm,xmm/m64": "F2 0F 58 /r",
  "mulsd xmm,xmm/m64": "F2 0F 59 /r",
  "subsd xmm,xmm/m64": "F2 0F 5C /r",
  "minsd xmm,xmm/m64": "F2 0F 5D /r",
  "divsd xmm,xmm/m64": "F2 0F 5E /r",
  "maxsd xmm,xmm/m64": "F2 0F 5F /r",
  "sqrtsd xmm,xmm/m64": "F2 0F 51 /r",
  "ucomiss xmm,xmm/m32": "0F 2E /r",
  "andps xmm,xmm/m128": "0F 54 /r",
  "andnps xmm,xmm/m128": "0F 55 /r",
  "orps xmm,xmm/m128": "0F 56 /r",
  "xorps xmm,xmm/m128": "0F 57 /r",
  "ucomisd xmm,xmm/m64": "66 0F 2E /r",
  "andpd xmm,xmm/m128": "66 0F 54 /r",
  "andnpd xmm,xmm/m128": "66 0F 55 /r",
  "orpd xmm,xmm/m128": "66 0F 56 /r",
  "xorpd xmm,xmm/m128": "66 0F 57 /r",
  "cvtsi2ss xmm,r/m32": "F3 0F 2A /r",
  "cvtsi2ss xmm,r/m64": "F3 REX.W 0F 2A /r",
  "cvttss2si r32,xmm/m32": "F3 0F 2C /r",
  "cvttss2si r64,xmm/m32": "F3 REX.W 0F 2C /r",
  "cvtsi2sd xmm,r/m32": "F2 0F 2A /r",
  "cvtsi2sd xmm,r/m64": "F2 REX.W 0F 2A /r",
  "cvttsd2si r32,xmm/m64": "F2 0F 2C /r",
  "cvttsd2si r64,xmm/m64": "F2 REX.W 0F 2C /r",
  "cvtss2sd xmm,xmm/m32": "F3 0F 5A /r",
  "cvtsd2ss xmm,xmm/m64": "F2 0F 5A /r",
  "roundss xmm,xmm/m32,imm8": "66 0F 3A 0A /r ib",
  "roundsd xmm,xmm/m64,imm8": "66 0F 3A 0B /r ib",
} as const;

/** An instruction with its operand kinds, e.g. `add r32,r/m32`. */
export type Form = keyof typeof FORMS;

/** Condition codes in the order of their encoding (Intel SDM vol. 1 appendix B). */
export const CONDITIONS = [
  "o",
  "no",
  "b",
  "ae",
  "e",
  "ne",
  "be",
  "a",
  "s",
  "ns",
  "p",
  "np",
  "l",
  "ge",
  "le",
  "g",
] as const;

/** Suffix of jcc, setcc and cmovcc. */
export type Condition = (typeof CONDITIONS)[number];

/** The condition that holds exactly when `condition` does not. */
export function negate(condition: Condition): Condition {
  return CONDITIONS[CONDITIONS.indexOf(condition) ^ 1] ?? condition;
}

/** How a form's operands and bytes fit together; made once from its line. */
export interface FormLayout {
  readonly form: Form;
  readonly mnemonic: string;
  /** Operand kinds in the order written, e.g. ["r32", "r/m32"]. */
  readonly operands: readonly string[];
  /** Legacy prefixes, which come before REX. */
  readonly prefixes: readonly number[];
  readonly wide: boolean;
  readonly opcode: readonly number[];
  /** Operand index encoded in the opcode's low three bits, ModRM.reg, ModRM.rm; -1 if none. */
  readonly inOpcode: number;
  readonly inReg: number;
  readonly inRm: number;
  /** Value of ModRM.reg for `/digit`, -1 for `/r` or no ModRM. */
  readonly digit: number;
  readonly hasModRm: boolean;
  /** Operand index and bytes of the immediate or displacement; -1 and 0 if none. */
  readonly immediate: number;
  readonly immediateBytes: number;
  /** Operand index of byte registers, which need REX from number 4 up; -1 if none. */
  readonly byteRegisters: readonly number[];
}

const IMMEDIATE_BYTES: Readonly<Record<string, number>> = {
  ib: 1,
  iw: 2,
  id: 4,
  io: 8,
  cb: 1,
  cd: 4,
};

function layoutOf(form: Form): FormLayout {
  const split = form.lastIndexOf(" ");
  const bare = form.startsWith("rep ") || split < 0;
  const mnemonic = bare ? form : form.slice(0, split);
  const operands = bare ? [] : form.slice(split + 1).split(",");
  const tokens = FORMS[form].split(" ");
  const prefixes: number[] = [];
  while (/^(66|F2|F3|F0)$/.test(tokens[0] ?? ""))
    prefixes.push(Number.parseInt(tokens.shift() ?? "", 16));
  const opcodeTokens = tokens.filter((t) => /^[0-9A-F]{2}(\+r)?$/.test(t));
  const modRm = tokens.find((t) => t.startsWith("/"));
  const immediateToken = tokens.find((t) => t in IMMEDIATE_BYTES);
  const plus = opcodeTokens.some((t) => t.endsWith("+r"));
  const rm = operands.findIndex((o) => o.includes("/") || o === "m");
  const reg = operands.findIndex((o) => /^(r\d+|xmm)$/.test(o));
  return {
    form,
    mnemonic,
    operands,
    prefixes,
    wide: tokens.includes("REX.W"),
    opcode: opcodeTokens.map((t) => Number.parseInt(t, 16)),
    inOpcode: plus || (modRm === undefined && reg >= 0) ? reg : -1,
    inReg: modRm === "/r" ? reg : -1,
    inRm: modRm === undefined ? -1 : rm,
    digit: modRm === undefined || modRm === "/r" ? -1 : Number(modRm.slice(1)),
    hasModRm: modRm !== undefined,
    immediate: operands.findIndex((o) => o.startsWith("imm") || o.startsWith("rel")),
    immediateBytes: immediateToken === undefined ? 0 : (IMMEDIATE_BYTES[immediateToken] ?? 0),
    byteRegisters: operands.flatMap((o, i) => (o === "r8" || o === "r/m8" ? [i] : [])),
  };
}

/** Layout of every form, by form. */
export const LAYOUTS: ReadonlyMap<Form, FormLayout> = new Map(
  (Object.keys(FORMS) as Form[]).map((form) => [form, layoutOf(form)]),
);
